"""The questions that the paper leaves open, answered from a study's tables in plain words.

A study that lacks what an answer needs has no such answer. Scores are taken by intervention and
within digit where a study has them, else as it has them; an answer says which.
"""

from collections.abc import Iterator

import pandas as pd

from analysis.metrics import DCI, HIGGINS, HIGGINS_FEW, LABELS, MIG
from analysis.paper.checks import other_data, other_model
from analysis.paper.own_directions import own_directions
from analysis.paper.questions import (
    BASES,
    BEST,
    LABELLING,
    PLAIN,
    ROTATED,
    SHARE,
    Finding,
    by_configuration,
    verb,
)
from analysis.statistics.comparisons import AMONG, BEHIND, UNDECIDED, with_the_best
from analysis.statistics.intervals import Estimate, mean_interval, rank_correlation
from analysis.statistics.ranking import preferred, ranked_by
from analysis.statistics.wording import count, estimate
from analysis.study import Study, configuration
from study.storage.axes import alike, in_words
from study.storage.tables import has_table

JUDGES = (HIGGINS_FEW.name, HIGGINS.name, MIG.name, DCI.name)  # scores that answers are given by
MIN_CONFIGURATIONS = 8  # resampling fewer says nothing of a partial correlation
ON = {"intervention": " on redrawn images", "": ""}


def findings(study: Study) -> pd.DataFrame:
    """A row a figure; empty for a study of other models or data, or that has not been scored.

    Of runs that differ in J, beta, conditioning and seed alone: the paper's, or those like the
    study's first, where these are of the paper's parts.
    """
    scored = has_table(study.folder, "scores") and has_table(study.folder, "alignment")
    trials = alike(study.trials)
    if not scored or other_data(study) or other_model(trials):
        return pd.DataFrame(columns=Finding._fields)
    whole = len(trials) == len(study.trials)
    opening = "By" if whole else "Among the study's runs that match the paper's: by"
    scores, alignment = (
        table[table["run"].isin(trials["run"])] for table in (study.scores, study.alignment)
    )
    judges = [name for name in JUDGES if name in set(scores["score"])]
    if HIGGINS_FEW.name in judges:  # the published one cannot see a rotation
        judges.remove(HIGGINS.name)
    by_judge = [preferred(scores[scores["score"] == name]) for name in judges]
    tables = [(ranked_by(rows), rows) for rows in by_judge]
    rows = [
        *(row for by, table in tables for row in _best(by, table, opening)),
        *(row for by, table in tables for row in _rotated(by, table)),
        *(row for by, table in tables for row in _bases(by, table)),
        *(row for name in judges for row in _labels(name, scores[scores["score"] == name])),
        *own_directions(alignment),
        *(row for by, table in tables for row in _shares(by, table, trials)),
    ]
    return pd.DataFrame(rows, columns=Finding._fields)


def _best(by: str, rows: pd.DataFrame, opening: str) -> Iterator[Finding]:
    """The highest mean, and what comparisons with the best say of the configurations."""
    table = by_configuration(rows, "latent")
    if len(table) < 2:
        return
    compared = with_the_best(table)
    first = str(compared["mean"].idxmax())
    ends = _to_the_best(compared, first)
    counts = compared["verdict"].value_counts()
    verdicts = ", ".join(f"{counts.get(word, 0)} {word}" for word in (AMONG, BEHIND, UNDECIDED))
    lead = "" if pd.isna(ends.value) else f", {estimate(ends)} above the best of the others"
    words = in_words(rows[configuration(rows["run"]) == first].iloc[0].to_dict())
    answer = (
        f"{opening} {by}, the highest mean over {count(table.shape[1], 'seed')} is that of {words}"
        f" ({compared['mean'].max():.3f}{lead}). Of"
        f" {count(len(table), 'configuration')}: {verdicts}."
    )
    yield Finding(BEST, answer, *ends, table.shape[1])


def _rotated(by: str, rows: pd.DataFrame) -> Iterator[Finding]:
    """Whether latents score above random rotations of the same codes, by configuration."""
    rows = rows[rows["basis"] == "latent"].dropna(subset="rotated")
    apart = rows.assign(value=rows["value"] - rows["rotated"])
    table = by_configuration(apart, "latent")
    if table.shape[1] < 2:
        return
    each = [mean_interval(row.dropna(), 1 - 0.05 / len(table)) for _, row in table.iterrows()]
    above, below = sum(one.low > 0 for one in each), sum(one.high < 0 for one in each)
    mean = mean_interval(table.dropna(axis=1).mean())
    answer = (
        f"By {by}, latents score significantly above random rotations of themselves in {above} of"
        f" {count(len(table), 'configuration')} and significantly below in {below} (simultaneous"
        f" intervals). The mean difference over configurations is {estimate(mean)}."
    )
    yield Finding(ROTATED, answer, *mean, table.shape[1])


def _bases(by: str, rows: pd.DataFrame) -> Iterator[Finding]:
    """A standard VAE's PCA and ICA against the latents of every configuration."""
    table, plain = by_configuration(rows, "latent"), rows.query(PLAIN)
    for basis, words in (("pca", "principal"), ("ica", "independent")):
        own = by_configuration(plain, basis)
        if own.shape[1] < 2 or len(table) < 2:
            continue
        own.index = pd.Index([basis])
        compared = with_the_best(pd.concat([table, own]))
        ends = _to_the_best(compared, basis)
        flags = plain.loc[plain["basis"] == basis, "converged"].astype(bool)
        sure = (
            ""
            if basis == "pca"
            else f"; ICA converged in {flags.sum()} of {count(len(flags), 'seed')}"
        )
        answer = (
            f"By {by}, the {words} components of the standard VAE's latents (J = 10:"
            f" {compared['mean'][basis]:.3f}) differ by {estimate(ends)} from the latents of the"
            f" best configuration: {compared['verdict'][basis]}{sure}."
        )
        yield Finding(BASES, answer, *ends, own.shape[1])


def _to_the_best(compared: pd.DataFrame, name: str) -> Estimate:
    """The row of a configuration in a table of comparisons."""
    row = compared.loc[[name]].to_dict("records")[0]
    return Estimate(row["difference"], row["difference_low"], row["difference_high"])


def _labels(score: str, rows: pd.DataFrame) -> Iterator[Finding]:
    """Labels against none at the same J, beta and seed: within digit, and over all beside it."""
    rows = rows[(rows["basis"] == "latent") & rows["value"].notna()]
    for factors in ("intervention", ""):
        part = rows[(rows["factors"] == "intervention") == bool(factors)]
        scopes = {
            scope: change
            for scope in ("within", "all")
            if (change := _change(part[part["scope"] == scope])) is not None
        }
        if not scopes:
            continue
        by, sentences = f"{LABELS[score]}{ON[factors]}", []
        if "within" in scopes:
            seen, by_beta, n = scopes["within"]
            word = verb(seen, "helps", "hurts", "makes no significant difference")
            sentences.append(
                f"Within each digit, conditioning {word}: {estimate(seen)} ({by_beta})"
            )
        if "all" in scopes:
            seen_all, by_beta, n = scopes["all"]
            sentences.append(
                f"Over all digits the difference is {estimate(seen_all)} ({by_beta}). This favours"
                " models without labels, as the digit itself predicts part of a factor"
            )
        answer = f"By {by}, at the same J, beta and seed. {'. '.join(sentences)}."
        yield Finding(LABELLING, answer, *next(iter(scopes.values()))[0], n)


def _change(rows: pd.DataFrame) -> tuple[Estimate, str, int] | None:
    """Labels minus none: over seeds, in words by beta, and how many seeds have every beta."""
    axes = ["latent_dim", "beta", "seed"]
    wide = rows.pivot_table(index=axes, columns="conditioning", values="value")
    if not {"none", "label"} <= set(wide.columns):
        return None
    by_pair = (wide["label"] - wide["none"]).dropna().unstack("seed").dropna(axis="columns")
    if by_pair.empty:
        return None
    by_beta = by_pair.mean(axis="columns").groupby("beta").mean()
    words = ", ".join(f"{value:+.3f} at beta {beta:g}" for beta, value in by_beta.items())
    return mean_interval(by_pair.mean()), words, by_pair.shape[1]


def _shares(by: str, rows: pd.DataFrame, trials: pd.DataFrame) -> Iterator[Finding]:
    """Rank correlation of a score with each KL fraction, and with reconstruction error held."""
    columns = ["run", "kl_fraction", "kl_fraction_raw", "recon"]
    rows = rows[rows["basis"] == "latent"]
    if not set(columns) <= set(trials.columns):
        return
    table = rows.merge(trials[columns], on="run")
    names = configuration(table["run"])
    for column, words in (
        ("kl_fraction", "the paper's KL fraction (beta KL of the objective)"),
        ("kl_fraction_raw", "the raw KL fraction (KL of the negative ELBO)"),
    ):
        varied = table[[column, "value", "recon"]].nunique().min() > 1
        if names.nunique() < MIN_CONFIGURATIONS or not varied:
            continue
        plain = rank_correlation(table[column], table["value"], names)
        held = rank_correlation(table[column], table["value"], names, table["recon"])
        word = verb(held, "is contradicted", "is supported", "is not decided")
        beta = table[column].corr(table["beta"], method="spearman")
        stand_in = ": it is nearly a proxy for beta" if abs(beta) > 0.8 else ""
        answer = (
            f"By {by}, and {words}, this {word} with reconstruction error held fixed: the partial"
            f" rank correlation is {estimate(held, 2)}; otherwise the rank correlation is"
            f" {estimate(plain, 2)} ({count(len(table), 'run')} of"
            f" {count(names.nunique(), 'configuration')}; configurations were resampled). The"
            f" fraction's rank correlation with beta is {beta:.2f}{stand_in}."
        )
        yield Finding(SHARE, answer, *held, names.nunique())
