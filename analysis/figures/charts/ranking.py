"""Higgins and MIG of every configuration with their intervals, the best on top."""

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.figures import style
from analysis.figures.entry import StudyFigure
from analysis.figures.inputs import FigureInputs
from analysis.metrics import LABELS
from analysis.statistics import wording
from analysis.statistics.comparisons import AMONG, BEHIND, UNDECIDED
from study.storage.axes import CONDITIONING, words_of

DRAWN = ("higgins", "mig")
CONTROLS = {
    "chance": ("|", "chance"),
    "untrained": ("x", "untrained encoder"),
    "pixel_pca": ("+", "PCA of pixels"),
}


def ranking(inputs: FigureInputs) -> pd.DataFrame:
    """rank, verdict, the axes, both scores with _low and _high, and the controls of the first."""
    scores = [f"{score}{end}" for score in DRAWN for end in ("", "_low", "_high")]
    return inputs.ranked(
        ["rank", "verdict", *scores, *(f"higgins_{control}" for control in CONTROLS)]
    )


@mpl.rc_context(style.STYLE)
def draw_ranking(table: pd.DataFrame) -> Figure:
    """A line a configuration, a panel a score."""
    size = (style.PAGE_IN, 1.0 + style.ROW_IN * len(table))
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(1, 2, sharey=True, width_ratios=[2, 1])
    names = [
        f"{words}   {rank}" for rank, words in zip(table["rank"], words_of(table), strict=True)
    ]
    for axes, score in zip(panels, DRAWN, strict=True):
        for name, look in style.LOOKS.items():
            part = table[table["conditioning"] == name]
            axes.errorbar(part[score], part.index, xerr=style.error_bars(part, score), ls="none",
                          ms=4, capsize=2, label=CONDITIONING[name], **look)  # fmt: skip
        style.line_a_configuration(axes, names)
        axes.set_xlabel(f"{LABELS[score]} score")
    for control, (marker, label) in CONTROLS.items():
        look = {"color": "0.55", "ms": 4, "zorder": 1, "label": label}
        panels[0].plot(table[f"higgins_{control}"], table.index, marker, **look)
    heading = {"ha": "right", "va": "bottom", "fontsize": 7, "color": "0.4"}
    panels[0].text(-0.012, 1.0, "configuration   rank", transform=panels[0].transAxes, **heading)
    panels[1].xaxis.set_major_locator(MaxNLocator(4))
    style.shared_legend(figure, list(panels), 5)
    return figure


def caption(table: pd.DataFrame) -> str:
    counts = table["verdict"].value_counts()
    told = [f"{counts.get(verdict, 0)} {verdict}" for verdict in (AMONG, BEHIND, UNDECIDED)]
    text = (
        f"Configurations by their mean Higgins score, with 95% intervals over seeds. The highest is"
        f" {wording.interval(table.iloc[0], 'higgins')}."
        f" {wording.count(len(table), 'configuration')}, each against the best of the others:"
        f" {wording.listing(told)}."
    )
    pca = table["higgins_pixel_pca"].max()
    if pd.notna(pca):
        text += f" Principal components of the pixels reach {pca:.2f}."
    return text


FIGURE = StudyFigure(
    "ranking", "scores", "Ranking by disentanglement", ranking, draw_ranking, caption
)
