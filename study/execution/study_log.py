"""What a study has and lacks; its records in memory, its tables and study.yaml on disk."""

import logging
import os
import platform
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import torch

from study.config.errors import StudyError
from study.config.own_data import is_data_path, path_of, version_of
from study.config.run import RunConfig
from study.data import data_facts
from study.execution.trackers import Tracker, TrackerFeed
from study.storage.folder import Folder
from study.storage.records import (
    Record,
    compact,
    is_done,
    keep_together,
    new_record,
    read_record,
    read_records,
    runs_folder,
)
from study.storage.study_file import read_study, write_study
from study.storage.tables import (
    TABLES,
    Tables,
    has_table,
    read_table,
    read_tables,
    write_study_tables,
)
from study.training.hardware import processor

_log = logging.getLogger(__name__)

TABLES_EVERY_S = 30.0
TABLES_SHARE = 0.02  # at most, of the time: those of a large study take long to write
PACKAGES = ("torch", "torchvision", "ray", "numpy", "pandas", "scikit-learn", "vae-study")


class Plan(NamedTuple):
    """What a study has and what it lacks."""

    runs: dict[str, RunConfig]  # all that are asked for, by run id
    todo: list[RunConfig]
    epochs: dict[str, int]  # run id -> epochs that it has
    records: dict[str, Record]
    damaged: dict[str, str]  # run id -> what is wrong with its record: it is left as it is
    tables: Tables  # the rows of runs that have no record
    current: bool  # the tables on disk hold what the records say

    def left(self) -> list[tuple[RunConfig, int]]:
        """The runs to train and the epochs that each lacks."""
        return [(run, max(1, run.epochs - self.epochs.get(run.run_id, 0))) for run in self.todo]

    def of_damaged(self) -> dict[str, str]:
        """The runs that are asked for and left, as their records are damaged, and why."""
        return {name: self.damaged[name] for name in self.runs if name in self.damaged}

    def longer(self) -> str:
        """One line on finished runs that have more epochs than are asked for; "" without any."""
        todo = {run.run_id for run in self.todo}
        pairs = [
            (self.epochs[name], run.epochs)
            for name, run in self.runs.items()
            if name not in todo and self.epochs.get(name, 0) > run.epochs
        ]
        if not pairs:
            return ""
        has, wanted = (" or ".join(map(str, sorted(set(n)))) for n in zip(*pairs, strict=True))
        kind = "1 run has" if len(pairs) == 1 else f"{len(pairs)} runs have"
        stay = "it stays as it is" if len(pairs) == 1 else "they stay as they are"
        return f"{kind} {has} epochs already, {wanted} were requested: {stay}"


def make_plan(runs: list[RunConfig], study: Folder) -> Plan:
    """Compare what is asked with what lies in the study's folder.

    A run is done when its record says so, or, where its folder is gone, its row of the tables.

    Raises:
        StudyError: a table is damaged, names the file; or data of the user's own has changed since
            the study began.
    """
    records, damaged = read_records(study)
    tables, current = _without_record(study, records)
    require_unchanged({run.data for run in runs}, records)
    epochs = {name: len(record["epochs"]) for name, record in records.items()}
    rows = tables.get("trials")
    if rows is not None:
        gone = rows[(rows["state"] == "done") & ~rows["run"].isin(runs_folder(study).folders())]
        epochs |= dict(zip(gone["run"], gone["epochs"].astype(int), strict=True))

    def is_left(name: str, run: RunConfig) -> bool:
        if name in damaged:
            return False
        if name in records:
            return not is_done(records[name], run)
        return epochs.get(name, 0) < run.epochs

    by_id = {run.run_id: run for run in runs}
    todo = [run for name, run in by_id.items() if is_left(name, run)]
    return Plan(by_id, todo, epochs, records, damaged, tables, current)


def _without_record(study: Folder, records: Mapping[str, Record]) -> tuple[Tables, bool]:
    """The rows of runs without a record, and whether those of the others are as the records say.

    No table but the trials is read where all runs have a record.
    """
    if not all(has_table(study, name) for name in TABLES):
        return read_tables(study), False
    trials = read_table(study, "trials")
    gone = ~trials["run"].isin(list(records))
    # Seconds are those of one training: a run that was trained again has others.
    columns = ["run", "state", "epochs", "seconds"]
    rows = trials.reindex(columns=columns)[~gone].itertuples(index=False, name=None)
    current = set(rows) == {
        (run, record["state"], len(record["epochs"]), record["seconds"])
        for run, record in records.items()
    }
    if not gone.any():
        return {}, current
    tables = {**read_tables(study), "trials": trials}
    rest = {name: table[~table["run"].isin(list(records))] for name, table in tables.items()}
    return rest, current


def require_unchanged(names: Iterable[str], records: Mapping[str, Record]) -> None:
    """Refuse data of the user's own in another version than that of a study's runs.

    Args:
        names: data sets that are asked for.
        records: of the study.

    Raises:
        StudyError: one has changed; names the file and both versions.
    """
    known = {str(record["config"].get("data", "mnist")) for record in records.values()}
    before = {path_of(name): version_of(name) for name in known if is_data_path(name)}
    for name in filter(is_data_path, names):
        path, now = path_of(name), version_of(name)
        if (was := before.get(path, now)) != now:
            raise StudyError(
                f"{path} has changed since the study began: it was {was} and is {now};"
                " restore it, or choose another --name for a new study"
            )


class StudyLog:
    """Keeps the records in memory and the tables on disk, until it is closed."""

    def __init__(
        self,
        study: Folder,
        plan: Plan,
        request: dict[str, Any],
        tracker: Tracker | None = None,
        data_dir: Path | None = None,
    ) -> None:
        """Write study.yaml and the tables; the first proof that the folder can be written.

        Args:
            study: its folder.
            plan: what it has and lacks.
            request: what study.yaml says of the command.
            tracker: also gets the figures.
            data_dir: where the data are.

        Raises:
            StudyError: the folder cannot be written.
        """
        self._study, self._plan, self._feed = study, plan, TrackerFeed(tracker)
        self._data_dir = data_dir
        self._records = dict(plan.records)
        self._todo: dict[str, RunConfig] = {}
        self._ended: set[str] = set()
        self._errors: dict[str, str] = {}
        self._current, self._next_write = plan.current, 0.0
        self._unwritten: set[str] = set()
        self._asked = set(plan.runs)
        invocation = {**request, **_provenance(), "start": _now(), "end": None}
        with _writing(study):
            self._content: dict[str, Any] = {
                "name": study.name,
                "runs": list(plan.runs),
                "data": self._facts(plan.runs.values() or [RunConfig()]),
                "invocations": [*read_study(study).get("invocations", []), invocation],
            }
            for run in plan.todo:
                self.expect(run)
            _clear(study, plan.records)
            write_study(study, self._content)
            self._write_tables()

    def expect(self, run: RunConfig) -> None:
        """One more run that is asked for."""
        name = run.run_id
        if name not in self._asked:
            self._asked.add(name)
            self._content["runs"].append(name)
        self._todo[name], self._current = run, False
        if name not in self._plan.epochs:
            self._records.setdefault(name, new_record(run, "waiting"))

    @property
    def precision(self) -> str | None:
        """What an earlier invocation of this study chose; the study keeps to it."""
        engines = [one["engine"] for one in self._content["invocations"] if "engine" in one]
        return engines[-1]["precision"] if engines else None

    def note_data(self, names: Iterable[str]) -> None:
        """Take the content of data sets down, which are there now."""
        self._content["data"] = data_facts(sorted(names), self._data_dir)

    def note(self, **facts: Any) -> None:
        """Add to what study.yaml says of this invocation."""
        self._content["invocations"][-1] |= facts
        write_study(self._study, self._content)

    def trained(self, run: str, epoch: dict[str, Any]) -> None:
        """A run reports an epoch; those of its record come first, where the tracker lacks them."""
        before = self._records[run]["epochs"] if run in self._records else []
        self._feed.add(self._todo[run], chain(before, [epoch]))

    def ended(self, run: str, error: str | None = None) -> None:
        """A run is done or has failed: take its record, and now and then write the tables.

        Args:
            run: its id.
            error: why it has failed; kept even where its record could not be written.
        """
        self._ended.add(run)
        self._unwritten.add(run)
        if error:
            self._errors[run] = error
        try:
            self._read(run)
            if time.monotonic() > self._next_write:
                self._write_tables()
        except (OSError, StudyError) as failure:
            # the next run may find the storage back; `close` tries again
            _log.warning("cannot use the results folder: %s", failure)
        if record := self._records.get(run):
            self._feed.add(self._todo[run], record["epochs"], record["state"])

    def close(self) -> None:
        """Read what changed and did not end, and write everything.

        Raises:
            StudyError: the folder cannot be written.
        """
        self._feed.close()
        self._content["invocations"][-1]["end"] = _now()
        with _writing(self._study):
            for run in self._todo.keys() - self._ended:
                self._read(run)
            self._write_tables()
            write_study(self._study, self._content)

    def _facts(self, runs: Iterable[RunConfig]) -> dict[str, Any]:
        return data_facts(sorted({run.data for run in runs}), self._data_dir)

    def _read(self, run: str) -> None:
        record = read_record(runs_folder(self._study) / run)
        if record := compact(record) if record else self._records.get(run):
            self._records[run] = record
            if run in self._errors:
                record["state"], record["error"] = "failed", self._errors[run]

    def _write_tables(self) -> None:
        if self._current:
            return
        start = time.monotonic()
        keep_together(self._records[run] for run in self._unwritten & self._records.keys())
        self._unwritten.clear()
        write_study_tables(self._study, self._records, self._plan.tables)
        end = time.monotonic()
        self._next_write = end + max(TABLES_EVERY_S, (end - start) / TABLES_SHARE)


def _clear(study: Folder, records: Mapping[str, Record]) -> None:
    """Delete what killed writers have left half written; a finished run has no writer."""
    for folder in (study, study / "tables", study / "figures"):
        folder.clear()
    runs = runs_folder(study)
    for run in runs.folders():
        if run not in records or records[run]["state"] != "done":
            (runs / run).clear()


@contextmanager
def _writing(study: Folder) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StudyError(
            f"cannot write to the results folder {study}: {error}; what was saved before is intact;"
            " repeat the same command to continue"
        ) from None


def _provenance() -> dict[str, Any]:
    packages = {}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            packages[name] = version(name)
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


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
