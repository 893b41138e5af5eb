"""Scores of the latents and of their independent components."""

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures import style
from analysis.figures.inputs import FigureInputs, Missing, StudyFigure
from analysis.metrics import LABELS, RANKABLE
from analysis.statistics import wording
from analysis.statistics.ranking import whole
from study.storage.axes import axes_in, words_of

PALETTE = sns.color_palette("colorblind")
BEFORE, AFTER = PALETTE[0], PALETTE[3]
PALE = 0.35


def before_and_after(inputs: FigureInputs) -> pd.DataFrame:
    """Of the study's table `ica`, see `with_both`."""
    table = with_both(inputs.table("ica"))
    if table.empty:
        raise Missing("no configuration has scores before and after ICA")
    return table


def with_both(ica: pd.DataFrame) -> pd.DataFrame:
    """Rows of tables/ica.csv that have both a score of the latents and one of their components."""
    both = whole(ica[ica["score"].isin(RANKABLE)])
    both = both.dropna(subset=["latent", "ica"])
    columns = ["latent", "latent_low", "latent_high", "ica", "ica_low", "ica_high"]
    kept = ["configuration", *axes_in(both), "score", *columns, "separated", "converged"]
    return both[kept].reset_index(drop=True)


@mpl.rc_context(style.STYLE)
def draw_before_and_after(table: pd.DataFrame) -> Figure:
    """A panel a score, a line a configuration: from the latents (open) to ICA (filled)."""
    scores = [score for score in RANKABLE if score in set(table["score"])]
    first = table.drop_duplicates("configuration").reset_index(drop=True)
    figure = Figure(figsize=(style.PAGE_IN, 1.1 + style.ROW_IN * len(first)), layout="constrained")
    panels = figure.subplots(1, len(scores), sharey=True, squeeze=False).ravel()
    for axes, score in zip(panels, scores, strict=True):
        part = table[table["score"] == score]
        heights = part["configuration"].map(
            {n: row for row, n in enumerate(first["configuration"])}
        )
        _draw_changes(axes, part, heights)
        style.line_a_configuration(axes, words_of(first))
        axes.set(
            title=LABELS[score].replace(" (", "\n("),
            xlim=(-0.06, 1.06),
            xticks=[0, 0.5],
            xlabel="score",
        )
        axes.set_xticklabels(["0", "0.5"])
    handles = [
        style.legend_entry(color=BEFORE, marker="o", mfc="white", label="latents"),
        style.legend_entry(color=AFTER, marker="o", label="independent components"),
        style.legend_entry(color=AFTER, marker="o", alpha=PALE, label="pale: intervals overlap"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _draw_changes(axes: Axes, table: pd.DataFrame, heights: pd.Series) -> None:
    apart = table["separated"].astype(bool)
    for rows, alpha in ((apart, 1.0), (~apart, PALE)):
        part, y = table[rows], heights[rows]
        axes.hlines(y, part["latent"], part["ica"], color="0.6", lw=0.8, alpha=alpha)
        axes.plot(part["latent"], y, "o", mfc="white", color=BEFORE, ms=4, alpha=alpha)
        axes.plot(part["ica"], y, "o", color=AFTER, ms=4, alpha=alpha)


def caption(table: pd.DataFrame) -> str:
    changes = []
    for score in RANKABLE:
        part = table[table["score"] == score]
        if part.empty:
            continue
        apart = part[part["separated"].astype(bool)]
        up, down = (apart["ica"] > apart["latent"]).sum(), (apart["ica"] < apart["latent"]).sum()
        changes.append(f"{LABELS[score]} {up} up, {down} down")
    return (
        f"Scores of the latents (open) and of their independent components (filled) for"
        f" {wording.count(table['configuration'].nunique(), 'configuration')}. Changes whose"
        f" intervals are apart: {'; '.join(changes)}."
    )


FIGURE = StudyFigure(
    "before-and-after-ica", "scores", "Scores before and after ICA",
    before_and_after, draw_before_and_after, caption,
)  # fmt: skip
