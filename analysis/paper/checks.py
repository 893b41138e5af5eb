"""What the paper's claims are decided on: one number a check and seed; NaN without its runs."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.latent_effects.alignment import NAMES
from analysis.study import Study
from study.storage.tables import has_table

INF = float("inf")
DATA = "mnist"  # what the paper's models were trained on


class PaperRuns(NamedTuple):
    """Runs with the paper's hyperparameters: their last epoch, and what their pictures showed."""

    trials: pd.DataFrame  # finished
    alignment: pd.DataFrame  # may be empty
    reconstruction: pd.DataFrame  # may be empty

    def seeds(self) -> list[int]:
        return sorted(self.trials["seed"].unique())

    def figure(self, name: str, seed: int, j: int, beta: float, label: bool = False) -> float:
        """A figure of one run; NaN where the study lacks the run."""
        table = self.trials if name in self.trials else self.reconstruction
        rows = _rows(table, seed, j, beta, label)
        return float(rows[name].iloc[0]) if len(rows) else np.nan

    def latents(self, seed: int, beta: float, label: bool) -> pd.DataFrame:
        """What the latents of a run with J = 10 move; empty where that was not measured."""
        rows = _rows(self.alignment, seed, 10, beta, label)
        return rows[rows["basis"] == "latent"] if len(rows) else rows


Value = Callable[[PaperRuns, int], float]


class Check(NamedTuple):
    """One number of a claim, and where it should lie."""

    what: str
    value: Value
    low: float
    high: float
    digits: int = 3  # after the point, as shown


def paper_runs(study: Study) -> PaperRuns:
    """Runs that differ from the paper in nothing but the axes: their ids have no hash."""
    plain = r"J\d+-beta[\d.e+-]+-(?:none|label)-seed\d+"
    trials = study.trials[study.trials["run"].str.fullmatch(plain)]
    trials = trials[trials["state"] == "done"]
    tables = []
    for name in ("alignment", "reconstruction"):
        known = has_table(study.folder, name)
        table = getattr(study, name) if known else pd.DataFrame(columns=["run"])
        tables.append(table[table["run"].isin(trials["run"])])
    return PaperRuns(trials, *tables)


def other_data(study: Study) -> str:
    """The data set of a study that has no run on the paper's; "" for any other."""
    names = set(study.trials["data"]) if "data" in study.trials else {DATA}
    return "" if DATA in names else ", ".join(sorted(names))


def _rows(table: pd.DataFrame, seed: int, j: int, beta: float, label: bool) -> pd.DataFrame:
    if table.empty:
        return table
    conditioning = "label" if label else "none"
    here = (table["seed"] == seed) & (table["latent_dim"] == j) & (table["beta"] == beta)
    return table[here & (table["conditioning"] == conditioning)]


def figure(name: str, j: int, beta: float, label: bool = False) -> Value:
    """A figure of a run's last epoch."""
    return lambda runs, seed: runs.figure(name, seed, j, beta, label)


def kl_share(j: int, beta: float, label: bool = False) -> Value:
    return figure("kl_fraction", j, beta, label)


def cost(j: int, beta: float, label: bool = False) -> Value:
    return figure("objective", j, beta, label)


def less(one: Value, other: Value) -> Value:
    return lambda runs, seed: one(runs, seed) - other(runs, seed)


def ratio(one: Value, other: Value) -> Value:
    return lambda runs, seed: one(runs, seed) / other(runs, seed)


def below(one: Value, other: Value) -> Value:
    """How far the one is below the other, as a share of the other."""
    return lambda runs, seed: (other(runs, seed) - one(runs, seed)) / other(runs, seed)


def gain_beyond_ten(runs: PaperRuns, seed: int) -> float:
    """What the better of J = 20 and 200 gains over J = 10, as a share of its objective."""
    ten, *larger = (runs.figure("objective", seed, j, 1) for j in (10, 20, 200))
    return (ten - float(np.min(larger))) / ten


def gap(j: int) -> Value:
    """How far the test objective is above the training objective, as a share of that."""

    def value(runs: PaperRuns, seed: int) -> float:
        train, test = (runs.figure(name, seed, j, 1) for name in ("train_objective", "objective"))
        return (test - train) / train

    return value


def still(beta: float, label: bool) -> Value:
    """Latents that do not react to traversal."""

    def value(runs: PaperRuns, seed: int) -> float:
        rows = runs.latents(seed, beta, label)
        return float((rows["property"] == "none").sum()) if len(rows) else np.nan

    return value


def aligned(runs: PaperRuns, seed: int) -> float:
    """Properties that a latent of the conditioned model with beta 10 is named after."""
    rows = runs.latents(seed, 10, True)
    return float(len(set(NAMES.values()) & set(rows["property"]))) if len(rows) else np.nan


def digits(runs: PaperRuns, seed: int) -> float:
    """The fewest digits for which the best aligned latent of a property holds; 0: it has none."""
    rows = runs.latents(seed, 10, True)
    if rows.empty:
        return np.nan
    best = rows.groupby("property")["n_digits"].max()
    return float(min(best.get(name, 0) for name in NAMES.values()))


def rises(values: dict[str, Value], floor: float = 0.0, digits: int = 3) -> list[Check]:
    """Each of the named values above the one before."""
    pairs = zip(values.items(), list(values.items())[1:], strict=False)
    return [
        Check(f"{later} over {earlier}", less(b, a), floor, INF, digits)
        for (earlier, a), (later, b) in pairs
    ]
