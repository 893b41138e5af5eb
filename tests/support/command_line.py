"""The command line in a process of its own, on a tiny grid."""

import os
import subprocess
import sys
from pathlib import Path

GRID = """
latent_dim: 4
beta: [1, 4]
hidden: 32
train_images: 1000
epochs: 2
checkpoint_every: 1
"""


STARTED: list[subprocess.Popen] = []
"""Commands that may still run: `studies.start` adds to them."""


def command(grid, results, *more):
    words = [sys.executable, "-m", "study", "--grid", grid, "--results", results]
    return [*words, "--no-scores", *more]


def study(grid, results, *more):
    """One command, from another working directory than the project's."""
    words = [str(word) for word in command(grid, results, *more)]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(
        words, capture_output=True, text=True, timeout=300, cwd=results.parent, env=env
    )


def end_what_was_started():
    """Kill every command of `STARTED` that still runs, and close what it wrote to."""
    while STARTED:
        started = STARTED.pop()
        started.kill()
        started.wait()
        started.stdout.close()
        started.stderr.close()
