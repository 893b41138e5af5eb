"""What the paper's claims are decided on: a figure a clause and seed."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.latent_effects.alignment import NAMES, PROPERTIES
from analysis.statistics.comparisons import MARGIN
from analysis.statistics.ranking import ranking_rows
from analysis.study import Study, configuration
from study.config.run import AXES
from study.storage.axes import DEFAULTS, PART_COLUMNS, as_in_the_paper
from study.storage.tables import has_table

INF = float("inf")
DATA = "mnist"  # what the paper's models were trained on
HEADLINE, PLAIN = "J10-beta10-label", "J10-beta1-none"  # configurations
MEAN, SEEDS, BEST = "mean", "seeds", "best"  # by what a clause is decided
USED = {
    "alignment": ("basis", "direction", "property", "digit_effects"),
    "reconstruction": ("blur", "readable"),
    "epochs": ("epoch", "test_objective"),
}


class PaperRuns(NamedTuple):
    """Finished runs with the paper's hyperparameters; every table but the first may be empty."""

    trials: pd.DataFrame
    alignment: pd.DataFrame
    reconstruction: pd.DataFrame
    epochs: pd.DataFrame
    scores: pd.DataFrame  # the score that ranks, a row a configuration and a column a seed


Value = Callable[[PaperRuns], "pd.Series[float]"]  # by seed; no entry, or NaN, without its runs


class Clause(NamedTuple):
    """One figure of a claim, and where it should lie.

    Decided by the mean over seeds, by the seeds whose figure lies within the bounds, or by
    comparison of configurations with the best of the others, `low` being how far behind one may be.
    """

    what: str
    value: Value
    low: float = -INF
    high: float = INF
    centre: float | None = None  # the bounds are a margin about it that the paper does not state
    by: str = MEAN
    digits: int = 3  # after the point, as shown

    def scaled(self, factor: float) -> "Clause":
        """The same with a margin so many times as wide."""
        if self.centre is None:
            return self
        low, high = (self.centre + (end - self.centre) * factor for end in (self.low, self.high))
        return self._replace(low=low, high=high)


def paper_runs(study: Study) -> PaperRuns:
    """Runs that differ from the paper in J, beta, conditioning and seed alone."""
    trials = as_in_the_paper(study.trials[study.trials["state"] == "done"])
    tables = {}
    for name, figures in USED.items():
        empty = pd.DataFrame(columns=["run", *AXES, *figures])
        table = getattr(study, name) if has_table(study.folder, name) else empty
        tables[name] = table[table["run"].isin(trials["run"])]
    return PaperRuns(trials, **tables, scores=_scores(study, trials["run"]))


def _scores(study: Study, runs: pd.Series) -> pd.DataFrame:
    """The score that ranks, of the paper's configurations; empty where nothing is scored."""
    if not has_table(study.folder, "scores"):
        return pd.DataFrame()
    rows = ranking_rows(study.scores)
    rows = rows[rows["run"].isin(runs) & in_paper(rows)]
    named = rows.assign(configuration=configuration(rows["run"]))
    return named.pivot(index="configuration", columns="seed", values="value")


def in_paper(table: pd.DataFrame) -> "pd.Series[bool]":
    """Rows of the paper's 13 configurations."""
    ten, plain = table["latent_dim"] == 10, table["conditioning"] == "none"
    sizes = plain & (table["beta"] == 1) & table["latent_dim"].isin([3, 5, 10, 20, 200])
    betas = ten & table["beta"].isin([1, 3, 5, 10])
    return sizes | betas | (ten & plain & (table["beta"] == 20))


def other_data(study: Study) -> str:
    """The data set of a study that has no run on the paper's; "" for any other."""
    names = set(study.trials["data"]) if "data" in study.trials else {DATA}
    return "" if DATA in names else ", ".join(sorted(names))


def other_model(trials: pd.DataFrame) -> bool:
    """Whether runs are made of other parts than the paper's; so are those of its eq. 7."""
    parts = [column for column in PART_COLUMNS if column in trials]
    other = (trials[parts] != [DEFAULTS[part] for part in parts]).any(axis=1)
    return bool((other | (trials["conditioning"] == "prior")).all())


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


def gap(j: int) -> Value:
    """How far the test objective is above the training objective, as a share of that."""
    train, test = figure("train_objective", j, 1), cost(j, 1)
    return ratio(less(test, train), train)


def fall(j: int, beta: float, label: bool = False) -> Value:
    """How much of the objective is lost in the last quarter of the epochs, as a share."""

    def value(runs: PaperRuns) -> "pd.Series[float]":
        rows = _rows(runs.epochs, j, beta, label)
        wide = rows.pivot(index="epoch", columns="seed", values="test_objective")
        if len(wide) < 4:
            return pd.Series(dtype=float)
        return 1 - wide.iloc[-1] / wide.iloc[3 * len(wide) // 4 - 1]

    return value


def largest(*values: Value) -> Value:
    """The largest of several, where a seed has them all."""

    def value(runs: PaperRuns) -> "pd.Series[float]":
        each = [one(runs) for one in values]
        return pd.concat(each, axis=1).max(axis=1, skipna=False)

    return value


def misread(beta: float) -> Value:
    """Share of reconstructions, without labels, whose digit is not read right."""
    return lambda runs: 1 - figure("readable", 10, beta)(runs)


def n_called(name: str, beta: float, label: bool) -> Value:
    """Latents that the rules of latent_effects.alignment call by a name."""

    def value(runs: PaperRuns) -> "pd.Series[float]":
        rows = _latents(runs, beta, label)
        return (rows["property"] == name).groupby(rows["seed"]).sum().astype(float)

    return value


def aligned(runs: PaperRuns) -> "pd.Series[float]":
    """Properties that a latent of the conditioned model with beta 10 is named after."""
    return n_named(_latents(runs, 10, True))


def n_named(rows: pd.DataFrame) -> "pd.Series[float]":
    """By seed, how many of the three properties have a direction among `rows` named after them."""
    names = rows["property"].where(rows["property"].isin(NAMES.values()))
    return names.groupby(rows["seed"]).nunique().astype(float)


def digits(name: str) -> Value:
    """In how many digits the latent that fits a property best moves it most, and the same way.

    Whatever the latent is called: with labels and beta 10.
    """
    place = list(NAMES.values()).index(name)

    def value(runs: PaperRuns) -> "pd.Series[float]":
        rows = _latents(runs, 10, True)
        counts = [_agreeing(row, place) for row in rows["digit_effects"]]
        return pd.Series(counts, rows.index, dtype=float).groupby(rows["seed"]).max()

    return value


def _agreeing(digit_effects: npt.ArrayLike, place: int) -> int:
    """Digits in which a direction moves one property most, and in its mean direction."""
    effects = np.nan_to_num(np.reshape(np.asarray(digit_effects, float), (-1, len(PROPERTIES))))
    most = np.abs(effects).argmax(axis=1) == place
    same_way = np.sign(effects[:, place]) == np.sign(effects[:, place].mean())
    return int((most & same_way & (effects[:, place] != 0)).sum())


def score_of(name: str) -> Value:
    """The score that ranks, of one configuration."""

    def value(runs: PaperRuns) -> "pd.Series[float]":
        known = name in runs.scores.index
        return runs.scores.T[name] if known else pd.Series(dtype=float)

    return value


def about(what: str, value: Value, centre: float, margin: float, digits: int = 3) -> Clause:
    """ "About" a figure of the paper: within a margin of it."""
    return Clause(what, value, centre - margin, centre + margin, centre, digits=digits)


def little(what: str, value: Value, most: float, digits: int = 3) -> Clause:
    """ "Little": at most so much; less than nothing is little too."""
    return Clause(what, value, high=most, centre=0.0, digits=digits)


def rises(values: dict[str, Value], digits: int = 3) -> list[Clause]:
    """Each of the named values above the one before."""
    pairs = zip(values.items(), list(values.items())[1:], strict=False)
    return [
        Clause(f"{later} over {earlier}", less(b, a), 0.0, digits=digits)
        for (earlier, a), (later, b) in pairs
    ]


def among_the_best(name: str) -> Clause:
    """A configuration against the best of the paper's others, by the score that ranks."""
    return Clause(name, score_of(name), -MARGIN, centre=0.0, by=BEST)
