"""Latents as heat maps: the KL of each, what each tells of factors, what aligned ones move."""

from collections.abc import Iterable

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from analysis.factors.binning import discretise
from analysis.figures import style
from analysis.figures.inputs import FigureInputs, Missing, StudyFigure
from analysis.latent_effects.alignment import NAMES, name_of, properties_of
from analysis.metrics import ACTIVE_VARIANCE, mig
from analysis.statistics import wording
from analysis.study import configuration
from study.storage.axes import axes_in, with_axes, words_of
from study.storage.tables import has_table

MOST_COLUMNS = 30  # latents; J = 200 would leave the others too narrow to see
LEAST_NATS = 0.01  # of KL that has a colour
MOST_ROWS = 20  # latents
TITLE_LETTERS = 26  # of a panel's title in a line
FIGURES_IN_CELLS = {"annot": True, "annot_kws": {"fontsize": 6.5}}


def kl_by_latent(inputs: FigureInputs) -> pd.DataFrame:
    """Of the study's table `latents`, see `over_seeds`."""
    if inputs.study.latents.empty:
        raise Missing("no run has finished")
    table = over_seeds(with_axes(inputs.study.latents, inputs.study.trials))
    if table.empty:
        raise Missing("no prior of these runs has a KL by latent")
    return table


def over_seeds(latents: pd.DataFrame) -> pd.DataFrame:
    """KL of the latents of every configuration, sorted in each run: means over seeds.

    Args:
        latents: a study's latents, with all its axes; runs whose prior has no KL by latent have no
            rows in the result.

    Returns:
        The axes, place (1: the latent with the largest KL), kl (nats per image), active (the share
        of seeds whose latent of this place is active), n_seeds, without (configurations that have
        no KL by latent; in every row).
    """
    ordered = latents.dropna(subset="kl").sort_values(["run", "kl"], ascending=[True, False])
    ordered["place"] = ordered.groupby("run").cumcount() + 1
    ordered["active"] = ordered["mean_variance"] > ACTIVE_VARIANCE
    names = configuration(latents["run"]).unique()  # in this order
    ordered["configuration"] = pd.Categorical(configuration(ordered["run"]), names)
    keys = ["configuration", *axes_in(ordered), "place"]  # null where an axis is not of a run
    groups = ordered.groupby(keys, observed=True, dropna=False)
    table = groups.agg(kl=("kl", "mean"), active=("active", "mean"), n_seeds=("kl", "count"))
    table = table.reset_index().astype({"configuration": str})
    return table.assign(without=len(names) - table["configuration"].nunique())


@mpl.rc_context(style.PLAIN)
def draw_kl(table: pd.DataFrame) -> Figure:
    """A row a configuration, its latents by falling KL."""
    first = table.drop_duplicates("configuration")
    wide = table.pivot(index="configuration", columns="place", values="kl")
    wide = wide.loc[first["configuration"]]
    shown = int((wide > LEAST_NATS).any().sum())
    wide = wide.iloc[:, : min(shown + 1, MOST_COLUMNS)]  # one more shows that the rest is unused
    height = max(1.9, 1.1 + style.rows_in(words_of(first)))  # the bar's words need 1.9
    figure = Figure(figsize=(style.PAGE_IN, height), layout="constrained")
    top = max(float(np.nanmax(wide.to_numpy())), 2 * LEAST_NATS)
    cut = f" (the first {MOST_COLUMNS})" if shown >= MOST_COLUMNS else ""
    _heat_map(
        figure.subplots(), wide, words_of(first), f"latents, by falling KL{cut}",
        cmap=mpl.colormaps["viridis"].with_extremes(under="0.85", bad="white"),
        norm=LogNorm(LEAST_NATS, top), xticklabels=max(1, wide.shape[1] // 12),
        cbar_kws={"label": "KL (nats per image)", "extend": "min", **style.colour_bar(len(wide))},
    )  # fmt: skip
    return figure


def kl_caption(table: pd.DataFrame) -> str:
    active = table.groupby("configuration", sort=False)["active"].sum()
    first = table.drop_duplicates("configuration").set_index("configuration")
    fewest, most = (words_of(first.loc[[name]])[0] for name in (active.idxmin(), active.idxmax()))
    numbers = f"{active.min():.3g} ({fewest}) to {active.max():.3g} ({most})"
    if active.min() == active.max():
        numbers = f"{active.min():.3g} in each configuration"
    return (
        f"KL of every latent on the test set, the largest first; grey: below {LEAST_NATS:g} nats."
        f" Active latents, whose posterior mean has a variance above {ACTIVE_VARIANCE:g}:"
        f" {numbers}, means over seeds." + _left_out(int(table["without"].iloc[0]))
    )


def _left_out(n: int) -> str:
    """Why configurations are not in the figure."""
    if not n:
        return ""
    are = "is" if n == 1 else "are"
    return (
        f" {wording.count(n, 'configuration')} {are} left out: a prior that does not factorise over"
        " the latents has a KL of the whole alone."
    )


def mutual_information(inputs: FigureInputs) -> pd.DataFrame:
    """run, the axes, and the columns of `information`, of all test images."""
    factors, names = discretise(inputs.factors), inputs.factors.columns
    return inputs.of_shown_runs(lambda run: information(inputs.codes(run.run), factors, names))


def information(
    codes: npt.ArrayLike, factors: npt.NDArray[np.int64], names: Iterable[str]
) -> pd.DataFrame:
    """Mutual information of each latent and each factor, as MIG estimates it.

    Args:
        codes: posterior means, (n, n_latents).
        factors: binned, (n, n_factors).
        names: of the factors.

    Returns:
        latent (from 1), factor, information and the factor's entropy, both in nats.
    """
    result = mig(codes, factors)
    return pd.DataFrame(
        [
            {"latent": latent, "factor": name, "information": nats, "entropy": entropy}
            for latent, row in enumerate(result.mutual_info, start=1)
            for name, nats, entropy in zip(names, row, result.entropy, strict=True)
        ]
    )


@mpl.rc_context(style.PLAIN)
def draw_information(table: pd.DataFrame) -> Figure:
    """A panel a run, a row a latent, a column a factor."""
    groups = [part for _, part in table.groupby("run", sort=False)]
    wides = [_strongest(part) for part in groups]
    height = 1.1 + 0.18 * max(len(wide) for wide in wides)
    figure = Figure(figsize=(max(2.2, 1.75 * len(wides)), height), layout="constrained")
    panels = figure.subplots(1, len(wides), squeeze=False).ravel()
    for axes, part, wide in zip(panels, groups, wides, strict=True):
        _heat_map(
            axes, wide, [f"z{latent}" for latent in wide.index], "", **FIGURES_IN_CELLS,
            vmin=0, vmax=table["information"].max(), cmap="viridis", cbar=False, fmt=".2f",
            xticklabels=[wording.factor_word(str(name)) for name in wide],
        )  # fmt: skip
        axes.set_title(style.wrapped(words_of(part)[0], TITLE_LETTERS), fontsize=8)
    cells = panels[-1].collections[0]
    figure.colorbar(cells, ax=panels, label="mutual information (nats)", aspect=30)
    return figure


def _strongest(table: pd.DataFrame) -> pd.DataFrame:
    """Latents that tell most of any factor, in the model's order; factors as they come."""
    wide = table.pivot(index="latent", columns="factor", values="information")
    wide = wide[list(table["factor"].unique())]
    return wide.loc[wide.max(axis=1).nlargest(MOST_ROWS).index.sort_values()]


def information_caption(table: pd.DataFrame) -> str:
    top = table.loc[[table["information"].idxmax()]]
    row = top.iloc[0]
    return (
        f"How much each latent tells of each factor of the test images; all there is to tell are"
        f" {table['entropy'].max():.2f} nats. The most is {row['information']:.2f} nats:"
        f" z{row['latent']} of {words_of(top)[0]}, of {wording.factor_word(row['factor'])}."
    )


def slopes_by_digit(inputs: FigureInputs) -> pd.DataFrame:
    """Of the study's table `alignment`, see `effects_by_digit`."""
    if not has_table(inputs.study.folder, "alignment"):
        inputs.require_measured()
        raise Missing("what the latents move was not measured yet: python -m analysis.score")
    if not set(properties_of(inputs.study.alignment)) <= set(NAMES):
        inputs.require_measured()  # known factors that are read go without classes
    runs = [figure_run.run for figure_run in inputs.shown_runs()]
    table = effects_by_digit(with_axes(inputs.study.alignment, inputs.study.trials), runs)
    if table["effect"].isna().all():
        raise Missing("no latent of the compared runs is aligned with a property")
    return table


def effects_by_digit(alignment: pd.DataFrame, runs: Iterable[str]) -> pd.DataFrame:
    """How far each aligned latent of some runs moves its property, digit by digit.

    Args:
        alignment: a study's table of that name, with all its axes.
        runs: whose latents; in this order.

    Returns:
        run, the axes, direction (the latent, from 1), property, digit, effect: standard deviations
        of the property among real digits, for one of the latent; NaN where not measured.
    """
    properties = properties_of(alignment)
    columns = {name_of(column): place for place, column in enumerate(properties)}
    aligned = alignment[(alignment["basis"] == "latent") & alignment["property"].isin(columns)]
    aligned = aligned.assign(configuration=configuration(aligned["run"]))
    axes = ["run", "configuration", *axes_in(aligned)]
    rows = []
    for run in runs:
        for row in aligned[aligned["run"] == run].to_dict("records"):
            effects = np.asarray(row["digit_effects"], float).reshape(-1, len(properties))
            kept = {name: row[name] for name in (*axes, "direction", "property")}
            rows += [
                {**kept, "digit": digit, "effect": effect}
                for digit, effect in enumerate(effects[:, columns[row["property"]]])
            ]
    return pd.DataFrame(rows, columns=[*axes, "direction", "property", "digit", "effect"])


@mpl.rc_context(style.PLAIN)
def draw_slopes(table: pd.DataFrame) -> Figure:
    """A row an aligned latent, a column a digit."""
    keys = ["run", "direction"]
    first = table.drop_duplicates(keys)
    wide = table.pivot(index=keys, columns="digit", values="effect")
    wide = wide.loc[list(zip(first["run"], first["direction"], strict=True))]
    top = max(float(np.nanmax(np.abs(wide.to_numpy()))), 0.1)
    names = [
        f"{words}: z{row.direction} {row.property}"
        for words, row in zip(words_of(first), first.itertuples(), strict=True)
    ]
    height = 1.1 + max(0.2 * len(wide), style.rows_in(names))
    figure = Figure(figsize=(style.PAGE_IN, height), layout="constrained")
    _heat_map(
        figure.subplots(), wide, names, "digit", **FIGURES_IN_CELLS, fmt="+.2f",
        cmap="RdBu_r", vmin=-top, vmax=top,
        cbar_kws={"label": "effect (SD per SD)", **style.colour_bar(len(wide))},
    )  # fmt: skip
    return figure


def slopes_caption(table: pd.DataFrame) -> str:
    one_way = table.groupby(["run", "direction"])["effect"].agg(
        lambda effects: bool((effects > 0).all() or (effects < 0).all())
    )
    strongest = table.loc[[table["effect"].abs().idxmax()]]
    row = strongest.iloc[0]
    return (
        f"Aligned latents of the compared models: how many standard deviations of the property"
        f" among real digits one standard deviation of the latent moves, digit by digit."
        f" {one_way.sum()} of {len(one_way)} {wording.verb(one_way.sum(), 'moves', 'move')} it the"
        " same way in all"
        f" {wording.numeral(table['digit'].nunique())} digits; the largest effect is"
        f" {wording.number(row['effect'], 2, sign=True)}, on the {row['property']} of the"
        f" {row['digit']} ({words_of(strongest)[0]})."
    )


def _heat_map(
    axes: Axes, wide: pd.DataFrame, names: list[str], x_label: str, **look: object
) -> None:
    """Cells with thin lines between them, a name a row."""
    lines = [style.wrapped(name) for name in names]
    sns.heatmap(wide, ax=axes, yticklabels=lines, linewidths=0.3, **look)
    axes.set(xlabel=x_label, ylabel="")
    axes.tick_params(length=0, labelsize=7, rotation=0)


FIGURES = [
    StudyFigure("kl-by-latent", "latents", "KL of every latent", kl_by_latent, draw_kl, kl_caption),
    StudyFigure(
        "mutual-information", "latents", "What latents tell of factors",
        mutual_information, draw_information, information_caption, from_weights=True,
    ),
    StudyFigure(
        "slopes-by-digit", "latents", "Aligned latents, digit by digit",
        slopes_by_digit, draw_slopes, slopes_caption,
    ),
]  # fmt: skip
