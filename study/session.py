"""One sitting of a study: what is done, what is left, train it, keep the tables up to date."""

import logging
import os
import platform
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from rich.console import Console
from rich.prompt import Confirm
from rich.table import Table

from study.choice import Choice, choose
from study.config import RunConfig, StudyError
from study.data import DATA_HASH, data_dir, fetch
from study.display import Display, duration
from study.estimate import total_seconds
from study.launch import Outcome, Resources, connect, idle_nodes, launch, slots
from study.lock import Lock, require_free
from study.machine import processor
from study.nodes import check_nodes
from study.results import (
    Record,
    Tables,
    build_tables,
    is_done,
    new_record,
    read_record,
    read_records,
    read_study,
    read_tables,
    runs_folder,
    write_study,
    write_tables,
)
from study.storage import Folder
from study.trackers import Journal, open_tracker

_log = logging.getLogger(__name__)

TABLES_EVERY_S = 30.0
PACKAGES = ("torch", "torchvision", "ray", "numpy", "pandas", "scikit-learn", "vae-study")


class Plan(NamedTuple):
    """What a study has and what it lacks."""

    runs: list[RunConfig]  # as asked
    todo: list[RunConfig]
    epochs: dict[str, int]  # run id -> epochs that it has
    records: dict[str, Record]
    tables: Tables  # as read

    def left(self) -> list[tuple[RunConfig, int]]:
        """The runs to train and the epochs that each lacks."""
        return [(run, max(1, run.epochs - self.epochs.get(run.run_id, 0))) for run in self.todo]


def make_plan(runs: list[RunConfig], study: Folder) -> Plan:
    """Compare what is asked with what lies in the study's folder.

    A run is done when its record says so, or, where its folder is gone, its row of the tables.

    Raises:
        StudyError: a record or table is damaged; names the file.
    """
    tables = read_tables(study)
    records = read_records(study)
    epochs = {name: len(record["epochs"]) for name, record in records.items()}
    rows = tables.get("trials")
    if rows is not None:
        gone = rows[(rows["state"] == "done") & ~rows["run"].isin(list(records))]
        epochs |= dict(zip(gone["run"], gone["epochs"].astype(int), strict=True))

    def is_left(run: RunConfig) -> bool:
        if run.run_id in records:
            return not is_done(records[run.run_id], run)
        return epochs.get(run.run_id, 0) < run.epochs

    return Plan(runs, [run for run in runs if is_left(run)], epochs, records, tables)


def show_plan(plan: Plan, cpus_per_run: float, console: Console) -> None:
    """Print the runs, their number and how long they would take on this machine."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("run", "J", "beta", "conditioning", "seed", "epochs", "has"):
        table.add_column(column, justify="left" if column == "run" else "right")
    for run in plan.runs:
        values = (run.latent_dim, f"{run.beta:g}", run.conditioning, run.seed, run.epochs)
        has = plan.epochs.get(run.run_id, 0)
        table.add_row(run.run_id, *map(str, values), str(has) if has else "")
    console.print(table)

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


def run_session(
    runs: list[RunConfig],
    study: Folder,
    asked: dict[str, Any],
    data: Path | None,
    resources: Resources,
    console: Console,
    log: str | None = None,
) -> Outcome:
    """Train what a study lacks; tables and study.yaml are right at the end, however it ends.

    Args:
        log: the tracker that also gets the figures, by its name.

    Raises:
        StudyError: the study cannot begin: its folder, the data or the cluster is not to be had.
    """
    with Lock(study) as lock:
        plan = make_plan(runs, study)
        journal = Journal(open_tracker(log, study), plan.todo)
        book = _Book(study, plan, journal)
        book.begin(asked)
        try:
            outcome = Outcome({}, interrupted=False)
            if plan.todo:
                outcome = _train(plan, study, lock, data_dir(data), resources, console, book)
            else:
                console.print(f"all {len(runs)} runs are done; nothing to train")
        finally:
            book.end()
    return outcome


def _train(
    plan: Plan,
    study: Folder,
    lock: Lock,
    cache: Path,
    resources: Resources,
    console: Console,
    book: "_Book",
) -> Outcome:
    fetch(cache)
    connect(resources.address)
    if resources.address:  # a Ray of our own has this machine alone
        check_nodes(study, lock.holder.sitting, cache)
    engine = plan_engine(plan, book.precision)
    book.note(engine=engine.told())
    _announce(plan, slots(resources), console)
    if idle := idle_nodes(resources):
        console.print(
            f"{idle} nodes have no GPU and stay idle; with --gpus-per-run 0 runs go to every node"
            " and use its GPU where it has one"
        )
    with Display(console, plan.todo, len(plan.runs) - len(plan.todo)) as display:
        told = (display, book.settled, book.figures)
        outcome = launch(plan.todo, study, lock, cache, engine, resources, *told)
    book.failed(outcome.errors)
    return outcome


def plan_engine(plan: Plan, precision: str | None = None) -> Choice:
    """The engine for what a plan has to train.

    Args:
        precision: what an earlier sitting of the study chose.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return choose(plan.left(), device, precision)


class _Book:
    """Keeps the records in memory and the tables on disk."""

    def __init__(self, study: Folder, plan: Plan, journal: Journal) -> None:
        self._study, self._plan, self._journal = study, plan, journal
        self._records = dict(plan.records)
        for run in plan.todo:
            if run.run_id not in plan.epochs:
                self._records[run.run_id] = new_record(run, "waiting")
        self._settled: set[str] = set()
        self._written = 0.0
        self._content: dict[str, Any] = {}

    def begin(self, asked: dict[str, Any]) -> None:
        """Write study.yaml and the tables; the first proof that the folder can be written."""
        sitting = {**asked, **_provenance(), "start": _now(), "end": None}
        try:
            sittings = read_study(self._study).get("sittings", [])
            self._content = {
                "name": self._study.name,
                "runs": [run.run_id for run in self._plan.runs],
                "data": {"name": "MNIST", "hash": DATA_HASH},
                "sittings": [*sittings, sitting],
            }
            write_study(self._study, self._content)
            self._write_tables()
        except OSError as error:
            raise _unwritable(self._study, error) from None

    @property
    def precision(self) -> str | None:
        """What an earlier sitting of this study chose; the study keeps to it."""
        chosen = [s["engine"]["precision"] for s in self._content["sittings"] if "engine" in s]
        return chosen[-1] if chosen else None

    def note(self, **facts: Any) -> None:
        """Add to what study.yaml says of this sitting."""
        self._content["sittings"][-1] |= facts
        write_study(self._study, self._content)

    def settled(self, run: str) -> None:
        """A run is done or has failed: take its record, and now and then write the tables."""
        self._settled.add(run)
        try:
            self._read(run)
            if time.monotonic() - self._written > TABLES_EVERY_S:
                self._write_tables()
        except OSError as error:  # the next run may find the storage back; `end` tries again
            _log.warning("cannot use the results folder: %s", error)
        if record := self._records.get(run):
            self._journal.settle(run, record["epochs"], record["state"])

    def figures(self, run: str, epochs: list[dict[str, float]]) -> None:
        """A run reports epochs; those of its record come first, where the tracker lacks them."""
        before = self._records[run]["epochs"] if run in self._records else []
        self._journal.add(run, [*before, *epochs])

    def failed(self, errors: dict[str, str]) -> None:
        """Keep failures whose record could not be written."""
        for run, error in errors.items():
            if run in self._records:
                self._records[run]["state"], self._records[run]["error"] = "failed", error

    def end(self) -> None:
        """Read what changed and did not settle, and write everything.

        Raises:
            StudyError: the folder cannot be written.
        """
        self._journal.close()
        self._content["sittings"][-1]["end"] = _now()
        try:
            for run in self._plan.todo:
                if run.run_id not in self._settled:
                    self._read(run.run_id)
            self._write_tables()
            write_study(self._study, self._content)
        except OSError as error:
            raise _unwritable(self._study, error) from None

    def _read(self, run: str) -> None:
        if record := read_record(runs_folder(self._study) / run):
            self._records[run] = record

    def _write_tables(self) -> None:
        write_tables(self._study, build_tables(self._records, self._plan.tables))
        self._written = time.monotonic()


def _unwritable(study: Folder, error: OSError) -> StudyError:
    return StudyError(
        f"cannot write to the results folder {study}: {error}; what was saved before is whole, and"
        " the same command goes on from there"
    )


def _announce(plan: Plan, at_once: int, console: Console) -> None:
    done = len(plan.runs) - len(plan.todo)
    begun = sum(plan.epochs.get(run.run_id, 0) > 0 for run in plan.todo)
    parts = [f"{len(plan.todo)} runs to train, {at_once} at a time"]
    parts += [f"{done} done before"] if done else []
    parts += [f"{begun} go on from a checkpoint"] if begun else []
    console.print("; ".join(parts))


def _provenance() -> dict[str, Any]:
    packages = {name: version(name) for name in PACKAGES if _installed(name)}
    return {
        "machine": {
            "node": platform.node(),
            "system": platform.platform(),
            "processor": processor(),
            "cores": os.cpu_count(),
            "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
        },
        "versions": {"python": platform.python_version(), **packages},
    }


def _installed(name: str) -> bool:
    try:
        return bool(version(name))
    except ModuleNotFoundError:
        return False


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
