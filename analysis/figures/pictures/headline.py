"""The three VAEs of figure 1 side by side, their latents named by measurement."""

from analysis.figures.inputs import FigureInputs, Missing
from analysis.figures.pictures.sheet import Sheet, sheet_figure
from analysis.figures.pictures.traversals import (
    most_used,
    row_labels,
    traversal_panel,
    traverse_as_in_the_paper,
)
from analysis.statistics import wording

MODELS = ("standard", "beta", "conditional")


def headline(inputs: FigureInputs) -> Sheet:
    """A panel a model: one image, traversed as in the paper."""
    panels, unnamed = [], []
    for model in MODELS:
        figure_run = inputs.paper_run(model)
        aligned = inputs.alignment(figure_run.run)
        if aligned is None:
            raise Missing(f"what the latents of {figure_run.run} move was not measured")
        labels = row_labels(figure_run.latent_dim, aligned, brief=True)
        kept = most_used(inputs.kl(figure_run.run))
        traversal = traverse_as_in_the_paper(inputs, figure_run)
        kind = wording.kind_of_vae(figure_run.beta, figure_run.conditioning)
        panel = traversal_panel(traversal, f"{kind}, β = {figure_run.beta:g}", labels, kept)
        panels.append(panel._replace(columns=[], x_label="latent from -5 to 5"))
        unnamed.append(f"{sum(' ' not in label for label in labels)} of {figure_run.latent_dim}")
    caption = (
        f"The same test image traversed by three VAEs: every row sets one latent to ten values"
        f" from -5 to 5 and keeps the others. A word says which property of the picture, measured"
        f" again, the latent moves; rows without one move none: {wording.listing(unnamed)}."
    )
    return Sheet(f"One image traversed by three VAEs, J = {figure_run.latent_dim}", caption, panels)


FIGURE = sheet_figure("headline", "paper", headline)
