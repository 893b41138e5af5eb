"""The Ray Tune trainable: resume, loop, report, checkpoint.

The folder of a run, not Tune's snapshot, is the truth: whoever starts this again, Tune after a
lost worker or a person the day after, it goes on from the newest checkpoint.
"""

import io
import logging
import os
import platform
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypedDict

import torch
from ray import tune

from study import checkpoint
from study.config import RunConfig, StudyError
from study.data import load_mnist
from study.lock import Superseded, Watch
from study.objective import objective
from study.results import STUDY, WEIGHTS, Record, new_record, read_record, write_record
from study.storage import Folder
from study.train import EpochRecord, Evaluation, Trainer, evaluate, splits


class Task(TypedDict):
    """What a trial gets: plain values, so that Tune can show and store them."""

    run: str
    config: dict[str, Any]
    folder: str  # of this run
    study: str  # the study's folder
    sitting: str  # of the driver that this run serves
    data_dir: str
    threads: int


_NOTHING: dict[str, Any] = {
    "epoch": 0,
    "objective": None,
    "figures": None,
    "error": None,
    "stopped": False,
    "warnings": [],
}
"""Every key of a report: Tune blanks those that a report leaves out."""


class _Warnings(logging.Handler):
    """Keeps a worker's warnings until its next report takes them to the driver."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(record.getMessage())

    def take(self) -> list[str]:
        said, self._said = self._said, []
        return said


_warnings = _Warnings()
_mnist = lru_cache(maxsize=1)(load_mnist)  # to verify the files costs 40 ms: once a process


class NoStorageError(OSError):
    """This node does not see the study's folder; another may."""


def trainable(task: Task) -> None:
    """One run as a trial. What retrying cannot mend becomes the run's record, not an exception."""
    logging.getLogger("study").addHandler(_warnings)  # once a process, however many runs it gets
    torch.set_num_threads(task["threads"])
    config, folder = RunConfig(**task["config"]), Folder(task["folder"])
    device = _own_device()
    study = Folder(task["study"])
    _require_storage(study)
    watch = Watch(study, task["sitting"])
    try:
        if not watch.stopping():
            train_run(config, folder, Path(task["data_dir"]), device, _report, watch.stopping)
        if watch.stopping():
            _tell(stopped=True)
    except Superseded:
        _require_storage(study)  # a lock that is gone with its folder asks for nothing
        _tell(stopped=True)
    except StudyError as error:
        fail_run(config, folder, str(error))
        _tell(error=str(error))


def train_run(
    config: RunConfig,
    folder: Folder,
    data_dir: Path,
    device: torch.device,
    report: Callable[[RunConfig, EpochRecord], None],
    stopping: Callable[[], bool] = lambda: False,
) -> Record:
    """Train one run from where its folder says it stands to its last epoch.

    Where `stopping` says so, it saves after the present epoch and returns a record that is not
    done.

    Raises:
        StudyError: the checkpoint is damaged or of another run, the data are not to be had, or
            training diverged.
    """
    trainer = Trainer(config, device)
    record = new_record(config, "begun")
    state = checkpoint.load_latest(folder, device)
    if state:
        _require_same_run(state, config, folder)
        trainer.restore(state["trainer"])
        record["epochs"], record["seconds"] = state["epochs"], state["seconds"]
    record["node"], record["device"] = platform.node(), _device_name(device)
    train, test = splits(_mnist(data_dir), config, device)

    before, start = record["seconds"], time.perf_counter()
    for epoch in trainer.run(train, test):
        record["epochs"].append(epoch._asdict())
        record["seconds"] = before + time.perf_counter() - start
        stop = stopping() and epoch.epoch < config.epochs
        if stop or epoch.epoch % config.checkpoint_every == 0 or epoch.epoch == config.epochs:
            _save(folder, trainer, record)
        report(config, epoch)
        if stop:
            return record
    at_mean = evaluate(trainer.model, test)
    record["seconds"] = before + time.perf_counter() - start
    return _finish(folder, trainer, record, at_mean)


def fail_run(config: RunConfig, folder: Folder, error: str) -> Record:
    """Record that a run failed; what it trained stays, and a repeated command tries it again."""
    record = read_record(folder) or new_record(config, "failed")
    record["state"], record["error"] = "failed", error
    write_record(folder, record)
    return record


def _save(folder: Folder, trainer: Trainer, record: Record) -> None:
    """Checkpoint first: a record never tells of epochs that a checkpoint does not hold."""
    state = {
        "identity": trainer.config.identity(),
        "trainer": trainer.state(),
        "epochs": record["epochs"],
        "seconds": record["seconds"],
    }
    checkpoint.save(folder, trainer.epoch, state)
    write_record(folder, record)


def _finish(folder: Folder, trainer: Trainer, record: Record, at_mean: Evaluation) -> Record:
    buffer = io.BytesIO()
    torch.save({name: value.cpu() for name, value in trainer.model.state_dict().items()}, buffer)
    folder.write(WEIGHTS, buffer.getvalue())
    record["state"] = "done"
    record["recon_at_mean"] = at_mean.recon
    record["latent_kl"] = at_mean.kl.tolist()
    record["latent_mean_variance"] = at_mean.mean_variance.tolist()
    write_record(folder, record)
    return record


def _require_storage(study: Folder) -> None:
    """A node that joined late was not among those that were checked before the first run."""
    if not study.exists(STUDY):
        raise NoStorageError(f"node {platform.node()} does not see {study}")


def _require_same_run(state: dict[str, Any], config: RunConfig, folder: Folder) -> None:
    theirs, ours = state["identity"], config.identity()
    different = sorted(key for key in ours if theirs.get(key) != ours[key])
    if different:
        key = different[0]
        raise checkpoint.CheckpointError(
            f"the checkpoint in {folder} is of another run: its {key} is {theirs.get(key)!r},"
            f" not {ours[key]!r}; move it away"
        )


def _own_device() -> torch.device:
    """The GPU that Ray assigned; where a run asked for none, any of its node; else the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", os.getpid() % torch.cuda.device_count())


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def _report(config: RunConfig, epoch: EpochRecord) -> None:
    figures = epoch._asdict()
    cost = objective(epoch.test_recon, epoch.test_kl, config.beta)
    _tell(epoch=epoch.epoch, objective=cost, figures=figures)


def _tell(**said: Any) -> None:
    tune.report({**_NOTHING, "warnings": _warnings.take(), **said})
