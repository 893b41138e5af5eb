"""A grid: its plan shown, its study begun anew, its runs trained."""

import sys
from contextlib import closing
from typing import Any

from rich.console import Console
from rich.prompt import Confirm

from study.config.errors import StudyError
from study.config.run import RunConfig
from study.execution.callbacks import Events
from study.execution.cluster import gpus
from study.execution.display import Display, axis_cells, axis_headings, figure_table
from study.execution.scheduler import Invocation, Outcome, start_session
from study.execution.stages import duration
from study.execution.study_log import Plan, StudyLog, make_plan
from study.execution.trackers import open_tracker
from study.execution.trainable import trainable
from study.storage.folder import Folder
from study.storage.lock import Lock, require_free
from study.storage.tables import read_tables
from study.training.check import check_runs
from study.training.engine_selection import packs
from study.training.timing import estimate


def show_plan(plan: Plan, cpus_per_run: float, console: Console) -> None:
    """Print the runs, their number and how long they would take on this machine.

    Raises:
        UsageError: runs cannot be trained as they are configured.
    """
    check_runs(plan.runs.values())
    table = figure_table(["run"], [*axis_headings(), "epochs", "has"])
    for name, run in plan.runs.items():
        has = str(plan.epochs.get(name, 0) or "")
        table.add_row(name, *axis_cells(run.model_dump()), str(run.epochs), has)
    console.print(table)
    if longer := plan.longer():
        console.print(longer)
    seconds, at_once = estimate(plan.left(), plan.runs.values(), cpus_per_run)
    seconds /= max(1, min(at_once, len(plan.todo)))
    console.print(
        f"{len(plan.runs)} runs, {len(plan.todo)} to train. About {duration(seconds)} on this"
        f" machine, {at_once} at a time; start-up and figures not included.",
    )


def start_over(study: Folder, console: Console) -> None:
    """Delete the study's folder; says what would be lost, and asks where someone can answer.

    Raises:
        StudyError: the folder is not a study's, or the answer is no.
    """
    if not study.exists():
        return
    if not (study.exists("study.yaml") or study.exists("runs")):
        raise StudyError(f"{study} is not a study's folder: --fresh does not delete it")
    require_free(study)
    rows = read_tables(study).get("trials")
    n, epochs = (0, 0) if rows is None else (len(rows), int(rows["epochs"].sum()))
    console.print(f"--fresh deletes {study}: {n} runs, {epochs} epochs", soft_wrap=True)
    if sys.stdin.isatty() and not Confirm.ask("Delete it?", console=console):
        raise StudyError("nothing was deleted")
    study.delete_all()


def run_grid(runs: list[RunConfig], invocation: Invocation) -> Outcome:
    """Train what a study lacks; tables and study.yaml are right at the end, however it ends.

    Args:
        runs: all that are asked for, done or not.
        invocation: of which study, and how.

    Raises:
        UsageError: runs cannot be trained as they are configured.
        StudyError: the study cannot begin: its folder, the data or the cluster is not to be had.
    """
    check_runs(runs)
    study, request, resources, stages, data_dir, log = invocation
    console = stages.console
    with Lock(study) as lock:
        plan = make_plan(runs, study)
        todo, errors = plan.todo, plan.of_damaged()
        n_done = len(runs) - len(todo) - len(errors)
        for why in plan.damaged.values():
            console.print(why, soft_wrap=True, markup=False)
        if longer := plan.longer():
            console.print(longer)
        tracker = open_tracker(log, study)
        with closing(StudyLog(study, plan, request, tracker, data_dir)) as study_log:
            if not todo:
                n = f"{n_done} of {len(runs)}" if errors else f"all {len(runs)}"
                console.print(f"{n} runs are done; nothing to train")
                return Outcome(errors, interrupted=False)
            data = {run.data for run in todo}
            own_code = set().union(*(run.own_code for run in todo))
            session = start_session(invocation, lock, study_log, runs, data, own_code)
            begun = sum(plan.epochs.get(run.run_id, 0) > 0 for run in todo)
            before = [f"{n_done} done before"] if n_done else []
            before += [f"{begun} continue from a checkpoint"] if begun else []
            session.announce(f"{len(todo)} runs to train", *before)
            display = Display(stages, todo, n_done, plan.records)
            with stages.following(display.look):
                events = Events(display, study_log, lock)
                waiting = iter(packs(todo, on_gpu=gpus(resources) > 0))

                def next_trial() -> dict[str, Any] | None:
                    pack = None if events.stopping else next(waiting, None)
                    return {"task": session.task(pack)} if pack else None

                outcome = session.fit(trainable, next_trial, events)
            stopped = outcome.interrupted or len(events.ended_runs) < len(todo)
            return Outcome(outcome.errors | errors, interrupted=stopped)
