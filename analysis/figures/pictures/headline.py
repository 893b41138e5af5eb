"""The three VAEs of figure 1 side by side, their latents named by measurement."""

from analysis.figures import wording
from analysis.figures.inputs import FigureInputs, Missing
from analysis.figures.pictures.sheet import Sheet, sheet_figure
from analysis.figures.pictures.traversals import (
    most_used,
    row_labels,
    traversal_panel,
    traverse_as_in_the_paper,
)

MODELS = ("standard", "beta", "conditional")


def headline(inputs: FigureInputs) -> Sheet:
    """A panel a model: one image, traversed as in the paper."""
    panels, unnamed = [], []
    for model in MODELS:
        shown = inputs.paper_run(model)
        aligned = inputs.alignment(shown.run)
        if aligned is None:
            raise Missing(f"what the latents of {shown.run} move was not measured")
        labels = row_labels(shown.latent_dim, aligned, brief=True)
        kept = most_used(inputs.kl(shown.run))
        traversal = traverse_as_in_the_paper(inputs, shown)
        title = f"{wording.kind_of_vae(shown.beta, shown.conditioning)}, β = {shown.beta:g}"
        panel = traversal_panel(traversal, title, labels, kept)
        panels.append(panel._replace(columns=[], x_label="latent from -5 to 5"))
        unnamed.append(f"{sum(' ' not in label for label in labels)} of {shown.latent_dim}")
    caption = (
        f"The same test image traversed by three VAEs: every row sets one latent to ten values"
        f" from -5 to 5 and keeps the others. A word says which property of the picture, measured"
        f" again, the latent moves; rows without one move none: {wording.listing(unnamed)}."
    )
    return Sheet(f"One image traversed by three VAEs, J = {shown.latent_dim}", caption, panels)


FIGURE = sheet_figure("headline", "paper", headline)
