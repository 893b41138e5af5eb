"""The questions that the paper leaves open, answered from a study's tables in plain words.

Every answer carries a figure and a 95% interval over seeds, or, where configurations are what
varies, over configurations.
"""

from collections import Counter
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.latent_effects.alignment import NAMES
from analysis.paper.checks import n_named, other_data
from analysis.statistics.intervals import Estimate, mean_interval, rank_correlation
from analysis.statistics.ranking import own, whole
from analysis.statistics.wording import count, estimate
from analysis.study import Study, configuration
from study.storage.axes import alike
from study.storage.tables import has_table

BEST = (
    "Which configuration is best disentangled, and is the difference larger than that between"
    " seeds?"
)
LABELS = "Does conditioning help beyond what beta does?"
OWN = (
    "Do line weight, tilt and width each have a latent of their own, or do they share, and does ICA"
    " separate them?"
)
ICA = "Does ICA find the directions without beta or labels?"
SHARE = "Does a small KL fraction go with disentanglement, as the paper supposes?"

JUDGES = ("higgins", "mig", "dci")  # scores that answers are given by
CONDITIONED = "latent_dim == 10 and beta == 10 and conditioning == 'label'"
PLAIN = "latent_dim == 10 and beta == 1 and conditioning == 'none'"


class Finding(NamedTuple):
    """One figure of an answer."""

    question: str
    answer: str
    value: float
    low: float
    high: float
    n: int  # what the interval is over: seeds, or configurations


def findings(study: Study) -> pd.DataFrame:
    """A row a figure; empty for a study of other data, or that has not been scored.

    Of runs that differ in J, beta, conditioning and seed alone: the paper's, or those like the
    study's first.
    """
    scored = has_table(study.folder, "scores") and has_table(study.folder, "alignment")
    if not scored or other_data(study):
        return pd.DataFrame(columns=Finding._fields)
    trials = alike(study.trials)
    every, alignment = (
        table[table["run"].isin(trials["run"])] for table in (study.scores, study.alignment)
    )
    scores = own(every).dropna(subset="value")
    rows = [
        *(_best(scores, score) for score in JUDGES),
        *(_conditioning(scores, score) for score in JUDGES),
        *_own_latents(alignment),
        *(_ica(every, score) for score in JUDGES),
        _ica_directions(alignment),
        *(_hypothesis(trials, scores, score) for score in JUDGES),
    ]
    return pd.DataFrame([row for row in rows if row], columns=Finding._fields)


def _best(scores: pd.DataFrame, score: str) -> Finding | None:
    """The best configuration, and how far it is ahead of the next, seed by seed."""
    table = _by_configuration(scores, score)
    if len(table) < 2:
        return None
    first, second = table.mean(axis=1).sort_values(ascending=False).index[:2]
    ahead = (table.loc[first] - table.loc[second]).dropna()
    if ahead.empty:
        return None
    interval = mean_interval(ahead)
    if interval[1] > 0:
        sure = "a difference larger than that between seeds"
    elif len(ahead) == 1:
        sure = "which one seed cannot tell from chance"
    else:
        sure = "no larger than the difference between seeds"
    lead = f"{first} ({table.loc[first].mean():.3f}), ahead of {second} by {estimate(interval)}"
    answer = f"By {score}: {lead} over {count(len(ahead), 'seed')}: {sure}."
    return Finding(BEST, answer, *interval, len(ahead))


def _conditioning(scores: pd.DataFrame, score: str) -> Finding | None:
    """Labels against none at the same J, beta and seed; the mean of the betas, over seeds."""
    axes = ["latent_dim", "beta", "seed"]
    table = scores[scores["score"] == score]
    wide = table.pivot_table(index=axes, columns="conditioning", values="value")
    if not {"none", "label"} <= set(wide.columns):
        return None
    change = (wide["label"] - wide["none"]).dropna()
    by_pair = change.unstack("seed").dropna(axis="columns")  # seeds that lack a beta
    if by_pair.empty:
        return None
    interval = mean_interval(by_pair.mean())
    n = by_pair.shape[1]
    unsure = "beyond what seeds differ by" if n > 1 else "that one seed can tell from chance"
    verb = _verb(interval, "helps", "hurts", f"makes no difference {unsure}")
    by_beta = by_pair.mean(axis="columns").groupby("beta").mean()
    changes = ", ".join(f"{value:+.3f} at beta {beta:g}" for beta, value in by_beta.items())
    answer = (
        f"By {score}, at the same J, beta and seed, conditioning {verb}: {estimate(interval)} over"
        f" {count(n, 'seed')} ({changes})."
    )
    return Finding(LABELS, answer, *interval, n)


def _own_latents(alignment: pd.DataFrame) -> list[Finding]:
    """Whether each property has a direction of its own, on three bases, or shares one."""
    answers = []
    rows = alignment.query(CONDITIONED)
    words = {"latent": "a latent", "ica": "an independent component", "knob": "a mixture"}
    for basis, word in words.items():
        part = rows[rows["basis"] == basis]
        if part.empty:
            continue
        counts = n_named(part)
        interval = mean_interval(counts)
        strongest = "; ".join(_strongest(part, name) for name in NAMES.values())
        answer = (
            f"With labels, beta 10 and J 10, {estimate(interval, 1)} of the three properties have"
            f" {word} named after them, over {count(len(counts), 'seed')}: {strongest}."
        )
        answers.append(Finding(OWN, answer, *interval, len(counts)))
    return answers


def _strongest(rows: pd.DataFrame, name: str) -> str:
    """The leakage of the direction that moves a property most, and where it goes; over seeds.

    Args:
        rows: of one basis; a direction's `digit_effects` are its moves in standard deviations.
        name: of the property.
    """
    names = list(NAMES.values())
    own, leaks, others = names.index(name), [], []
    for _, part in rows.groupby("seed"):
        effects = [np.reshape(row, (-1, len(names))) for row in part["digit_effects"]]
        squares = np.nanmean(effects, axis=1) ** 2  # directions, properties
        strongest = squares[np.argmax(squares[:, own])]
        if strongest.any():
            leaks.append(1 - strongest[own] / strongest.sum())
            others.append(names[np.argmax(np.where(np.arange(len(names)) == own, 0, strongest))])
    if not leaks:
        return f"nothing moves {name}"
    low, high = f"{min(leaks):.0%}", f"{max(leaks):.0%}"
    span = low if low == high else f"{low} to {high}"
    where = f", mostly to {Counter(others).most_common(1)[0][0]}" if high != "0%" else ""
    return f"what moves {name} most leaks {span}{where}"


def _ica(scores: pd.DataFrame, score: str) -> Finding | None:
    """The standard VAE after ICA, against itself and against the best configuration."""
    rows = whole(scores[scores["score"] == score])
    wide = rows.query(PLAIN).pivot_table(index="run", columns="basis", values="value")
    if not {"latent", "ica"} <= set(wide.columns):
        return None
    change = (wide["ica"] - wide["latent"]).dropna()
    if change.empty:
        return None
    interval = mean_interval(change)
    best = _by_configuration(own(scores), score).mean(axis=1).max()
    answer = (
        f"By {score}, ICA changes the standard VAE (J 10) by {estimate(interval)} over"
        f" {count(len(change), 'seed')}, to {wide['ica'].mean():.3f}; the best configuration"
        f" has {best:.3f}."
    )
    return Finding(ICA, answer, *interval, len(change))


def _ica_directions(alignment: pd.DataFrame) -> Finding | None:
    """Properties that have a component of their own in the standard VAE, and a latent."""
    rows = alignment.query(PLAIN)
    latents, components = (n_named(rows[rows["basis"] == basis]) for basis in ("latent", "ica"))
    if components.empty:
        return None
    interval = mean_interval(components)
    answer = (
        f"In the standard VAE (J 10) {estimate(interval, 1)} of the three properties have an"
        f" independent component named after them over {count(len(components), 'seed')}, and"
        f" {latents.mean():.1f} a latent."
    )
    return Finding(ICA, answer, *interval, len(components))


def _hypothesis(trials: pd.DataFrame, scores: pd.DataFrame, score: str) -> Finding | None:
    """Rank correlation between the KL fraction and a score, over all runs."""
    table = scores[scores["score"] == score].merge(trials[["run", "kl_fraction"]], on="run")
    if len(table) < 4 or table["kl_fraction"].nunique() < 2 or table["value"].nunique() < 2:
        return None
    names = configuration(table["run"])
    interval = rank_correlation(table["kl_fraction"], table["value"], names)
    verb = _verb(interval, "is contradicted", "is borne out", "is not decided")
    n = names.nunique()
    answer = (
        f"By {score} this {verb}: rank correlation {estimate(interval, 2)} over"
        f" {count(len(table), 'run')} of {count(n, 'configuration')}, which were resampled."
    )
    return Finding(SHARE, answer, *interval, n)


def _by_configuration(scores: pd.DataFrame, score: str) -> pd.DataFrame:
    """A score, a row a configuration and a column a seed."""
    rows = scores[scores["score"] == score]
    named = rows.assign(configuration=configuration(rows["run"]))
    return named.pivot_table(index="configuration", columns="seed", values="value")


def _verb(interval: Estimate, above: str, below: str, neither: str) -> str:
    """By whether the interval is above 0, below it, or neither."""
    _, low, high = interval
    return above if low > 0 else below if high < 0 else neither
