"""Verdicts under other thresholds: each at half and at twice what was set."""

from collections.abc import Iterator

import pandas as pd

from analysis.latent_effects.alignment import THRESHOLDS, Thresholds, renamed
from analysis.paper.checks import PaperRuns, other_data, paper_runs
from analysis.paper.decide import NOT_RUN, Decided, decide
from analysis.paper.published import CLAIMS
from analysis.study import Study

FACTORS = (0.5, 1.0, 2.0)
COLUMNS = (
    *("id", "clause", "threshold", "set", "at_half", "as_set", "at_twice"),
    *("seen_at_half", "seen_as_set", "seen_at_twice"),
)


def sensitivity(study: Study) -> pd.DataFrame:
    """A row for each clause and threshold that it depends on.

    Thresholds are the margin of a clause where the paper has a word and no figure, and those by
    which directions of the latents are named. A direction that did not react when it was measured
    has no slopes: at half of `reacts` it can only be mixed.

    Returns:
        id, clause, threshold ("margin", or a field of latent_effects.alignment.Thresholds), set
        (its value), the verdicts at_half, as_set and at_twice, and what was seen at each. Clauses
        that the study lacks the runs for have no rows.
    """
    rows: list[dict[str, object]] = []
    if not other_data(study):
        runs = paper_runs(study)
        rows = [*_margins(runs), *(_names(runs) if len(runs.alignment) else ())]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _margins(runs: PaperRuns) -> Iterator[dict[str, object]]:
    """Clauses whose bounds are a margin about what the paper says."""
    for claim in CLAIMS:
        for clause in claim.clauses:
            if clause.centre is None:
                continue
            decided = [decide(clause.scaled(factor), runs) for factor in FACTORS]
            if decided[0].verdict != NOT_RUN:
                ends = (abs(end - clause.centre) for end in (clause.low, clause.high))
                margin = max(end for end in ends if end < float("inf"))
                yield _row(claim.id, clause.what, "margin", margin, decided)


def _names(runs: PaperRuns) -> Iterator[dict[str, object]]:
    """Clauses that another name of some direction could change.

    None where the table's names are by other rules than the present ones, so that the clause as it
    was decided is not that of the thresholds as they are set.
    """
    for field, value in THRESHOLDS._asdict().items():
        others = [_renamed(runs, THRESHOLDS._replace(**{field: value * f})) for f in FACTORS]
        for claim in CLAIMS:
            for clause in claim.clauses:
                seen = [decide(clause, other) for other in others]
                as_kept = decide(clause, runs).observed == seen[1].observed
                if as_kept and len({one.observed for one in seen}) > 1:
                    yield _row(claim.id, clause.what, field, value, seen)


def _row(
    name: str, clause: str, threshold: str, value: float, decided: list[Decided]
) -> dict[str, object]:
    verdicts, seen = zip(*((one.verdict, one.observed) for one in decided), strict=True)
    return dict(zip(COLUMNS, (name, clause, threshold, value, *verdicts, *seen), strict=True))


def _renamed(runs: PaperRuns, thresholds: Thresholds) -> PaperRuns:
    latents = runs.alignment[runs.alignment["basis"] == "latent"]
    return runs._replace(alignment=latents.assign(property=renamed(latents, thresholds)))
