"""The ranking: every configuration between its floors and its ceiling, and against the best."""

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis.figures import encodings, rows, style
from analysis.figures.inputs import FigureInputs, StudyFigure
from analysis.statistics import wording
from analysis.statistics.comparisons import AMONG, BEHIND, MARGIN, UNDECIDED
from analysis.statistics.ranking import COMPARED
from study.storage.axes import words_of

MARKS = {"chance": "|", "rotated": "d", "untrained": "x", "pixel_pca": "+", "oracle": "*"}
DASHES = {
    "chance": (0, (1, 2)), "rotated": (0, (3, 3)), "untrained": (0, (2, 1, 1, 1)),
    "pixel_pca": (0, (5, 1.5)), "oracle": "-",
}  # fmt: skip
REFERENCE = "0.45"  # the grey of reference marks and lines
BESIDE_IN = 1.2  # height of what stands above and below the rows
BELOW = 0.27  # of a row: reference marks stand below the score, so that neither hides the other


def ranking(inputs: FigureInputs) -> pd.DataFrame:
    """The axes, the score, its controls, n_scored, and the difference to the best of the others."""
    return inputs.ranked([*COMPARED, *MARKS, "n_scored"])


@mpl.rc_context(style.STYLE)
def draw_ranking(table: pd.DataFrame) -> Figure:
    """A line a configuration: the score beside its controls, and how far it is from the best."""
    table = table.head(rows.n_that_fit(words_of(table), BESIDE_IN))
    names = words_of(table)
    size = (style.PAGE_IN, BESIDE_IN + rows.height_in(names, BESIDE_IN))
    figure = Figure(figsize=size, layout="constrained")
    scores, differences = figure.subplots(1, 2, sharey=True, width_ratios=[2, 1])
    for axes, column in ((scores, "score"), (differences, "difference")):
        _draw_estimates(axes, table, column)
        rows.line_a_configuration(axes, names)
        axes.grid(visible=False, axis="y")
    references = _draw_references(scores, table)
    scores.set_xlabel(label(table))
    style.begin_at_zero_or_mark(scores, "x")
    differences.set_xlabel("difference to the best of the others")
    differences.axvspan(-MARGIN, 0, color="0.9", zorder=0, lw=0)
    differences.axvline(0, color="0.6", lw=0.6, zorder=0)
    if table["difference"].isna().all():
        differences.text(0.5, 0.5, "needs two seeds", transform=differences.transAxes,
                         ha="center", va="center", color=REFERENCE)  # fmt: skip
    differences.xaxis.set_major_locator(MaxNLocator(3))
    for place, verdict in zip(table.index, table["verdict"], strict=True):
        differences.text(1.02, place, verdict, transform=differences.get_yaxis_transform(),
                         va="center")  # fmt: skip
    entries = encodings.beta_entries(table["beta"])
    entries += encodings.conditioning_entries(table["conditioning"])
    style.shared_legend(figure, [], [*entries, *references], 5)
    return figure


def _draw_estimates(axes: Axes, table: pd.DataFrame, column: str) -> None:
    """A mark a row, with its interval."""
    bars = style.error_bars(table, column).T
    for place, (row, ends) in enumerate(zip(table.to_dict("records"), bars, strict=True)):
        colour = encodings.beta_colour(row["beta"])
        axes.errorbar(row[column], place, xerr=ends[:, None], marker="o", ms=4, capsize=1.5,
                      elinewidth=1, **encodings.filling(row["conditioning"], colour))  # fmt: skip


def _draw_references(axes: Axes, table: pd.DataFrame) -> list[Line2D]:
    """A mark a row below the score, or one line where all rows have the same; their entries."""
    entries = []
    for name, marker in MARKS.items():
        if name not in table or table[name].isna().all():
            continue
        values, words = table[name], wording.CONTROLS[name]
        if np.ptp(values.dropna()) < 5e-4:
            line: Any = {"color": REFERENCE, "lw": 0.9, "ls": DASHES[name], "zorder": 1}
            axes.axvline(values.mean(), **line)
            entries.append(encodings.legend_entry(**line, label=words))
            continue
        look: Any = {"color": REFERENCE, "ms": 4, "mew": 0.8, "marker": marker, "zorder": 1}
        axes.plot(values, np.arange(len(table)) + BELOW, ls="none", **look)
        entries.append(encodings.legend_entry(**look, label=words))
    return entries


def caption(table: pd.DataFrame) -> str:
    counts = table["verdict"].value_counts()
    verdicts = [f"{counts.get(verdict, 0)} {verdict}" for verdict in (AMONG, BEHIND, UNDECIDED)]
    text = (
        f"Configurations by their mean score ({table['ranked_by'].iloc[0]}) over {seeds(table)}."
        f" Bars are 95% intervals. The highest is {wording.interval(table.iloc[0], 'score')}."
        " Right: the difference of each to the best of the others, paired by seed; these"
        f" intervals are simultaneous. The grey band is the margin of {MARGIN:g}."
        f" {wording.count(len(table), 'configuration')}: {wording.listing(verdicts)}."
    )
    if "pixel_pca" in table and pd.notna(pca := table["pixel_pca"].max()):
        text += f" Principal components of the pixels reach {pca:.2f}."
    n = rows.n_that_fit(words_of(table), BESIDE_IN)
    return text + rows.shown(n, len(table), "best")


def label(table: pd.DataFrame) -> str:
    """Of an axis: the caption says of which factors and scope."""
    return f"{table['ranked_by'].iloc[0].partition(' on ')[0]} score"


def seeds(table: pd.DataFrame) -> str:
    """`3 seeds`, or `2 to 3 seeds`, of a table that has n_scored."""
    least, most = table["n_scored"].min(), table["n_scored"].max()
    return wording.count(most, "seed") if least == most else f"{least} to {most} seeds"


FIGURE = StudyFigure(
    "ranking", "scores", "Ranking by disentanglement", ranking, draw_ranking, caption
)
