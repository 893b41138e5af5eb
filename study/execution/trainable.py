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

from study.config.errors import StudyError, UsageError
from study.config.run import RunConfig
from study.data import DataShape, load_data
from study.data.splits import Split, splits
from study.storage import checkpoint
from study.storage.folder import Folder
from study.storage.lock import LockLost, Watch
from study.storage.records import WEIGHTS, Record, new_record, read_record, write_record
from study.storage.study_file import STUDY
from study.storage.tables import epoch_row
from study.training.compiled import CompileError, load_update, step_shape
from study.training.evaluation import Evaluation, evaluate
from study.training.hardware import device_name
from study.training.pack import Pack
from study.training.trainer import Trainer

log = logging.getLogger(__name__)


class Member(TypedDict):
    """One run of a trial."""

    run: str
    config: dict[str, Any]
    folder: str


class Task(TypedDict):
    """What a trial gets: plain values, so that Tune can show and store them."""

    name: str
    members: list[Member]  # one run, or the runs of a pack
    study: str  # the study's folder
    invocation: str  # of the driver that this trial serves
    data_dir: str
    threads: int
    bf16: bool
    compile: bool


class Run:
    """One run in training: its trainer, its record, its folder."""

    def __init__(
        self, config: RunConfig, data: DataShape, folder: Folder, device: torch.device, bf16: bool
    ) -> None:
        """Where its folder says it stands.

        Raises:
            StudyError: the checkpoint is damaged or of another run.
        """
        self.config, self.folder = config, folder
        self.trainer = Trainer(config, data, device, bf16)
        self.record = new_record(config, "begun")
        if state := checkpoint.load_latest(folder, device):
            _require_same_run(state, config, folder)
            self.trainer.restore(state["trainer"])
            self.record["epochs"], self.record["seconds"] = state["epochs"], state["seconds"]
        self.record["data_shape"] = list(data)
        self.record["node"], self.record["device"] = platform.node(), device_name(device)
        self.record["engine"] = f"{'bf16' if bf16 else 'fp32'}, eager"

    @property
    def is_open(self) -> bool:
        """Whether epochs are left to train."""
        return self.record["state"] == "begun" and self.trainer.epoch < self.config.epochs

    def compile(self, cache: Path) -> None:
        """Train with the compiled step; where that fails the record says why, and the log."""
        try:
            self.trainer.update = load_update(
                step_shape(self.config, self.trainer.data, self.trainer.bf16), cache
            )
            self.record["engine"] = self.record["engine"].replace("eager", "compiled")
        except CompileError as error:
            log.warning("%s trains eagerly: %s", self.config.run_id, error)
            self.record["engine"] += f" (not compiled: {error})"

    def end_epoch(self, test: Split, seconds: float, save: bool) -> None:
        """Evaluate, record and, where asked or due, save the epoch that was just trained.

        Raises:
            Diverged: a figure is not finite.
        """
        epoch = self.trainer.finish_epoch(test)
        self.record["epochs"].append(epoch)
        self.record["seconds"] += seconds
        due = epoch["epoch"] % self.config.checkpoint_every == 0
        if save or due or epoch["epoch"] == self.config.epochs:
            _save(self.folder, self.trainer, self.record)

    def finish(self, test: Split) -> None:
        """Save the weights and the final figures."""
        at_mean = evaluate(self.trainer.model, test)
        _finish(self.folder, self.trainer, self.record, at_mean)

    def fail(self, error: str) -> None:
        """Give up, and say why."""
        self.record["state"], self.record["error"] = "failed", error
        fail_run(self.config, self.folder, error)


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
_load = lru_cache(maxsize=1)(load_data)  # to verify the files costs 40 ms: once a process


class NoStorageError(OSError):
    """This node does not see the study's folder; another may."""


def trainable(task: Task, report: Callable[[Run], None] | None = None) -> None:
    """A trial. What retrying cannot mend becomes a run's record, not an exception.

    Args:
        report: tells Tune of a run after each of its epochs, and when it is done or has failed;
            None: `figures_of` and nothing else.
    """
    logging.getLogger("study").addHandler(_warnings)  # once a process, however many trials it gets
    torch.set_num_threads(task["threads"])
    study = Folder(task["study"])
    _require_storage(study)
    watch = Watch(study, task["invocation"])
    try:
        if not watch.stopping():
            _train(task, watch.stopping, report or _report)
    except LockLost:
        _require_storage(study)  # a lock that is gone with its folder asks for nothing


def _train(task: Task, stopping: Callable[[], bool], report: Callable[[Run], None]) -> None:
    device = _own_device()
    configs = {member["folder"]: RunConfig(**member["config"]) for member in task["members"]}
    try:
        data = _load(next(iter(configs.values())).data, Path(task["data_dir"]))
    except (StudyError, UsageError) as error:
        for folder, config in configs.items():
            fail_run(config, Folder(folder), str(error))
            tune.report(_figures(config, "failed", [], str(error)))
        return
    opened = [
        _open(config, data.shape, Folder(folder), device, task["bf16"])
        for folder, config in configs.items()
    ]
    runs = [run for run in opened if run]
    if not runs:
        return
    if len(runs) == 1 and task["compile"] and device.type == "cpu":
        runs[0].compile(Path(task["data_dir"]) / "compiled")
    images = splits(data, runs[0].config.train_images, device)
    train_runs(runs, *images, report, stopping)


def train_runs(
    runs: list[Run],
    train: Split,
    test: Split,
    report: Callable[[Run], None],
    stopping: Callable[[], bool] = lambda: False,
) -> None:
    """Train runs of one shape to their last epochs; those that stand at the same one, together.

    Args:
        report: called with a run after each of its epochs, and when it is done or has failed.
        stopping: asked after each epoch; where it says yes, that epoch is saved and is the last.
    """
    pack: Pack | None = None
    stop = False
    while not stop and (left := [run for run in runs if run.is_open]):
        start = time.perf_counter()
        earliest = min(run.trainer.epoch for run in left)
        together = [run for run in left if run.trainer.epoch == earliest]
        if len(together) == 1:
            together[0].trainer.train_epoch(train)
        else:
            members = [run.trainer for run in together]
            if pack is None or pack.members != members:
                pack = Pack(members)
            pack.train_epoch(train)
        seconds = (time.perf_counter() - start) / len(together)
        stop = stopping()
        for run in together:
            _end_epoch(run, test, seconds, stop, report)
    for run in runs:
        if run.record["state"] == "begun" and not run.is_open:
            run.finish(test)
            report(run)


def _end_epoch(
    run: Run, test: Split, seconds: float, save: bool, report: Callable[[Run], None]
) -> None:
    start = time.perf_counter()
    try:
        run.end_epoch(test, seconds, save)
    except StudyError as error:
        run.fail(str(error))
    run.record["seconds"] += time.perf_counter() - start
    report(run)


def _open(
    config: RunConfig, data: DataShape, folder: Folder, device: torch.device, bf16: bool
) -> Run | None:
    try:
        return Run(config, data, folder, device, bf16)
    except StudyError as error:
        fail_run(config, folder, str(error))
        tune.report(_figures(config, "failed", [], str(error)))
        return None


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
    fields = RunConfig.model_fields  # a checkpoint may be older than one of them
    theirs = {key: theirs.get(key, fields[key].default) for key in ours}
    different = sorted(key for key in ours if theirs[key] != ours[key])
    if different:
        key = different[0]
        raise checkpoint.CheckpointError(
            f"the checkpoint in {folder} is of another run: its {key} is {theirs[key]!r},"
            f" not {ours[key]!r}; move it away"
        )


def _own_device() -> torch.device:
    """The GPU that Ray assigned; where a run asked for none, any of its node; else the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", os.getpid() % torch.cuda.device_count())


def figures_of(run: Run) -> dict[str, Any]:
    """What a report says of a run."""
    return _figures(run.config, run.record["state"], run.record["epochs"], run.record["error"])


def _report(run: Run) -> None:
    tune.report(figures_of(run))


def _figures(
    config: RunConfig, state: str, epochs: list[dict[str, float]], error: str | None
) -> dict[str, Any]:
    """Every key each time: Tune blanks those that a report leaves out."""
    last = epochs[-1] if epochs else None
    cost = epoch_row(config.beta, last)["test_objective"] if last else None
    return {
        "run": config.run_id,
        "state": state,
        "epoch": len(epochs),
        "objective": cost,
        "error": error,
        "figures": last,
        "warnings": _warnings.take(),
    }
