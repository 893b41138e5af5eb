"""Search by Optuna, trained by Ray Tune: one sitting.

Tune asks for a trial whenever there is room for one, trains it as it trains a grid's, and stops it
where Optuna's pruner says so. Optuna is asked and told here rather than through Ray's OptunaSearch:
that one keeps the trials of a killed driver RUNNING for ever, loses NaN without a word, and knows
nothing of runs, which here are never trained twice.
"""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from ray import tune
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher
from rich.console import Console

from study import checkpoint
from study.book import Book, make_plan
from study.choice import Choice
from study.config import RunConfig, StudyError, UsageError
from study.data import data_dir, fetch
from study.display import Display
from study.events import Events
from study.launch import Outcome, Resources, connect, fit, new_task, slots
from study.lock import Lock
from study.nodes import check_nodes
from study.proposals import Proposals
from study.results import RECORD, WEIGHTS, is_done, read_record, read_records, runs_folder
from study.session import plan_engine
from study.space import Directions, Search
from study.storage import Folder
from study.trackers import Journal, open_tracker
from study.trainable import Run, figures_of, trainable
from study.vae import Vae

Trained = list[tuple[RunConfig, Vae]]  # the runs of a trial: one a seed
Measure = Callable[[Trained, list[str], Path], list[float]]


class Judge(NamedTuple):
    """Who values trials, on images that no run has been trained on."""

    directions: Directions  # the objectives that there are
    measure: Measure  # trained models, objectives and the cache of the data -> values


class _Desk(Searcher):
    """Hands out Optuna's proposals as Tune has room for them."""

    def __init__(self, propose: Callable[[], dict[str, Any] | None]) -> None:
        super().__init__()
        self._propose = propose

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: as Events, it is pickled into a snapshot that we never read."""
        return {}

    def set_search_properties(self, metric: Any, mode: Any, config: Any, **spec: Any) -> bool:
        return True

    def suggest(self, trial_id: str) -> dict[str, Any] | str:
        return self._propose() or Searcher.FINISHED

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
        """Nothing: `_Outcomes` tells Optuna."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save: Optuna's storage has it."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore."""


class _Pruning(FIFOScheduler):
    """First come, first served; stops a trial whose early value Optuna's pruner gives up."""

    def __init__(self, proposals: Proposals) -> None:
        super().__init__()
        self.pruned: set[int] = set()
        self._proposals = proposals

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        values, number = result.get("values"), trial.config["number"]
        if result.get("state") != "begun" or not values or number in self.pruned:
            return str(TrialScheduler.CONTINUE)
        if not self._proposals.report(number, result["epoch"], values[0]):
            return str(TrialScheduler.CONTINUE)
        self.pruned.add(number)
        return str(TrialScheduler.STOP)


class _Outcomes(Events):
    """Tells Optuna how trials end, besides those whom a grid's events tell."""

    def __init__(self, proposals: Proposals, pruning: _Pruning, *told: Any) -> None:
        """What follows `pruning` goes to Events."""
        super().__init__(*told)
        self._proposals, self._pruning = proposals, pruning

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **more: Any
    ) -> None:
        super().on_trial_complete(iteration, trials, trial, **more)
        number, result = trial.config["number"], trial.last_result or {}
        if number in self._pruning.pruned:
            self._proposals.prune(number)
            self._display.finished(result["run"], None, how="pruned")
            self._settled(result["run"])
        elif result.get("state") == "done" and result.get("values"):
            self._proposals.complete(number, result["values"])
        elif reason := result.get("error") or result.get("reason"):
            self._proposals.fail(number, reason)
        # else the user has asked to stop: the trial stays open, and is lined up again

    def on_trial_error(
        self, iteration: int, trials: list[Trial], trial: Trial, **more: Any
    ) -> None:
        super().on_trial_error(iteration, trials, trial, **more)
        runs = [member["run"] for member in trial.config["task"]["members"]]
        reasons = [self.errors[run] for run in runs if run in self.errors]
        self._proposals.fail(trial.config["number"], reasons[0] if reasons else "it failed")


def run_search(
    search: Search,
    judge: Judge,
    study: Folder,
    asked: dict[str, Any],
    data: Path | None,
    resources: Resources,
    console: Console,
    log: str | None = None,
    source: Folder | None = None,
) -> Outcome:
    """Search until the budget is used up; every table is right at the end, however it ends.

    Args:
        search: what to try, and for what.
        judge: who values the trials.
        study: the study's folder.
        asked: for study.yaml.
        data: the cache of the data; None: the usual one.
        resources: what a run may use.
        log: the tracker that also gets the figures, by its name.
        source: a finished study, whose runs are taken for known trials.

    Raises:
        UsageError: the folder holds another search.
        StudyError: the search cannot begin: its folder, the data or the cluster is not to be had.
    """
    with Lock(study) as lock:
        proposals = Proposals(study, search, judge.directions)
        proposals.repair()
        if source is not None:
            known = take_over(search, source, study, console)
            n = proposals.enqueue(known, str(source))
            console.print(f"{len(known)} known trials from {source}, {n} of them new")
        plan = make_plan([], study)
        plan = plan._replace(runs=[RunConfig(**r["config"]) for r in plan.records.values()])
        journal = Journal(open_tracker(log, study), [])
        book = Book(study, plan, journal)
        book.begin({**asked, "search": search.told()})
        outcome = Outcome({}, interrupted=False)
        try:
            if proposals.left():
                where = study, lock, data_dir(data), resources
                outcome = _search(proposals, judge, plan_engine(plan, book.precision), book, where, console)
            else:
                console.print("the budget is used up: nothing to train; a larger one goes on")
        finally:
            proposals.repair()
            proposals.write()
            book.end()
    return outcome


def take_over(
    search: Search, source: Folder, study: Folder, console: Console
) -> list[dict[str, Any]]:
    """Copy the finished runs of a study that trials of a search could ask for.

    Returns:
        Their parameters. A run that saw held-out images, or differs in what all trials share, is
        none of them.

    Raises:
        StudyError: there is nothing to take over; says why.
    """
    records = read_records(source)
    if not records:
        raise StudyError(f"{source} has no runs to start from")
    configs = {name: RunConfig(**record["config"]) for name, record in records.items()}
    known: list[dict[str, Any]] = []
    for config in configs.values():
        params = search.params(config)
        if params is None or params in known:
            continue
        runs = search.runs(params)
        whole = all(
            is_done(records.get(run.run_id), run)
            and len(records[run.run_id]["epochs"]) == run.epochs
            and checkpoint.epochs(runs_folder(source) / run.run_id)
            for run in runs
        )
        if whole:
            known.append(params)
            for run in runs:
                _copy(runs_folder(source) / run.run_id, runs_folder(study) / run.run_id)
    if not known:
        shared = ", ".join(f"{key}={value}" for key, value in search.constants.items())
        raise StudyError(
            f"none of the {len(records)} runs in {source} is a finished one of this search, which"
            f" has {shared}, and seed {search.seeds}: train the grid with the same values"
        )
    if skipped := len(configs) - len(known) * len(search.seeds):
        console.print(f"{skipped} of {len(configs)} runs in {source} are no trials of this search")
    return known


def _search(
    proposals: Proposals,
    judge: Judge,
    engine: Choice,
    book: Book,
    where: tuple[Folder, Lock, Path, Resources],
    console: Console,
) -> Outcome:
    study, lock, cache, resources = where
    search = proposals.search
    fetch(cache)
    connect(resources.address)
    if resources.address:
        check_nodes(study, lock.holder.sitting, cache)
    book.note(engine=engine.told())
    several = f" of {len(search.seeds)} seeds" if len(search.seeds) > 1 else ""
    limit = _limit(search, proposals.left())
    console.print(f"searching: {limit}{several}, {slots(resources)} at a time")

    with Display(console, [], 0) as display:
        pruning = _Pruning(proposals)
        events = _Outcomes(proposals, pruning, display, book.settled, book.figures, lock)

        def propose() -> dict[str, Any] | None:
            proposal = None if events.stopping else proposals.ask()
            if proposal is None:
                return None
            later = proposals.left() * len(search.seeds) if search.budget.hours is None else 0
            for run in proposal.runs:
                book.expect(run)
                display.expect(run, later)
            chosen = engine.alone(proposal.runs[0])
            task = new_task(proposal.runs, study, lock, cache, chosen, resources)
            rungs = search.rungs if search.pruner != "none" else []
            wanted = {"objectives": search.objectives, "rungs": rungs}
            return {"task": task, "number": proposal.trial.number, **wanted}

        stopped = fit(
            partial(_trial, judge.measure),
            events,
            resources,
            search_alg=_Desk(propose),
            scheduler=pruning,
            num_samples=-1,
        )
    book.failed(events.errors)
    return Outcome(events.errors, stopped or events.stopping)


def _limit(search: Search, left: int) -> str:
    hours = search.budget.hours
    parts = [] if search.budget.trials is None else [f"{left} trials"]
    return " or ".join(parts + ([f"{hours:g} h in all"] if hours else []))


def _trial(measure: Measure, config: dict[str, Any]) -> None:
    """A trial on its worker: its runs, one after the other, then their values."""
    task = config["task"]
    trained: Trained = []
    failed = False

    def report(run: Run) -> None:
        nonlocal failed
        failed = run.record["state"] == "failed"
        told: dict[str, Any] = {**figures_of(run), "values": None, "reason": None}
        one = (run.config, run.trainer.model)
        if run.record["state"] == "done":
            trained.append(one)
        early = run.is_open and run.trainer.epoch in config["rungs"]
        if early or len(trained) == len(task["members"]):
            told |= _judged(measure, [one] if early else trained, config, task["data_dir"])
        tune.report(told)

    for member in task["members"]:
        if not failed:
            trainable({**task, "members": [member]}, report)


def _judged(
    measure: Measure, trained: Trained, config: dict[str, Any], data: str
) -> dict[str, Any]:
    """Values, or the reason why there are none."""
    names = config["objectives"]
    try:
        values = [float(value) for value in measure(trained, names, Path(data))]
    except (StudyError, ValueError) as error:
        return {"reason": f"it cannot be judged: {' '.join(str(error).split())}"}
    bad = [f"{name} is {value}" for name, value in zip(names, values, strict=True) if not math.isfinite(value)]
    return {"reason": "; ".join(bad)} if bad else {"values": values}


def _copy(source: Folder, target: Folder) -> None:
    """A finished run's record, weights and last checkpoint; the record last, for it says done."""
    if read_record(target) is not None:
        return
    last = checkpoint.file_name(checkpoint.epochs(source)[-1])
    for name in (last, WEIGHTS, RECORD):
        target.write(name, source.read(name))
