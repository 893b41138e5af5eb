"""Configurations in the order of their disentanglement; ties said as ties.

A configuration's Higgins score is the mean over its seeds. Its 95% interval is that of the one
seed, or a bootstrap in two stages: seeds are drawn with replacement, their distances from the mean
stretched by sqrt(n / (n - 1)) since a few seeds understate their own spread, and each drawn seed
brings noise as wide as its own interval.

Going down from the highest mean, a configuration shares the rank of the group above it while its
interval overlaps that of the group's first; the next group's rank counts everyone before it.
Within a group the order is by MIG, then by negative ELBO.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import kendalltau

from analysis.scoring.evaluation import RANKABLE
from analysis.study import configuration

N_DRAWS = 4_000
AXES = ["latent_dim", "beta", "conditioning"]
BESIDE = ("chance", "untrained", "pixel_pca", "raw_pixels", "shuffled")


class Estimate(NamedTuple):
    """A figure of a configuration."""

    value: float
    low: float  # 95% interval
    high: float


def over_seeds(values: Sequence[Estimate], seed: int = 0) -> Estimate:
    """Mean over seeds and its interval, from each seed's own; see the module."""
    if len(values) == 1:
        return values[0]
    rng = np.random.default_rng(seed)
    value, low, high = np.array(values, dtype=np.float64).T
    spread = np.maximum(value - low, high - value) / 1.96  # the wider side: one may be cut at 0, 1
    mean, n = value.mean(), len(value)
    drawn = rng.integers(n, size=(N_DRAWS, n))
    apart = (value - mean)[drawn] * np.sqrt(n / (n - 1))
    means = mean + (apart + spread[drawn] * rng.normal(size=drawn.shape)).mean(axis=1)
    ends = np.clip(np.percentile(means, (2.5, 97.5)), min(low.min(), 0.0), max(high.max(), 1.0))
    return Estimate(float(mean), float(ends[0]), float(ends[1]))


def ranks(values: Sequence[Estimate]) -> list[int]:
    """The rank of each, counted from 1, by the rule of the module."""
    order = sorted(range(len(values)), key=lambda i: -values[i].value)
    found = [0] * len(values)
    first, rank = 0, 1
    for place, index in enumerate(order):
        if values[index].high < values[order[first]].low:
            first, rank = place, place + 1
        found[index] = rank
    return found


def pareto_front(cost: npt.ArrayLike, score: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Whom no other beats in one and equals at least in the other: low cost, high score."""
    cost, score = np.asarray(cost, np.float64), np.asarray(score, np.float64)
    no_worse = (cost[:, None] <= cost) & (score[:, None] >= score)
    better = (cost[:, None] < cost) | (score[:, None] > score)
    beaten = np.asarray((no_worse & better).any(axis=0))
    return ~beaten


def ranking(trials: pd.DataFrame, scores: pd.DataFrame, udr: pd.DataFrame) -> pd.DataFrame:
    """A row a configuration, the first the most disentangled; unscored ones last, without a rank.

    Args:
        trials: a study's runs.
        scores: its scores; those of raw codes on the latents themselves rank.
        udr: its pairs of seeds; may be empty.
    """
    trials = trials.assign(configuration=configuration(trials["run"]))
    table = trials.drop_duplicates("configuration").set_index("configuration")[AXES].copy()
    groups = trials.groupby("configuration", sort=False)
    table["n_runs"] = groups.size()
    usable = own(scores).dropna(subset="value")
    higgins = usable[usable["score"] == "higgins"]
    table["n_scored"] = configuration(higgins["run"]).value_counts()
    table["n_scored"] = table["n_scored"].fillna(0).astype(int)
    for score in RANKABLE:
        rows = usable[usable["score"] == score]
        found = {
            name: over_seeds([Estimate(*row) for row in part[["value", "low", "high"]].to_numpy()])
            for name, part in rows.groupby(configuration(rows["run"]), sort=False)
        }
        for field in Estimate._fields if score in {"higgins", "mig"} else ("value",):
            name = score if field == "value" else f"{score}_{field}"
            table[name] = pd.Series({key: getattr(one, field) for key, one in found.items()})
    keys = configuration(higgins["run"])
    table["saturated"] = higgins["saturated"].groupby(keys).all().reindex(table.index)
    for name in BESIDE:
        table[f"higgins_{name}"] = higgins[name].groupby(keys).mean()
    table["udr"] = udr.groupby("configuration")["value"].mean() if len(udr) else np.nan
    probes = usable[usable["score"] == "digit_probe"]
    table["digit_probe"] = probes["value"].groupby(configuration(probes["run"])).mean()
    done = trials[trials["run"].isin(higgins["run"])].groupby("configuration")
    for name in ("neg_elbo", "objective", "active_latents"):
        table[name] = done[name].mean().astype(float)
    return _ordered(table.reset_index())


def agreement(ranked: pd.DataFrame) -> pd.DataFrame:
    """Kendall's tau-b between the orders that scores give the configurations; a row a score.

    `elbo` orders by falling negative ELBO. NaN where fewer than three configurations have both
    scores, or where one of the two does not tell them apart.
    """
    columns = {name: ranked[name] for name in (*RANKABLE, "udr")} | {"elbo": -ranked["neg_elbo"]}
    rows = []
    for one, left in columns.items():
        row: dict[str, object] = {"score": one}
        for other, right in columns.items():
            both = left.notna() & right.notna()
            told = both.sum() >= 3 and left[both].nunique() > 1 and right[both].nunique() > 1
            row[other] = float(kendalltau(left[both], right[both])[0]) if told else np.nan
        rows.append(row)
    return pd.DataFrame(rows)


def ica_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Every score before and after ICA, a row a configuration, score and scaling.

    Returns:
        Columns: the configuration's axes, n_seeds, scaling, score, latent (before), ica (after)
        and pca with _low and _high, change (ica - latent), separated (whether the intervals before
        and after are apart), converged (share of seeds whose ICA and classifier converged).
    """
    rankable = scores[scores["score"].isin([*RANKABLE, "dci_completeness", "dci_informativeness"])]
    rows = []
    keys = [configuration(rankable["run"]), "scaling", "score"]
    for (name, scaling, score), part in rankable.groupby(keys, sort=False):
        row = {"configuration": name, **part.iloc[0][AXES].to_dict()}
        row |= {"n_seeds": part["run"].nunique(), "scaling": scaling, "score": score}
        estimates = {}
        for basis in ("latent", "ica", "pca"):
            values = part[part["basis"] == basis][["value", "low", "high"]].dropna().to_numpy()
            nothing = Estimate(np.nan, np.nan, np.nan)
            one = over_seeds([Estimate(*v) for v in values]) if len(values) else nothing
            estimates[basis] = one
            row |= {basis: one.value, f"{basis}_low": one.low, f"{basis}_high": one.high}
        before, after = estimates["latent"], estimates["ica"]
        row["change"] = after.value - before.value
        row["separated"] = bool(after.low > before.high or after.high < before.low)
        row["converged"] = part[part["basis"] == "ica"]["converged"].mean()
        rows.append(row)
    return pd.DataFrame(rows)


def own(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows that rank: raw codes on the latents themselves."""
    return scores[(scores["basis"] == "latent") & (scores["scaling"] == "raw")]


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    scored = table[table["higgins"].notna()].copy()
    columns = ["higgins", "higgins_low", "higgins_high"]
    scored["rank"] = ranks([Estimate(*row) for row in scored[columns].to_numpy(dtype=float)])
    scored["pareto"] = pareto_front(scored["neg_elbo"], scored["higgins"])
    order = ["rank", "mig", "neg_elbo"]
    scored = scored.sort_values(order, ascending=[True, False, True], kind="stable")
    rest = table[table["higgins"].isna()].assign(rank=None, pareto=False)
    both = pd.concat([scored, rest], ignore_index=True) if len(rest) else scored
    both["rank"] = both["rank"].astype("Int64")
    both["saturated"] = both["saturated"].eq(True)
    both["pareto"] = both["pareto"].astype(bool)
    first = ["rank", "configuration", *AXES, "pareto"]
    return both[[*first, *(name for name in both if name not in first)]].reset_index(drop=True)
