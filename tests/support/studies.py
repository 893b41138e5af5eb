"""Studies as a person starts them: each command is a process of its own, with real Ray."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pandas as pd
import torch
from command_line import STARTED
from sqlalchemy.pool import NullPool

from analysis import open_study
from analysis.study import Study
from study.data.splits import splits
from study.execution.resumable_run import Run, train_runs
from study.storage.records import (
    load_weights,
    read_record,
    read_weights,
    runs_folder,
    write_record,
    write_weights,
)
from study.storage.tables import Tables, build_tables, write_tables

ROOT = Path(__file__).parents[2]
LIMIT_S = 240


def write_grid(path, **values):
    """A YAML file of a grid of small, quick runs.

    Two studies are compared to the last bit, so neither may choose its engine by measuring.
    """
    quick = {"latent_dim": 4, "hidden": 32, "train_images": 1000, "checkpoint_every": 1}
    engine = {"precision": "fp32", "compile": False}
    path.write_text(json.dumps({**quick, **engine, **values}))  # JSON is YAML
    return path


def train_here(folder, configs, mnist):
    """A study of finished runs, trained in this process without Ray; its tables are written."""
    cpu, runs = torch.device("cpu"), runs_folder(folder)
    for config in configs:
        run = Run(config, mnist.shape, runs / config.run_id, cpu, bf16=False)
        train_runs([run], *splits(mnist, config.train_images, cpu), lambda run: None)
    write_rows(folder)
    return Study(folder)


def write_rows(folder, **more):
    """Tables of the records that lie in a study's folder, and of some more."""
    runs = runs_folder(folder)
    records = {run: read_record(runs / run) for run in runs.names()} | more
    write_tables(folder, build_tables(records, Tables()))


def change_weights(run, change):
    """Other weights for a finished run, as if it had been trained to them.

    Args:
        run: its folder.
        change: of the weights by name, what they become.
    """
    record = read_record(run)
    weights = load_weights(read_weights(run, record), str(run))
    write_weights(run, change(weights), record)
    write_record(run, record)


def start(grid, results, *more, env=None, module="study", what="--grid"):
    """One command, from another working directory than the project's."""
    words = [sys.executable, "-m", module, what, grid, "--results", results, "--no-scores"]
    started = subprocess.Popen(
        [str(word) for word in [*words, *more]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(grid).parent,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        start_new_session=True,
    )
    STARTED.append(started)
    return started


def optuna_storage(url):
    """Optuna's storage as any program opens it, whose connections are closed after each use."""
    return optuna.storages.RDBStorage(url, engine_kwargs={"poolclass": NullPool})


def trial_states(study):
    """States of the trials of a search, as Optuna's storage has them."""
    storage = optuna_storage(f"sqlite:///{study}/search.db")
    stored = optuna.load_study(study_name="search", storage=storage)
    return [trial.state.name for trial in stored.get_trials(deepcopy=False)]


def finish(driver, status=0):
    """Wait for a command's end; what it printed, and what it wrote to stderr."""
    output, errors = driver.communicate(timeout=LIMIT_S)
    assert driver.returncode == status, output + errors
    return output, errors


def run(grid, results, *more, status=0, env=None):
    return finish(start(grid, results, *more, env=env), status)


def wait_for(condition, driver=None):
    """Until a condition holds, or the driver has ended."""
    deadline = time.monotonic() + LIMIT_S
    while not (seen := condition()):
        if driver is not None and driver.poll() is not None:
            raise AssertionError(f"the driver ended too soon: {driver.communicate()}")
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)
    return seen


def records(study):
    """Run id -> its record, as it lies on disk."""
    paths = sorted(Path(study).glob("runs/*/record.json"))
    return {path.parent.name: json.loads(path.read_text()) for path in paths}


def epochs_saved(study):
    """Run id -> the epochs in its record."""
    return {name: len(record["epochs"]) for name, record in records(study).items()}


def assert_same(one, other):
    """Two studies have the same figures and weights, to the last bit."""
    one, other = open_study(one), open_study(other)
    pd.testing.assert_frame_equal(one.epochs, other.epochs, check_exact=True)
    pd.testing.assert_frame_equal(one.latents, other.latents, check_exact=True)
    for name in other.trials["run"]:
        ours, theirs = (study.model(name)[0].state_dict() for study in (one, other))
        assert all(torch.equal(ours[key], theirs[key]) for key in theirs), name


def descendants(pid):
    """Process id -> command line of every process that descends from one."""
    parents, commands = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat, command = (entry / "stat").read_text(), (entry / "cmdline").read_bytes()
            except OSError:  # it has just ended
                continue
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
            commands[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace")
    below, fresh = {}, {pid}
    while fresh := {child for child, parent in parents.items() if parent in fresh}:
        below |= {child: commands[child] for child in fresh}
    return below


def trial_workers(pid):
    """Process ids of the Ray workers below a process that train."""
    return [
        child
        for child, command in descendants(pid).items()
        if command.startswith("ray::") and not ("IDLE" in command or "Agent" in command)
    ]
