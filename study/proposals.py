"""What a search has asked for and been told: one study of Optuna, in the study's folder.

`search.db` is an ordinary SQLite storage of Optuna, which `optuna-dashboard` opens as it is;
$OPTUNA_STORAGE names another one, for a folder that is not local. It is written by one driver, who
holds the study's lock. A trial that a killed driver left RUNNING is closed, and asked for again:
its runs go on from their checkpoints.
"""

import os
import time
import warnings
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import optuna
import pandas as pd
from optuna.samplers import BaseSampler, NSGAIISampler, TPESampler
from optuna.trial import FrozenTrial, Trial, TrialState

from study.config import HOW, RunConfig, StudyError, UsageError
from study.results import write_table
from study.space import REDUCTION, Directions, Range, Search
from study.storage import Folder

DATABASE = "search.db"
STORAGE_VARIABLE = "OPTUNA_STORAGE"  # as Optuna's own command line reads it
STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}
INTERRUPTED = "interrupted"  # the state of a trial that another one goes on with


class Proposal(NamedTuple):
    """One trial that waits for its values."""

    trial: Trial
    runs: list[RunConfig]


class Proposals:
    """Asks Optuna and tells it; what is stored outlives the driver at any moment."""

    def __init__(self, study: Folder, search: Search, directions: Directions) -> None:
        """Open the stored search, or begin one.

        Raises:
            UsageError: what is stored was searched for something else, or the folder needs
                another storage.
            StudyError: the storage cannot be opened.
        """
        self._folder, self.search = study, search
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        url, name = _place(study)
        wanted = [directions[objective] for objective in search.objectives]
        try:
            storage = optuna.storages.RDBStorage(url)
            with suppress(KeyError):
                _require_same(study, _stored(storage, name), search)
            self._study = optuna.create_study(
                storage=storage,
                study_name=name,
                directions=wanted,
                load_if_exists=True,
                pruner=_pruner(search),
            )
        except UsageError:
            raise
        except Exception as error:  # SQLAlchemy's and the database drivers' have no common class
            first = str(error).splitlines()[0]
            raise StudyError(f"cannot open the storage of the search in {study}: {first}") from None
        self._study.sampler = _sampler(search, len(self._study.get_trials(deepcopy=False)))
        self._study.set_user_attr("search", search.told())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._study.set_metric_names(search.objectives)
        self._spent, self._since = float(self._study.user_attrs.get("seconds", 0.0)), 0.0
        self._open: dict[int, Proposal] = {}
        self._twins: dict[int, list[Trial]] = {}

    def repair(self) -> None:
        """Close the trials that no driver works on any more, and line them up once more."""
        trials = self._study.get_trials(deepcopy=False)
        lined_up = {trial.user_attrs.get("continues") for trial in trials}
        for trial in trials:
            if trial.state is not TrialState.RUNNING:
                continue
            whole = trial.params.keys() == self.search.space.keys()  # killed while it was asked
            if whole and trial.number not in lined_up:
                attributes = {"continues": trial.number}
                if "source" in trial.user_attrs:
                    attributes["source"] = trial.user_attrs["source"]
                self._study.enqueue_trial(trial.params, user_attrs=attributes)
            self._study.tell(trial.number, state=TrialState.FAIL)
        self._open.clear()
        self._twins.clear()
        self._since = time.monotonic()

    def enqueue(self, params: Iterable[dict[str, Any]], source: str) -> int:
        """Line up known configurations, each once; returns how many are new."""
        trials = self._study.get_trials(deepcopy=False)
        known = [trial.system_attrs.get("fixed_params", trial.params) for trial in trials]
        new = [one for one in params if one not in known]
        for one in new:
            self._study.enqueue_trial(one, user_attrs={"source": source})
        return len(new)

    def ask(self) -> Proposal | None:
        """The next trial that needs work; None where the budget is used up.

        A trial that asks for runs that were judged before, or are at work, gets their outcome.
        """
        while self.left() > 0:
            trial = self._study.ask(self.search.distributions())
            runs = self.search.runs(trial.params)
            _set(trial, "runs", [run.run_id for run in runs])
            before = self._before(trial, runs)
            if before is None:
                proposal = self._open[trial.number] = Proposal(trial, runs)
                self._go_on(trial)
                return proposal
            if before.number in self._open:
                self._twins.setdefault(before.number, []).append(trial)
            else:
                self._same(trial, before)
        return None

    def left(self) -> int:
        """How many trials may still be asked for; known ones and continued ones come on top."""
        trials = self._study.get_trials(deepcopy=False)
        waiting = sum(trial.state is TrialState.WAITING for trial in trials)
        hours = self.search.budget.hours
        if hours is not None and self._spent >= hours * 3600:
            return 0
        if self.search.budget.trials is None:
            return max(1, waiting)
        own = [t for t in trials if not _interrupted(t) and "source" not in t.user_attrs]
        asked = sum(trial.state is not TrialState.WAITING for trial in own)
        known = sum(t.state is TrialState.WAITING and "source" in t.user_attrs for t in trials)
        return max(0, self.search.budget.trials - asked) + known

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
            _set(trial, "reason", reason)
        self._tell(number, state=TrialState.FAIL)

    def table(self) -> pd.DataFrame:
        """A row a trial: number, runs, state, reason, source, seconds, parameters, values."""
        rows = [_row(trial, self.search) for trial in self._study.get_trials(deepcopy=False)]
        names = ["trial", "run", "state", "reason", "source", "seconds"]
        columns = [*names, *self.search.space, *self.search.objectives]
        return pd.DataFrame(rows, columns=columns).astype({"trial": int, "seconds": float})

    def write(self) -> None:
        """Write the table `search`."""
        write_table(self._folder, "search", self.table(), None)

    def _tell(self, number: int, **outcome: Any) -> None:
        for trial in (self._open.pop(number).trial, *self._twins.pop(number, [])):
            self._study.tell(trial, **outcome)
        now = time.monotonic()
        self._spent, self._since = self._spent + now - self._since, now
        self._study.set_user_attr("seconds", self._spent)  # a budget of hours spans sittings
        self.write()

    def _before(self, trial: Trial, runs: list[RunConfig]) -> FrozenTrial | None:
        """The trial that has these runs already, judged or at work."""
        names = [run.run_id for run in runs]
        for other in self._study.get_trials(deepcopy=False):
            same = other.number != trial.number and other.user_attrs.get("runs") == names
            if same and other.state is not TrialState.WAITING and not _interrupted(other):
                return other
        return None

    def _same(self, trial: Trial, before: FrozenTrial) -> None:
        """The outcome of one trial for another one."""
        if before.state is TrialState.COMPLETE:
            self._study.tell(trial, values=before.values)
            return
        if reason := before.user_attrs.get("reason"):
            _set(trial, "reason", reason)
        for epoch, value in before.intermediate_values.items():
            trial.report(value, epoch)
        self._study.tell(trial, state=before.state)

    def _go_on(self, trial: Trial) -> None:
        """Early values of the trial that this one continues."""
        before = trial.user_attrs.get("continues")
        if before is not None:
            for epoch, value in self._intermediate(before).items():
                trial.report(value, epoch)

    def _intermediate(self, number: int) -> dict[int, float]:
        return self._study.get_trials(deepcopy=False)[number].intermediate_values


def stored_search(study: Folder) -> dict[str, Any] | None:
    """What the search in a folder was asked, as `Search.told`; None where there is none."""
    url, name = _place(study)
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        return None
    try:
        return _stored(optuna.storages.RDBStorage(url), name)
    except KeyError:
        return None


def forget(study: Folder) -> None:
    """Delete the stored search of a folder, if there is one."""
    if stored_search(study) is not None:
        url, name = _place(study)
        optuna.delete_study(study_name=name, storage=url)


def _place(study: Folder) -> tuple[str, str]:
    """Where a search is stored and under which name."""
    if url := os.environ.get(STORAGE_VARIABLE):
        return url, str(study)
    if not study.is_local:
        raise UsageError(
            f"a search in {study} needs a database: set ${STORAGE_VARIABLE} to its URL"
        )
    return f"sqlite:///{study.location}/{DATABASE}", study.name


def _stored(storage: optuna.storages.BaseStorage, name: str) -> dict[str, Any]:
    """What a stored search was asked.

    Raises:
        KeyError: there is none of this name.
    """
    number = storage.get_study_id_from_name(name)
    told: dict[str, Any] = storage.get_study_user_attrs(number).get("search", {})
    return told


def _require_same(study: Folder, stored: dict[str, Any], search: Search) -> None:
    """A search goes on only where its values remain comparable; ranges and budget may change."""
    if not stored:  # killed before anything was asked
        return
    another = "give another --name, or --fresh to start over"
    if stored["objectives"] != search.objectives:
        raise UsageError(
            f"{study} holds a search for {', '.join(stored['objectives'])}, not for"
            f" {', '.join(search.objectives)}: {another}"
        )
    ours, theirs = _fixed(search.told()), _fixed(stored)
    for key in sorted(ours.keys() | theirs.keys()):
        if ours.get(key) != theirs.get(key):
            raise UsageError(
                f"{study} was searched with {key} {theirs.get(key, 'as it is by default')}, not"
                f" {ours.get(key, 'as it is by default')}: {another}"
            )


def _fixed(told: dict[str, Any]) -> dict[str, Any]:
    """What may not change under a search: constants, seeds, and choices that are no range."""
    how = HOW - {"epochs"}
    constants = {key: value for key, value in told["constants"].items() if key not in how}
    space = {
        key: "a range" if isinstance(axis, Range | dict) else axis
        for key, axis in told["space"].items()
    }
    return {**constants, "seed": told.get("seeds", [0]), **space}


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


def _set(trial: Trial, key: str, value: Any) -> None:
    trial.set_user_attr(key, value)


def _interrupted(trial: FrozenTrial) -> bool:
    """Closed because its driver had gone: neither judged nor failed by itself."""
    return trial.state is TrialState.FAIL and "reason" not in trial.user_attrs


def _row(trial: FrozenTrial, search: Search) -> dict[str, Any]:
    runs = trial.user_attrs.get("runs", [])
    params = trial.params or trial.system_attrs.get("fixed_params", {})
    interrupted = _interrupted(trial)
    complete = trial.state is TrialState.COMPLETE
    values = trial.values if complete else [float("nan")] * len(search.objectives)
    duration = trial.duration.total_seconds() if trial.duration else float("nan")
    return {
        "trial": trial.number,
        "run": " ".join(runs),
        "state": INTERRUPTED if interrupted else STATES[trial.state],
        "reason": trial.user_attrs.get("reason", ""),
        "source": trial.user_attrs.get("source", ""),
        "seconds": duration,
        **{name: params.get(name) for name in search.space},
        **dict(zip(search.objectives, values, strict=True)),
    }
