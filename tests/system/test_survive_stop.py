"""Asked to stop, asked twice, started twice, asked for more."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from studies import (
    assert_same,
    epochs_saved,
    finish,
    records,
    run,
    start,
    wait_for,
    write_grid,
)

from analysis import open_study
from study.storage.lock import LOCK

STOPPED = "study: interrupted; finished work is kept; repeat the same command to continue\n"


@pytest.fixture(scope="module")
def grid(tmp_path_factory, mnist):
    folder = tmp_path_factory.mktemp("grid")
    return write_grid(folder / "s.yaml", beta=[1, 4], epochs=100_000, checkpoint_every=20)


def status(study):
    """What `python -m study.status` prints."""
    words = [sys.executable, "-m", "study.status", str(study)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_stop(number, grid, tmp_path):
    study = tmp_path / "s"
    driver = start(grid, tmp_path)
    wait_for(lambda: len(epochs_saved(study)) == 2, driver)
    now = r"running: process \d+ on .*; last sign of life \d+ s ago\ntraining .*\n2 runs: 2 running"
    wait_for(lambda: re.match(now, status(study)), driver)  # its state is written every 3 s
    os.kill(driver.pid, number)
    start_s = time.monotonic()
    output, errors = finish(driver, status=130)
    assert time.monotonic() - start_s < 20
    assert errors == STOPPED
    assert "stopping: 2 runs save their epoch" in output
    assert "completed" not in output, "Tune's own notices"
    saved = epochs_saved(study)
    assert any(epochs % 20 for epochs in saved.values()), "saved at the stop, not at an interval"
    trials = open_study(study).trials
    assert dict(zip(trials["run"], trials["epochs"], strict=True)) == saved
    assert status(study).startswith("no driver: it has ended or was stopped\n2 runs: 2 stopped\n")


def test_second_ctrl_c_does_not_wait(grid, tmp_path):
    driver = start(grid, tmp_path, "--set", "train_images=60000", "--set", "hidden=1000")
    wait_for(lambda: (tmp_path / "s" / LOCK).exists(), driver)
    time.sleep(12)  # in an epoch of a minute, or still starting
    for _ in range(2):
        os.kill(driver.pid, signal.SIGINT)
        time.sleep(0.3)
    start_s = time.monotonic()
    finish(driver, status=130)
    assert time.monotonic() - start_s < 15


def test_two_drivers_on_one_results_folder(grid, tmp_path):
    first = start(grid, tmp_path)
    wait_for(lambda: (tmp_path / "s" / LOCK).exists(), first)
    _, errors = run(grid, tmp_path, status=1)
    assert re.search(rf"s is in use by process {first.pid} on \S+, since 20\S+: wait", errors)
    _, errors = run(grid, tmp_path, "--fresh", status=1)
    assert f"is in use by process {first.pid}" in errors
    assert first.poll() is None
    # A crash leaves the lock behind, and it blocks nobody.
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    assert (tmp_path / "s" / LOCK).exists()
    assert status(tmp_path / "s").startswith("dead: its driver was process")
    output, _ = run(grid, tmp_path, "--set", "epochs=1")
    assert "(2 of 2)" in output


def test_the_file_of_the_lock_deleted_while_a_driver_works(grid, tmp_path):
    study = tmp_path / "s"
    first = start(grid, tmp_path)
    wait_for(lambda: len(epochs_saved(study)) == 2, first)
    (study / ".lock").unlink()
    _, errors = run(grid, tmp_path, status=1)
    assert f"is in use by process {first.pid}" in errors
    assert status(study).startswith("running: process")
    holder = json.loads((study / LOCK).read_text())
    (study / LOCK).write_text(json.dumps({**holder, "invocation": "another", "pid": 1}))
    _, errors = finish(first, status=1)
    assert re.fullmatch(
        r"study: stopped training \S+: process 1 on .* has taken it over.*\n", errors
    )


@pytest.mark.slow
def test_grid_grown(grid, tmp_path):
    few, more = ("--set", "epochs=2"), ("--set", "epochs=4")
    run(grid, tmp_path / "grown", *few, "--set", "beta=1")
    study = tmp_path / "grown" / "s"
    weights = {path: path.stat().st_mtime_ns for path in study.glob("runs/*/weights.pt")}
    wider = ("--set", "beta=[1, 2]", "--set", "latent_dim=[3, 4]", "--seeds", "0,1")
    output, _ = run(grid, tmp_path / "grown", *few, *wider)
    assert "7 runs to train, 2 at a time; 1 done before" in output
    assert {path: path.stat().st_mtime_ns for path in weights} == weights
    output, _ = run(grid, tmp_path / "grown", *more, *wider)
    assert "8 runs to train, 2 at a time; 8 continue from a checkpoint" in output
    run(grid, tmp_path / "at once", *more, *wider)
    assert_same(study, tmp_path / "at once" / "s")


def test_nan_in_training(grid, tmp_path):
    rates = ("--set", "optimiser=sgd", "--set", "learning_rate=[1.0e+6, 1.0e-4]")
    output, _ = run(grid, tmp_path, *rates, "--set", "beta=1", "--set", "epochs=3", status=1)
    trials = open_study(tmp_path / "s").trials.set_index("learning_rate")
    assert trials["state"].to_dict() == {1e6: "failed", 1e-4: "done"}
    assert re.match(r"diverged in epoch 1: train_recon is (nan|inf)", trials["error"][1e6])
    assert re.search(r"-learning_rate1000000-\S+-seed0 failed: diverged in epoch 1", output)
    assert re.search(r"\n2 runs: 1 done, 1 failed\n.*failed: diverged in", status(tmp_path / "s"))
    assert pd.isna(trials["objective"][1e6])
    assert len(records(tmp_path / "s")) == 2
