"""Tune's events, on their way to the display and the study log; and how to stop Tune."""

import math
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from ray import cloudpickle, tune
from ray.exceptions import RayActorError, RayTaskError
from ray.tune.experiment import Trial

from study.execution.cluster import first_line
from study.execution.display import Display
from study.execution.resumable_run import fail_run
from study.execution.study_log import StudyLog
from study.execution.trainable import PHASES, members
from study.storage.folder import Folder
from study.storage.lock import Lock
from study.storage.records import runs_folder

LOST = "its worker was lost"
STOP_GRACE_S = 20.0  # for the epoch in flight; schedulers such as SLURM kill after 30 s


class Events(tune.Callback):
    """Passes what Tune reports to the display and the study log."""

    def __init__(self, display: Display, study_log: StudyLog, lock: Lock) -> None:
        self.errors: dict[str, str] = {}
        self.ended_runs: set[str] = set()
        self._display, self._study_log, self._lock = display, study_log, lock
        self._running: set[str] = set()
        self._awaited: set[str] = set()  # trials that save, once asked to stop
        self._deadline = math.inf
        self._last_resort = threading.Timer(STOP_GRACE_S + 5, _leave)
        self._last_resort.daemon = True

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune pickles its callbacks into a snapshot that we never read."""
        return {}

    @property
    def stopping(self) -> bool:
        """Whether the user has asked to stop."""
        return self._deadline < math.inf

    def stop(self) -> None:
        """Ask the running runs to save and end; at the second call, do not wait for them.

        Raises:
            KeyboardInterrupt: the second call, or the lock cannot be written.
        """
        if self.stopping:
            raise KeyboardInterrupt
        self._awaited, self._deadline = set(self._running), time.monotonic() + STOP_GRACE_S
        self._last_resort.start()
        self._display.stopping(len(self._awaited))
        try:
            self._lock.ask_to_stop()
        except OSError:
            raise KeyboardInterrupt from None

    def end(self) -> None:
        """Tune has returned."""
        self._last_resort.cancel()

    def on_step_end(self, iteration: int, trials: list[Trial], **_: Any) -> None:
        if not self.stopping:
            return
        if not self._awaited & self._running or time.monotonic() > self._deadline:
            raise KeyboardInterrupt  # Tune waits 15 s for its workers; this goes past it

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **_: Any) -> None:
        self._running.add(trial_name(trial))
        for run in members(trial.config["task"]):
            self._display.started(run.run_id)

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **_: Any
    ) -> None:
        for report in result.get("runs") or []:  # none where a trial ended with nothing to say
            self._take(report)

    def on_trial_recover(self, iteration: int, trials: list[Trial], trial: Trial, **_: Any) -> None:
        self._running.discard(trial_name(trial))
        for run in members(trial.config["task"]):
            if run.run_id not in self.ended_runs:
                self._display.retrying(run.run_id, _reason(trial))

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **_: Any
    ) -> None:
        self._running.discard(trial_name(trial))
        # Tune keeps every trial to the end of the study, and these were 16 kB of 42
        trial.metric_analysis.clear()
        trial.metric_n_steps.clear()

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **_: Any) -> None:
        self._running.discard(trial_name(trial))
        task, reason = trial.config["task"], _reason(trial)
        runs = runs_folder(Folder(task["study"]))
        for run in (run for run in members(task) if run.run_id not in self.ended_runs):
            unwritten = ""
            try:
                fail_run(run, runs / run.run_id, reason)
            except OSError as error:
                unwritten = f" (and its record could not be written: {error})"
            self._end_run(run.run_id, reason + unwritten)

    def _take(self, report: dict[str, Any]) -> None:
        """One run's part of a result."""
        run = report["run"]
        for warning in report["warnings"]:
            self._display.warning(run, warning)
        if report["state"] in PHASES:
            self._display.phase(run, report["state"])
            return
        if report["state"] == "begun":
            self._display.epoch(run, report["epoch"], report["objective"], report["figures"])
            self._study_log.trained(run, report["figures"])
            return
        self._end_run(run, report["error"])

    def _end_run(self, run: str, error: str | None, how: str = "done") -> None:
        self.ended_runs.add(run)
        if error:
            self.errors[run] = error
        self._display.finished(run, error, how)
        self._study_log.ended(run, error)


def trial_name(trial: Trial) -> str:
    """The name of a trial: that of its run, or of its pack."""
    return str(trial.config["task"]["name"])


def _leave() -> None:
    """End this process where Ray does not return, as when the same signal hit Ray's processes."""
    sys.stderr.write(
        "study: stopped without waiting for Ray; repeat the same command to continue\n"
    )
    sys.stderr.flush()
    os._exit(130)


def _reason(trial: Trial) -> str:
    """Why a trial failed, in one line; Tune's own get_error looks where the file is not yet."""
    path = trial.pickled_error_file
    if not (path and Path(path).exists()):
        return "its worker failed, and Ray does not say why"
    error = cloudpickle.loads(Path(path).read_bytes())
    if isinstance(error, RayActorError):
        return LOST
    cause = error.cause if isinstance(error, RayTaskError) else error
    return f"{type(cause).__name__}: {first_line(cause)}"
