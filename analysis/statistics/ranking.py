"""Configurations in the order of their disentanglement: a mean over seeds, against the best.

What ranks is `higgins_few` on redrawn images, within the class; where a study has none of these,
the same score on its own factors; where it was scored before there was such a score, the published
one.

`rank` is the place by the mean alone, a name for a row; what the seeds can tell apart is said by
`difference` and `verdict`, see statistics.comparisons.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from analysis.metrics import (
    CLASS_PROBE,
    HIGGINS,
    HIGGINS_FEW,
    LABELS,
    METRICS,
    MIG,
    RANKABLE,
    UDR,
    labels,
)
from analysis.statistics.comparisons import with_the_best
from analysis.statistics.dominance import non_dominated
from analysis.statistics.intervals import Estimate, over_seeds
from analysis.statistics.objectives import BOUNDS
from analysis.statistics.wording import CONTROLS
from analysis.study import configuration
from study.storage.axes import STANDARD, axes_in, varied

RANKING = "score"  # the column of what ranks
WITH_INTERVAL = (HIGGINS.name, MIG.name)  # their columns _low and _high come with them
COMPARED = ["difference", "difference_low", "difference_high", "verdict"]
RANGES = {metric.name: metric.bounds for metric in METRICS}
SOURCES = {
    "intervention": "redrawn images",
    "measured": "measured factors",
    "known": "known factors",
}
PREFERRED = (("intervention", "within"), ("", "within"), ("", "all"))  # "": measured or known


def ranking(trials: pd.DataFrame, scores: pd.DataFrame, udr: pd.DataFrame) -> pd.DataFrame:
    """A row a configuration, the highest mean first; unscored ones last, without a rank.

    Args:
        trials: a study's runs, see `elbo.with_joint_bound`.
        scores: its scores; those of raw codes on the latents themselves rank.
        udr: its pairs of seeds; may be empty.

    Returns:
        rank, configuration, its axes; difference, difference_low, difference_high and verdict, as
        statistics.comparisons has them; pareto: none of the same likelihood has both less
        neg_elbo_joint and a higher mean; n_runs, n_scored; ranked_by, in words; score, score_low
        and score_high, of what ranks, and what stands beside it (score_rotated, ...); the scores
        over all test images, two of them with _low and _high and the controls of the published
        Higgins; saturated, of that; UDR, the class read from the codes; neg_elbo, neg_elbo_joint,
        objective and active_latents, means.
    """
    trials = trials.assign(configuration=configuration(trials["run"]))
    table = trials.drop_duplicates("configuration").set_index("configuration")
    table = table[[*STANDARD, *varied(trials)]].copy()
    groups = trials.groupby("configuration", sort=False)
    table["n_runs"] = groups.size()
    usable = own(scores).dropna(subset="value")
    ranked = ranking_rows(scores)
    table["ranked_by"] = ranked_by(ranked)
    table["n_scored"] = configuration(ranked["run"]).value_counts()
    table["n_scored"] = table["n_scored"].fillna(0).astype(int)
    for score in (*RANKABLE, *unlisted(scores)):
        estimates = _by_configuration(usable[usable["score"] == score])
        table[score] = estimates["value"]
        if score in WITH_INTERVAL:
            table[[f"{score}_low", f"{score}_high"]] = estimates[["low", "high"]]
    keys = configuration(ranked["run"])
    table[[RANKING, f"{RANKING}_low", f"{RANKING}_high"]] = _by_configuration(ranked)
    by_seed = ranked.assign(configuration=keys)
    by_seed = by_seed.pivot(index="configuration", columns="seed", values="value")
    by_seed = by_seed.reindex(table.index.intersection(by_seed.index, sort=False))
    table[COMPARED] = with_the_best(by_seed)[COMPARED]
    published = usable[usable["score"] == HIGGINS.name]
    of_published = configuration(published["run"])
    table["saturated"] = published["saturated"].groupby(of_published).all().reindex(table.index)
    for name in CONTROLS:
        table[f"{RANKING}_{name}"] = ranked[name].groupby(keys).mean()
        table[f"{HIGGINS.name}_{name}"] = published[name].groupby(of_published).mean()
    table[UDR.name] = udr.groupby("configuration")["value"].mean() if len(udr) else np.nan
    probes = usable[usable["score"] == CLASS_PROBE.name]
    table[CLASS_PROBE.name] = probes["value"].groupby(configuration(probes["run"])).mean()
    scored = ranked if len(ranked) else scores  # of runs that nothing ranks, all the same
    done = trials[trials["run"].isin(scored["run"])].groupby("configuration")
    for name in ("neg_elbo", "neg_elbo_joint", "objective", "active_latents"):
        table[name] = done[name].mean().astype(float)
    return _ordered(table.reset_index())


def unlisted(scores: pd.DataFrame) -> list[str]:
    """Names of a user's own metrics among scores, in their order."""
    return [str(name) for name in scores["score"].unique() if name not in {*LABELS, *BOUNDS}]


def agreement(ranked: pd.DataFrame, more: Sequence[str] = ()) -> pd.DataFrame:
    """Kendall's tau-b between the orders that scores give the configurations; a row a score.

    `more` names columns of a user's own metrics; `elbo` orders by falling negative ELBO. NaN where
    fewer than three configurations have both scores, or where one does not tell them apart, and
    for `elbo` where likelihoods differ: their bounds are on different scales.
    """
    columns = {name: ranked[name] for name in (*RANKABLE, UDR.name, *more)}
    columns["elbo"] = -ranked["neg_elbo_joint"]
    if "likelihood" in ranked and ranked["likelihood"].nunique() > 1:
        columns["elbo"] = columns["elbo"] * np.nan
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
    """Every score before and after ICA, a row a configuration, factors, scope and score.

    Args:
        scores: a study's scores, with all its axes.

    Returns:
        Columns: the configuration's axes, n_seeds, factors, scope, score, latent (before), ica
        (after) and pca with _low and _high, change (ica - latent), separated (whether the intervals
        before and after are apart), converged (share of seeds whose ICA and classifier converged).
    """
    names = [*labels(metric for metric in METRICS if metric.ranks), *unlisted(scores)]
    rankable = scores[scores["score"].isin(names)]
    rows, bases = [], ("latent", "ica", "pca")
    keys = [configuration(rankable["run"]), "factors", "scope", "score"]
    for (name, factors, scope, score), part in rankable.groupby(keys, sort=False):
        row = {"configuration": name, **part.iloc[0][axes_in(part)].to_dict()}
        row |= {"n_seeds": part["run"].nunique(), "factors": factors}
        row |= {"scope": scope, "score": score}
        estimates = {}
        for basis in bases:
            one = _estimate(part[part["basis"] == basis].dropna(subset="value"), str(score))
            estimates[basis] = one
            row |= {basis: one.value, f"{basis}_low": one.low, f"{basis}_high": one.high}
        before, after = estimates["latent"], estimates["ica"]
        row["change"] = after.value - before.value
        row["separated"] = bool(after.low > before.high or after.high < before.low)
        row["converged"] = part[part["basis"] == "ica"]["converged"].mean()
        rows.append(row)
    columns = ["configuration", *axes_in(scores), "n_seeds", "factors", "scope", "score"]
    columns += [basis + end for basis in bases for end in ("", "_low", "_high")]
    return pd.DataFrame(rows, columns=[*columns, "change", "separated", "converged"])


def ranking_rows(scores: pd.DataFrame) -> pd.DataFrame:
    """Rows of the latents, one a run, that rank; an older study has the published score alone."""
    latents = scores[scores["basis"] == "latent"]
    few = preferred(latents[latents["score"] == HIGGINS_FEW.name])
    return few if len(few) else preferred(latents[latents["score"] == HIGGINS.name])


def preferred(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of one score that have a value, of the first of `PREFERRED` that has any."""
    rows = rows.dropna(subset="value")
    for factors, scope in PREFERRED:
        part = rows[(rows["factors"] == "intervention") == bool(factors)]
        part = part[part["scope"] == scope]
        if len(part):
            return part
    return rows.iloc[:0]


def ranked_by(rows: pd.DataFrame) -> str:
    """What ranks, in words: `Higgins (3 pairs) on redrawn images, within the class`."""
    if rows.empty:
        return ""
    one = rows.iloc[0]
    scope = ", within the class" if one["scope"] == "within" else ""
    return f"{LABELS[one['score']]} on {SOURCES[one['factors']]}{scope}"


def unranked(scores: pd.DataFrame) -> str:
    """What scored runs lack that could rank them, in words; "" where it is not of their data."""
    if scores.empty or len(ranking_rows(scores)):
        return ""
    of_factors = scores[scores["factors"] != ""]
    if of_factors.empty:
        return (
            "the factors of these images are neither known nor measured, and disentanglement"
            " scores need them"
        )
    if HIGGINS_FEW.name not in set(of_factors["score"]):
        return "only one factor is known, and the ranking score needs at least two"
    return ""


def own(scores: pd.DataFrame) -> pd.DataFrame:
    """Rows of the latents themselves, over all test images."""
    return whole(scores[scores["basis"] == "latent"])


def whole(scores: pd.DataFrame) -> pd.DataFrame:
    """Rows over all test images, as scores were published: none by intervention or within."""
    return scores[(scores["scope"] != "within") & (scores["factors"] != "intervention")]


def by_scope(scores: pd.DataFrame) -> pd.DataFrame:
    """What ranks, in every scope that a study has of it, a row a configuration and scope.

    Returns:
        configuration, scope, score with _low and _high, n_scored (seeds).
    """
    first = ranking_rows(scores).iloc[0]
    alike = (scores[["basis", "factors", "score"]] == first[["basis", "factors", "score"]]).all(
        axis=1
    )
    rows = scores[alike].dropna(subset="value")
    parts = rows.groupby([configuration(rows["run"]), "scope"], sort=False)
    estimates = [(*key, *_estimate(part, first["score"]), len(part)) for key, part in parts]
    columns = ["configuration", "scope", "score", "score_low", "score_high", "n_scored"]
    return pd.DataFrame(estimates, columns=columns)


def _by_configuration(rows: pd.DataFrame) -> pd.DataFrame:
    """Value, low and high over the seeds of every configuration, from rows of one score."""
    estimates = {
        name: _estimate(part, part["score"].iloc[0])
        for name, part in rows.groupby(configuration(rows["run"]), sort=False)
    }
    columns = list(Estimate._fields)
    return pd.DataFrame.from_dict(estimates, orient="index", columns=columns).astype(float)


def _estimate(rows: pd.DataFrame, score: str) -> Estimate:
    """A configuration's score over its seeds, cut at what the score can be if that is known."""
    if rows.empty:
        return Estimate(np.nan, np.nan, np.nan)
    seeds = [Estimate(*row) for row in rows[["value", "low", "high"]].to_numpy(dtype=float)]
    return over_seeds(seeds, RANGES[score]) if score in RANGES else over_seeds(seeds)


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    scored = table[table[RANKING].notna()].sort_values(RANKING, ascending=False, kind="stable")
    scored["rank"] = np.arange(1, len(scored) + 1)
    scored["pareto"] = False
    for _, part in scored.groupby(scored.get("likelihood", pd.Series("", scored.index))):
        cost = np.column_stack([part["neg_elbo_joint"], -part[RANKING]])
        scored.loc[part.index, "pareto"] = non_dominated(cost)
    rest = table[table[RANKING].isna()].assign(rank=None)
    both = pd.concat([scored, rest], ignore_index=True) if len(rest) else scored
    both["rank"] = both["rank"].astype("Int64")
    both["verdict"] = both["verdict"].fillna("")
    for name in ("saturated", "pareto"):
        both[name] = both.get(name, pd.Series(False, both.index)).eq(True)
    first = ["rank", "configuration", *axes_in(both), *COMPARED, "pareto"]
    return both[[*first, *(name for name in both if name not in first)]].reset_index(drop=True)
