"""One invocation of a study: plan it, train what is left, keep its log."""

import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

import torch
from rich.console import Console
from rich.prompt import Confirm

from study.config.errors import StudyError
from study.config.run import RunConfig
from study.data import prepare_data
from study.data.mnist import data_dir
from study.execution.cluster import Resources, check_nodes, connect, idle_nodes, slots
from study.execution.display import Display, axis_cells, axis_headings, duration, figure_table
from study.execution.scheduler import Outcome, Workplace, launch
from study.execution.study_log import Plan, StudyLog, make_plan
from study.execution.trackers import open_tracker
from study.storage.folder import Folder
from study.storage.lock import Lock, require_free
from study.storage.tables import read_tables
from study.training.check import check_runs
from study.training.engine_selection import EngineSelection, select_engine
from study.training.timing import total_seconds


class Invocation(NamedTuple):
    """What a command says of one invocation of a study."""

    study: Folder
    request: dict[str, Any]  # what study.yaml says of the command
    resources: Resources
    console: Console
    data_dir: Path | None = None  # the cache of the data; None: the usual one
    log: str | None = None  # the tracker that also gets the figures, by its name


def show_plan(plan: Plan, cpus_per_run: float, console: Console) -> None:
    """Print the runs, their number and how long they would take on this machine.

    Raises:
        UsageError: runs cannot be trained as they are configured.
    """
    check_runs(plan.runs)
    table = figure_table(["run"], [*axis_headings(), "epochs", "has"])
    for run in plan.runs:
        has = str(plan.epochs.get(run.run_id, 0) or "")
        table.add_row(run.run_id, *axis_cells(run.model_dump()), str(run.epochs), has)
    console.print(table)

    if longer := plan.longer():
        console.print(longer)
    at_once = max(1, int((os.cpu_count() or 1) // cpus_per_run))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    threads = torch.get_num_threads()
    torch.set_num_threads(max(1, int(cpus_per_run)))
    seconds = total_seconds(plan.left(), plan_engine(plan), device)
    seconds /= max(1, min(at_once, len(plan.todo)))
    torch.set_num_threads(threads)
    console.print(
        f"{len(plan.runs)} runs, {len(plan.todo)} to train. About {duration(seconds)} on this"
        f" machine, {at_once} at a time; start-up and figures not counted.",
    )


def start_over(study: Folder, console: Console) -> None:
    """Delete the study's folder; says what would be lost, and asks where someone can answer.

    Raises:
        StudyError: the folder is not a study's, or the answer is no.
    """
    if not study.exists():
        return
    if not (study.exists("study.yaml") or study.exists("runs")):
        raise StudyError(f"{study} is not a study's folder: --fresh leaves it alone")
    require_free(study)
    rows = read_tables(study).get("trials")
    n = 0 if rows is None else len(rows)
    epochs = 0 if rows is None else int(rows["epochs"].sum())
    console.print(f"--fresh throws away {study}: {n} runs, {epochs} epochs", soft_wrap=True)
    if sys.stdin.isatty() and not Confirm.ask("Throw it away?", console=console):
        raise StudyError("nothing was thrown away")
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
    study, console = invocation.study, invocation.console
    with Lock(study) as lock:
        plan = make_plan(runs, study)
        if longer := plan.longer():
            console.print(longer)
        study_log = StudyLog(study, plan, open_tracker(invocation.log, study))
        study_log.begin(invocation.request)
        try:
            outcome = Outcome({}, interrupted=False)
            if plan.todo:
                cache = data_dir(invocation.data_dir)
                workplace = Workplace(study, lock, cache, invocation.resources)
                outcome = _train(plan, workplace, study_log, console)
            else:
                console.print(f"all {len(runs)} runs are done; nothing to train")
        finally:
            study_log.end()
    return outcome


def _train(plan: Plan, workplace: Workplace, study_log: StudyLog, console: Console) -> Outcome:
    """Train what a plan lacks, once data, cluster and nodes are known to be there."""
    prepare(workplace, sorted({run.data for run in plan.todo}))
    engine = plan_engine(plan, study_log.precision)
    study_log.note(engine=engine.facts())
    _announce(plan, slots(workplace.resources), console)
    if idle := idle_nodes(workplace.resources):
        console.print(
            f"{idle} nodes have no GPU and stay idle; with --gpus-per-run 0 runs go to every node"
            " and use its GPU where it has one"
        )
    with Display(console, plan.todo, len(plan.runs) - len(plan.todo)) as display:
        outcome = launch(plan.todo, workplace, engine, display, study_log)
    study_log.failed(outcome.errors)
    return outcome


def prepare(workplace: Workplace, data: list[str]) -> None:
    """Fetch the data, join the cluster, and see that each of its nodes can train.

    Args:
        workplace: where to train.
        data: the data sets that runs need, by name.

    Raises:
        StudyError: one of them is not to be had.
    """
    for name in data:
        prepare_data(name, workplace.data_dir)
    connect(workplace.resources.address)
    if workplace.resources.address:  # a Ray of our own has this machine alone
        check_nodes(workplace.study, workplace.lock.holder.invocation, workplace.data_dir, data)


def plan_engine(plan: Plan, precision: str | None = None) -> EngineSelection:
    """The engine for what a plan has to train.

    Args:
        precision: what an earlier invocation of the study chose.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return select_engine(plan.runs, device, precision)


def _announce(plan: Plan, at_once: int, console: Console) -> None:
    done = len(plan.runs) - len(plan.todo)
    begun = sum(plan.epochs.get(run.run_id, 0) > 0 for run in plan.todo)
    parts = [f"{len(plan.todo)} runs to train, {at_once} at a time"]
    parts += [f"{done} done before"] if done else []
    parts += [f"{begun} go on from a checkpoint"] if begun else []
    console.print("; ".join(parts))
