"""Configurations in the order of their disentanglement; ties are shown as such.

A configuration's Higgins score is the mean over its seeds, its 95% interval that of
`intervals.over_seeds`.

Going down from the highest mean, a configuration shares the rank of the group above it while its
interval overlaps that of the group's first; the next group's rank counts everyone before it.
Within a group the order is by MIG, then by negative ELBO.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from analysis.metrics import CLASS_PROBE, HIGGINS, LABELS, METRICS, MIG, RANKABLE, UDR, labels
from analysis.statistics.dominance import non_dominated
from analysis.statistics.intervals import Estimate, over_seeds
from analysis.statistics.objectives import BOUNDS
from analysis.study import configuration

RANKING, TIE_BREAK = HIGGINS.name, MIG.name
AXES = ["latent_dim", "beta", "conditioning"]
BESIDE = ("chance", "untrained", "pixel_pca", "raw_pixels", "shuffled")


def ranks(values: Sequence[Estimate]) -> list[int]:
    """The rank of each, counted from 1, by the rule of the module."""
    order = sorted(range(len(values)), key=lambda i: -values[i].value)
    places = [0] * len(values)
    first, rank = 0, 1
    for place, index in enumerate(order):
        if values[index].high < values[order[first]].low:
            first, rank = place, place + 1
        places[index] = rank
    return places


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
    ranking_rows = usable[usable["score"] == RANKING]
    table["n_scored"] = configuration(ranking_rows["run"]).value_counts()
    table["n_scored"] = table["n_scored"].fillna(0).astype(int)
    for score in (*RANKABLE, *unlisted(scores)):
        estimates = _by_configuration(usable[usable["score"] == score])
        table[score] = estimates["value"]
        if score in {RANKING, TIE_BREAK}:
            table[[f"{score}_low", f"{score}_high"]] = estimates[["low", "high"]]
    keys = configuration(ranking_rows["run"])
    table["saturated"] = ranking_rows["saturated"].groupby(keys).all().reindex(table.index)
    for name in BESIDE:
        table[f"{RANKING}_{name}"] = ranking_rows[name].groupby(keys).mean()
    table[UDR.name] = udr.groupby("configuration")["value"].mean() if len(udr) else np.nan
    probes = usable[usable["score"] == CLASS_PROBE.name]
    table[CLASS_PROBE.name] = probes["value"].groupby(configuration(probes["run"])).mean()
    done = trials[trials["run"].isin(ranking_rows["run"])].groupby("configuration")
    for name in ("neg_elbo", "objective", "active_latents"):
        table[name] = done[name].mean().astype(float)
    return _ordered(table.reset_index())


def unlisted(scores: pd.DataFrame) -> list[str]:
    """Names of a user's own metrics among scores, in their order."""
    return [str(name) for name in scores["score"].unique() if name not in {*LABELS, *BOUNDS}]


def agreement(ranked: pd.DataFrame, more: Sequence[str] = ()) -> pd.DataFrame:
    """Kendall's tau-b between the orders that scores give the configurations; a row a score.

    `more` names columns of a user's own metrics; `elbo` orders by falling negative ELBO. NaN where
    fewer than three configurations have both scores, or where one does not tell them apart.
    """
    columns = {name: ranked[name] for name in (*RANKABLE, UDR.name, *more)}
    columns["elbo"] = -ranked["neg_elbo"]
    rows = []
    for one, left in columns.items():
        row: dict[str, object] = {"score": one}
        for other, right in columns.items():
            both = left.notna() & right.notna()
            ordered = both.sum() >= 3 and left[both].nunique() > 1 and right[both].nunique() > 1
            row[other] = float(kendalltau(left[both], right[both])[0]) if ordered else np.nan
        rows.append(row)
    return pd.DataFrame(rows)


def ica_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Every score before and after ICA, a row a configuration, score and scaling.

    Returns:
        Columns: the configuration's axes, n_seeds, scaling, score, latent (before), ica (after)
        and pca with _low and _high, change (ica - latent), separated (whether the intervals before
        and after are apart), converged (share of seeds whose ICA and classifier converged).
    """
    names = [*labels(metric for metric in METRICS if metric.ranks), *unlisted(scores)]
    rankable = scores[scores["score"].isin(names)]
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


def _by_configuration(rows: pd.DataFrame) -> pd.DataFrame:
    """Value, low and high over the seeds of every configuration, from rows of one score."""
    estimates = {
        name: over_seeds([Estimate(*row) for row in part[["value", "low", "high"]].to_numpy()])
        for name, part in rows.groupby(configuration(rows["run"]), sort=False)
    }
    columns = list(Estimate._fields)
    return pd.DataFrame.from_dict(estimates, orient="index", columns=columns).astype(float)


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    scored = table[table[RANKING].notna()].copy()
    columns = [RANKING, f"{RANKING}_low", f"{RANKING}_high"]
    scored["rank"] = ranks([Estimate(*row) for row in scored[columns].to_numpy(dtype=float)])
    scored["pareto"] = non_dominated(np.column_stack([scored["neg_elbo"], -scored[RANKING]]))
    order = ["rank", TIE_BREAK, "neg_elbo"]
    scored = scored.sort_values(order, ascending=[True, False, True], kind="stable")
    rest = table[table[RANKING].isna()].assign(rank=None, pareto=False)
    both = pd.concat([scored, rest], ignore_index=True) if len(rest) else scored
    both["rank"] = both["rank"].astype("Int64")
    both["saturated"] = both["saturated"].eq(True)
    both["pareto"] = both["pareto"].astype(bool)
    first = ["rank", "configuration", *AXES, "pareto"]
    return both[[*first, *(name for name in both if name not in first)]].reset_index(drop=True)
