"""What the paper's claims are decided on: one number a check and seed."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.latent_effects.alignment import NAMES
from analysis.study import Study
from study.config.run import AXES
from study.storage.axes import as_in_the_paper
from study.storage.tables import has_table

INF = float("inf")
DATA = "mnist"  # what the paper's models were trained on
USED = {"alignment": ("basis", "property", "n_digits"), "reconstruction": ("blur", "readable")}


class PaperRuns(NamedTuple):
    """Runs with the paper's hyperparameters: their last epoch, and what their pictures showed."""

    trials: pd.DataFrame  # finished
    alignment: pd.DataFrame  # may be empty
    reconstruction: pd.DataFrame  # may be empty


Value = Callable[[PaperRuns], "pd.Series[float]"]  # by seed; no entry, or NaN, without its runs


class Check(NamedTuple):
    """One number of a claim, and where it should lie."""

    what: str
    value: Value
    low: float
    high: float
    digits: int = 3  # after the point, as shown


def paper_runs(study: Study) -> PaperRuns:
    """Runs that differ from the paper in J, beta, conditioning and seed alone."""
    trials = as_in_the_paper(study.trials[study.trials["state"] == "done"])
    tables = []
    for name, figures in USED.items():
        empty = pd.DataFrame(columns=["run", *AXES, *figures])
        table = getattr(study, name) if has_table(study.folder, name) else empty
        tables.append(table[table["run"].isin(trials["run"])])
    return PaperRuns(trials, *tables)


def other_data(study: Study) -> str:
    """The data set of a study that has no run on the paper's; "" for any other."""
    names = set(study.trials["data"]) if "data" in study.trials else {DATA}
    return "" if DATA in names else ", ".join(sorted(names))


def _rows(table: pd.DataFrame, j: int, beta: float, label: bool) -> pd.DataFrame:
    here = (table["latent_dim"] == j) & (table["beta"] == beta)
    return table[here & (table["conditioning"] == ("label" if label else "none"))]


def _latents(runs: PaperRuns, beta: float, label: bool) -> pd.DataFrame:
    """What the latents of runs with J = 10 move; empty where that was not measured."""
    rows = _rows(runs.alignment, 10, beta, label)
    return rows[rows["basis"] == "latent"]


def figure(name: str, j: int, beta: float, label: bool = False) -> Value:
    """A figure of a run's last epoch, or of its reconstructions."""

    def value(runs: PaperRuns) -> "pd.Series[float]":
        table = runs.trials if name in runs.trials else runs.reconstruction
        return _rows(table, j, beta, label).set_index("seed")[name]

    return value


kl_share = partial(figure, "kl_fraction")
cost = partial(figure, "objective")


def less(one: Value, other: Value) -> Value:
    return lambda runs: one(runs) - other(runs)


def ratio(one: Value, other: Value) -> Value:
    return lambda runs: one(runs) / other(runs)


def below(one: Value, other: Value) -> Value:
    """How far the one is below the other, as a share of the other."""
    return ratio(less(other, one), other)


def gain_beyond_ten(runs: PaperRuns) -> "pd.Series[float]":
    """What the better of J = 20 and 200 gains over J = 10, as a share of its objective."""
    ten, twenty, most = (cost(j, 1)(runs) for j in (10, 20, 200))
    return (ten - np.minimum(twenty, most)) / ten


def gap(j: int) -> Value:
    """How far the test objective is above the training objective, as a share of that."""
    train, test = figure("train_objective", j, 1), cost(j, 1)
    return ratio(less(test, train), train)


def still(beta: float, label: bool) -> Value:
    """Latents that do not react to traversal."""

    def value(runs: PaperRuns) -> "pd.Series[float]":
        rows = _latents(runs, beta, label)
        return (rows["property"] == "none").groupby(rows["seed"]).sum().astype(float)

    return value


def aligned(runs: PaperRuns) -> "pd.Series[float]":
    """Properties that a latent of the conditioned model with beta 10 is named after."""
    return n_named(_latents(runs, 10, True))


def n_named(rows: pd.DataFrame) -> "pd.Series[float]":
    """By seed, how many of the three properties have a direction among `rows` named after them."""
    names = rows["property"].where(rows["property"].isin(NAMES.values()))
    return names.groupby(rows["seed"]).nunique().astype(float)


def digits(runs: PaperRuns) -> "pd.Series[float]":
    """The fewest digits for which the best aligned latent of a property holds; 0: it has none."""
    best = _latents(runs, 10, True).groupby(["seed", "property"])["n_digits"].max().unstack()
    return best.reindex(columns=list(NAMES.values())).fillna(0).min(axis=1)


def rises(values: dict[str, Value], floor: float = 0.0, digits: int = 3) -> list[Check]:
    """Each of the named values above the one before."""
    pairs = zip(values.items(), list(values.items())[1:], strict=False)
    return [
        Check(f"{later} over {earlier}", less(b, a), floor, INF, digits)
        for (earlier, a), (later, b) in pairs
    ]
