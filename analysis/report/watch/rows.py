"""A run as the live page has it: state, figures, learning curves; of its record, or of tables."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from study.storage.folder import Folder
from study.storage.records import Record
from study.storage.tables import epoch_row, read_tables

FIGURES = ("neg_elbo", "objective", "recon", "kl")
CURVES = (*(f"{split}_{name}" for name in FIGURES for split in ("test", "train")), "active_latents")


class Row(NamedTuple):
    """One run; its figures are the last ones of its curves."""

    run: str
    state: str
    error: str = ""
    epochs: int = 0  # asked for
    beta: float = 1.0
    data: str = ""
    conditioning: str = ""
    seconds: float = 0.0  # of training and evaluation
    engine: str = ""
    node: str = ""
    device: str = ""
    curves: Mapping[str, Sequence[float | None]] = {}

    @property
    def epoch(self) -> int:
        """Epochs that it has."""
        return max(map(len, self.curves.values()), default=0)

    @property
    def neg_elbo(self) -> float | None:
        """Of its last epoch, on the test set; None where it has none."""
        return (self.curves.get("test_neg_elbo") or [None])[-1]

    def with_epochs(self, latest: Iterable[dict[str, Any]]) -> "Row":
        """The same with epochs that its record does not have yet, in the form of the record."""
        later = [one for one in latest if one["epoch"] > self.epoch]
        more = _curves(epoch_row(self.beta, one) for one in later)
        curves = {name: [*self.curves.get(name, ()), *more[name]] for name in CURVES}
        return self._replace(curves=curves) if later else self

    def to_json(self) -> str:
        """For the page; figures have two decimals."""
        curves = {name: [_short(v) for v in values] for name, values in self.curves.items()}
        row = {**self._asdict(), "epoch": self.epoch, "curves": curves}
        return json.dumps(row, separators=(",", ":"))


def of_record(run: str, record: Record) -> Row:
    """A run of its record."""
    config = record["config"]
    return Row(
        run,
        record["state"],
        record["error"] or "",
        config["epochs"],
        config["beta"],
        config.get("data", "mnist"),
        config["conditioning"],
        record["seconds"],
        record["engine"],
        record["node"],
        record["device"],
        _curves(epoch_row(config["beta"], epoch) for epoch in record["epochs"]),
    )


def of_tables(study: Folder) -> dict[str, Row]:
    """The runs of a study's tables, by id, as in a clone that has nothing else.

    Raises:
        StudyError: a table is damaged; names the file.
    """
    tables = read_tables(study)
    if "trials" not in tables:
        return {}
    epochs = tables["epochs"].groupby("run", sort=False) if "epochs" in tables else ()
    curves = {str(run): _curves(part.to_dict("records")) for run, part in epochs}
    rows = {}
    for cells in tables["trials"].to_dict("records"):
        there = {name: value for name, value in cells.items() if value == value and value}
        kept = {name: there[name] for name in Row._fields if name in there}
        rows[str(cells["run"])] = Row(**kept)._replace(curves=curves.get(str(cells["run"]), {}))
    return rows


def _curves(rows: Iterable[Mapping[Any, Any]]) -> dict[str, list[float | None]]:
    table = list(rows)
    return {name: [row.get(name) for row in table] for name in CURVES}


def _short(value: Any) -> float | None:
    """A number as the page gets it; None for what JSON cannot hold, or a table did not."""
    try:
        return round(float(value), 2) if math.isfinite(value) else None
    except TypeError:  # None, and the missing values of pandas
        return None
