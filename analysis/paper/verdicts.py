"""The paper's claims, decided clause by clause, as tables."""

import pandas as pd

from analysis.paper.checks import BEST, INF, SEEDS, Clause, PaperRuns, other_data, paper_runs
from analysis.paper.decide import NOT_RUN, decide, together
from analysis.paper.findings import findings
from analysis.paper.published import CLAIMS, Claim
from analysis.paper.sensitivity import sensitivity
from analysis.statistics.evidence import FAILS, HOLDS, OPEN
from analysis.study import Study
from study.storage.tables import write_table

PAPER_EPOCHS = 200
SHOWN = 3  # clauses that a claim's sentence names
COLUMNS = (
    *("id", "clause", "place", "statement", "compared", "expected", "observed"),
    *("k", "n", "mean", "low", "high", "posterior", "verdict", "claim_verdict", "epochs"),
)


def claims_table(study: Study) -> pd.DataFrame:
    """A row a clause, in the order of the paper; none for a study of other data than the paper's.

    Returns:
        id (of the claim), clause, place, statement, compared, expected, observed, k of n seeds that
        pass or mean and interval, posterior, verdict; claim_verdict; epochs of the shortest run.
    """
    if other_data(study):
        return pd.DataFrame(columns=list(COLUMNS))
    runs = paper_runs(study)
    epochs = int(runs.trials["epochs"].min()) if len(runs.trials) else 0
    rows = [{**row, "epochs": epochs} for claim in CLAIMS for row in _rows(claim, runs)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def write_claims(study: Study) -> pd.DataFrame:
    """Decide every claim; write the tables `claims`, `sensitivity` and `findings`."""
    table = claims_table(study)
    for name, part in (
        ("claims", table),
        ("sensitivity", sensitivity(study)),
        ("findings", findings(study)),
    ):
        write_table(study.folder, name, part, None)
    return table


def by_claim(clauses: pd.DataFrame) -> pd.DataFrame:
    """A row a claim of the table of `claims_table`, for pages.

    Args:
        clauses: as read from `claims.csv`; one that an older version decided has no claims here.

    Returns:
        id, place, statement, compared, epochs; expected and observed, of every clause; verdict;
        sentence, which names the clauses that decided.
    """
    clauses = clauses if "clause" in clauses else pd.DataFrame(columns=list(COLUMNS))
    rows = []
    # read back from a file, a column without a text is one of numbers
    clauses = clauses.assign(observed=clauses["observed"].astype(object).fillna(""))
    for name, part in clauses.groupby("id", sort=False):
        row = part.iloc[0][["place", "statement", "compared", "epochs"]].to_dict()
        for column in ("expected", "observed"):
            each = zip(part["clause"], part[column], strict=True)
            row[column] = "; ".join(f"{clause}: {text}" for clause, text in each if text)
        row |= {"id": name, "verdict": part["claim_verdict"].iloc[0], "sentence": _sentence(part)}
        rows.append(row)
    columns = ["id", "place", "statement", "compared", "expected", "observed", "verdict"]
    return pd.DataFrame(rows, columns=[*columns, "sentence", "epochs"])


def _rows(claim: Claim, runs: PaperRuns) -> list[dict[str, object]]:
    decided = [decide(clause, runs) for clause in claim.clauses]
    verdict = together(one.verdict for one in decided)
    what = {"id": claim.id, "place": claim.place, "statement": claim.statement}
    return [
        {
            **what,
            "compared": claim.compared,
            "clause": clause.what,
            "expected": _bounds(clause),
            **one._asdict(),
            "claim_verdict": verdict,
        }
        for clause, one in zip(claim.clauses, decided, strict=True)
    ]


def _bounds(clause: Clause) -> str:
    low, high, d = clause.low, clause.high, clause.digits
    if clause.by == BEST:
        return f"at most {-low:.{d}f} behind"
    if low == high:
        return f"{low:.{d}f}"
    if high == INF:
        return f"at least {low:.{d}f}" if clause.by == SEEDS else f"above {low:.{d}f}"
    if low == -INF:
        return f"below {high:.{d}f}"
    return f"{low:.{d}f} to {high:.{d}f}"


def _sentence(part: pd.DataFrame) -> str:
    """What decided a claim: the clauses that fail, else those that are open, else all of them."""
    verdict = part["claim_verdict"].iloc[0]
    if verdict == NOT_RUN:
        return "The study lacks the runs, or has not been scored."
    rows = part[part["verdict"] == verdict].to_dict("records")
    seen = [f"{r['clause']}: {r['observed']}, expected {r['expected']}" for r in rows[:SHOWN]]
    more = f"; and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    several = {HOLDS: "hold", FAILS: "do not hold", OPEN: "are open"}[verdict]
    word = several if len(rows) > 1 else {OPEN: "is open"}.get(verdict, verdict)
    of = f"{len(rows)} of {len(part)} clauses {word}: " if len(part) > 1 else ""
    return f"{of}{'; '.join(seen)}{more}."
