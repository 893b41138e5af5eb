"""Pictures that the compared models draw of latents from their priors."""

from collections.abc import Sequence

import numpy as np

from analysis.figures import rows
from analysis.figures.inputs import FigureInputs
from analysis.figures.pictures.sheet import Panel, Sheet, sheet_figure
from analysis.representations import encode
from study.models.vae import Vae

N_COLUMNS = 10
MOST_ROWS = 10


def from_the_prior(inputs: FigureInputs) -> Sheet:
    """A panel a model."""
    data = inputs.data
    n_classes, noun = data.n_classes, data.noun
    n_rows = min(n_classes, MOST_ROWS) or MOST_ROWS
    names = [data.class_name(one) for one in range(n_rows)] if n_classes else [""] * n_rows
    shown = inputs.shown_runs()
    panels = [
        prior_samples(inputs.model(figure_run.run), figure_run.title, names) for figure_run in shown
    ]
    caption = (
        "Images decoded from samples of the prior: the more they look like the training images,"
        " the better the codes of images cover the prior."
    )
    if any(panel.rows for panel in panels):
        caption += (
            f" For a conditional model, each row is a {noun}, and each column has the same sample."
        )
        if n_rows < n_classes:
            caption += f" Shown are the first {n_rows} of {n_classes} classes."
    caption += f"{rows.of_seeds(figure_run.run for figure_run in shown)}"
    return Sheet("Samples from the prior", caption, panels)


def prior_samples(
    model: Vae, title: str, names: Sequence[str], *, n: int = N_COLUMNS, seed: int = 0
) -> Panel:
    """Pictures of n draws from the prior in each row; a conditional model draws a class a row.

    The same noise in every row of a conditional model, so that columns share their style.
    """
    n_rows = len(names)
    classes = np.repeat(np.arange(n_rows), n).reshape(n_rows, n)
    if model.n_classes:
        codes = np.concatenate([encode.prior_samples(model, n, row, seed) for row in classes])
    else:
        codes = encode.prior_samples(model, classes.size, seed=seed)
    pictures = encode.grey_levels(encode.decode(model, codes, classes.ravel()))
    pictures = pictures.reshape(n_rows, n, *pictures.shape[1:])
    return Panel(title, pictures, list(names) if model.n_classes else [], [], "")


FIGURE = sheet_figure("prior-samples", "pictures", from_the_prior)
