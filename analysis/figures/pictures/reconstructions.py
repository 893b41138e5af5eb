"""Figure 5 of the paper: an image of every class, and what models of rising beta make of it."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from analysis.factors.examples import examples, examples_in_words
from analysis.figures import rows
from analysis.figures.inputs import FigureInputs
from analysis.figures.pictures.sheet import Images, Panel, Sheet, sheet_figure
from analysis.representations.encode import decode, grey_levels, posterior_means
from analysis.statistics.wording import listing
from study.models.vae import Vae


def by_beta(inputs: FigureInputs) -> Sheet:
    """A row for each beta without labels, below the originals."""
    runs = inputs.runs_by_beta()
    models = {f"β = {figure_run.beta:g}": inputs.model(figure_run.run) for figure_run in runs}
    data = inputs.data
    shown = examples(data)
    panel = reconstructions(models, data.test_images[shown], inputs.labels[shown])
    panel = panel._replace(x_label=data.noun)
    if not data.n_classes:
        panel = panel._replace(columns=[], x_label="")
    recon = inputs.done.set_index("run").loc[[figure_run.run for figure_run in runs], "recon"]
    title = f"Reconstructions without labels, J = {runs[0].latent_dim}"
    caption = (
        f"Above, {examples_in_words(data)}; below, what each model makes of them at the"
        f" posterior mean. Over the whole test set the reconstruction costs {recon.iloc[0]:.0f}"
        f" nats an image for β = {runs[0].beta:g}"
        + (f" and {recon.iloc[-1]:.0f} for β = {runs[-1].beta:g}." if len(runs) > 1 else ".")
        + f"{rows.of_seeds(figure_run.run for figure_run in runs)}"
    )
    if data.class_names:
        caption += f" From the left: {listing([data.class_name(k) for k in inputs.labels[shown]])}."
    return Sheet(title, caption, [panel])


def reconstructions(
    models: Mapping[str, Vae], images: Images, labels: npt.NDArray[np.int64]
) -> Panel:
    """The originals, and below them what each model makes of them at the posterior mean.

    Args:
        models: by the words beside their row.
        images: (n, height, width), or with a last axis of colours; a column each.
        labels: their classes, (n,).
    """
    shown = [images]
    for model in models.values():
        codes = posterior_means(model, images, labels)
        shown.append(grey_levels(decode(model, codes, labels)))
    columns = [str(label) for label in labels]
    return Panel("", np.stack(shown), ["original", *models], columns, "class")


FIGURE = sheet_figure("figure-5", "paper", by_beta)
