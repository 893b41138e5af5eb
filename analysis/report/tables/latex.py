"""Tables for LaTeX, in the style of booktabs: the ranking, the bounds, the scores, the claims."""

import re
from collections.abc import Sequence
from math import ceil

import pandas as pd

from analysis.metrics import CLASS_PROBE, LABELS, RANKABLE, UDR
from analysis.paper.verdicts import by_claim, claims_table
from analysis.report.tables.bounds import one_objective
from analysis.report.tables.cells import CellOf, Table, estimates, numbers, table, words
from analysis.statistics.elbo import configurations, n_active, with_joint_bound
from analysis.statistics.ranking import RANKING, unlisted
from analysis.study import Study
from study.storage.axes import words_of
from study.storage.tables import has_table

NEEDS = "% in the preamble: \\usepackage{booktabs}"
NEEDS_LONG = "% in the preamble: \\usepackage{booktabs,longtable}; needs a page of one column"
MOST_LINES = 45  # on a page; a longer table runs over several
LINE = 69  # letters of ten points in a line of LaTeX's article
GAP = 2.5  # letters that the space between two columns takes
LONG = 30  # letters; longer text is broken into lines
NEGATIVE = re.compile(r"(?<![\w.])-(?=\d)")  # the hyphen of a negative number
SPECIAL = str.maketrans(
    {
        **{letter: f"\\{letter}" for letter in "&%$#_{}"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": "$<$",
        ">": "$>$",
        "[": "{[}",  # behind the end of a row it would be read as a distance
        "]": "{]}",
        "β": r"$\beta$",
        "−": "$-$",
        "→": r"$\to$",
        "±": r"$\pm$",
        "≤": r"$\leq$",
        "≥": r"$\geq$",
        "\N{MULTIPLICATION SIGN}": r"$\times$",
        "·": r"$\cdot$",
        "–": "--",
        "…": r"\dots{}",
        "\N{NO-BREAK SPACE}": "~",
    }
)


def write_latex(study: Study) -> list[str]:
    """Write `tables/*.tex` of what a study has; returns their names.

    Raises:
        StudyError: a table of the study is damaged.
    """
    tables = [bounds(study)]
    if has_table(study.folder, "ranking"):
        tables += [ranking(study.ranking), scores(study.ranking, unlisted(study.scores))]
    if len(decided := _decided(study)):
        tables.append(claims(decided))
    for one in tables:
        (study.folder / "tables").write(f"{one.name}.tex", latex(one).encode())
    return [one.name for one in tables]


def latex(of: Table) -> str:
    """A table as LaTeX, numbers flush right, with its caption and a label `tab:NAME`."""
    cells = [
        [f"\\textbf{{{escaped(cell.text)}}}" if cell.strong else escaped(cell.text) for cell in row]
        for row in of.rows
    ]
    frame = pd.DataFrame(cells, columns=[escaped(name) for name in of.columns], dtype=str)
    widths = _widths(of)
    many = _lines(of, widths) > MOST_LINES
    text = frame.style.hide(axis="index").to_latex(
        hrules=True,
        column_format="".join(
            "r" if numeric else f"p{{{width:.2f}\\linewidth}}" if width else "l"
            for numeric, width in zip(of.numeric, widths, strict=True)
        ),
        caption=escaped(of.caption),
        label=f"tab:{of.name}",
        position="tbp" if not many else None,
        position_float="centering" if not many else None,
        environment="longtable" if many else "table*",
    )
    return f"{NEEDS_LONG if many else NEEDS}\n{text}"


def escaped(text: str) -> str:
    """Text that LaTeX sets as it stands here, Greek letters and signs as mathematics."""
    return NEGATIVE.sub("−", text).translate(SPECIAL)


def _widths(of: Table) -> list[float]:
    """Of each column of long text its share of a line; 0 of one as wide as what it holds.

    Columns of long text share by their length what the others leave, at least a fifth each.
    """
    lengths = [
        0 if numeric else max((len(row[place].text) for row in of.rows), default=0)
        for place, numeric in enumerate(of.numeric)
    ]
    total = sum(length for length in lengths if length > LONG)
    short = [
        max([len(name), *(len(row[place].text) for row in of.rows)])
        for place, name in enumerate(of.columns)
        if lengths[place] <= LONG
    ]
    left = max(0.0, 1 - (sum(short) + GAP * len(lengths)) / LINE)
    return [max(0.2, left * n / total) if n > LONG else 0.0 for n in lengths]


def _lines(of: Table, widths: Sequence[float]) -> int:
    """Lines that the rows of a table take, about."""
    return sum(
        max([1, *(ceil(len(row[i].text) / (w * LINE)) for i, w in enumerate(widths) if w)])
        for row in of.rows
    )


def _in_words(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(configuration=words_of(rows))


def ranking(ranked: pd.DataFrame) -> Table:
    """A row a configuration, as `study.ranking` has them."""
    columns: dict[str, CellOf] = {
        "configuration": words("configuration"),
        "seeds": numbers("n_scored", ".0f"),
        "score [95%]": estimates(RANKING),
        "to the best [95%]": estimates("difference"),
        "verdict": words("verdict"),
        "−ELBO": numbers("neg_elbo_joint", ".1f"),
    }
    caption = (
        f"Configurations by their mean score ({ranked['ranked_by'].iloc[0]}). To the best: the"
        " difference to the best of the others, paired by seed; these intervals are simultaneous."
        " −ELBO in nats per image; with labels, for image and label together."
    )
    return table("ranking", caption, _in_words(ranked), columns)


def scores(ranked: pd.DataFrame, more: Sequence[str]) -> Table:
    """A row a configuration, a column a score.

    Args:
        ranked: a study's ranking.
        more: names of a user's own metrics.
    """
    columns: dict[str, CellOf] = {"configuration": words("configuration")}
    names = [*RANKABLE, *more, UDR.name, CLASS_PROBE.name]
    columns |= {LABELS.get(name, name): numbers(name) for name in names}
    caption = "Scores of the latents on the test images as a whole, means over seeds."
    return table("scores", caption, _in_words(ranked), columns)


def bounds(study: Study) -> Table:
    """A row a configuration: the terms of its bound on the test set."""
    trials = with_joint_bound(study)
    trials["active"] = trials["run"].map(n_active(study.latents))
    empty = pd.DataFrame(columns=["run", "basis", "factors", "scope", "score", "value"])
    scored = study.scores if has_table(study.folder, "scores") else empty
    rows = configurations(trials, study.latents, scored)
    columns: dict[str, CellOf] = {
        "configuration": words("configuration"),
        "seeds": numbers("n_seeds", ".0f"),
        "recon": numbers("recon", ".1f"),
        "KL": numbers("kl", ".1f"),
        "objective": numbers("objective", ".1f"),
        "−ELBO": numbers("neg_elbo_joint", ".1f"),
        "KL fraction": numbers("kl_fraction", ".1%"),
        "active": numbers("active", ".1f"),
    }
    if not one_objective(rows):
        del columns["objective"], columns["KL fraction"]
    caption = (
        "Bounds on the test set in nats per image, means over finished seeds. −ELBO = recon + KL;"
        " with labels, for image and label together. Active: number of active latents."
    )
    return table("bounds", caption, _in_words(rows), columns)


def claims(decided: pd.DataFrame) -> Table:
    """A row a claim of the paper that the study has the runs for."""
    columns = {
        "claim": words("statement"),
        "verdict": words("verdict"),
        "in these runs": words("sentence"),
    }
    caption = "What the paper states, and what these runs show."
    return table("claims", caption, decided, columns)


def _decided(study: Study) -> pd.DataFrame:
    claims = by_claim(claims_table(study))
    return claims[claims["verdict"] != "not run"] if len(claims) else claims
