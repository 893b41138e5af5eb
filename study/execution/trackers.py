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
from pathlib import Path
from typing import Any, Protocol

from study.config.errors import UsageError
from study.config.run import RunConfig
from study.storage.folder import Folder
from study.storage.tables import epoch_row

log = logging.getLogger(__name__)

TAG = "study.run"


class Tracker(Protocol):
    """One kind of tracker, open for one study."""

    def begin(self, config: RunConfig) -> set[int]:
        """Open a run; returns the epochs that the tracker has of it."""

    def log(self, run: str, epoch: int, figures: Mapping[str, float]) -> None:
        """The figures of one epoch, nats per image."""

    def end(self, run: str, state: str) -> None:
        """Close a run that is `done`, `failed` or only `begun`."""


class TrackerFeed:
    """Gives a tracker every epoch of every run once."""

    def __init__(self, tracker: Tracker | None, runs: Iterable[RunConfig]) -> None:
        self._tracker = tracker
        self._configs = {run.run_id: run for run in runs}
        self._has: dict[str, set[int]] = {}

    def expect(self, run: RunConfig) -> None:
        """One more run to come."""
        self._configs[run.run_id] = run

    def add(self, run: str, epochs: Iterable[dict[str, float]]) -> None:
        """Log those of these epochs that the tracker does not have; never raises."""
        if self._tracker is None:
            return
        try:
            config = self._configs[run]
            if run not in self._has:
                self._has[run] = self._tracker.begin(config)
            for epoch in epochs:
                number = int(epoch["epoch"])
                if number not in self._has[run]:
                    row = epoch_row(config.beta, epoch)
                    self._tracker.log(run, number, {k: v for k, v in row.items() if k != "epoch"})
                    self._has[run].add(number)
        except Exception as error:
            self._give_up(error)

    def finish(self, run: str, epochs: Iterable[dict[str, float]], state: str) -> None:
        """Complete and close a run."""
        self.add(run, epochs)
        try:
            if self._tracker is not None and run in self._has:
                self._tracker.end(run, state)
                del self._has[run]
        except Exception as error:
            self._give_up(error)

    def close(self) -> None:
        """Close the runs that did not end."""
        for run in list(self._has):
            self.finish(run, [], "begun")

    def _give_up(self, error: Exception) -> None:
        """A tracker is a copy: its loss must not stop a study."""
        log.error("tracking ends here, the study goes on: %s: %s", type(error).__name__, error)
        self._tracker = None


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
        raise UsageError(f"--log {name} writes to a local folder, and {study} is none{hint}")
    return kind(study)


class _TensorBoard:
    """An event file a run and invocation; earlier ones are replaced, and so begin at epoch 1."""

    def __init__(self, study: Folder) -> None:
        self._folder = Path(study.location) / "tensorboard"
        self._writers: dict[str, Any] = {}

    def begin(self, config: RunConfig) -> set[int]:
        from tensorboardX import SummaryWriter

        folder = self._folder / config.run_id
        shutil.rmtree(folder, ignore_errors=True)
        writer = self._writers[config.run_id] = SummaryWriter(str(folder))
        writer.add_text("run", config.run_id)
        writer.add_text("config", json.dumps(config.model_dump()))
        return set()

    def log(self, run: str, epoch: int, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self._writers[run].add_scalar(name, value, epoch)

    def end(self, run: str, state: str) -> None:
        writer = self._writers.pop(run)
        writer.add_text("state", state)
        writer.close()


class _MLflow:
    """An experiment a study, a run a run; a run that is continued goes on in its own."""

    def __init__(self, study: Folder) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        for noisy in ("mlflow", "alembic"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
        from mlflow import MlflowClient

        local = f"sqlite:///{study.location}/mlflow.db" if study.is_local else ""
        self._client = MlflowClient(os.environ.get("MLFLOW_TRACKING_URI") or local)
        self._study = study
        self._ids: dict[str, str] = {}

    def begin(self, config: RunConfig) -> set[int]:
        from mlflow.entities import Param

        experiment = self._experiment()
        earlier = self._client.search_runs([experiment], f"tags.`{TAG}` = '{config.run_id}'")
        if earlier:
            key = earlier[0].info.run_id
            self._client.update_run(key, status="RUNNING")
        else:
            tags = {TAG: config.run_id}
            key = self._client.create_run(experiment, run_name=config.run_id, tags=tags).info.run_id
            settings = config.model_dump(exclude={"epochs"})  # these never change, epochs may
            self._client.log_batch(key, params=[Param(k, str(v)) for k, v in settings.items()])
        self._ids[config.run_id] = key
        # An epoch's figures are logged in one batch: one that has this has the others.
        history = self._client.get_metric_history(key, "test_neg_elbo")
        return {metric.step for metric in history}

    def log(self, run: str, epoch: int, figures: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, epoch) for name, value in figures.items()]
        self._client.log_batch(self._ids[run], metrics=metrics)

    def end(self, run: str, state: str) -> None:
        status = {"done": "FINISHED", "failed": "FAILED"}.get(state, "KILLED")
        self._client.set_terminated(self._ids.pop(run), status)

    def _experiment(self) -> str:
        if experiment := self._client.get_experiment_by_name(self._study.name):
            return str(experiment.experiment_id)
        artifacts = f"{self._study.location}/mlflow" if self._study.is_local else None
        return str(self._client.create_experiment(self._study.name, artifacts))


class _WandB:
    """A project a study; offline folders are sent with `wandb sync`."""

    def __init__(self, study: Folder) -> None:
        os.environ.setdefault("WANDB_MODE", "offline")
        os.environ.setdefault("WANDB_SILENT", "true")
        self._study = study
        self._runs: dict[str, Any] = {}

    def begin(self, config: RunConfig) -> set[int]:
        import wandb

        self._runs[config.run_id] = wandb.init(
            project=self._study.name,
            id=config.run_id,
            name=config.run_id,
            config=config.model_dump(),
            dir=os.environ.get("WANDB_DIR") or self._study.location,
            resume="allow",
            reinit="create_new",
        )
        return set()  # W&B drops steps that it has

    def log(self, run: str, epoch: int, figures: Mapping[str, float]) -> None:
        self._runs[run].log(dict(figures), step=epoch)

    def end(self, run: str, state: str) -> None:
        self._runs.pop(run).finish(exit_code=int(state == "failed"))


# Name of a tracker: its library, the variable that sends it elsewhere than to the study's folder.
KINDS: dict[str, tuple[str, str | None, Callable[[Folder], Tracker]]] = {
    "tensorboard": ("tensorboardX", None, _TensorBoard),
    "mlflow": ("mlflow", "MLFLOW_TRACKING_URI", _MLflow),
    "wandb": ("wandb", "WANDB_DIR", _WandB),
}
