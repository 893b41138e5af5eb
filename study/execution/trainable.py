"""The Ray Tune trainable: what a worker does with one trial, and what it reports."""

import logging
import os
import platform
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from logging.handlers import BufferingHandler
from pathlib import Path
from typing import Any, TypedDict

import torch
from ray import tune

from study.config.errors import StudyError, UsageError
from study.config.run import RunConfig
from study.data import load_data
from study.data.splits import splits
from study.execution.resumable_run import Run, fail_run, train_runs
from study.storage.folder import Folder
from study.storage.lock import LockLost, Watch
from study.storage.records import Record, new_record, runs_folder
from study.storage.study_file import STUDY
from study.storage.tables import epoch_row

COMPILING, TRAINING = PHASES = ("compiling", "training")  # states in reports without an epoch


class Task(TypedDict):
    """What a trial gets: plain values, for Tune names a trial before it puts others in."""

    name: str
    members: list[dict[str, Any]]  # configuration of the one run, or of each run of a pack
    study: str  # the study's folder
    invocation: str  # of the driver that this trial serves
    data_dir: str
    working_dir: str  # of the driver; paths of the user's own are relative to it
    threads: int
    bf16: bool
    compile: bool


def members(task: Task) -> list[RunConfig]:
    """The runs of a trial."""
    return [RunConfig(**config) for config in task["members"]]


_warnings = BufferingHandler(1_000_000)  # of this worker, until its next report takes them along
_warnings.setLevel(logging.WARNING)
_load = lru_cache(maxsize=1)(load_data)  # to verify the files costs 40 ms: once a process


def figures_of(config: RunConfig, record: Record) -> dict[str, Any]:
    """What a report says of a run."""
    last = record["epochs"][-1] if record["epochs"] else None
    cost = epoch_row(config.beta, last)["test_objective"] if last else None
    warnings = [entry.getMessage() for entry in _warnings.buffer]
    _warnings.flush()
    return {
        "run": config.run_id,
        "state": record["state"],
        "epoch": len(record["epochs"]),
        "objective": cost,
        "error": record["error"],
        "figures": last,
        "warnings": warnings,
    }


def report(runs: list[Run], **more: Any) -> None:
    """Tell Tune where runs stand, all at once: each report takes the driver some milliseconds.

    Args:
        more: what else the report says; the same keys each time, for Tune blanks the others.
    """
    tune.report({"runs": [figures_of(run.config, run.record) for run in runs], **more})


def trainable(config: dict[str, Any], tell: Callable[[list[Run]], None] = report) -> None:
    """A trial. What retrying cannot mend becomes a run's record, not an exception.

    Args:
        config: its "task" is a Task.
        tell: tells Tune of runs after each epoch, and when they are done or have failed.
    """
    task: Task = config["task"]
    logging.getLogger("study").addHandler(_warnings)  # once a process, however many trials it gets
    torch.set_num_threads(task["threads"])
    with suppress(OSError):  # another node may not have it, and needs it for relative paths alone
        os.chdir(task["working_dir"])  # Tune has gone into the trial's own folder
    study = Folder(task["study"])
    _require_storage(study)
    watch = Watch(study, task["invocation"])
    try:
        if not watch.stopping():
            _train(task, watch.stopping, tell)
    except LockLost:
        _require_storage(study)  # a lock that is gone with its folder asks for nothing


def _train(task: Task, stopping: Callable[[], bool], tell: Callable[[list[Run]], None]) -> None:
    device, data_dir = _own_device(), Path(task["data_dir"])
    runs = []
    for config in members(task):
        folder = runs_folder(Folder(task["study"])) / config.run_id
        try:
            data = _load(config.data, data_dir)
            runs.append(Run(config, data.shape, folder, device, task["bf16"]))
        except (StudyError, UsageError) as error:
            fail_run(config, folder, str(error))
            tune.report({"runs": [figures_of(config, new_record(config, "failed", str(error)))]})
    if not runs:
        return
    if len(runs) == 1 and task["compile"]:
        _report_phase(runs, COMPILING)
        runs[0].compile(data_dir / "compiled")
        _report_phase(runs, TRAINING)
    elif len(runs) > 1 and device.type == "cuda":
        _report_phase(runs, COMPILING)  # at the first step
    images = splits(data, runs[0].config.train_images, device)
    train_runs(runs, *images, tell, stopping)


def _report_phase(runs: list[Run], phase: str) -> None:
    tune.report({"runs": [{**figures_of(r.config, r.record), "state": phase} for r in runs]})


def _require_storage(study: Folder) -> None:
    """A node that joined late was not checked before the first run; another may take the trial."""
    if not study.exists(STUDY):
        raise OSError(f"node {platform.node()} does not see {study}")


def _own_device() -> torch.device:
    """The GPU that Ray assigned; where a run asked for none, any of its node; else the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", os.getpid() % torch.cuda.device_count())
