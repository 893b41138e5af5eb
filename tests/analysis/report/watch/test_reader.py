"""What the live page is told of folders whose runs are known by hand."""

import json
import subprocess
import sys
import time
from itertools import chain

import pytest
from pages import finished, tiny, write_runs

from analysis.report.watch.reader import Reader
from study.storage.folder import Folder
from study.storage.progress import Progress, end_progress, write_progress
from study.storage.records import RECORD, new_record, runs_folder, write_record
from study.storage.study_file import write_study


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    monkeypatch.setattr("analysis.report.watch.reader.LONGEST_S", 0.0)


@pytest.fixture
def folder(tmp_path):
    """A run that is done, one that has two of its three epochs, one that failed, one to come."""
    folder = Folder(tmp_path / "small")
    half = {**finished(tiny(4.0), 110.0), "state": "begun"}
    half["epochs"] = half["epochs"][:2]
    failed = new_record(tiny(100.0), "failed", "KL is <b>inf</b>")
    write_runs(folder, [finished(tiny(1.0), 100.0), half, failed, new_record(tiny(2.0), "waiting")])
    (runs_folder(folder) / tiny(2.0).run_id).delete(RECORD)  # as of a run that has not begun
    return folder


def ask(reader, version=0):
    reader.refresh()
    answer = json.loads(reader.since(version))
    return answer, {row["run"]: row for row in answer["runs"]}


DONE, HALF, FAILED, NEXT = (tiny(beta).run_id for beta in (1.0, 4.0, 100.0, 2.0))


def test_a_study_that_nobody_works_on(folder):
    facts, rows = ask(Reader(folder))
    states = {DONE: "done", HALF: "stopped", FAILED: "failed", NEXT: "waiting"}
    assert {run: row["state"] for run, row in rows.items()} == states
    assert facts["states"] == {"done": 1, "stopped": 1, "failed": 1, "waiting": 1}
    assert facts["stage"] == ""
    assert facts["ended"] == "2026-01-01T11:02:03+00:00"
    assert rows[FAILED]["error"] == "KL is <b>inf</b>"
    assert (rows[HALF]["epoch"], rows[HALF]["epochs"]) == (2, 3)


def test_curves_are_those_of_the_record(folder):
    _, rows = ask(Reader(folder))
    curves = rows[HALF]["curves"]  # beta = 4, recon 90, kl 20
    assert curves["test_recon"] == curves["train_recon"] == [90, 90]
    assert curves["test_kl"] == [20, 20]
    assert curves["test_neg_elbo"] == [110, 110]
    assert curves["test_objective"] == [170, 170]


def test_only_what_changed_is_sent_and_read(folder, monkeypatch):
    reader = Reader(folder)
    facts, _ = ask(reader)
    reads = []
    read = Folder.read_all
    monkeypatch.setattr(Folder, "read_all", lambda f, n: read(f, reads.append(m := list(n)) or m))
    facts, rows = ask(reader, facts["version"])
    assert (rows, facts["whole"], any(reads)) == ({}, False, False)
    whole = finished(tiny(4.0), 109.0)
    write_record(runs_folder(folder) / HALF, whole)
    facts, rows = ask(reader, facts["version"])
    assert list(rows) == [HALF]
    assert rows[HALF]["state"] == "done"
    assert list(chain(*reads)) == [f"{HALF}/{RECORD}"]
    assert ask(reader, facts["version"])[1] == {}


def test_a_page_of_an_earlier_server_gets_every_run(folder):
    facts, _ = ask(Reader(folder))
    time.sleep(0.01)
    later, rows = ask(Reader(folder), facts["version"])
    assert later["whole"]
    assert len(rows) == 4


def test_epochs_that_no_record_has_yet_come_from_the_driver(folder):
    reader = Reader(folder)
    facts, _ = ask(reader)
    last = {**finished(tiny(4.0), 105.0)["epochs"][2]}
    running = {HALF: [{**last, "epoch": 2}, last], NEXT: []}
    write_progress(folder, Progress("training", 5, 9, 30.0, time.time() - 10, running))
    facts, rows = ask(reader, facts["version"])
    assert {run: row["state"] for run, row in rows.items()} == {HALF: "running", NEXT: "running"}
    assert rows[HALF]["curves"]["test_neg_elbo"] == [110, 110, 105]
    assert (facts["stage"], facts["done"], facts["total"]) == ("training", 5, 9)
    assert facts["left"] == pytest.approx(30, abs=3)
    assert facts["elapsed"] == pytest.approx(10, abs=3)
    end_progress(folder)
    facts, rows = ask(reader, facts["version"])
    assert facts["stage"] == ""
    assert {run: row["state"] for run, row in rows.items()} == {HALF: "stopped", NEXT: "waiting"}


@pytest.mark.parametrize("how", ["killed just now", "silent for long"])
def test_the_driver_of_another_process_that_is_gone_is_not_believed(folder, how):
    write_progress(folder, Progress("training", running={HALF: []}))
    told = json.loads(folder.read("progress.json"))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    killed = {"pid": gone.pid} if how == "killed just now" else {"beat": told["beat"] - 3600}
    folder.write("progress.json", json.dumps({**told, **killed}).encode())
    facts, rows = ask(Reader(folder))
    assert facts["stage"] == ""
    assert rows[HALF]["state"] == "stopped"


def test_the_best_run_is_named_apart_for_labels(tmp_path):
    folder = Folder(tmp_path / "two")
    configs = {tiny(1.0): 100.0, tiny(4.0): 99.0, tiny(1.0, conditioning="label"): 95.0}
    write_runs(folder, [finished(config, value) for config, value in configs.items()])
    facts, _ = ask(Reader(folder))
    best = {one["among"]: (one["run"], one["neg_elbo"]) for one in facts["best"]}
    with_labels = tiny(1.0, conditioning="label").run_id
    assert best == {"no labels": (HALF, 99), "labels": (with_labels, 95)}


def test_a_clone_that_has_tables_alone(folder, tmp_path):
    clone = Folder(tmp_path / "clone")
    for name in ("study.yaml", "trials.parquet", "epochs.parquet"):
        clone.write(name, folder.read(name))
    facts, rows = ask(Reader(clone))
    assert facts["states"] == {"done": 1, "stopped": 1, "failed": 1, "waiting": 1}
    assert rows[HALF]["curves"]["test_neg_elbo"] == [110, 110]
    assert rows[FAILED]["error"] == "KL is <b>inf</b>"


def test_a_damaged_record_costs_no_other(folder):
    (runs_folder(folder) / DONE).write(RECORD, b"{}")
    _, rows = ask(Reader(folder))
    assert rows[DONE]["state"] == "damaged"
    assert RECORD in rows[DONE]["error"]
    assert rows[HALF]["epoch"] == 2


def test_runs_that_were_thrown_away_are_gone(folder):
    reader = Reader(folder)
    facts, _ = ask(reader)
    (runs_folder(folder) / FAILED).delete_all()
    for name in ("trials.parquet", "epochs.parquet"):
        folder.delete(name)
    write_study(folder, {"name": "small", "runs": [DONE, HALF]})
    facts, rows = ask(reader, facts["version"])
    assert facts["whole"]
    assert FAILED not in rows


def test_pages_and_figures_are_linked_once_they_are_there(folder):
    reader = Reader(folder)
    assert ask(reader)[0]["links"] == []
    folder.write("report.html", b"")
    (folder / "figures").write("two.png", b"")
    (folder / "figures").write("one.svg", b"")
    (folder / "tables").write("gallery.json", b'{"figures": [{"name": "two", "title": "Second"}]}')
    links = [(one["href"], one["title"]) for one in ask(reader)[0]["links"]]
    wanted = [("report.html", "Report"), ("figures/two.png", "Second"), ("figures/one.svg", "one")]
    assert links == wanted


def test_a_study_that_has_not_begun(tmp_path):
    reader = Reader(Folder(tmp_path / "later"))
    facts, rows = ask(reader)
    assert (facts["name"], rows) == ("later", {})
    write_runs(Folder(tmp_path / "later"), [finished(tiny(1.0))])
    assert list(ask(reader, facts["version"])[1]) == [DONE]
