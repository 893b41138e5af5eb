"""One image traversed: a row a latent, named by what it moves. Figure 1 of the paper, its three
models side by side, and the configuration that ranks first over other values.
"""

from collections.abc import Hashable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.factors import FACTORS
from analysis.figures import rows
from analysis.figures.inputs import FigureInputs, FigureRun, Missing
from analysis.figures.pictures.sheet import Panel, Sheet, sheet_figure
from analysis.latent_effects.alignment import NAMES, THRESHOLDS, properties_of
from analysis.latent_effects.wording import how_alone
from analysis.representations.traversal import (
    PAPER_VALUES,
    QUANTILES,
    Scale,
    Traversal,
    aggregated_samples,
    mean_traversal,
    paper_traversal,
    quantile_traversal,
)
from analysis.statistics import wording

MODELS = ("standard", "beta", "conditional")  # of figure 1
IMAGE = 0  # of the test set: the one that is traversed
DEVIATIONS = "standard deviations"
MOST_ROWS = 20  # latents in one traversal; more than that cannot be read on a page
UNITS = {factor.short: factor.unit for factor in FACTORS}  # slant: rad
BESIDE = (
    "Beside a row: what the latent moves, the change per standard deviation of the latent, the"
    " leakage (share of the squared effects on other properties; beyond the floor: more than that"
    " of a pure dilation, shear or stretch of real digits) and for how many digits this holds."
)
BESIDE_KNOWN = (
    "Beside a row: which known factor the latent moves (a regression reads it from the pictures),"
    " the change per standard deviation of the latent, the leakage (share of the squared effects"
    " on other factors) and for how many classes this holds."
)
NOT_ALONE = {  # after one latent, and after more
    "digit": ("changes the digit", "change the digit"),
    "mixed": ("mixes or hardly reacts", "mix or hardly react"),
    "none": ("does not react", "do not react"),
}

Row = Mapping[Hashable, Any]  # of the table `alignment`


def as_in_the_paper(inputs: FigureInputs, model: str) -> Sheet:
    """One of PAPER_MODELS, over the paper's values around a posterior sample."""
    figure_run = inputs.paper_run(model)
    scale = inputs.scale(figure_run.run)
    traversal = paper_traversal(inputs.model(figure_run.run), *_image(inputs), scale)
    return _sheet(inputs, figure_run, traversal, "Traversals", "one posterior sample")


def side_by_side(inputs: FigureInputs) -> Sheet:
    """A panel a model of figure 1."""
    panels, unnamed, seen = [], [], []
    for model in MODELS:
        figure_run = inputs.paper_run(model)
        seen.append(figure_run.run)
        aligned = _aligned(inputs, figure_run.run)
        labels = row_labels(figure_run.latent_dim, aligned, brief=True)
        kept = most_used(inputs.use(figure_run.run).to_numpy())
        title = f"{figure_run.kind}, β = {figure_run.beta:g}"
        scale = inputs.scale(figure_run.run)
        traversal = paper_traversal(inputs.model(figure_run.run), *_image(inputs), scale)
        panel = traversal_panel(traversal, title, labels, kept)
        panels.append(panel._replace(columns=[], x_label=f"latent from −5 to 5{_unit(scale)}"))
        unnamed.append(f"{sum(' ' not in label for label in labels)} of {figure_run.latent_dim}")
    caption = (
        f"The same test image traversed by three VAEs: every row sets one latent to ten values"
        f" from −5 to 5{around(scale)} and keeps the others."
    )
    if aligned is not None:
        caption += (
            f" A word says which {_what(aligned)}, the latent moves. Latents without a word move"
            f" no single one: {wording.listing(unnamed)}."
        )
    caption += f"{rows.of_seeds(seen)}"
    return Sheet(f"One image traversed by three VAEs, J = {figure_run.latent_dim}", caption, panels)


def around_the_mean(inputs: FigureInputs) -> Sheet:
    """The best ranked configuration, over the paper's values around the posterior mean."""
    figure_run = inputs.best_run()
    scale = inputs.scale(figure_run.run)
    traversal = mean_traversal(inputs.model(figure_run.run), *_image(inputs), scale)
    title = _title(inputs, "around the mean")
    return _sheet(inputs, figure_run, traversal, title, "the posterior mean")


def over_quantiles(inputs: FigureInputs) -> Sheet:
    """The best ranked configuration, over the values that its latents take."""
    figure_run = inputs.best_run()
    model = inputs.model(figure_run.run)
    samples = aggregated_samples(model, inputs.data.test_images, inputs.labels)
    traversal = quantile_traversal(model, *_image(inputs), samples)
    title = _title(inputs, "over quantiles")
    return _sheet(inputs, figure_run, traversal, title, "the posterior mean")


def moved(row: Row) -> str:
    """What one latent moves, in words."""
    name = row["property"]
    if name == "none":
        return "no reaction"
    if name == "digit":
        return f"another digit in {row['class_change']:.0%}"
    words = str(name)
    if name != "mixed":
        words = slope(row)
    elif row["effect"] < THRESHOLDS.moves:
        return f"{name}, effects below {THRESHOLDS.moves:g} SD"
    return ", ".join([words, *how_alone(row)])


def slope(row: Row) -> str:
    """`slant +0.21 rad`, of an aligned latent."""
    name = str(row["property"])
    return f"{name} {wording.number(row['slope'], 2, sign=True)} {UNITS.get(name, '')}".rstrip()


def row_labels(n_latents: int, aligned: pd.DataFrame | None, brief: bool = False) -> list[str]:
    """The name of every latent: z1, z2, ..., and what it moves where that was measured.

    Args:
        n_latents: how many there are.
        aligned: one run's rows of the table `alignment`, of any basis; None: not measured.
        brief: the property alone; nothing for a latent that moves none.
    """
    words = dict.fromkeys(range(1, n_latents + 1), "")
    if aligned is not None:
        for row in aligned[aligned["basis"] == "latent"].to_dict("records"):
            still = row["property"] == "none"
            still |= row["property"] == "mixed" and row["effect"] < THRESHOLDS.moves
            short = "" if still else str(row["property"])
            words[row["direction"]] = short if brief else moved(row)
    return [f"z{latent} {text}".rstrip() for latent, text in words.items()]


def most_used(use: npt.ArrayLike, most: int = MOST_ROWS) -> npt.NDArray[np.int64]:
    """Indices of the latents that are used most, in the model's order."""
    return np.sort(np.argsort(-np.asarray(use), kind="stable")[:most])


def traversal_panel(
    traversal: Traversal, title: str, labels: Sequence[str], kept: npt.NDArray[np.int64]
) -> Panel:
    """A row for each latent that is kept.

    Args:
        traversal: over the paper's values, or over quantiles, which the columns then name.
        title: of the panel.
        labels: of all latents.
        kept: indices of the latents to show.
    """
    if traversal.scale:
        columns = [wording.number(value, 1) for value in PAPER_VALUES]
        x_label = "value that the latent is set to"
        if traversal.scale.in_sd:
            x_label = f"{DEVIATIONS} of the latent, from its mean, that it is set to"
    else:
        columns = [f"{100 * share:.1f}%" for share in QUANTILES]
        x_label = "quantile of the latent over the test images"
    words = [labels[index] for index in kept]
    return Panel(title, traversal.images[kept], words, columns, x_label)


def _image(inputs: FigureInputs) -> tuple[npt.NDArray[np.uint8], int]:
    return inputs.data.test_images[IMAGE], int(inputs.labels[IMAGE])


def _title(inputs: FigureInputs, how: str) -> str:
    return f"Traversed {how}" if inputs.why_unranked else f"Ranked first, traversed {how}"


def _class_of_image(inputs: FigureInputs) -> str:
    """What the traversed image shows, in brackets; nothing without labels."""
    if not inputs.data.n_classes:
        return ""
    before = "a" if inputs.data.noun == "digit" else inputs.data.noun
    return f" ({before} {inputs.labels[IMAGE]})"


def _sheet(
    inputs: FigureInputs, figure_run: FigureRun, traversal: Traversal, title: str, start: str
) -> Sheet:
    aligned = None
    with suppress(Missing):
        aligned = inputs.alignment(figure_run.run)
    use = inputs.use(figure_run.run)
    kept = most_used(use.to_numpy())
    panel = traversal_panel(traversal, "", row_labels(figure_run.latent_dim, aligned), kept)
    caption = (
        f"Every row moves one latent of the model with {figure_run.words} and keeps the others at"
        f" {start} of a test image{_class_of_image(inputs)}."
    )
    if traversal.scale and traversal.scale.in_sd:
        caption += f" Its values are from −5 to 5{around(traversal.scale)}."
    if len(kept) < figure_run.latent_dim:
        caption += (
            f" Shown are the {MOST_ROWS} of {figure_run.latent_dim} latents with the largest"
            f" {use.name}."
        )
    if aligned is None and inputs.data.measure:
        caption += " What the latents move was not measured."
    elif aligned is None:
        caption += " Nothing measures these pictures: judge by eye what a latent moves."
    else:
        caption += f" {_counts(aligned)} {BESIDE if inputs.data.measure else BESIDE_KNOWN}"
    caption += f"{rows.of_seeds([figure_run.run])}"
    return Sheet(f"{title}: {figure_run.title}", caption, [panel])


def _aligned(inputs: FigureInputs, run: str) -> pd.DataFrame | None:
    """What latents move; None where nothing measures the pictures, nor reads known factors."""
    if inputs.data.measure:
        return inputs.alignment(run)
    with suppress(Missing):
        return inputs.alignment(run)
    return None


def _what(aligned: pd.DataFrame) -> str:
    """What a latent is named by."""
    if set(properties_of(aligned)) <= set(NAMES):
        return "property of the picture, measured again"
    return "known factor, read from the picture by a regression"


def _unit(scale: Scale) -> str:
    return " SD" if scale.in_sd else ""


def around(scale: Scale) -> str:
    """What values are counted in, and from where; nothing for the latents as they are."""
    around = f" {DEVIATIONS} of the latent over the test images, around its mean"
    return around if scale.in_sd else ""


def _counts(aligned: pd.DataFrame) -> str:
    """How many latents move what, as a sentence."""
    named = int((~aligned["property"].isin(list(NOT_ALONE))).sum())
    moves = wording.verb(named, "moves", "move")
    parts = [f"{named} of {len(aligned)} latents {moves} mainly one property"]
    for name, (one, more) in NOT_ALONE.items():
        if n := int((aligned["property"] == name).sum()):
            parts.append(f"{n} {wording.verb(n, one, more)}")
    return f"{wording.listing(parts)}."


HEADLINE = sheet_figure("headline", "paper", side_by_side)
FIGURE_1 = [
    sheet_figure(f"figure-1{letter}", "paper", partial(as_in_the_paper, model=model))
    for letter, model in zip("abc", MODELS, strict=True)
]
AROUND_THE_MEAN = sheet_figure("traversal-mean", "pictures", around_the_mean)
OVER_QUANTILES = sheet_figure("traversal-quantiles", "pictures", over_quantiles)
