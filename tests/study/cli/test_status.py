"""`study status` of a study that a process works on."""

import json
import platform
import re
import shutil
import subprocess
import sys
import time

import pytest
from pages import finished, tiny, write_runs

from study.cli.main import main
from study.storage.folder import Folder
from study.storage.lock import Lock
from study.storage.progress import Progress, write_progress
from study.storage.records import read_records, runs_folder, write_record
from study.storage.tables import Tables, build_tables, write_tables

HALF, NEXT = tiny(4.0).run_id, tiny(2.0).run_id


@pytest.fixture
def study(tmp_path):
    """A run that is done, one with two of its three epochs, and one that has one."""
    folder = Folder(tmp_path / "small")
    write_runs(folder, [finished(tiny(beta)) for beta in (1.0, 4.0, 2.0)])
    for beta, n in ((4.0, 2), (2.0, 1)):
        record = {**finished(tiny(beta)), "state": "begun"}
        record["epochs"] = record["epochs"][:n]
        write_record(runs_folder(folder) / tiny(beta).run_id, record)
    return folder


def status(study, capsys):
    assert main(["status", str(study)]) == 0
    return capsys.readouterr().out


def test_runs_that_run_are_running_and_the_end_is_said(study, capsys):
    latest = [{"epoch": 3}]
    now = time.time()
    write_progress(study, Progress("training", 5, 9, 600.0, now - 60, {HALF: latest}))
    text = status(study, capsys)
    assert "1 done, 1 running, 1 waiting" in text
    assert re.search(r"training for 6\d s; ends in about 10 min, at ", text)
    assert time.strftime("%H:%M", time.localtime(now + 600)) in text
    assert f"{HALF}  epoch 3 of 3" in text


def test_a_stage_after_training_needs_no_lock(study, capsys):
    write_progress(study, Progress("drawing", 0, 25, None, time.time()))
    text = status(study, capsys)
    assert text.startswith("running: process ")
    assert "drawing for 0 s; time left not known yet" in text
    assert "1 done, 2 stopped" in text


@pytest.mark.parametrize("host", ["here", "another"])
def test_what_a_killed_driver_left_a_moment_ago_claims_nothing(study, capsys, monkeypatch, host):
    """The files are as fresh as of one that lives; on this machine its process is known to be gone,
    on another its lock is free and no longer renewed."""
    monkeypatch.setattr("study.storage.lock.BEAT_S", 0.05)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    whose = {"host": platform.node() if host == "here" else "elsewhere", "pid": gone.pid}
    with Lock(study) as lock:
        write_progress(study, Progress("training", 5, 9, 600.0, time.time(), {HALF: []}))
        told = json.loads(study.read("progress.json"))
        held = {**lock.holder._asdict(), **whose}
    study.write("progress.json", json.dumps({**told, **whose}).encode())
    study.write("lock.json", json.dumps(held).encode())
    text = status(study, capsys)
    assert text.startswith(f"dead: its driver was process {gone.pid} on {whose['host']}")
    assert "1 done, 2 stopped" in text
    assert "training" not in text


def test_nobody_runs_a_study_whose_process_is_gone(study, capsys):
    write_progress(study, Progress("training", running={HALF: []}))
    told = json.loads(study.read("progress.json"))
    study.write("progress.json", json.dumps({**told, "beat": told["beat"] - 3600}).encode())
    text = status(study, capsys)
    assert "1 done, 2 stopped" in text
    assert "no driver" in text


def test_a_study_whose_runs_are_not_here_is_told_by_its_tables(study, capsys):
    write_tables(study, build_tables(read_records(study).whole, Tables()))
    shutil.rmtree(runs_folder(study).location)
    text = status(study, capsys)
    assert "1 done, 2 stopped" in text
    assert f"{HALF}  epoch 2" in text
    assert "nan" not in text
