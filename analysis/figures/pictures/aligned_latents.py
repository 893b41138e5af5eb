"""Figure 8 of the paper: the aligned latents of the conditional model over every digit."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from analysis.figures import rows
from analysis.figures.inputs import FigureInputs, Missing
from analysis.figures.pictures.sheet import Images, Panel, Sheet, sheet_figure
from analysis.figures.pictures.traversals import around, slope
from analysis.latent_effects.alignment import NAMES, name_of, properties_of, some_of_every_digit
from analysis.representations.encode import posterior_means
from analysis.representations.traversal import PAPER_VALUES, Directions, Scale, sweep
from analysis.statistics import wording
from study.models.vae import Vae


def over_every_digit(inputs: FigureInputs) -> Sheet:
    """A panel for the best aligned latent of each property."""
    figure_run = inputs.paper_run("conditional")
    aligned = inputs.alignment(figure_run.run)
    names = [name_of(column) for column in properties_of(aligned)]
    if not set(names) <= set(NAMES.values()):
        inputs.require_measured()  # known factors that are read go without classes
    best = [
        part.sort_values("effect").to_dict("records")[-1]
        for name in names
        if len(part := aligned[aligned["property"] == name])
    ]
    if not best:
        raise Missing(f"no latent of {figure_run.run} is aligned with {wording.listing(names)}")
    titles = {int(row["direction"]): f"z{row['direction']} {slope(row)}" for row in best}
    model, scale = inputs.model(figure_run.run), inputs.scale(figure_run.run)
    first = some_of_every_digit(inputs.labels, 1)
    images = inputs.data.test_images[first]
    panels = over_digits(model, images, inputs.labels[first], titles, scale)
    absent = [name for name in names if name not in {row["property"] for row in best}]
    holds = [
        f"z{row['direction']} {row['property']}: {row['n_digits']} of {inputs.data.n_classes}"
        for row in best
    ]
    caption = (
        f"The latents that are aligned best with a property, from −5 to 5{around(scale)}, over the"
        f" first test image of every digit. Digits for which the alignment holds:"
        f" {', '.join(holds)}."
        + (f" No latent is aligned with {wording.listing(absent)}." if absent else "")
        + f"{rows.of_seeds([figure_run.run])}"
    )
    return Sheet(f"{figure_run.title}: aligned latents by digit", caption, panels)


def over_digits(
    model: Vae,
    images: Images,
    labels: npt.NDArray[np.int64],
    latents: Mapping[int, str],
    scale: Scale,
) -> list[Panel]:
    """A panel a latent, a row an image: the latent runs from -5 to 5, the rest stays.

    Args:
        model: on any device.
        images: (n, height, width), where the traversals start, at the posterior mean.
        labels: the digits shown, (n,).
        latents: what is moved, counted from 1, and the panel's title.
        scale: what -5 to 5 count.
    """
    index = np.array(list(latents), dtype=np.int64) - 1
    steps, readers = np.diag(scale.unit)[index], np.diag(1 / scale.unit)[index]
    starts = posterior_means(model, images, labels)
    lines = Directions(steps, readers, scale.centre)
    pictures = sweep(model, starts, labels, lines, PAPER_VALUES)
    columns = [
        wording.number(value, 1) if place % 3 == 0 else ""
        for place, value in enumerate(PAPER_VALUES)
    ]
    words = [str(label) for label in labels]
    x_label = "value of the latent" + (" (SD from its mean)" * scale.in_sd)
    return [
        Panel(title, images, words, columns, x_label)
        for title, images in zip(latents.values(), pictures, strict=True)
    ]


FIGURE = sheet_figure("figure-8", "paper", over_every_digit)
