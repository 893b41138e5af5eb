"""The paper's claims as the page lists them: the verdict, what decided it, and its figures."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from analysis.paper.checks import DATA
from analysis.paper.verdicts import PAPER_EPOCHS, by_claim
from analysis.report.tables import text
from study.storage.axes import DEFAULTS, alike, axis_in_words, other_axes

PLACE = re.compile(r"Fig(?:ure|\.) (\d+[a-c]?)")
SPEAKS_OF = {
    "beta-kl-caption": "figure-4b",
    "beta-kl-prose": "figure-4b",
    "standard-sharpest": "figure-5",
    "clearest": "ranking",
}
"""Claims that speak of another figure than the place where they stand."""


class Clause(NamedTuple):
    """One comparison of a claim."""

    what: str
    expected: str
    observed: str
    verdict: str


class Claim(NamedTuple):
    """A claim that was decided."""

    id: str
    statement: str
    place: str  # in the paper
    verdict: str
    kind: str  # good, bad or open
    sentence: str  # what decided it
    clauses: list[Clause]  # the one that decided first
    figures: dict[str, int]  # those it speaks of: name -> number in the page


def claim_rows(clauses: pd.DataFrame, numbers: Mapping[str, int]) -> list[Claim]:
    """The claims that a study has the runs for.

    Args:
        clauses: `claims.csv`, a row a clause.
        numbers: of the page's figures, by their names.
    """
    rows = []
    for row in by_claim(clauses).to_dict("records"):
        if row["verdict"] == "not run":
            continue
        name, verdict, place = (text(row.get(key)) for key in ("id", "verdict", "place"))
        part = clauses[clauses["id"] == name].to_dict("records")
        decided = sorted(part, key=lambda clause: clause["verdict"] != verdict)
        columns = ("clause", "expected", "observed", "verdict")
        all_of_it = [Clause(*(text(clause.get(key)) for key in columns)) for clause in decided]
        statement, sentence = text(row["statement"]), text(row["sentence"])
        figures = {figure: numbers[figure] for figure in _figures(name, place, numbers)}
        kind = verdict_kind(verdict)
        rows.append(Claim(name, statement, place, verdict, kind, sentence, all_of_it, figures))
    return rows


def _figures(claim: str, place: str, known: Mapping[str, int]) -> list[str]:
    """Names of the figures that a claim speaks of, of those that the page has."""
    if claim in SPEAKS_OF:
        return [name for name in known if name == SPEAKS_OF[claim]]
    stems = [f"figure-{number}" for number in PLACE.findall(place)]
    return [name for name in known if any(name.startswith(stem) for stem in stems)]


def verdict_kind(verdict: str) -> str:
    """How a verdict is coloured: bad ("does not hold", "fails"), good ("holds"), or open."""
    verdict = verdict.lower()
    if verdict.startswith(("does not", "not ", "fail")):
        return "bad"
    return "good" if verdict.startswith(("hold", "reproduced")) else "open"


def short_of(claims: pd.DataFrame) -> int:
    """Epochs of the runs that claims were decided on, where these are fewer than the paper's."""
    epochs = int(claims["epochs"].max()) if "epochs" in claims and len(claims) else 0
    return epochs if epochs < PAPER_EPOCHS else 0


def unlike_the_paper(trials: pd.DataFrame) -> list[str]:
    """What the runs that come nearest to the paper's do not share with them, in words.

    Args:
        trials: of a study; those that are not done count only where none is.

    Returns:
        `2 epochs (the paper: 200)`, `learning rate 0.02 (0.01)`; none for the paper's own study.
    """
    done = trials[trials["state"] == "done"]
    nearest = alike(done if len(done) else trials)
    words = []
    if "data" in nearest and DATA not in set(nearest["data"]):
        words.append(f"data {', '.join(sorted(set(nearest['data'])))} (the paper: {DATA})")
    epochs = int(nearest["epochs"].max()) if len(done) else PAPER_EPOCHS
    if epochs < PAPER_EPOCHS:
        words.append(f"{epochs} epochs (the paper: {PAPER_EPOCHS})")
    for column in other_axes(nearest):
        value, usual = nearest[column].iloc[0], DEFAULTS[column]
        if column != "data" and not pd.isna(value):
            usual = "none" if usual is None or pd.isna(usual) else usual
            words.append(f"{axis_in_words(column)} {value} (the paper: {usual})")
    return words
