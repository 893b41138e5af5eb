"""The per-epoch figures for the trackers that people already use; off unless asked for.

Written by the driver alone, as runs report. What a tracker missed, because a driver or a worker was
killed, it gets from the run's record when the run starts again or ends: no hole, no double.
Ray's logger callbacks cannot serve: they begin a new run of the tracker for every trial and log
what it reports, while a trial may be several runs of ours, and go on where an earlier one ended.
"""

import importlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from study.config.errors import UsageError
from study.config.run import RunConfig
from study.storage.folder import Folder
from study.storage.tables import epoch_row

log = logging.getLogger(__name__)

TAG = "study.run"


class Tracked(Protocol):
    """One run in one kind of tracker."""

    has: set[int]  # the epochs that the tracker had of it when it was opened

    def log(self, epoch: int, figures: Mapping[str, float]) -> None:
        """The figures of one epoch, nats per image."""

    def end(self, state: str) -> None:
        """Close a run that is `done`, `failed` or only `begun`."""


Tracker = Callable[[RunConfig], Tracked]  # opens a run


class TrackerFeed:
    """Gives a tracker every epoch of every run once."""

    def __init__(self, tracker: Tracker | None) -> None:
        self._tracker = tracker
        self._open: dict[RunConfig, Tracked] = {}

    def add(
        self, run: RunConfig, epochs: Iterable[dict[str, Any]], state: str | None = None
    ) -> None:
        """Log those of these epochs that the tracker does not have; never raises.

        Args:
            run: opened where it is not.
            epochs: of its record, or reported.
            state: where the run has ended, how; closes it.
        """
        if self._tracker is None:
            return
        try:
            tracked = self._open.get(run) or self._open.setdefault(run, self._tracker(run))
            for epoch in epochs:
                number = int(epoch["epoch"])
                if number not in tracked.has:
                    row = epoch_row(run.beta, epoch)
                    tracked.log(number, {k: v for k, v in row.items() if k != "epoch"})
                    tracked.has.add(number)
            if state:
                self._open.pop(run).end(state)
        except Exception as error:  # a tracker is a copy: its loss must not stop a study
            log.error(
                "tracking stops here, the study continues: %s: %s", type(error).__name__, error
            )
            self._tracker = None

    def close(self) -> None:
        """Close the runs that did not end."""
        for run in list(self._open):
            self.add(run, [], "begun")


def open_tracker(name: str | None, study: Folder) -> Tracker | None:
    """A tracker by name; None for none.

    TensorBoard writes to `tensorboard/` in the study's folder. MLflow goes where
    $MLFLOW_TRACKING_URI says, else to `mlflow.db` there. W&B is offline unless $WANDB_MODE says
    otherwise, and writes to $WANDB_DIR, else to `wandb/` there.

    Raises:
        UsageError: its library is not installed, or it cannot write to such a results folder.
    """
    if name is None:
        return None
    library, elsewhere, kind = KINDS[name]
    try:
        importlib.import_module(library)
    except ImportError:
        raise UsageError(
            f"--log {name} needs its library: pip install 'vae-study[{name}]'"
        ) from None
    if not study.is_local and not (elsewhere and os.environ.get(elsewhere)):
        hint = f"; set ${elsewhere}" if elsewhere else ""
        raise UsageError(f"--log {name} writes to a local folder, and {study} is not local{hint}")
    return partial(kind, study)


class _TensorBoard:
    """An event file a run and invocation; earlier ones are replaced, and so begin at epoch 1."""

    def __init__(self, study: Folder, run: RunConfig) -> None:
        from tensorboardX import SummaryWriter

        folder = Path(study.location) / "tensorboard" / run.run_id
        shutil.rmtree(folder, ignore_errors=True)
        self.has: set[int] = set()
        self._writer = SummaryWriter(str(folder))
        self._writer.add_text("run", run.run_id)
        self._writer.add_text("config", json.dumps(run.model_dump()))

    def log(self, epoch: int, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self._writer.add_scalar(name, value, epoch)

    def end(self, state: str) -> None:
        self._writer.add_text("state", state)
        self._writer.close()


class _MLflow:
    """An experiment a study, a run a run; a run that is continued goes on in its own."""

    def __init__(self, study: Folder, run: RunConfig) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        for noisy in ("mlflow", "alembic"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
        from mlflow import MlflowClient
        from mlflow.entities import Param

        local = study.location if study.is_local else None
        client = MlflowClient(
            os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{local}/mlflow.db"
        )
        if known := client.get_experiment_by_name(study.name):
            experiment = known.experiment_id
        else:
            experiment = client.create_experiment(study.name, local and f"{local}/mlflow")
        if earlier := client.search_runs([experiment], f"tags.`{TAG}` = '{run.run_id}'"):
            key = earlier[0].info.run_id
            client.update_run(key, status="RUNNING")
        else:
            tags = {TAG: run.run_id}
            key = client.create_run(experiment, run_name=run.run_id, tags=tags).info.run_id
            settings = run.model_dump(exclude={"epochs"})  # these never change, epochs may
            client.log_batch(key, params=[Param(k, str(v)) for k, v in settings.items()])
        # An epoch's figures are logged in one batch: one that has this has the others.
        self.has = {metric.step for metric in client.get_metric_history(key, "test_neg_elbo")}
        self._client, self._key = client, key

    def log(self, epoch: int, figures: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, epoch) for name, value in figures.items()]
        self._client.log_batch(self._key, metrics=metrics)

    def end(self, state: str) -> None:
        status = {"done": "FINISHED", "failed": "FAILED"}.get(state, "KILLED")
        self._client.set_terminated(self._key, status)


class _WandB:
    """A project a study; offline folders are sent with `wandb sync`."""

    def __init__(self, study: Folder, run: RunConfig) -> None:
        os.environ.setdefault("WANDB_MODE", "offline")
        os.environ.setdefault("WANDB_SILENT", "true")
        import wandb

        self.has: set[int] = set()  # W&B drops steps that it has
        self._run = wandb.init(
            project=study.name,
            id=run.run_id,
            name=run.run_id,
            config=run.model_dump(),
            dir=os.environ.get("WANDB_DIR") or study.location,
            resume="allow",
            reinit="create_new",
        )

    def log(self, epoch: int, figures: Mapping[str, float]) -> None:
        self._run.log(dict(figures), step=epoch)

    def end(self, state: str) -> None:
        self._run.finish(exit_code=int(state == "failed"))


# Name of a tracker: its library, the variable that sends it elsewhere than to the study's folder.
KINDS: dict[str, tuple[str, str | None, Callable[[Folder, RunConfig], Tracked]]] = {
    "tensorboard": ("tensorboardX", None, _TensorBoard),
    "mlflow": ("mlflow", "MLFLOW_TRACKING_URI", _MLflow),
    "wandb": ("wandb", "WANDB_DIR", _WandB),
}
