"""Tables of scores and codes -> Figure; computes nothing."""

from collections.abc import Sequence

import matplotlib as mpl
import matplotlib.patheffects as outlines
import numpy as np
import numpy.typing as npt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis.factors import FACTORS
from analysis.figures.style import COLUMN_IN, PAGE_IN, STYLE, in_words
from analysis.metrics import LABELS as SCORE_LABELS
from analysis.metrics import RANKABLE
from study.data.mnist import N_CLASSES

LABELS = {"none": "no labels", "label": "labels"}
LOOKS = {
    condition: {"color": colour, "marker": marker}
    for condition, colour, marker in zip(
        LABELS, sns.color_palette("colorblind"), "os", strict=False
    )
}
CONTROLS = {"chance": "|", "untrained": "x", "pixel_pca": "+"}
CONTROL_WORDS = {"chance": "chance", "untrained": "untrained encoder", "pixel_pca": "PCA of pixels"}
COLOURS = {
    factor.name: (f"{factor.short} ({factor.unit})", "viridis")
    for factor in sorted(FACTORS, key=lambda factor: factor.short)
}
ROW_IN = 0.17  # height of a configuration's line


def words_of(table: pd.DataFrame) -> list[str]:
    """The configuration of every row as people say it."""
    axes = table[["latent_dim", "beta", "conditioning"]]
    return [in_words(*row) for row in axes.itertuples(index=False)]


def draw_pareto(table: pd.DataFrame) -> Figure:
    """Bound against score: colour tells beta, the marker conditioning; the front is numbered.

    Args:
        table: the axes, neg_elbo (nats per image), higgins with _low and _high, pareto.
    """
    betas = sorted(table["beta"].unique())
    colours = dict(zip(betas, sns.color_palette("viridis", len(betas)), strict=True))
    front = table[table["pareto"]].sort_values("neg_elbo")
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(PAGE_IN, max(3.0, 1.2 + 0.16 * (len(front) + len(betas)))),
                        layout="constrained")  # fmt: skip
        axes = figure.subplots()
        axes.plot(front["neg_elbo"], front["higgins"], "--", color="0.6", lw=0.8, zorder=1)
        for row in table.to_dict("records"):
            side = [[row["higgins"] - row["higgins_low"]], [row["higgins_high"] - row["higgins"]]]
            axes.errorbar(
                row["neg_elbo"], row["higgins"], yerr=side, color=colours[row["beta"]], ms=5,
                marker=LOOKS[row["conditioning"]]["marker"], elinewidth=0.8, mew=0.8,
                mec="black" if row["pareto"] else "none",
            )  # fmt: skip
        for place, row in enumerate(front.to_dict("records"), start=1):
            at = (row["neg_elbo"], row["higgins"])
            axes.annotate(str(place), at, (4, 4), textcoords="offset points", fontsize=7)
        axes.set(xlabel="negative ELBO (nats per image)", ylabel="Higgins score")
        handles = [
            *(_key(color=colours[beta], marker="o", label=f"β = {beta:g}") for beta in betas),
            *(
                _key(color="0.5", marker=LOOKS[name]["marker"], label=words)
                for name, words in LABELS.items()
                if name in set(table["conditioning"])
            ),
        ]
        key = figure.legend(handles=handles, loc="outside right upper")
        named = [f"{place}  {words}" for place, words in enumerate(words_of(front), start=1)]
        axes.add_artist(key)
        figure.legend(
            handles=[_key(color="none", label=words) for words in named],
            loc="outside right lower", handlelength=0, handletextpad=0, title="front",
        )  # fmt: skip
    return figure


def draw_score_by_beta(table: pd.DataFrame) -> Figure:
    """A panel for every J, a line for every conditioning; bars span the intervals.

    Args:
        table: the axes, higgins with _low and _high.
    """
    sizes = sorted(table["latent_dim"].unique())
    betas = sorted(table["beta"].unique())
    across = min(3, len(sizes))
    down = -(-len(sizes) // across)
    with mpl.rc_context(STYLE):
        width = COLUMN_IN if across == 1 else PAGE_IN
        figure = Figure(figsize=(width, 0.5 + 2.0 * down), layout="constrained")
        panels = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True).ravel()
        for place, (axes, size) in enumerate(zip(panels, sizes, strict=False)):
            for shift, (name, look) in zip((-0.06, 0.06), LOOKS.items(), strict=True):
                line = table[(table["latent_dim"] == size) & (table["conditioning"] == name)]
                if line.empty:
                    continue
                line = line.sort_values("beta")
                at = np.array([betas.index(beta) for beta in line["beta"]]) + shift
                axes.errorbar(at, line["higgins"], yerr=_sides(line, "higgins"),
                              label=LABELS[name], ms=4, capsize=2, **look)  # fmt: skip
            axes.set(title=f"J = {size}", xlabel="β", ylabel="Higgins score")
            axes.set_xticks(range(len(betas)), [f"{beta:g}" for beta in betas])
            axes.set_xlim(-0.5, len(betas) - 0.5)
            axes.label_outer()
            if place + across >= len(sizes):  # nothing stands below
                axes.tick_params(labelbottom=True)
                axes.set_xlabel("β")
        for axes in panels[len(sizes) :]:
            axes.set_axis_off()
        _shared_legend(figure, list(panels))
    return figure


def draw_ranking(table: pd.DataFrame) -> Figure:
    """Higgins and MIG of every configuration with their intervals, the best on top.

    Args:
        table: rank, the axes, higgins and mig with _low and _high, higgins_chance,
            higgins_untrained, higgins_pixel_pca.
    """
    with mpl.rc_context(STYLE):
        size = (PAGE_IN, 1.0 + ROW_IN * len(table))
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(1, 2, sharey=True, width_ratios=[2, 1])
        names = [
            f"{words}   {rank}" for rank, words in zip(table["rank"], words_of(table), strict=True)
        ]
        for axes, score in zip(panels, ("higgins", "mig"), strict=True):
            for name, look in LOOKS.items():
                rows = table.index[table["conditioning"] == name]
                part = table.loc[rows]
                axes.errorbar(part[score], rows, xerr=_sides(part, score), ls="none", ms=4,
                              capsize=2, label=LABELS[name], **look)  # fmt: skip
            _lines(axes, names)
            axes.set_xlabel(f"{SCORE_LABELS[score]} score")
        for control, marker in CONTROLS.items():
            place = table[f"higgins_{control}"]
            look = {"color": "0.55", "ms": 4, "zorder": 1, "label": CONTROL_WORDS[control]}
            panels[0].plot(place, table.index, marker, **look)
        heading = {"ha": "right", "va": "bottom", "fontsize": 7, "color": "0.4"}
        panels[0].text(
            -0.012, 1.0, "configuration   rank", transform=panels[0].transAxes, **heading
        )
        panels[1].xaxis.set_major_locator(MaxNLocator(4))
        _shared_legend(figure, list(panels), 5)
    return figure


def draw_before_and_after(table: pd.DataFrame) -> Figure:
    """A panel a score, a line a configuration: from the latents (open) to ICA (filled).

    Args:
        table: the axes, score, latent, ica, separated.
    """
    found = [score for score in RANKABLE if score in set(table["score"])]
    first = table.drop_duplicates("configuration").reset_index(drop=True)
    place = {name: index for index, name in enumerate(first["configuration"])}
    before, after = sns.color_palette("colorblind")[0], sns.color_palette("colorblind")[3]
    with mpl.rc_context(STYLE):
        size = (PAGE_IN, 1.1 + ROW_IN * len(first))
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(1, len(found), sharey=True, squeeze=False).ravel()
        for axes, score in zip(panels, found, strict=True):
            part = table[table["score"] == score]
            at = part["configuration"].map(place)
            apart = part["separated"].astype(bool)
            for rows, shade in ((apart, 1.0), (~apart, 0.35)):
                line = part[rows]
                axes.hlines(at[rows], line["latent"], line["ica"], color="0.6", lw=0.8, alpha=shade)
                axes.plot(
                    line["latent"], at[rows], "o", mfc="white", color=before, ms=4, alpha=shade
                )
                axes.plot(line["ica"], at[rows], "o", color=after, ms=4, alpha=shade)
            _lines(axes, words_of(first))
            axes.set(
                title=SCORE_LABELS[score], xlim=(-0.06, 1.06), xticks=[0, 0.5, 1], xlabel="score"
            )
            axes.set_xticklabels(["0", "0.5", "1"])
        handles = [
            _key(color=before, marker="o", mfc="white", label="latents"),
            _key(color=after, marker="o", label="independent components"),
            _key(color=after, marker="o", alpha=0.35, label="pale: intervals overlap"),
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def draw_plane(table: pd.DataFrame) -> Figure:
    """A row a run: the same codes coloured by digit and by each measured factor.

    Args:
        table: run, the axes, first and second component with their shares of the variance, digit
            and the factors.
    """
    runs = list(table["run"].unique())
    factors = [name for name in COLOURS if name in table]
    across = 1 + len(factors)
    palette = sns.color_palette("colorblind", N_CLASSES)
    with mpl.rc_context({**STYLE, "axes.grid": False}):
        figure = Figure(figsize=(PAGE_IN, 2.3 * len(runs) + 0.3), layout="constrained")
        panels = figure.subplots(len(runs), across, squeeze=False)
        for row, run in zip(panels, runs, strict=True):
            codes = table[table["run"] == run]
            shared = {"s": 3, "linewidths": 0, "rasterized": True}
            for digit in range(N_CLASSES):
                own = codes[codes["digit"] == digit]
                row[0].scatter(own["first"], own["second"], color=palette[digit], **shared)
            _mark_digits(row[0], codes)
            for axes, name in zip(row[1:], factors, strict=True):
                ends = np.nanpercentile(codes[name], (1, 99))
                dots = axes.scatter(codes["first"], codes["second"], c=codes[name], vmin=ends[0],
                                    vmax=ends[1], cmap=COLOURS[name][1], **shared)  # fmt: skip
                figure.colorbar(dots, ax=axes, label=COLOURS[name][0], aspect=30)
            for axes in row:
                axes.set_xlabel(f"1st component ({codes['first_share'].iloc[0]:.0%})")
            row[0].set_ylabel(f"2nd component ({codes['second_share'].iloc[0]:.0%})")
            row[0].set_title(f"{words_of(codes)[0]}: by digit", loc="left")
    return figure


def _mark_digits(axes: Axes, codes: pd.DataFrame) -> None:
    """Each digit's numeral at the median of its images, for those who cannot tell ten colours."""
    for digit, own in codes.groupby("digit"):
        axes.text(
            own["first"].median(), own["second"].median(), str(digit), ha="center", va="center",
            weight="bold", path_effects=[outlines.withStroke(linewidth=2.5, foreground="white")],
        )  # fmt: skip


def _sides(table: pd.DataFrame, score: str) -> npt.NDArray[np.float64]:
    """Lengths of the error bars below and above, (2, n_rows)."""
    ends = [table[score] - table[f"{score}_low"], table[f"{score}_high"] - table[score]]
    return np.maximum(np.array(ends, dtype=np.float64), 0)


def _lines(axes: Axes, names: Sequence[str]) -> None:
    """One line a configuration, the first on top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0, labelsize=7)


def _key(**look: object) -> Line2D:
    """An entry of a legend."""
    return Line2D([], [], **{"ls": "none", "ms": 4, **look})  # type: ignore[arg-type]


def _shared_legend(figure: Figure, panels: Sequence[Axes], columns: int = 2) -> None:
    """One legend below all panels, each entry once."""
    found: dict[str, object] = {}
    for axes in panels:
        for handle, words in zip(*axes.get_legend_handles_labels(), strict=True):
            if len(np.atleast_1d(getattr(handle, "get_xdata", lambda: [0])())):
                found.setdefault(words, handle)
    figure.legend(
        handles=list(found.values()), labels=list(found), loc="outside lower center", ncols=columns
    )
