"""What a study says of one clause of a claim.

A mean is decided by two one-sided t tests over seeds at 5%; a count of latents, properties or
digits passes or fails seed by seed, then by the posterior that it is true of most runs
(statistics.evidence); a place among configurations by comparisons with the best. A claim holds if
every clause does, does not if one does not, and is open otherwise.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from analysis.paper.checks import BEST, SEEDS, Clause, PaperRuns
from analysis.statistics.comparisons import AMONG, BEHIND, with_the_best
from analysis.statistics.evidence import FAILS, HOLDS, OPEN, mean_within, of_most
from analysis.statistics.intervals import Estimate
from analysis.statistics.wording import count, estimate

NOT_RUN = "not run"


class Decided(NamedTuple):
    """What a study says of a clause; NaN for what its kind of test does not have."""

    n: int  # seeds
    verdict: str = NOT_RUN
    k: float = np.nan  # seeds that pass
    mean: float = np.nan
    low: float = np.nan  # 90% interval of a mean; simultaneous 95% of a comparison
    high: float = np.nan
    posterior: float = np.nan  # probability that the clause is true of most runs
    observed: str = ""


def decide(clause: Clause, runs: PaperRuns) -> Decided:
    """What the study says of a clause."""
    if clause.by == BEST:
        return _place(clause, runs)
    by_seed = clause.value(runs).sort_index().astype(float)
    values = by_seed[np.isfinite(by_seed)].to_numpy()
    n, d = len(values), clause.digits
    if not n:
        return Decided(0)
    if clause.by == SEEDS:
        most = of_most((clause.low <= values) & (values <= clause.high))
        seen = f"{most.k} of {count(n, 'seed')} ({', '.join(f'{value:.{d}f}' for value in values)})"
        return Decided(n, most.verdict, k=most.k, posterior=most.posterior, observed=seen)
    mean, verdict = mean_within(list(values), clause.low, clause.high)
    return _measured(n, verdict, mean, _shown(mean, d))


def together(verdicts: Iterable[str]) -> str:
    """The verdict on a claim, from those on its clauses."""
    seen = set(verdicts)
    if FAILS in seen:
        return FAILS
    return NOT_RUN if NOT_RUN in seen else OPEN if OPEN in seen else HOLDS


def _place(clause: Clause, runs: PaperRuns) -> Decided:
    """A configuration against the best of the others."""
    n = len(clause.value(runs).dropna())
    if not n or len(runs.scores) < 2:
        return Decided(0)
    compared = with_the_best(runs.scores, margin=-clause.low).loc[[clause.what]]
    row = compared.to_dict("records")[0]
    verdict = {AMONG: HOLDS, BEHIND: FAILS}.get(row["verdict"], OPEN)
    seen = Estimate(row["difference"], row["difference_low"], row["difference_high"])
    text = f"{_shown(seen, clause.digits)} from the best of the others"
    if np.isnan(seen.value):
        text = "one seed cannot be compared with the others"
    return _measured(n, verdict, seen, text)


def _measured(n: int, verdict: str, seen: Estimate, text: str) -> Decided:
    return Decided(n, verdict, mean=seen.value, low=seen.low, high=seen.high, observed=text)


def _shown(seen: Estimate, digits: int) -> str:
    """`0.912 [0.900, 0.924]`, and never -0."""
    value, low, high = (round(figure, digits) + 0.0 for figure in seen)
    return estimate(Estimate(value, low, high), digits)
