"""The paper's claims, decided on a study's tables.

A check's value is computed for every seed. With two seeds or more it has a 95% interval (Student's
t over seeds); with one, the interval is that value. A claim holds when every check's interval lies
within its bounds, does not hold when one lies wholly outside, and is undecided otherwise.
"""

import numpy as np
import pandas as pd

from analysis.paper.findings import findings, mean_interval
from analysis.paper.published import CLAIMS, INF, Check, Claim, Finals, finals
from analysis.study import Study

PAPER_EPOCHS = 200


def claims_table(study: Study) -> pd.DataFrame:
    """A row a claim, in the order of the paper.

    Returns:
        id, place, statement, compared, expected, observed (each check's mean and interval), value,
        low, high (of the check furthest from its bounds), n_seeds, epochs, verdict, sentence.
    """
    found = finals(study)
    epochs = int(found.trials["epochs"].min()) if len(found.trials) else 0
    return pd.DataFrame([{**_row(claim, found), "epochs": epochs} for claim in CLAIMS])


def _row(claim: Claim, found: Finals) -> dict[str, object]:
    results = [_estimate(check, found) for check in claim.checks]
    n_seeds = min(len(values) for values, _, _, _ in results)
    verdict = _verdict(claim.checks, results)
    pairs = list(zip(claim.checks, results, strict=True))
    told = [_told(check, result) for check, result in pairs]
    worst = min(pairs, key=_slack) if n_seeds else pairs[0]
    _, mean, low, high = worst[1]
    return {
        "id": claim.id,
        "place": claim.place,
        "statement": claim.statement,
        "compared": claim.compared,
        "expected": "; ".join(f"{check.what}: {_bounds(check)}" for check in claim.checks),
        "observed": "; ".join(told) if n_seeds else "",
        "value": mean,
        "low": low,
        "high": high,
        "n_seeds": n_seeds,
        "verdict": verdict,
        "sentence": _sentence(verdict, worst[0], told[pairs.index(worst)], n_seeds),
    }


Result = tuple[list[float], float, float, float]  # by seed; mean, low, high


def _estimate(check: Check, found: Finals) -> Result:
    values = [check.value(found, seed) for seed in found.seeds()]
    values = [value for value in values if np.isfinite(value)]
    if not values:
        return [], np.nan, np.nan, np.nan
    mean, low, high = mean_interval(values)
    return (values, mean, low, high) if len(values) > 1 else (values, mean, mean, mean)


def _verdict(checks: list[Check], results: list[Result]) -> str:
    if any(not values for values, _, _, _ in results):
        return "not run"
    pairs = list(zip(checks, results, strict=True))
    if any(low > check.high or high < check.low for check, (_, _, low, high) in pairs):
        return "does not hold"
    inside = all(check.low <= low and high <= check.high for check, (_, _, low, high) in pairs)
    return "holds" if inside else "undecided"


def _slack(pair: tuple[Check, Result]) -> float:
    """How far an interval is inside its bounds, in units of their size; negative: outside."""
    check, (_, _, low, high) = pair
    size = max(abs(x) for x in (check.low, check.high) if np.isfinite(x)) or 1.0
    return min(low - check.low, check.high - high) / size


def _told(check: Check, result: Result) -> str:
    values, mean, low, high = result
    if not values:
        return f"{check.what}: not run"
    interval = f" [{low:.{check.digits}f}, {high:.{check.digits}f}]" if len(values) > 1 else ""
    return f"{check.what}: {mean:.{check.digits}f}{interval}"


def _bounds(check: Check) -> str:
    low, high, d = check.low, check.high, check.digits
    if low == high:
        return f"{low:.{d}f}"
    if high == INF:
        return f"at least {low:.{d}f}"
    if low == -INF:
        return f"at most {high:.{d}f}"
    return f"{low:.{d}f} to {high:.{d}f}"


def _sentence(verdict: str, check: Check, told: str, n_seeds: int) -> str:
    if verdict == "not run":
        return "The study lacks the runs, or has not been scored."
    seeds = "one seed" if n_seeds == 1 else f"{n_seeds} seeds"
    ends = {
        "holds": f"Holds over {seeds}; closest call {told}.",
        "does not hold": f"Does not hold over {seeds}; {told}, expected {_bounds(check)}.",
        "undecided": f"{seeds.capitalize()} do not decide; {told}, expected {_bounds(check)}.",
    }
    return ends[verdict]


def write_claims(study: Study) -> pd.DataFrame:
    """Decide every claim; write `claims.csv` and `findings.csv` to the study's folder."""
    table = claims_table(study)
    study.folder.write("claims.csv", table.to_csv(index=False).encode())
    study.folder.write("findings.csv", findings(study).to_csv(index=False).encode())
    return table
