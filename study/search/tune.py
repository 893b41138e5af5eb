"""Ray Tune's side of a search: who stops trials early, and says how they ended.

Ray's own OptunaSearch does not serve: it leaves trials RUNNING where the driver is killed or a
value is NaN, and knows nothing of runs, which are never trained twice here.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from study.config.errors import StudyError
from study.config.run import RunConfig
from study.execution.callbacks import Events
from study.execution.resumable_run import Run
from study.execution.trainable import Task, members, report, trainable
from study.models.vae import Vae
from study.search.trials import Trials

Trained = list[tuple[RunConfig, Vae]]  # the runs of a trial: one a seed
Measure = Callable[[Trained, list[str], Path], list[float]]


class Pruning(FIFOScheduler):
    """First come, first served; stops a trial whose early value Optuna's pruner gives up."""

    def __init__(self, trials: Trials) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.pruned: set[int] = set()
        self._trials = trials

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        values, number = result.get("values"), trial.config["number"]
        run = _only_run(result)
        if run.get("state") != "begun" or not values or number in self.pruned:
            return str(TrialScheduler.CONTINUE)
        if not self._trials.report(number, run["epoch"], values[0]):
            return str(TrialScheduler.CONTINUE)
        self.pruned.add(number)
        return str(TrialScheduler.STOP)


class Outcomes(Events):
    """Tells Optuna how trials end, besides those whom a grid's events tell."""

    def __init__(self, trials: Trials, pruning: Pruning, *events: Any) -> None:
        """What follows `pruning` goes to Events."""
        super().__init__(*events)
        self._trials, self._pruning = trials, pruning

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **more: Any
    ) -> None:
        super().on_trial_complete(iteration, trials, trial, **more)
        number, result = trial.config["number"], trial.last_result or {}
        run = _only_run(result)
        if number in self._pruning.pruned:
            self._trials.prune(number)
            self._end_run(run["run"], None, how="pruned")
        elif run.get("state") == "done" and result.get("values"):
            self._trials.complete(number, result["values"])
        elif reason := run.get("error") or result.get("reason"):
            self._trials.fail(number, reason)
        # else the user has asked to stop: the trial stays open, and is lined up again

    def on_trial_error(
        self, iteration: int, trials: list[Trial], trial: Trial, **more: Any
    ) -> None:
        super().on_trial_error(iteration, trials, trial, **more)
        runs = [run.run_id for run in members(trial.config["task"])]
        reasons = [self.errors[run] for run in runs if run in self.errors]
        self._trials.fail(trial.config["number"], reasons[0] if reasons else "it failed")


def search_trial(measure: Measure, config: dict[str, Any]) -> None:
    """A trial on its worker: its runs, one after the other, then their values."""
    task: Task = config["task"]
    trained: Trained = []
    failed = False

    def tell(runs: list[Run]) -> None:
        nonlocal failed
        (run,) = runs
        failed = run.record["state"] == "failed"
        judged: dict[str, Any] = {"values": None, "reason": None}
        one = (run.config, run.trainer.model)
        if run.record["state"] == "done":
            trained.append(one)
        early = run.is_open and run.trainer.epoch in config["rungs"]
        if early:  # where it cannot be judged yet, it may be later
            judged["values"] = _judged(measure, [one], config, task["data_dir"])["values"]
        elif len(trained) == len(task["members"]):
            judged = _judged(measure, trained, config, task["data_dir"])
        report(runs, **judged)

    for member in task["members"]:
        if not failed:
            trainable({"task": {**task, "members": [member]}}, tell)


def _only_run(result: dict[str, Any]) -> dict[str, Any]:
    """What a result says of its run; nothing where it has none."""
    runs: list[dict[str, Any]] = result.get("runs") or [{}]
    return runs[0]


def _judged(
    measure: Measure, trained: Trained, config: dict[str, Any], data: str
) -> dict[str, Any]:
    """Values, or the reason why there are none."""
    names = config["objectives"]
    try:
        values = [float(value) for value in measure(trained, names, Path(data))]
    except (StudyError, ValueError) as error:
        return {
            "values": None,
            "reason": f"its objectives cannot be computed: {' '.join(str(error).split())}",
        }
    bad = [
        f"{name} is {value}"
        for name, value in zip(names, values, strict=True)
        if not math.isfinite(value)
    ]
    return {"values": None if bad else values, "reason": "; ".join(bad) or None}
