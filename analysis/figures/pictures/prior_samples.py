"""Pictures that the compared models draw of latents from their priors."""

import numpy as np

from analysis.figures.inputs import FigureInputs
from analysis.figures.pictures.sheet import Panel, Sheet, sheet_figure
from analysis.representations import encode
from study.models.vae import Vae

N_COLUMNS = 10
MOST_ROWS = 10


def from_the_prior(inputs: FigureInputs) -> Sheet:
    """A panel a model."""
    n_classes, noun = inputs.data.n_classes, inputs.data.noun
    n_rows = min(n_classes, MOST_ROWS) or MOST_ROWS
    panels = [
        prior_samples(inputs.model(figure_run.run), figure_run.title, n_rows)
        for figure_run in inputs.shown_runs()
    ]
    caption = (
        "What the decoders draw of latents from their prior: the more of it looks like the images"
        " that they were trained on, the closer the codes of images fill the prior."
    )
    if any(panel.rows for panel in panels):
        caption += f" Of a conditional model a row is a {noun}, a column the same draw."
        if n_rows < n_classes:
            caption += f" Shown are the first {n_rows} of {n_classes} classes."
    return Sheet("Samples from the prior", caption, panels)


def prior_samples(
    model: Vae, title: str, n_rows: int, *, n: int = N_COLUMNS, seed: int = 0
) -> Panel:
    """Pictures of n x n_rows draws from the prior; a conditional model draws a class a row.

    The same noise in every row of a conditional model, so that columns share their style.
    """
    classes = np.repeat(np.arange(n_rows), n).reshape(n_rows, n)
    if model.n_classes:
        codes = np.concatenate([encode.prior_samples(model, n, row, seed) for row in classes])
    else:
        codes = encode.prior_samples(model, classes.size, seed=seed)
    pictures = encode.grey_levels(encode.decode(model, codes, classes.ravel()))
    pictures = pictures.reshape(n_rows, n, *pictures.shape[1:])
    rows = [str(one) for one in range(n_rows)] if model.n_classes else []
    return Panel(title, pictures, rows, [], "")


FIGURE = sheet_figure("prior-samples", "pictures", from_the_prior)
