"""Scores of the latents and of their independent components, over all images and in a class."""

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.factors.scope import SCOPES
from analysis.figures import style
from analysis.figures.inputs import FigureInputs, Missing, StudyFigure
from analysis.metrics import LABELS, RANKABLE
from analysis.statistics import wording
from study.storage.axes import axes_in, words_of

PALETTE = sns.color_palette("colorblind")
BEFORE, AFTER = PALETTE[0], PALETTE[3]
PALE = 0.35
IN_WORDS = {"all": "over all images", "within": "within the class"}


def before_and_after(inputs: FigureInputs) -> pd.DataFrame:
    """Of the study's table `ica`, see `with_both`."""
    table = with_both(inputs.table("ica"))
    if table.empty:
        why = inputs.why_unranked or "no configuration has scores before and after ICA"
        raise Missing(why)
    return table


def with_both(ica: pd.DataFrame) -> pd.DataFrame:
    """Rows of tables/ica.csv that have both a score of the latents and one of their components."""
    both = ica[ica["score"].isin(RANKABLE) & (ica["factors"] != "intervention")]
    both = both.dropna(subset=["latent", "ica"])
    columns = ["latent", "latent_low", "latent_high", "ica", "ica_low", "ica_high"]
    kept = ["configuration", *axes_in(both), "scope", "score", *columns, "separated", "converged"]
    return both[kept].reset_index(drop=True)


@mpl.rc_context(style.STYLE)
def draw_before_and_after(table: pd.DataFrame) -> Figure:
    """A row of panels a scope, a panel a score, a line a configuration: latents (open) to ICA."""
    scopes = _scopes(table)
    scores = [score for score in RANKABLE if score in set(table["score"])]
    first = table.drop_duplicates("configuration").reset_index(drop=True)
    row_in = max(1.2, 0.4 + style.ROW_IN * len(first))  # room for the words of a scope
    height = 0.7 + len(scopes) * row_in
    figure = Figure(figsize=(style.PAGE_IN, height), layout="constrained")
    panels = figure.subplots(len(scopes), len(scores), sharex=True, sharey=True, squeeze=False)
    place = {name: row for row, name in enumerate(first["configuration"])}
    for row, scope in zip(panels, scopes, strict=True):
        for axes, score in zip(row, scores, strict=True):
            part = table[(table["score"] == score) & (table["scope"] == scope)]
            _draw_changes(axes, part, part["configuration"].map(place))
            style.line_a_configuration(axes, words_of(first))
            axes.set(xlim=(-0.06, 1.06), xticks=[0, 0.5])
            axes.set_xticklabels(["0", "0.5"])
        row[0].set_ylabel(IN_WORDS[scope])
    for top, bottom, score in zip(panels[0], panels[-1], scores, strict=True):
        top.set_title(LABELS[score].replace(" (", "\n("))
        bottom.set_xlabel("score")
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


def _scopes(table: pd.DataFrame) -> list[str]:
    return [scope for scope in SCOPES if scope in set(table["scope"])]


def caption(table: pd.DataFrame) -> str:
    changes = [
        f"{IN_WORDS[scope]}: {_changes(table[table['scope'] == scope])}" for scope in _scopes(table)
    ]
    return (
        f"Scores of the latents (open) and of their independent components (filled) for"
        f" {wording.count(table['configuration'].nunique(), 'configuration')}. Changes whose"
        f" intervals are apart, {'; '.join(changes)}."
    )


def _changes(table: pd.DataFrame) -> str:
    """Of each score how many configurations rise and fall: `MIG 2 up, 1 down, DCI ...`."""
    changes = []
    for score in RANKABLE:
        part = table[table["score"] == score]
        if part.empty:
            continue
        apart = part[part["separated"].astype(bool)]
        up, down = (apart["ica"] > apart["latent"]).sum(), (apart["ica"] < apart["latent"]).sum()
        changes.append(f"{LABELS[score]} {up} up, {down} down")
    return ", ".join(changes)


FIGURE = StudyFigure(
    "before-and-after-ica", "scores", "Scores before and after ICA",
    before_and_after, draw_before_and_after, caption,
)  # fmt: skip
