"""Search by Optuna, trained by Ray Tune: one invocation."""

import math
from contextlib import closing
from functools import partial
from typing import Any, NamedTuple

from rich.console import Console

from study.config.errors import StudyError
from study.config.run import RunConfig
from study.config.search import Directions, Search
from study.config.space import INTEGERS, Axis
from study.execution.display import Display
from study.execution.scheduler import Invocation, Outcome, Session, start_session
from study.execution.stages import duration
from study.execution.study_log import StudyLog, make_plan, require_unchanged
from study.execution.trackers import open_tracker
from study.search.storage import database_errors, place
from study.search.trials import Trials
from study.search.tune import Measure, Outcomes, Pruning, search_trial
from study.storage import checkpoint
from study.storage.folder import Folder
from study.storage.lock import Lock
from study.storage.records import (
    RECORD,
    WEIGHTS,
    Record,
    is_done,
    read_record,
    read_records,
    runs_folder,
)
from study.training.timing import estimate


class Evaluator(NamedTuple):
    """Who values trials, on images that no run has been trained on."""

    directions: Directions  # the objectives that there are
    measure: Measure  # trained models, objectives and the cache of the data -> values


def run_search(
    search: Search,
    evaluator: Evaluator,
    invocation: Invocation,
    source: Folder | None = None,
) -> Outcome:
    """Search until the budget is used up; every table is right at the end, however it ends.

    Args:
        search: what to try, and for what.
        evaluator: who values the trials.
        invocation: of which study, and how.
        source: a finished study, whose runs are taken for known trials.

    Raises:
        UsageError: the folder holds another search.
        StudyError: the search cannot begin: its folder, the data or the cluster is not to be had.
    """
    study, request, _, stages, data_dir, log = invocation
    console = stages.console
    place(study)  # before anything is written
    with database_errors(study), Lock(study) as lock:
        data = set(search.choices("data"))
        require_unchanged(data, read_records(study).whole)
        trials = Trials(study, search, evaluator.directions)
        trials.repair()
        if source is not None:
            known = take_over(search, source, study, console)
            n = trials.enqueue(known, str(source))
            console.print(f"{len(known)} known trials from {source}, {n} of them new")
        plan = make_plan([], study)
        for why in plan.damaged.values():
            console.print(why, soft_wrap=True, markup=False)
        runs = [RunConfig(**record["config"]) for record in plan.records.values()]
        plan = plan._replace(runs={run.run_id: run for run in runs})
        request = {**request, "search": search.to_dict()}
        study_log = StudyLog(study, plan, request, open_tracker(log, study), data_dir)
        with closing(study_log), closing(trials):
            if not trials.left():
                console.print(
                    "the budget is used up: nothing to train; a larger budget continues the search"
                )
                return Outcome({}, interrupted=False)
            session = start_session(invocation, lock, study_log, runs, data, search.own_code)
            several = f" of {len(search.seeds)} seeds" if len(search.seeds) > 1 else ""
            session.announce(f"searching: {_limit(search, trials.left())}{several}")
            display = Display(stages, [], 0, plan.records)
            with stages.following(display.look):
                return _train(session, trials, evaluator.measure, study_log, display)


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
    records, damaged = read_records(source)
    for why in damaged.values():
        console.print(why, soft_wrap=True, markup=False)
    if not records:
        raise StudyError(f"{source} has no runs to start from")
    configs = {name: RunConfig(**record["config"]) for name, record in records.items()}
    known: list[dict[str, Any]] = []
    for config in configs.values():
        params = search.params(config)
        if params is None or params in known:
            continue
        runs = search.runs(params)
        if all(_is_whole(run, records, source) for run in runs):
            known.append(params)
            for run in runs:
                _copy(runs_folder(source) / run.run_id, runs_folder(study) / run.run_id)
    if not known:
        shared = ", ".join(f"{key}={value}" for key, value in search.constants.items())
        raise StudyError(
            f"no run in {source} is a finished run of this search ({len(records)} runs were read);"
            f" the search has {shared}, and seed {search.seeds}: train the grid with these values"
        )
    if skipped := len(configs) - len(known) * len(search.seeds):
        console.print(f"{skipped} of {len(configs)} runs in {source} do not belong to this search")
    return known


def _is_whole(run: RunConfig, records: dict[str, Record], source: Folder) -> bool:
    """Whether a run is done after exactly its epochs, and can be copied with its checkpoint."""
    record = records.get(run.run_id)
    return (
        record is not None
        and is_done(record, run)
        and len(record["epochs"]) == run.epochs
        and bool(checkpoint.epochs(runs_folder(source) / run.run_id))
    )


def _train(
    session: Session, trials: Trials, measure: Measure, study_log: StudyLog, display: Display
) -> Outcome:
    """Train trials until the budget is used up or the user stops it."""
    search, pruning = trials.search, Pruning(trials)
    rungs = search.rungs if search.pruner != "none" else []
    events = Outcomes(trials, pruning, display, study_log, session.lock)

    def next_trial() -> dict[str, Any] | None:
        open_trial = None if events.stopping else trials.ask()
        if open_trial is None:
            return None
        later = trials.left() * len(search.seeds) if search.budget.hours is None else 0
        for run in open_trial.runs:
            study_log.expect(run)
            display.expect(run, later)
        task = session.task(open_trial.runs, session.engine.alone(open_trial.runs[0]))
        number = open_trial.trial.number
        return {"task": task, "number": number, "objectives": search.objectives, "rungs": rungs}

    return session.fit(partial(search_trial, measure), next_trial, events, pruning)


def _limit(search: Search, left: int) -> str:
    hours = search.budget.hours
    parts = [] if search.budget.trials is None else [f"{left} trials"]
    return " or ".join(parts + ([f"{hours:g} h in total"] if hours else []))


def _copy(source: Folder, target: Folder) -> None:
    """A finished run's record, weights and last checkpoint; the record last, for it says done."""
    if read_record(target) is not None:
        return
    last = checkpoint.file_name(checkpoint.epochs(source)[-1])
    for name in (last, WEIGHTS, RECORD):
        target.write(name, source.read(name))


def show_search(search: Search, cpus_per_run: float, console: Console) -> None:
    """Print what a search would try, and how long its trials would take on this machine."""
    for name, axis in search.space.items():
        console.print(f"{name}: {_words(axis)}", markup=False)
    console.print(
        f"for {', '.join(search.objectives)}; sampler {search.sampler}, pruner {search.pruner}"
    )
    runs = search.runs(search.draw(lambda name: _middle(name, search.space[name])))
    seconds, at_once = estimate([(run, run.epochs) for run in runs], runs[:1], cpus_per_run)
    left = search.budget.trials
    total = f"; about {duration(seconds * left / at_once)} for {left}" if left is not None else ""
    console.print(
        f"A trial in the middle of the space takes about {duration(seconds)} here, {at_once} at a"
        f" time{total}; scoring not included"
    )


def _words(axis: Axis) -> str:
    if isinstance(axis, list):
        return ", ".join(str(value) for value in axis)
    return f"{axis.low:g} to {axis.high:g}{', log' if axis.log else ''}"


def _middle(name: str, axis: Axis) -> Any:
    if isinstance(axis, list):
        return axis[0]
    middle = math.sqrt(axis.low * axis.high) if axis.log else (axis.low + axis.high) / 2
    return int(middle) if name in INTEGERS else middle
