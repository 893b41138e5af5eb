"""Scores of the latents, and of their independent and principal components."""

from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.factors.scope import SCOPES
from analysis.figures import encodings, rows, style
from analysis.figures.inputs import FigureInputs, Missing, StudyFigure
from analysis.metrics import LABELS, RANKABLE
from analysis.statistics import wording
from study.storage.axes import axes_in, words_of

Look = dict[str, Any]
LATENTS: Look = {"marker": "o", "ms": 4, "color": "black", "mfc": "white", "mew": 0.8}
ICA: Look = {"marker": "o", "ms": 4, "color": "black", "mew": 0.8}
PCA: Look = {"marker": "^", "ms": 3.5, "color": "0.5", "mew": 0}
APART: dict[bool, Look] = {True: {"color": "black", "lw": 1.6}, False: {"color": "0.7", "lw": 0.6}}
BESIDE_IN = 0.9  # height of titles and legend
TITLE_IN = 0.3  # of the axis below each block of rows
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
    columns = [f"{name}{end}" for name in ("latent", "ica") for end in ("", "_low", "_high")]
    columns += ["pca"] if "pca" in both else []
    kept = ["configuration", *axes_in(both), "scope", "score", *columns, "separated", "converged"]
    kept += ["n_seeds"] if "n_seeds" in both else []
    return both[kept].reset_index(drop=True)


@mpl.rc_context(style.STYLE)
def draw_before_and_after(table: pd.DataFrame) -> Figure:
    """A row of panels a scope, a panel a score, a line a configuration: latents (open) to ICA."""
    scopes = _scopes(table)
    scores = [score for score in RANKABLE if score in set(table["score"])]
    first = table.drop_duplicates("configuration").reset_index(drop=True)
    beside = BESIDE_IN + TITLE_IN * len(scopes)
    first = first.head(rows.n_that_fit(words_of(first), beside, len(scopes)))
    names = words_of(first)
    row_in = max(1.0, rows.height_in(names, beside, len(scopes)))  # room for the words of a scope
    size = (style.PAGE_IN, beside + len(scopes) * row_in)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(len(scopes), len(scores), sharex="col", sharey=True, squeeze=False)
    place = {name: row for row, name in enumerate(first["configuration"])}
    for row, scope in zip(panels, scopes, strict=True):
        for axes, score in zip(row, scores, strict=True):
            part = table[(table["score"] == score) & (table["scope"] == scope)]
            part = part[part["configuration"].isin(place)]
            _draw_changes(axes, part, part["configuration"].map(place))
            rows.line_a_configuration(axes, names)
            axes.margins(x=0.08)
            axes.xaxis.set_major_locator(MaxNLocator(2, min_n_ticks=2))
        row[0].set_ylabel(IN_WORDS[scope])
    for column, score in zip(panels.T, scores, strict=True):
        column[0].set_title(LABELS[score].replace(" (", "\n("))
        style.begin_at_zero_or_mark(column[-1], "x")
    handles = [
        encodings.legend_entry(**LATENTS, label="latents"),
        encodings.legend_entry(**ICA, label="independent components"),
        encodings.legend_entry(**PCA, label="principal components"),
        encodings.legend_entry(**APART[True], ls="-", label="intervals apart"),
        encodings.legend_entry(**APART[False], ls="-", label="intervals overlap"),
    ]
    shown = [one for one in handles if "pca" in table or one.get_marker() != PCA["marker"]]
    figure.legend(handles=shown, loc="outside lower center", ncols=5)
    return figure


def _draw_changes(axes: Axes, table: pd.DataFrame, heights: pd.Series) -> None:
    for apart, look in APART.items():
        part = table[table["separated"].astype(bool) == apart]
        axes.hlines(heights[part.index], part["latent"], part["ica"], zorder=2, **look)
    if "pca" in table:
        axes.plot(table["pca"], heights + 0.2, ls="none", zorder=2.5, **PCA)
    axes.plot(table["latent"], heights, ls="none", zorder=3, **LATENTS)
    axes.plot(table["ica"], heights, ls="none", zorder=3, **ICA)


def _scopes(table: pd.DataFrame) -> list[str]:
    return [scope for scope in SCOPES if scope in set(table["scope"])]


def caption(table: pd.DataFrame) -> str:
    changes = [
        f"{IN_WORDS[scope]}: {_changes(table[table['scope'] == scope])}" for scope in _scopes(table)
    ]
    first = table.drop_duplicates("configuration")
    seeds = ""
    if "n_seeds" in table:
        seeds = f", means over {wording.count(int(table['n_seeds'].max()), 'seed')}"
    beside = BESIDE_IN + TITLE_IN * table["scope"].nunique()
    n = rows.n_that_fit(words_of(first), beside, table["scope"].nunique())
    return (
        "Scores of the latents (open markers) and of their independent components (filled"
        " markers) for"
        f" {wording.count(len(first), 'configuration')}{seeds}. Each score has its own"
        f" axis. Changes whose 95% intervals do not overlap, {'; '.join(changes)}."
        f"{rows.shown(n, len(first), 'first')}"
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
