"""The paper's claims, decided on a study's tables.

A check's value is computed for every seed. With two seeds or more it has a 95% interval (Student's
t over seeds); with one, the interval is that value. A claim holds when every check's interval lies
within its bounds, does not hold when one lies wholly outside, and is undecided otherwise.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.paper.checks import INF, Check, PaperRuns, other_data, paper_runs
from analysis.paper.findings import findings
from analysis.paper.published import CLAIMS, Claim
from analysis.statistics.intervals import mean_interval
from analysis.study import Study

PAPER_EPOCHS = 200
COLUMNS = (
    *("id", "place", "statement", "compared", "expected", "observed", "value", "low", "high"),
    *("n_seeds", "verdict", "sentence", "epochs"),
)


class Estimate(NamedTuple):
    """What a study has for a check; NaN without a seed."""

    check: Check
    n_seeds: int
    mean: float
    low: float
    high: float

    @property
    def slack(self) -> float:
        """How far the interval is inside the bounds, in units of their size; negative: outside."""
        low, high = self.check.low, self.check.high
        size = max(abs(bound) for bound in (low, high) if np.isfinite(bound)) or 1.0
        return min(self.low - low, high - self.high) / size

    @property
    def text(self) -> str:
        if not self.n_seeds:
            return f"{self.check.what}: not run"
        d = self.check.digits
        interval = f" [{self.low:.{d}f}, {self.high:.{d}f}]" if self.n_seeds > 1 else ""
        return f"{self.check.what}: {self.mean:.{d}f}{interval}"


def claims_table(study: Study) -> pd.DataFrame:
    """A row a claim, in the order of the paper; none for a study of other data than the paper's.

    Returns:
        id, place, statement, compared, expected, observed (each check's mean and interval), value,
        low, high (of the check furthest from its bounds), n_seeds, epochs, verdict, sentence.
    """
    if other_data(study):
        return pd.DataFrame(columns=list(COLUMNS))
    runs = paper_runs(study)
    epochs = int(runs.trials["epochs"].min()) if len(runs.trials) else 0
    rows = [{**_row(claim, runs), "epochs": epochs} for claim in CLAIMS]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def write_claims(study: Study) -> pd.DataFrame:
    """Decide every claim; write `claims.csv` and `findings.csv` to the study's folder."""
    table = claims_table(study)
    study.folder.write("claims.csv", table.to_csv(index=False).encode())
    study.folder.write("findings.csv", findings(study).to_csv(index=False).encode())
    return table


def estimate(check: Check, runs: PaperRuns) -> Estimate:
    """Mean of a check over seeds and its 95% interval; of one seed, the value itself."""
    by_seed = check.value(runs).sort_index().astype(float)
    values = by_seed[np.isfinite(by_seed)]
    if values.empty:
        return Estimate(check, 0, np.nan, np.nan, np.nan)
    mean, low, high = mean_interval(values)
    return Estimate(check, len(values), mean, *((low, high) if len(values) > 1 else (mean, mean)))


def _row(claim: Claim, runs: PaperRuns) -> dict[str, object]:
    estimates = [estimate(check, runs) for check in claim.checks]
    n_seeds = min(one.n_seeds for one in estimates)
    verdict = _verdict(estimates)
    worst = min(estimates, key=lambda one: one.slack) if n_seeds else estimates[0]
    return {
        **claim._asdict(),
        "expected": "; ".join(f"{check.what}: {_bounds(check)}" for check in claim.checks),
        "observed": "; ".join(one.text for one in estimates) if n_seeds else "",
        "value": worst.mean,
        "low": worst.low,
        "high": worst.high,
        "n_seeds": n_seeds,
        "verdict": verdict,
        "sentence": _sentence(verdict, worst, n_seeds),
    }


def _verdict(estimates: list[Estimate]) -> str:
    if not all(one.n_seeds for one in estimates):
        return "not run"
    if any(one.low > one.check.high or one.high < one.check.low for one in estimates):
        return "does not hold"
    return "holds" if all(one.slack >= 0 for one in estimates) else "undecided"


def _bounds(check: Check) -> str:
    low, high, d = check.low, check.high, check.digits
    if low == high:
        return f"{low:.{d}f}"
    if high == INF:
        return f"at least {low:.{d}f}"
    if low == -INF:
        return f"at most {high:.{d}f}"
    return f"{low:.{d}f} to {high:.{d}f}"


def _sentence(verdict: str, worst: Estimate, n_seeds: int) -> str:
    if verdict == "not run":
        return "The study lacks the runs, or has not been scored."
    seeds = "one seed" if n_seeds == 1 else f"{n_seeds} seeds"
    expected = f"{worst.text}, expected {_bounds(worst.check)}"
    return {
        "holds": f"Holds over {seeds}; closest call {worst.text}.",
        "does not hold": f"Does not hold over {seeds}; {expected}.",
        "undecided": f"{seeds.capitalize()} do not decide; {expected}.",
    }[verdict]
