"""The scores that a study has, what it lacks of them, and the tables made of both."""

import time
from dataclasses import dataclass, field

import pandas as pd

from analysis.metrics import labels
from analysis.scoring.evaluation import BOUND_UNITS, Unit, Value
from analysis.scoring.targets import (
    CONTROL_SCORES,
    SCORES,
    UDR,
    Row,
    ScoreTarget,
    Setup,
    beside_keys,
    pair_keys,
    scores_table,
)
from analysis.study import Study, configuration, current_scores
from study.storage.tables import has_table, read_table, write_table


@dataclass
class Jobs:
    """Work to do; what belongs to one run's codes is done together."""

    runs: dict[str, tuple[list[Unit], list[Unit]]] = field(default_factory=dict)
    controls: list[tuple[ScoreTarget, list[Unit]]] = field(default_factory=list)
    pairs: list[tuple[str, str]] = field(default_factory=list)

    def count(self) -> int:
        return len(self.runs) + len(self.controls) + len(self.pairs)

    def rows(self) -> int:
        units = [len(a) + len(b) for a, b in self.runs.values()]
        return sum(units) + sum(len(units) for _, units in self.controls) + len(self.pairs)


class ScoreCache:
    """The rows known so far, by key, and the tables made of them."""

    def __init__(self, study: Study, setup: Setup) -> None:
        self.study, self.setup, self.computed = study, setup, 0
        self._rows, self._controls, self._pairs = (
            _rows(study, name) for name in ("scores", "controls", "udr")
        )
        self._before = (set(self._rows), set(self._controls), set(self._pairs))
        self._targets: dict[tuple[str, str], ScoreTarget] = {}
        self._beside: dict[str, dict[str, str]] = {}
        self._pair_keys: dict[tuple[str, str], str] = {}
        self._written = time.monotonic()

    def missing(self, groups: list[list[ScoreTarget]]) -> Jobs:
        """The work left, after rows have been dropped that belong to other content.

        Args:
            groups: each run with its controls, the run first.
        """
        runs = [group[0] for group in groups]
        for group in groups:
            self._targets |= {(target.control, target.of): target for target in group}
            self._beside |= beside_keys(group, self.setup)
        self._pair_keys = pair_keys(runs, self.setup.images)
        self._drop_stale(runs)
        jobs = Jobs()
        for target in self._targets.values():
            if target.control in {"", "shuffled"}:
                continue
            if units := target.missing(self._controls, self.setup):
                jobs.controls.append((target, units))
        jobs.pairs = [pair for pair, key in self._pair_keys.items() if key not in self._pairs]
        for run in runs:
            units = run.missing(self._rows, self.setup)
            twin = self._targets["shuffled", run.of]
            shuffled_units = twin.missing(self._controls, self.setup)
            if units or shuffled_units or any(run.of in pair for pair in jobs.pairs):
                jobs.runs[run.of] = (units, shuffled_units)
        return jobs

    def add(self, control: str, of: str, values: list[Value]) -> None:
        """Rows of a target."""
        target = self._targets[control, of]
        for value in values:
            key = target.key(Unit(value.basis, value.factors, value.scope, value.score), self.setup)
            row = {**value._asdict(), "key": key}
            if control:
                self._controls[key] = {"control": control, "of": of, **row}
            else:
                self._rows[key] = {"run": of, **row}
        self.computed += len(values)

    def add_pair(self, a: str, b: str, row: Row) -> None:
        """The agreement of two runs."""
        key = self._pair_keys[a, b]
        name = str(configuration(pd.Series([a])).iloc[0])
        self._pairs[key] = {"configuration": name, "run_a": a, "run_b": b, **row, "key": key}
        self.computed += 1

    def changed(self) -> bool:
        """Whether rows came or went since the tables were read."""
        return self._before != (set(self._rows), set(self._controls), set(self._pairs))

    def table(self) -> pd.DataFrame:
        """Scores of runs, with their controls beside them."""
        rows, controls = list(self._rows.values()), list(self._controls.values())
        return scores_table(self.study.trials, rows, controls, self._beside)

    def write(self, every_s: float = 0.0) -> None:
        """Write the tables, unless that was done less than `every_s` ago."""
        if time.monotonic() - self._written < every_s:
            return
        folder = self.study.folder
        write_table(folder, "scores", self.table(), SCORES)
        controls = pd.DataFrame(list(self._controls.values()), columns=CONTROL_SCORES.names)
        write_table(folder, "controls", controls, CONTROL_SCORES)
        pairs = pd.DataFrame(list(self._pairs.values()), columns=UDR.names)
        write_table(folder, "udr", pairs, UDR)
        self.study.forget("scores", "udr", "ranking")
        self._written = time.monotonic()

    def _drop_stale(self, runs: list[ScoreTarget]) -> None:
        """Drop rows of the runs at hand that their present content does not explain.

        Rows of metrics that are not at hand stay with a run whose other rows hold.
        """
        here, setup = {run.of for run in runs}, self.setup
        keys = {run.key(unit, setup) for run in runs for unit in run.units(setup)}
        unchanged = {row["run"] for key, row in self._rows.items() if key in keys}
        known = {*labels(setup.metrics), *(unit.score for unit in BOUND_UNITS)}
        done = set(self.study.trials.query("state == 'done'")["run"])

        def holds(key: str, row: Row) -> bool:
            if row["run"] not in here:
                return row["run"] in done
            return key in keys or (row["score"] not in known and row["run"] in unchanged)

        self._rows = {key: row for key, row in self._rows.items() if holds(key, row)}
        self._pairs = {
            key: row
            for key, row in self._pairs.items()
            if key in self._pair_keys.values() or not {row["run_a"], row["run_b"]} <= here
        }


def _rows(study: Study, name: str) -> dict[str, Row]:
    """The rows of a table by key; none where it does not exist yet."""
    if not has_table(study.folder, name):
        return {}
    table = current_scores(read_table(study.folder, name))
    rows: list[Row] = table.to_dict("records")  # type: ignore[assignment]
    return {row["key"]: row for row in rows}
