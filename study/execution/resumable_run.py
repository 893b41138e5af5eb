"""One run in training, whose folder says where it stands; several of one shape train together.

Whoever starts a run again, Tune after a lost worker or a person the day after, it goes on from the
newest checkpoint in its folder.
"""

import logging
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from study.config.errors import StudyError
from study.config.run import RunConfig
from study.data import DataShape
from study.data.splits import Split
from study.storage import checkpoint
from study.storage.folder import Folder
from study.storage.records import new_record, read_record, write_record, write_weights
from study.training.compiled import CompileError, load_update, step_shape
from study.training.cuda_graph import captured_update
from study.training.evaluation import evaluate
from study.training.hardware import device_name
from study.training.pack import Pack
from study.training.trainer import Trainer

log = logging.getLogger(__name__)


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
        if self.trainer.device.type == "cuda":
            self.trainer.update = captured_update(self.trainer.recipe(stackable=False))
            self.note_graph()
            return
        try:
            shape = step_shape(self.config, self.trainer.data, self.trainer.bf16)
            self.trainer.update = load_update(shape, cache)
            self.record["engine"] = self.record["engine"].replace("eager", "compiled")
        except CompileError as error:
            log.warning("%s trains without compilation: %s", self.config.run_id, error)
            self.record["engine"] += f" (not compiled: {error})"

    def note_graph(self) -> None:
        """On a GPU it is a recorded graph that trains."""
        if self.trainer.device.type == "cuda":
            self.record["engine"] = self.record["engine"].replace("eager", "CUDA graph")

    def end_epoch(self, test: Split, seconds: float, save: bool) -> None:
        """Evaluate, record and, where asked or due, save the epoch that was just trained.

        Where a figure is not finite, the run has failed.
        """
        start = time.perf_counter()
        try:
            epoch = self.trainer.finish_epoch(test)
            self.record["epochs"].append(epoch)
            self.record["seconds"] += seconds
            due = epoch["epoch"] % self.config.checkpoint_every == 0
            if save or due or epoch["epoch"] == self.config.epochs:
                self._save()
        except StudyError as error:
            self.record["state"], self.record["error"] = "failed", str(error)
            fail_run(self.config, self.folder, str(error))
        self.record["seconds"] += time.perf_counter() - start

    def finish(self, test: Split) -> None:
        """Save the weights and the final figures."""
        at_mean = evaluate(self.trainer.model, test)
        weights = {name: value.cpu() for name, value in self.trainer.model.state_dict().items()}
        write_weights(self.folder, weights, self.record)
        self.record["state"] = "done"
        self.record["recon_at_mean"] = at_mean.recon
        n_latents, kl = self.config.latent_dim, at_mean.kl_by_latent
        self.record["latent_kl"] = [None] * n_latents if kl is None else kl.tolist()
        self.record["latent_mean_variance"] = at_mean.mean_variance.tolist()
        write_record(self.folder, self.record)

    def _save(self) -> None:
        """Checkpoint first: a record never tells of epochs that a checkpoint does not hold."""
        state = {
            "identity": self.config.identity(),
            "trainer": self.trainer.state(),
            "epochs": self.record["epochs"],
            "seconds": self.record["seconds"],
        }
        checkpoint.save(self.folder, self.trainer.epoch, state)
        write_record(self.folder, self.record)


def train_runs(
    runs: list[Run],
    train: Split,
    test: Split,
    report: Callable[[list[Run]], None],
    stopping: Callable[[], bool] = lambda: False,
) -> None:
    """Train runs of one shape to their last epochs; those that stand at the same one, together.

    Args:
        report: called with the runs that have trained an epoch together, and with one that is done.
        stopping: asked after each epoch; where it says yes, that epoch is saved and is the last.
    """
    for run in runs:
        run.trainer.start_from(train)
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
                for run in together:
                    run.note_graph()
            pack.train_epoch(train)
        seconds = (time.perf_counter() - start) / len(together)
        stop = stopping()
        for run in together:
            run.end_epoch(test, seconds, stop)
        report(together)
    for run in runs:
        if run.record["state"] == "begun" and not run.is_open:
            run.finish(test)
            report([run])


def fail_run(config: RunConfig, folder: Folder, error: str) -> None:
    """Record that a run failed; what it trained stays, and a repeated command tries it again."""
    record = read_record(folder) or new_record(config, "failed")
    record["state"], record["error"] = "failed", error
    write_record(folder, record)


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
