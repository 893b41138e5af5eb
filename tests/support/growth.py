"""How a study grows with its runs; the runs are so small that nearly all of their time is overhead.

python tests/support/growth.py 100 1000 10000
"""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from studies import ROOT, start, write_grid

from analysis import open_study

SMALLEST = {"latent_dim": 2, "hidden": 8, "train_images": 100, "epochs": 1}


class Growth(NamedTuple):
    """Of one study, in seconds and MB."""

    runs: int
    first: float  # from the command to the first run that is done
    a_run: float  # from then on, of the wall clock
    training: float  # of that, in which a run trains; runs train side by side
    driver_mb: float
    done_check: float  # the same command again
    status: float
    opened: float  # open_study and the four tables


def grow(n_runs: int, folder: Path) -> Growth:
    """Train a study of so many runs in `folder`, and open it again."""
    grid = write_grid(folder / "s.yaml", **SMALLEST, seed=list(range(n_runs)))
    began, driver = time.monotonic(), start(grid, folder)
    first, memory = 0.0, 0.0
    for line in driver.stdout:
        if " done after epoch " in line:
            first = first or time.monotonic() - began
            memory = max(memory, _memory_mb(driver.pid))
    driver.wait()
    whole = time.monotonic() - began
    done_check = _seconds(start(grid, folder))
    words = [sys.executable, "-m", "study", "status", folder / "s"]
    status = _seconds(subprocess.Popen(words, stdout=subprocess.PIPE, cwd=ROOT))
    began = time.monotonic()
    study = open_study(folder / "s")
    done = study.trials["state"].eq("done").sum()
    if done != n_runs or len(study.epochs) != n_runs or len(study.latents) != 2 * n_runs:
        raise RuntimeError(f"{done} of {n_runs} runs are done: {driver.stderr.read()[-500:]}")
    opened = time.monotonic() - began
    training = study.trials["seconds"].sum() / n_runs
    a_run = (whole - first) / (n_runs - 1)
    return Growth(n_runs, first, a_run, training, memory, done_check, status, opened)


def _memory_mb(process: int) -> float:
    text = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", text)[1]) / 1024


def _seconds(process) -> float:
    began = time.monotonic()
    process.communicate()
    return time.monotonic() - began


if __name__ == "__main__":
    print(*Growth._fields, sep="\t")
    for n in map(int, sys.argv[1:]):
        with tempfile.TemporaryDirectory() as place:
            print(*(f"{value:.4g}" for value in grow(n, Path(place))), sep="\t", flush=True)
