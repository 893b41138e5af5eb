"""The trials of a search: one study of Optuna, whose storage outlives the driver.

One driver writes it, who holds the lock of the study's folder. A trial that a killed driver left
RUNNING is closed, and begun again: its runs go on from their checkpoints.
"""

import time
import warnings
from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import optuna
import pandas as pd
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, NSGAIISampler, TPESampler
from optuna.trial import FrozenTrial, Trial, TrialState

from study.config.run import RunConfig
from study.config.search import REDUCTION, Directions, Search
from study.search.storage import open_storage, require_same, stored
from study.storage.folder import Folder
from study.storage.tables import column_of, write_table

MAX_TWINS = 100  # after so many in a row that were there before, nothing new is left
INTERRUPTED = "interrupted"  # the state of a trial that another one goes on with


class OpenTrial(NamedTuple):
    """One trial that waits for its values."""

    trial: Trial
    runs: list[RunConfig]


class Trials:
    """Hands out trials, and takes in how they end; what is stored is right at any moment."""

    def __init__(self, study: Folder, search: Search, directions: Directions) -> None:
        """Open the stored search, or begin one.

        Raises:
            UsageError: what is stored was searched for something else, or the folder needs
                another storage.
            StudyError: the storage cannot be opened.
        """
        self._folder, self.search = study, search
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        storage, name = open_storage(study)
        require_same(study, stored(storage, name), search)
        wanted = [directions[objective] for objective in search.objectives]
        self.study = optuna.create_study(
            storage=storage,
            study_name=name,
            directions=wanted,
            load_if_exists=True,
            pruner=_pruner(search),
        )
        self.study.sampler = _sampler(search, len(self.study.get_trials(deepcopy=False)))
        self.study.set_user_attr("search", search.to_dict())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self.study.set_metric_names(search.objectives)
        self._spent, self._since = float(self.study.user_attrs.get("seconds", 0.0)), 0.0
        self._distributions = search.distributions()
        self._open: dict[int, OpenTrial] = {}
        self._twins: dict[int, list[Trial]] = {}

    def repair(self) -> None:
        """Close the trials that no driver works on any more, and line them up once more."""
        trials = self.study.get_trials(deepcopy=False)
        lined_up = {trial.user_attrs.get("continues") for trial in trials}
        for trial in trials:
            if trial.state is not TrialState.RUNNING:
                continue
            asked = self.search.draw(trial.params.get)
            whole = trial.params.keys() == asked.keys()  # killed before it had them all
            if whole and trial.number not in lined_up:
                attributes = {"continues": trial.number}
                if "source" in trial.user_attrs:
                    attributes["source"] = trial.user_attrs["source"]
                self.study.enqueue_trial(trial.params, user_attrs=attributes)
            self.study.tell(trial.number, state=TrialState.FAIL)
        self._open.clear()
        self._twins.clear()
        self._since = time.monotonic()

    def enqueue(self, params: Iterable[dict[str, Any]], source: str) -> int:
        """Line up known configurations, each once; returns how many are new."""
        trials = self.study.get_trials(deepcopy=False)
        known = [trial.system_attrs.get("fixed_params", trial.params) for trial in trials]
        new = [one for one in params if one not in known]
        for one in new:
            self.study.enqueue_trial(one, user_attrs={"source": source})
        return len(new)

    def ask(self) -> OpenTrial | None:
        """The next trial that needs work; None where the budget or the space is used up.

        A trial that asks for runs that were judged before, or are at work, gets their outcome.
        """
        for _ in range(MAX_TWINS):
            if not self.left():
                break
            trial = self.study.ask()
            runs = self.search.runs(self.search.draw(partial(_suggest, trial, self._distributions)))
            trial.set_user_attr("runs", [run.run_id for run in runs])
            before = self._before(trial, runs)
            if before is None:
                open_trial = self._open[trial.number] = OpenTrial(trial, runs)
                if "continues" in trial.user_attrs:
                    self._copy_early(trial, trial.user_attrs["continues"])
                return open_trial
            if before.number in self._open:
                self._twins.setdefault(before.number, []).append(trial)
            else:
                self._same(trial, before)
        return None

    def left(self) -> int:
        """How many trials may still be asked for; known ones and continued ones come on top."""
        trials = self.study.get_trials(deepcopy=False)
        waiting = sum(trial.state is TrialState.WAITING for trial in trials)
        hours = self.search.budget.hours
        if hours is not None and self._spent >= hours * 3600:
            return 0
        if self.search.budget.trials is None:
            return max(1, waiting)
        own = [t for t in trials if not _interrupted(t) and "source" not in t.user_attrs]
        begun = sum(trial.state is not TrialState.WAITING for trial in own)
        known = sum(t.state is TrialState.WAITING and "source" in t.user_attrs for t in trials)
        return max(0, self.search.budget.trials - begun) + known

    def report(self, number: int, epoch: int, value: float) -> bool:
        """An early value of a trial; whether it is to be pruned."""
        trial = self._open[number].trial
        if epoch not in self._intermediate(number):
            trial.report(value, epoch)
        return bool(trial.should_prune())

    def complete(self, number: int, values: list[float]) -> None:
        """A trial has its values."""
        self._tell(number, values=values)

    def prune(self, number: int) -> None:
        """A trial was given up early."""
        self._tell(number, state=TrialState.PRUNED)

    def fail(self, number: int, reason: str) -> None:
        """A trial has no values, and why."""
        for trial in (self._open[number].trial, *self._twins.get(number, [])):
            trial.set_user_attr("reason", reason)
        self._tell(number, state=TrialState.FAIL)

    def table(self) -> pd.DataFrame:
        """A row a trial: number, runs, state, reason, source, seconds, parameters, values."""
        rows = [_row(trial, self.search) for trial in self.study.get_trials(deepcopy=False)]
        names = ["trial", "run", "state", "reason", "source", "seconds"]
        columns = [*names, *map(column_of, self.search.space), *self.search.objectives]
        return pd.DataFrame(rows, columns=columns).astype({"trial": int, "seconds": float})

    def close(self) -> None:
        """The end of an invocation, whatever it came by; the table `search` is written."""
        self.repair()
        write_table(self._folder, "search", self.table(), None)

    def _tell(self, number: int, **outcome: Any) -> None:
        for trial in (self._open.pop(number).trial, *self._twins.pop(number, [])):
            self.study.tell(trial, **outcome)
        now = time.monotonic()
        self._spent, self._since = self._spent + now - self._since, now
        self.study.set_user_attr("seconds", self._spent)  # a budget of hours spans invocations
        write_table(self._folder, "search", self.table(), None)

    def _before(self, trial: Trial, runs: list[RunConfig]) -> FrozenTrial | None:
        """The trial that has these runs already, judged or at work."""
        names = [run.run_id for run in runs]
        for other in self.study.get_trials(deepcopy=False):
            same = other.number != trial.number and other.user_attrs.get("runs") == names
            if same and other.state is not TrialState.WAITING and not _interrupted(other):
                return other
        return None

    def _same(self, trial: Trial, before: FrozenTrial) -> None:
        """The outcome of one trial for another one."""
        if before.state is TrialState.COMPLETE:
            self.study.tell(trial, values=before.values)
            return
        if reason := before.user_attrs.get("reason"):
            trial.set_user_attr("reason", reason)
        self._copy_early(trial, before.number)
        self.study.tell(trial, state=before.state)

    def _copy_early(self, trial: Trial, number: int) -> None:
        """The early values of an earlier trial for this one."""
        for epoch, value in self._intermediate(number).items():
            trial.report(value, epoch)

    def _intermediate(self, number: int) -> dict[int, float]:
        return self.study.get_trials(deepcopy=False)[number].intermediate_values


def _suggest(trial: Trial, distributions: dict[str, BaseDistribution], name: str) -> Any:
    """The value that a trial has of a parameter."""
    match distributions[name]:
        case CategoricalDistribution(choices=choices):
            return trial.suggest_categorical(name, choices)
        case IntDistribution(low=low, high=high, log=log):
            return trial.suggest_int(name, low, high, log=log)
        case FloatDistribution(low=low, high=high, log=log):
            return trial.suggest_float(name, low, high, log=log)


def _sampler(search: Search, n_trials: int) -> BaseSampler:
    """Seeded by the search and by how far it is: a repeated command draws other trials."""
    seed = int(np.random.SeedSequence([search.seeds[0], n_trials]).generate_state(1)[0])
    if search.sampler == "nsga2":
        return NSGAIISampler(population_size=search.startup, seed=seed)
    return TPESampler(n_startup_trials=search.startup, seed=seed)


def _pruner(search: Search) -> optuna.pruners.BasePruner:
    """Optuna's own rather than Ray's: their memory is the storage, which survives the driver."""
    if search.pruner == "asha":
        return optuna.pruners.SuccessiveHalvingPruner(search.rungs[0], REDUCTION)
    if search.pruner == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=search.startup)
    return optuna.pruners.NopPruner()


def _interrupted(trial: FrozenTrial) -> bool:
    """Closed because its driver had gone: neither judged nor failed by itself."""
    return trial.state is TrialState.FAIL and "reason" not in trial.user_attrs


def _row(trial: FrozenTrial, search: Search) -> dict[str, Any]:
    params = trial.params or trial.system_attrs.get("fixed_params", {})
    complete = trial.state is TrialState.COMPLETE
    state = "failed" if trial.state is TrialState.FAIL else trial.state.name.lower()
    values = trial.values if complete else [float("nan")] * len(search.objectives)
    return {
        "trial": trial.number,
        "run": " ".join(trial.user_attrs.get("runs", [])),
        "state": INTERRUPTED if _interrupted(trial) else state,
        "reason": trial.user_attrs.get("reason", ""),
        "source": trial.user_attrs.get("source", ""),
        "seconds": trial.duration.total_seconds() if trial.duration else float("nan"),
        **{column_of(name): params.get(name) for name in search.space},
        **dict(zip(search.objectives, values, strict=True)),
    }
