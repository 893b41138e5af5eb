"""Processes killed with -9: the driver, a worker; and checkpoints that did not survive."""

import os
import random
import signal
import time

import pytest
from studies import (
    assert_same,
    epochs_saved,
    finish,
    records,
    run,
    start,
    trial_workers,
    wait_for,
    write_grid,
)

from analysis import open_study

EPOCHS = 40


@pytest.fixture(scope="module")
def grid(tmp_path_factory, mnist):
    folder = tmp_path_factory.mktemp("grid")
    return write_grid(folder / "s.yaml", beta=[1, 4, 8], epochs=EPOCHS, checkpoint_every=3)


@pytest.fixture(scope="module")
def undisturbed(grid):
    run(grid, grid.parent / "undisturbed")
    return grid.parent / "undisturbed" / "s"


def kill(driver):
    os.kill(driver.pid, signal.SIGKILL)
    driver.communicate()


@pytest.mark.slow
def test_driver_killed_ten_times(grid, undisturbed, tmp_path):
    moments, study = random.Random(5), tmp_path / "s"
    finished, kills = {}, 0
    while kills < 10:
        before = epochs_saved(study)
        driver = start(grid, tmp_path)
        if moments.random() < 0.3:  # at any moment, start-up included
            time.sleep(moments.uniform(0.5, 8))
        else:  # while it trains
            wait_for(lambda was=before: epochs_saved(study) != was, driver)
            time.sleep(moments.uniform(0, 0.5))
        assert driver.poll() is None, "the study ended before it was killed ten times"
        kill(driver)
        kills += 1
        for path in study.glob("runs/*/weights.pt"):
            finished.setdefault(path, path.stat().st_mtime_ns)
    run(grid, tmp_path)
    assert_same(study, undisturbed)
    epochs = open_study(study).epochs.groupby("run")["epoch"].apply(list)
    assert epochs.tolist() == [list(range(1, EPOCHS + 1))] * 3
    done_early = {path: path.stat().st_mtime_ns for path in finished}
    assert done_early == finished, "a finished run was trained again"


@pytest.mark.slow
def test_driver_killed_while_learned_priors_and_a_discriminator_train(tmp_path, mnist):
    parts = {"objective": "factor", "discriminator_hidden": 50}
    priors = {"prior": ["mixture", "vamp", "flow"], "checkpoint_every": 3}
    grid = write_grid(tmp_path / "s.yaml", beta=1, epochs=EPOCHS, **parts, **priors)
    run(grid, tmp_path / "undisturbed")
    study = tmp_path / "killed" / "s"
    for _ in range(3):
        before = epochs_saved(study)
        driver = start(grid, tmp_path / "killed")
        wait_for(lambda was=before: epochs_saved(study) != was, driver)
        kill(driver)
    run(grid, tmp_path / "killed")
    assert_same(study, tmp_path / "undisturbed" / "s")


@pytest.mark.slow
def test_workers_of_a_killed_driver_do_not_write_on(grid, tmp_path):
    study = tmp_path / "s"
    driver = start(grid, tmp_path, "--set", "epochs=100000")
    wait_for(lambda: epochs_saved(study), driver)
    workers = trial_workers(driver.pid)
    assert workers
    kill(driver)
    time.sleep(5)
    before = epochs_saved(study)
    time.sleep(2)
    assert epochs_saved(study) == before
    assert not [pid for pid in workers if os.path.exists(f"/proc/{pid}")]  # noqa: PTH110


@pytest.mark.slow
def test_worker_killed(grid, undisturbed, tmp_path):
    study = tmp_path / "s"
    driver = start(grid, tmp_path)
    wait_for(lambda: any(epochs > 5 for epochs in epochs_saved(study).values()), driver)
    os.kill(trial_workers(driver.pid)[0], signal.SIGKILL)
    output, _ = finish(driver)
    assert output.count("its worker was lost; it continues from its last checkpoint") == 1
    assert "(3 of 3)" in output
    assert_same(study, undisturbed)


@pytest.mark.slow
def test_checkpoint_truncated_bit_flipped_or_half_written(grid, undisturbed, tmp_path):
    study, at_once = tmp_path / "s", ("--cpus-per-run", "0.5")
    driver = start(grid, tmp_path, *at_once)
    wait_for(lambda: sorted(epochs_saved(study).values())[:1] >= [6] and len(records(study)) == 3)
    workers = trial_workers(driver.pid)
    kill(driver)
    # They notice within seconds; one that saves until then would replace what is damaged here.
    wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers))  # noqa: PTH110
    newest = [sorted(folder.glob("epoch-*"))[-1] for folder in sorted(study.glob("runs/*"))]
    truncated, flipped, half_written = newest
    content = truncated.read_bytes()
    truncated.write_bytes(content[: len(content) // 2])
    content = flipped.read_bytes()
    flipped.write_bytes(content[:-100] + bytes([content[-100] ^ 1]) + content[-99:])
    # Killed while writing: the part never got its name.
    half_written.rename(half_written.parent / f".{half_written.name}.0123")
    output, _ = run(grid, tmp_path, *at_once)
    warning = "is damaged: its checksum does not match; the previous checkpoint is used"
    assert [f"{path} {warning}" in output for path in newest] == [True, True, False]
    assert output.count(warning) == 2
    assert_same(study, undisturbed)
