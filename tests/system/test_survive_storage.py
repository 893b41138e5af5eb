"""Storage that fills up, goes away, or is an object store (a real S3 API on loopback)."""

import json
import os
import signal
import subprocess
import sys
import time
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from pages import finished, tiny, write_runs
from pyarrow import fs
from studies import assert_same, epochs_saved, finish, run, start, wait_for, write_grid

from analysis import compare, open_study
from analysis.report.watch.server import served
from study.cli.main import main
from study.config.errors import StudyError, UsageError
from study.storage.folder import Folder
from study.storage.lock import LOCK, Lock, is_alive, read_holder
from study.storage.records import runs_folder, write_record

FULL = '''
import errno, os
fsync = os.fsync

def full(number):
    """A disk that is full for one run's files while a flag file says so."""
    path = os.readlink(f"/proc/self/fd/{number}")
    if "/runs/" in path and "-beta4-" in path and os.path.exists(os.environ["DISK_FULL"]):
        raise OSError(errno.ENOSPC, "No space left on device", path)
    fsync(number)

os.fsync = full
'''


@pytest.fixture(scope="module")
def grid(tmp_path_factory, mnist):
    folder = tmp_path_factory.mktemp("grid")
    return write_grid(folder / "s.yaml", beta=[1, 4], epochs=30)


@pytest.fixture(scope="module")
def undisturbed(grid):
    run(grid, grid.parent / "undisturbed")
    return grid.parent / "undisturbed" / "s"


@pytest.mark.slow
def test_disk_full_while_saving(grid, undisturbed, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(FULL)
    flag, study = tmp_path / "full", tmp_path / "s"
    env = {"PYTHONPATH": f"{tmp_path}:{os.getcwd()}", "DISK_FULL": str(flag)}  # noqa: PTH109
    driver = start(grid, tmp_path, "--max-failures", "1", env=env)
    [victim] = wait_for(
        lambda: [run for run, n in epochs_saved(study).items() if "-beta4-" in run and n >= 3],
        driver,
    )
    flag.touch()
    output, _ = finish(driver, status=1)
    trials = open_study(study).trials.set_index("beta")
    assert trials["state"].to_dict() == {1: "done", 4: "failed"}
    assert trials["run"][4] == victim
    assert "No space left on device" in trials["error"][4]
    assert "failed: OSError: [Errno 28] No space left on device" in output
    flag.unlink()
    run(grid, tmp_path)  # what was saved before is intact: it continues
    assert_same(study, undisturbed)


@pytest.mark.slow
def test_storage_gone_while_saving(grid, undisturbed, tmp_path):
    away, study = tmp_path / "away", tmp_path / "there" / "s"
    driver = start(grid, tmp_path / "there")
    wait_for(lambda: max(epochs_saved(study).values(), default=0) >= 3, driver)
    (tmp_path / "there").rename(away)
    (tmp_path / "there").write_text("a file where the results were: nothing can be written")
    output, errors = finish(driver, status=1)
    assert "Traceback" not in output + errors
    assert f"cannot write to the results folder {study}" in errors
    (tmp_path / "there").unlink()
    away.rename(tmp_path / "there")
    run(grid, tmp_path / "there")
    assert_same(study, undisturbed)


@pytest.fixture(scope="module")
def s3():
    """A bucket of its own process, which the environment points to; yields a URI."""
    code = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""
    server = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    address = f"127.0.0.1:{server.stdout.readline().strip()}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{address}")
        patch.setenv("AWS_ACCESS_KEY_ID", "anyone")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "anything")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        made = fs.S3FileSystem(endpoint_override=address, scheme="http", allow_bucket_creation=True)
        made.create_dir("results-of-studies")
        yield "s3://results-of-studies/here"
    server.communicate()


def test_folder_on_s3(s3):
    folder = Folder(s3) / "a folder"
    assert not folder.exists()
    assert folder.names() == []
    folder.write("one", b"old")
    folder.write("one", b"new")
    (folder / "deep").write("two", bytes(6_000_000))
    assert folder.read("one") == b"new"
    assert len((folder / "deep").read("two")) == 6_000_000
    assert folder.names() == ["deep", "one"]
    assert folder.folders() == ["deep"]
    folder.write("bad", b"")
    folder.set_aside("bad")
    assert folder.names() == ["bad.damaged", "deep", "one"]
    folder.delete("bad.damaged")
    with pytest.raises(StudyError, match="deep is a folder"):
        folder.read("deep")
    assert folder.read_all(["one", "none"]) == [b"new", None]
    with pytest.raises(FileNotFoundError):
        folder.read("none")
    folder.delete("none")
    folder.delete("one")
    assert folder.names() == ["deep"]
    folder.delete_all()
    assert not folder.exists()


def test_folder_by_a_uri_with_a_query(s3):
    host = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://")
    folder = Folder(f"{s3}/q?endpoint_override={host}&scheme=http") / "run"
    folder.write("one", b"here")
    assert folder.name == "run"
    assert (Folder(s3) / "q" / "run").read("one") == b"here"


def test_a_place_that_is_none_is_refused():
    with pytest.raises(UsageError, match="ftp://host is not a location that can be read"):
        Folder("ftp://host/x")
    with pytest.raises(UsageError, match=r"s3://\.\.\.@bucket/x: leave the credentials out"):
        Folder("s3://key:secret@bucket/x")
    assert Folder("file:///tmp/x/").location == "/tmp/x"


def test_lock_on_s3(s3, monkeypatch):
    study = Folder(s3) / "locked"
    monkeypatch.setattr("study.storage.lock.SETTLE_S", 0.0)
    with Lock(study) as lock:
        assert read_holder(study) == lock.holder
        with pytest.raises(StudyError, match=rf"locked is in use by process {os.getpid()} on"):
            Lock(study).__enter__()
        lock.ask_to_stop()
        assert read_holder(study).stopping
        left = study.read(LOCK)
    assert read_holder(study) is None
    study.write(LOCK, left)  # as a driver that dies leaves it
    assert is_alive(study)
    monkeypatch.setattr("study.storage.lock.EXPIRY_S", 0.0)
    assert not is_alive(study)
    with Lock(study):
        pass


def test_studies_on_s3_are_compared_there(s3, capsys):
    for name, nats in (("one", 100.0), ("other", 107.0)):
        write_runs(Folder(f"{s3}/{name}"), [finished(tiny(beta), nats) for beta in (1.0, 4.0)])
    assert main(["compare", f"{s3}/one", f"{s3}/other", "--to", f"{s3}/compared"]) == 0
    assert f"{s3}/compared/compare.html" in capsys.readouterr().out
    target = Folder(s3) / "compared"
    assert target.names() == ["compare.csv", "compare.html", "figures"]
    assert set(compare(f"{s3}/one", f"{s3}/other").query("name == 'neg_elbo'")["difference"]) == {7}


@pytest.mark.slow
def test_study_on_s3_killed_and_repeated(s3, grid, undisturbed):
    study = Folder(f"{s3}/s")
    driver = start(grid, s3)
    wait_for(lambda: any(name.startswith("J") for name in (study / "runs").names()), driver)
    time.sleep(1)
    os.kill(driver.pid, signal.SIGKILL)
    driver.communicate()
    assert study.exists("lock.json")
    assert not is_alive(study)
    output, _ = run(grid, s3)
    assert "(2 of 2)" in output
    assert_same(f"{s3}/s", undisturbed)
    assert "study.yaml" in study.names()
    output, _ = run(grid, s3)
    assert "all 2 runs are done" in output
    # No credential in any file.
    for name in ("study.yaml", "trials.csv"):
        assert b"anything" not in study.read(name)


def test_the_live_page_of_a_study_on_s3(s3):
    study, run = Folder(s3) / "watched", tiny(1.0).run_id
    half = {**finished(tiny(1.0)), "state": "begun"}
    write_runs(study, [{**half, "epochs": half["epochs"][:1]}])
    study.write("report.html", b"the report")
    with served(study, 0) as url:

        def ask(path):
            with urlopen(url + path) as answer:
                return answer.read()

        facts = json.loads(ask("state"))
        assert [(row["run"], row["epoch"]) for row in facts["runs"]] == [(run, 1)]
        assert ask("study/report.html") == b"the report"
        write_record(runs_folder(study) / run, finished(tiny(1.0)))
        later = wait_for(lambda: json.loads(ask(f"state?after={facts['version']}"))["runs"])
        assert [(row["state"], row["epoch"]) for row in later] == [("done", 3)]
        with pytest.raises(HTTPError, match="404"):
            ask("study/../s/study.yaml")
