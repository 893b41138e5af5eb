"""Questions 1 to 6 of docs/beyond.md: what was compared, by how much it differs, and the answer."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.metrics import HIGGINS_FEW, LABELS, RANKABLE
from analysis.metrics.few_labels import FEW_LABELS
from analysis.paper.beyond.agreement import pseudo_values
from analysis.paper.beyond.kinds import KINDS, rows_of
from analysis.paper.beyond.matched import (
    UNDECIDED,
    Matched,
    against_a_curve,
    at_equal,
    at_equal_beta,
    judged,
)
from analysis.paper.beyond.use import agreed, tau
from analysis.statistics.comparisons import with_the_best
from analysis.statistics.intervals import Estimate, mean_interval, rank_correlation
from analysis.study import configuration

PRIORS = ("mixture", "vamp", "flow")
OBJECTIVES = ("tc", "factor", "annealed", "dip1", "dip2")
LABELLED = (("prior", "label"), ("prior", "plain"), ("label", "plain"))
WITHIN_BETAS = (1.0, 4.0, 10.0)
IDENTIFIED = 0.9  # agreement of seeds from which iVAE's theorem counts as supported
LEAST_CONFIGURATIONS = 4  # of a correlation
LEAST_SEEDS = 3  # of a mean over their pairs, with one left out
NOTHING = Estimate(np.nan, np.nan, np.nan)
TURNED = "not given: the sign turns after more epochs"
AT = {"beta": "at equal β", "kl": "at equal rate", "recon": "at equal reconstruction"}


class Answer(NamedTuple):
    """One comparison; the ends are NaN where it has no interval."""

    question: int
    compared: str
    value: float
    low: float
    high: float
    n: int  # what the interval is over: seeds, or configurations
    answer: str
    note: str = ""


def of_networks(runs: pd.DataFrame) -> Iterator[Answer]:
    """Question 1, of runs as `kinds.runs_of` gives them."""
    yield from _differences(1, runs, [("conv", "plain")], ("beta", "kl"))


def of_priors(runs: pd.DataFrame) -> Iterator[Answer]:
    """Question 2: the latents, their components, and what the priors gain at beta 1."""
    pairs = [(prior, "plain") for prior in PRIORS]
    yield from _differences(2, runs, pairs, ("beta", "kl"))
    for basis in ("pca", "ica"):
        for one, other in pairs:
            matched = at_equal_beta(runs, one, other, f"score_{basis}")
            words = f"{_minus(one, other)}, {AT['beta']}, of {basis.upper()}"
            yield _difference(2, words, matched, 2 * len(PRIORS))
    at_one = runs[runs["beta"] == 1].assign(gain=-runs["neg_elbo"])
    for one, other in pairs:
        gain = at_equal_beta(at_one, one, other, "gain").differences
        words = f"{_minus(one, other)}, gain in nats at β = 1"
        yield signed(2, words, gain, 1 - 0.05 / len(PRIORS), "gains", "loses")


def of_labels(runs: pd.DataFrame) -> Iterator[Answer]:
    """Question 3, by the score."""
    yield from _differences(3, runs, LABELLED, ("beta", "recon"))


def of_seeds(codes: Mapping[tuple[int, str], Mapping[int, npt.ArrayLike]]) -> Iterator[Answer]:
    """Question 3, by how far seeds agree.

    Args:
        codes: by J and kind, the codes of each seed for the same images.
    """
    values = {place: pseudo_values(s) for place, s in codes.items() if len(s) >= LEAST_SEEDS}
    for (latent_dim, kind), pseudo in values.items():
        estimate = mean_interval(pseudo)
        word = UNDECIDED
        if estimate.low >= IDENTIFIED or estimate.high < IDENTIFIED:
            word = f"{'at least' if estimate.low >= IDENTIFIED else 'below'} {IDENTIFIED}"
        words = f"{KINDS[kind]}, J = {latent_dim}: agreement of seeds"
        yield Answer(3, words, *estimate, len(pseudo), word)
    for one, other in LABELLED[:2]:
        for latent_dim in sorted({place[0] for place in values}):
            if {(latent_dim, one), (latent_dim, other)} <= set(values):
                apart = (values[latent_dim, one] - values[latent_dim, other]).dropna()
                words = f"{_minus(one, other)}, J = {latent_dim}: agreement of seeds"
                yield signed(3, words, apart, 0.95, "above", "below")


def of_objectives(runs: pd.DataFrame) -> Iterator[Answer]:
    """Question 4."""
    for kind in OBJECTIVES:
        matched, beyond = against_a_curve(runs, kind, "plain", "recon")
        n = int((runs["kind"] == kind).sum())
        note = f"{beyond} of {n} runs reconstruct better or worse than every plain run"
        words = f"{_minus(kind, 'plain')}, {AT['recon']}"
        yield _difference(4, words, matched, len(OBJECTIVES), note if beyond else "")


def of_shares(runs: pd.DataFrame) -> Iterator[Answer]:
    """Question 5."""
    with_beta = runs.dropna(subset="beta")
    yield _correlation(runs, [], "")
    yield _correlation(runs, ["recon"], ", reconstruction held")
    yield _correlation(with_beta, ["recon", "beta"], ", reconstruction and β held")
    for beta in WITHIN_BETAS:
        part = with_beta[with_beta["beta"] == beta]
        yield _correlation(part, ["recon"], f", reconstruction held, β = {beta:g} alone")


def of_scores(
    runs: pd.DataFrame, scores: pd.DataFrame, edits: "pd.Series[float]"
) -> Iterator[Answer]:
    """Question 6, within one study.

    Args:
        runs: as `kinds.runs_of` gives them.
        scores: the study's.
        edits: error of a controlled edit by run, as `use.edit_errors` gives it; may be empty.
    """
    leading = _means(runs.set_index("run")["score"])
    latents = scores[scores["basis"] == "latent"]
    others = {LABELS.get(name, name): rows_of(latents, name) for name in RANKABLE[1:]}
    others["what 100 labels tell"] = rows_of(latents, FEW_LABELS.name)
    measured = rows_of(latents, HIGGINS_FEW.name, "measured")
    if len(measured):
        others = {"the same on measured digits": measured, **others}
    for words, rows in others.items():
        yield _agreement(words, leading, _means(rows.set_index("run")["value"]))
    if len(edits):
        yield _agreement("a controlled edit, by its error", leading, -_means(edits))
    yield from _still_best(runs, measured, "measured digits")


def of_two_studies(runs: pd.DataFrame, other: pd.DataFrame, other_name: str) -> Iterator[Answer]:
    """Question 6, between the score on one data set and on another.

    Args:
        runs, other: as `kinds.runs_of` gives them; configurations are matched by their kind and
            weight.
        other_name: of the other data, in words.
    """
    tables = [_by_weight(table) for table in (runs, other)]
    yield _agreement(f"the same on {other_name}", *(table.mean(axis=1) for table in tables))
    joint = tables[0].index.intersection(tables[1].index)
    if len(joint) > 1:
        best = int(tables[0].loc[joint].mean(axis=1).argmax())
        kind, weight = joint[best]
        words = f"{KINDS[kind]} {weight:g}, the highest mean here, on {other_name}"
        yield _against_the_best(words, tables[1].loc[joint], best)


def without_turned(table: pd.DataFrame, turned: Iterable[str]) -> pd.DataFrame:
    """The table of answers without those on latents whose sign turns after more epochs.

    Args:
        table: a row an answer, of MNIST and perhaps of other data, which were trained no longer.
        turned: kinds whose difference to plain turns its sign there.
    """
    starts = tuple(f"{_minus(kind, 'plain')}, {at}" for kind in turned for at in AT.values())
    hit = (table["data"] == "mnist") & table["compared"].isin(starts)
    return table.assign(answer=table["answer"].mask(hit, TURNED))


def _still_best(runs: pd.DataFrame, rows: pd.DataFrame, where: str) -> Iterator[Answer]:
    """Whether the highest mean by other factors is among the best by the score."""
    table = runs.pivot_table(index="configuration", columns="seed", values="score")
    means = _means(rows.set_index("run")["value"]).reindex(table.index)
    if means.notna().any():
        best = int(means.argmax())
        words = f"{table.index[best]}, the highest mean on {where}, by the score"
        yield _against_the_best(words, table, best)


def _against_the_best(words: str, table: pd.DataFrame, place: int) -> Answer:
    """One row of a table of configurations by seeds, against the best of the others."""
    row = with_the_best(table).iloc[place].to_dict()
    ends = Estimate(row["difference"], row["difference_low"], row["difference_high"])
    return Answer(6, words, *ends, table.shape[1], str(row["verdict"]))


def _by_weight(runs: pd.DataFrame) -> pd.DataFrame:
    return runs.pivot_table(index=["kind", "weight"], columns="seed", values="score")


def _means(by_run: "pd.Series[float]") -> "pd.Series[float]":
    """Of every configuration, from a figure of every run."""
    names = configuration(by_run.index.to_series())
    return by_run.groupby(names.to_numpy()).mean()


def _differences(
    question: int,
    runs: pd.DataFrame,
    pairs: Iterable[tuple[str, str]],
    at: tuple[str, ...],
) -> Iterator[Answer]:
    """Every pair of kinds in every way, each interval as one of so many."""
    every = [(one, other, column) for one, other in pairs for column in at]
    for one, other, column in every:
        by_beta = column == "beta"
        matched = at_equal_beta(runs, one, other) if by_beta else at_equal(runs, one, other, column)
        yield _difference(question, f"{_minus(one, other)}, {AT[column]}", matched, len(every))


def _difference(
    question: int, words: str, matched: Matched, n_comparisons: int, note: str = ""
) -> Answer:
    estimate, answer = judged(matched.differences, n_comparisons)
    if np.isfinite(matched.farthest):
        far = f"no place is more than {matched.farthest:.1f} nats from a run"
        note = f"{far}; {note}" if note else far
    return Answer(question, words, *estimate, len(matched.differences), answer, note)


def signed(
    question: int, words: str, values: "pd.Series[float]", level: float, above: str, below: str
) -> Answer:
    """A difference of which only the sign is asked."""
    estimate = mean_interval(values, level) if len(values) else NOTHING
    answer = above if estimate.low > 0 else below if estimate.high < 0 else UNDECIDED
    return Answer(question, words, *estimate, len(values), answer)


def _correlation(runs: pd.DataFrame, held: list[str], words: str) -> Answer:
    """Of the KL's share with the score."""
    n, estimate, answer = runs["configuration"].nunique(), NOTHING, UNDECIDED
    if n >= LEAST_CONFIGURATIONS:
        given = runs[held] if held else None
        names = runs["configuration"]
        estimate = rank_correlation(runs["share"], runs["score"], names, given)
    if estimate.high < 0:
        answer = "supported" if held else "falls with the share"
    elif estimate.low > 0:
        answer = "contradicted" if held else "rises with the share"
    return Answer(5, f"KL share and score{words}", *estimate, n, answer)


def _agreement(words: str, one: "pd.Series[float]", other: "pd.Series[float]") -> Answer:
    estimate = tau(one, other)
    n = int(pd.concat([one, other], axis=1).notna().all(axis=1).sum())
    return Answer(6, f"the score and {words}", *estimate, n, agreed(estimate))


def _minus(one: str, other: str) -> str:
    return f"{KINDS[one]} - {KINDS[other]}"
