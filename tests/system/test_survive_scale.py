"""A thousand tiny runs, in small: what grows with the number of runs, and what does not."""

import os
import re
import statistics
import time
from pathlib import Path

import pytest
from studies import finish, start, trial_workers, write_grid

from analysis import open_study

RUNS = 200


@pytest.mark.slow
def test_many_tiny_runs(tmp_path, mnist):
    tiny = {"latent_dim": 2, "hidden": 8, "train_images": 100, "epochs": 1}
    driver = start(write_grid(tmp_path / "s.yaml", **tiny, seed=list(range(RUNS))), tmp_path)
    memory, workers = [], []
    while driver.poll() is None:
        if seen := re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{driver.pid}/status").read_text()):
            memory.append(int(seen[1]) / 1024)
        workers += [len(trial_workers(driver.pid))]
        time.sleep(0.5)
    output, _ = finish(driver)
    assert f"({RUNS} of {RUNS})" in output
    assert max(memory) < 1000, "MB of the driver"
    at_work = [n for n in workers if n]
    assert statistics.median(at_work) >= min(2, os.cpu_count()), "a run takes less than their start"
    study = open_study(tmp_path / "s")
    assert study.trials["state"].eq("done").all()
    assert [len(study.trials), len(study.epochs), len(study.latents)] == [RUNS, RUNS, 2 * RUNS]
    assert study.trials["node"].ne("").all()
    assert study.trials["device"].ne("").all()
