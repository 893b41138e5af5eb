"""A study's folder, read again and again at little cost: only files that were written since."""

import json
import time
from collections import Counter
from typing import Any, NamedTuple

from analysis.report.watch.rows import Row, of_record, of_tables
from study.config.errors import StudyError
from study.storage.checksums import verify
from study.storage.folder import Folder
from study.storage.progress import Progress, best_runs, read_progress, state_now
from study.storage.records import RECORD, read_records, runs_folder
from study.storage.study_file import STUDY, read_study

PAGES = {"report.html": "Report", "explorer.html": "Latent explorer"}
PICTURES = (".svg", ".png")
SHARE = 0.005  # of one core that reading takes, unless it then were too seldom
PAUSE_S, LONGEST_S = 2.0, 10.0  # between two readings

Stamps = dict[str, tuple[int, int]]


class Shown(NamedTuple):
    """A run as the page has it."""

    key: tuple[Any, ...]  # of what it was made
    version: int
    row: Row
    text: str  # JSON


class Reader:
    """What a folder says of a study, and what of that has changed since a version."""

    def __init__(self, study: Folder) -> None:
        """Nothing is read yet; the study may still have to begin."""
        self._study = study
        self._version = self._first = time.time_ns() // 1_000_000  # above those of servers before
        self._records, self._files, self._pictures = Stamps(), Stamps(), Stamps()
        self._content: dict[str, Any] = {}  # of study.yaml
        self._rows: dict[str, Row] = {}  # by run, of records
        self._old: dict[str, Row] = {}  # of tables, for runs whose records are not here
        self._shown: dict[str, Shown] = {}
        self._facts: dict[str, Any] = {}
        self._links: list[dict[str, str]] = []
        self._next = 0.0

    def refresh(self) -> None:
        """Read what was written since the last time; does nothing where that is just past."""
        if time.monotonic() < self._next:
            return
        began = time.thread_time()
        progress = read_progress(self._study)
        self._read(live=progress is not None)
        self._show(progress)
        self._facts = self._gather(progress)
        pause = (time.thread_time() - began) / SHARE
        self._next = time.monotonic() + min(max(pause, PAUSE_S), LONGEST_S)

    def since(self, version: int) -> str:
        """JSON of the study's facts and of the runs that have changed since a version.

        `whole` says that these are all runs: whatever is not among them is gone.
        """
        whole = not self._first <= version <= self._version
        runs = [one.text for one in self._shown.values() if whole or one.version > version]
        facts = json.dumps({**self._facts, "version": self._version, "whole": whole})
        return f'{facts[:-1]}, "runs": [{", ".join(runs)}]}}'

    def _read(self, live: bool) -> None:
        files, records = self._study.stamps(), runs_folder(self._study).stamps(RECORD)
        if files.get(STUDY) != self._files.get(STUDY):
            self._content = read_study(self._study)
        changed = [run for run, stamp in records.items() if stamp != self._records.get(run)]
        whole, damaged = read_records(self._study, changed)
        rows = {run: of_record(run, record) for run, record in whole.items()}
        rows |= {run: Row(run, "damaged", error=why) for run, why in damaged.items()}
        self._rows = {run: row for run, row in (self._rows | rows).items() if run in records}
        tables = ("trials.parquet", "epochs.parquet")
        if not live and any(files.get(name) != self._files.get(name) for name in tables):
            self._old = of_tables(self._study)  # a working driver would only repeat the records
        pictures = (self._study / "figures").stamps()
        if pictures != self._pictures or files.keys() != self._files.keys():
            self._links = _links(self._study, files, pictures)
        self._files, self._records, self._pictures = files, records, pictures

    def _show(self, progress: Progress | None) -> None:
        rows = {run: Row(run, "waiting") for run in self._content.get("runs", [])}
        rows |= self._old | self._rows
        if self._shown.keys() - rows.keys():
            self._shown, self._first = {}, self._version + 1
        self._version += 1
        for run, row in rows.items():
            latest = progress.running.get(run, []) if progress else []
            state = state_now(run, row.state, progress)
            written = self._records.get(run) or self._files.get("trials.parquet")
            key = (written, row.state, state, str(latest))
            if run not in self._shown or self._shown[run].key != key:
                now = row.with_epochs(latest)._replace(state=state)
                self._shown[run] = Shown(key, self._version, now, now.to_json())

    def _gather(self, progress: Progress | None) -> dict[str, Any]:
        """What the page says of the study as a whole; seconds are as of now."""
        rows = [one.row for one in self._shown.values()]
        known = [(row, row.neg_elbo) for row in rows if row.state != "failed"]
        best = best_runs((row.run, row.data, row.conditioning, n) for row, n in known if n)
        last = (self._content.get("invocations") or [{}])[-1]
        stage: dict[str, Any] = {"stage": ""}
        if progress:
            age = time.time() - progress.beat
            left = progress.seconds_left
            stage = {name: getattr(progress, name) for name in ("stage", "done", "total")}
            stage["left"] = None if left is None else max(0.0, left - age)
            stage["elapsed"] = time.time() - progress.began
        return {
            "name": self._content.get("name") or self._study.name,
            "place": str(self._study),
            "command": last.get("command", ""),
            "ended": last.get("end"),
            "states": Counter(row.state for row in rows),
            "best": [one._asdict() for one in best],
            "links": self._links,
            **stage,
        }


def _links(study: Folder, files: Stamps, pictures: Stamps) -> list[dict[str, str]]:
    """Pages and figures that are there, with their titles; figures in the gallery's order."""
    links = [
        {"href": name, "title": PAGES[name], "kind": "page"} for name in PAGES if name in files
    ]
    try:
        content = (study / "tables").read("gallery.json")
        verify(content, "gallery.json")
        listed = json.loads(content)["figures"]
        titles = {str(one["name"]): str(one["title"]) for one in listed}
    except (OSError, ValueError, KeyError, TypeError, StudyError):  # not drawn yet, or damaged
        titles = {}
    stems = {name.rpartition(".")[0] for name in pictures if name.endswith(PICTURES)}
    for stem in [*(name for name in titles if name in stems), *sorted(stems - titles.keys())]:
        file = next(stem + ending for ending in PICTURES if stem + ending in pictures)
        links.append({"href": f"figures/{file}", "title": titles.get(stem, stem), "kind": "figure"})
    return links
