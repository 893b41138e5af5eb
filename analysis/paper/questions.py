"""The questions that the paper leaves open, the form of an answer, and the first sentences."""

from typing import NamedTuple

import pandas as pd

from analysis.statistics.intervals import Estimate
from analysis.statistics.wording import count
from analysis.study import configuration

BEST = "Which configuration is best disentangled, and can seeds tell it from the others?"
ROTATED = "Do latents score above random rotations of themselves?"
BASES = "Do a standard VAE's PCA or ICA do as well as the best configuration?"
LABELLING = "Does conditioning help beyond what beta does?"
OWN = (
    "Do line weight, tilt and width each have a latent of their own, or do they share, and does ICA"
    " separate them?"
)
SHARE = (
    "Does a small KL fraction, with a reasonable reconstruction error, go with disentanglement, as"
    " the paper supposes?"
)
CONDITIONED = "latent_dim == 10 and beta == 10 and conditioning == 'label'"
PLAIN = "latent_dim == 10 and beta == 1 and conditioning == 'none'"


class Finding(NamedTuple):
    """One figure of an answer; the ends are NaN where it has no interval."""

    question: str
    answer: str
    value: float
    low: float
    high: float
    n: int  # what the interval is over: seeds, or configurations


def what_came_out(claims: pd.DataFrame, answers: pd.DataFrame) -> list[str]:
    """At most four sentences on a study, for the top of its pages.

    Args:
        claims: a row a claim, as `verdicts.by_claim` gives them; may be empty.
        answers: a study's findings; may be empty. The first answer to a question is by the score
            that ranks.
    """
    sentences = [
        part["answer"].iloc[0]
        for question in (BEST, ROTATED, BASES)
        if len(part := answers[answers["question"] == question])
    ]
    decided = claims[claims["verdict"] != "not run"]
    if len(decided):
        counts = decided["verdict"].value_counts()
        hold, fail, undecided = (counts.get(x, 0) for x in ("holds", "does not hold", "open"))
        sentences.append(
            f"{hold} of the paper's {count(len(decided), 'claim')} hold{'s' if hold == 1 else ''},"
            f" {fail} do{'es' if fail == 1 else ''} not,"
            f" {undecided} {'is' if undecided == 1 else 'are'} open."
        )
    return sentences


def by_configuration(rows: pd.DataFrame, basis: str) -> pd.DataFrame:
    """One score on one basis, a row a configuration and a column a seed."""
    rows = rows[rows["basis"] == basis]
    named = rows.assign(configuration=configuration(rows["run"]))
    return named.pivot_table(index="configuration", columns="seed", values="value")


def verb(interval: Estimate, above: str, below: str, neither: str) -> str:
    """By whether the interval is above 0, below it, or neither."""
    return above if interval.low > 0 else below if interval.high < 0 else neither
