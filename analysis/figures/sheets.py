"""A study's sheets of pictures, captions included."""

from collections.abc import Callable

import pandas as pd

from analysis.figures.grids import (
    MOST_ROWS,
    UNITS,
    Images,
    Sheet,
    most_used,
    number,
    over_digits,
    prior_samples,
    reconstructions,
    row_labels,
    traversal_panel,
)
from analysis.figures.inputs import Chosen, FigureInputs, Missing
from analysis.figures.style import kind_of_vae
from analysis.latent_effects.alignment import NAMES, some_of_every_digit
from analysis.representations.traversal import (
    Traversal,
    aggregated_samples,
    mean_traversal,
    paper_traversal,
    quantile_traversal,
)

IMAGE = 0  # of the test set: the one that is traversed
COMPARED = ("standard", "beta", "conditional")
BESIDE = (
    "Beside a row: what the latent moves, by how much for one standard deviation of it, the leakage"
    " (share of the squared effects that other properties get) and for how many digits this holds."
)


def traversed(inputs: FigureInputs, role: str) -> Sheet:
    """Figure 1 of the paper for the run in one role."""
    chosen = inputs.role(role)
    found = _as_in_the_paper(inputs, chosen)
    return _traversal_sheet(inputs, chosen, found, "Traversals", "one posterior sample")


def around_the_mean(inputs: FigureInputs) -> Sheet:
    """The best ranked configuration, traversed around the posterior mean."""
    chosen = inputs.best()
    found = mean_traversal(inputs.model(chosen.run), *_image(inputs))
    title = "Ranked first, traversed around the mean"
    return _traversal_sheet(inputs, chosen, found, title, "the posterior mean")


def over_quantiles(inputs: FigureInputs) -> Sheet:
    """The best ranked configuration, traversed over the values that its latents take."""
    chosen = inputs.best()
    model = inputs.model(chosen.run)
    samples = aggregated_samples(model, inputs.images, inputs.digits)
    found = quantile_traversal(model, *_image(inputs), samples)
    title = "Ranked first, traversed over quantiles"
    return _traversal_sheet(inputs, chosen, found, title, "the posterior mean")


def headline(inputs: FigureInputs) -> Sheet:
    """The three VAEs of figure 1 side by side, their latents named by measurement."""
    panels, still = [], []
    for role in COMPARED:
        chosen = inputs.role(role)
        aligned = inputs.aligned(chosen.run)
        if aligned is None:
            raise Missing(f"what the latents of {chosen.run} move was not measured")
        labels = row_labels(chosen.latent_dim, aligned, brief=True)
        kept = most_used(inputs.kl(chosen.run))
        found = _as_in_the_paper(inputs, chosen)
        kind = f"{kind_of_vae(chosen.beta, chosen.conditioning)}, β = {chosen.beta:g}"
        panel = traversal_panel(found, kind, labels, kept)
        panels.append(panel._replace(columns=[], x_label="latent from -5 to 5"))
        unnamed = sum(" " not in label for label in labels)
        still.append(f"{unnamed} of {chosen.latent_dim}")
    caption = (
        f"The same test image traversed by three VAEs: every row sets one latent to ten values"
        f" from -5 to 5 and keeps the others. A word says which property of the picture, measured"
        f" again, the latent moves; rows without one move none: {_list(still)}."
    )
    return Sheet(f"One image traversed by three VAEs, J = {chosen.latent_dim}", caption, panels)


def by_beta(inputs: FigureInputs) -> Sheet:
    """Figure 5 of the paper: reconstructions of ten digits."""
    runs = inputs.by_beta()
    models = {f"β = {one.beta:g}": inputs.model(one.run) for one in runs}
    chosen = some_of_every_digit(inputs.digits, 1)
    panel = reconstructions(models, inputs.images[chosen], inputs.digits[chosen])
    recon = inputs.done.set_index("run").loc[[one.run for one in runs], "recon"]
    title = f"Reconstructions without labels, J = {runs[0].latent_dim}"
    caption = (
        f"The first test image of every digit and what each model makes of it at the posterior"
        f" mean. Over the whole test set the reconstruction costs {recon.iloc[0]:.0f} nats an image"
        f" for β = {runs[0].beta:g}"
        + (f" and {recon.iloc[-1]:.0f} for β = {runs[-1].beta:g}." if len(runs) > 1 else ".")
    )
    return Sheet(title, caption, [panel])


def over_every_digit(inputs: FigureInputs) -> Sheet:
    """Figure 8 of the paper: the aligned latents of the conditional model."""
    chosen = inputs.role("conditional")
    aligned = inputs.aligned(chosen.run)
    if aligned is None:
        raise Missing(f"what the latents of {chosen.run} move was not measured")
    best = [
        rows.sort_values("effect").iloc[-1]
        for name in NAMES.values()
        if len(rows := aligned[aligned["property"] == name])
    ]
    if not best:
        raise Missing(f"no latent of {chosen.run} is aligned with {_list(list(NAMES.values()))}")
    titles = {int(row["direction"]): _slope(row) for row in best}
    model, images = inputs.model(chosen.run), some_of_every_digit(inputs.digits, 1)
    panels = over_digits(model, inputs.images[images], inputs.digits[images], titles)
    absent = [name for name in NAMES.values() if name not in {row["property"] for row in best}]
    holds = [f"z{row['direction']} {row['property']}: {row['n_digits']} of 10" for row in best]
    caption = (
        f"The latents that are aligned best with a property, from -5 to 5, over the first test"
        f" image of every digit. Digits for which the alignment holds: {', '.join(holds)}."
        + (f" No latent is aligned with {_list(absent)}." if absent else "")
    )
    return Sheet(f"{chosen.title}: aligned latents by digit", caption, panels)


def from_the_prior(inputs: FigureInputs) -> Sheet:
    """Pictures drawn by the compared models."""
    panels = []
    for chosen in inputs.compared():
        panels.append(prior_samples(inputs.model(chosen.run), chosen.title))
    labelled = any(panel.rows for panel in panels)
    caption = (
        "What the decoders draw of latents from the prior N(0, I): the more of them are digits, the"
        " closer the codes of images fill the prior."
        + (" Of a conditional model a row is a digit and a column the same latents." * labelled)
    )
    return Sheet("Samples from the prior", caption, panels)


SHEETS: dict[str, Callable[[FigureInputs], Sheet]] = {
    "headline": headline,
    "figure-1a": lambda inputs: traversed(inputs, "standard"),
    "figure-1b": lambda inputs: traversed(inputs, "beta"),
    "figure-1c": lambda inputs: traversed(inputs, "conditional"),
    "figure-5": by_beta,
    "figure-8": over_every_digit,
    "traversal-mean": around_the_mean,
    "traversal-quantiles": over_quantiles,
    "prior-samples": from_the_prior,
}


def _image(inputs: FigureInputs) -> tuple[Images, int]:
    return inputs.images[IMAGE], int(inputs.digits[IMAGE])


def _as_in_the_paper(inputs: FigureInputs, chosen: Chosen) -> Traversal:
    return paper_traversal(inputs.model(chosen.run), *_image(inputs))


def _traversal_sheet(
    inputs: FigureInputs, chosen: Chosen, found: Traversal, title: str, start: str
) -> Sheet:
    aligned = inputs.aligned(chosen.run)
    kept = most_used(inputs.kl(chosen.run))
    panel = traversal_panel(found, "", row_labels(chosen.latent_dim, aligned), kept)
    caption = (
        f"Every row moves one latent of the model with {chosen.words} and keeps the others at"
        f" {start} of a test image (a {inputs.digits[IMAGE]})."
    )
    if len(kept) < chosen.latent_dim:
        caption += f" Shown are the {MOST_ROWS} of {chosen.latent_dim} latents with the largest KL."
    if aligned is None:
        caption += " What the latents move was not measured."
    else:
        caption += f" {_counts(aligned)} {BESIDE}"
    return Sheet(f"{title}: {chosen.title}", caption, [panel])


def _counts(aligned: pd.DataFrame) -> str:
    """How many latents move what, as a sentence."""
    named = int(aligned["property"].isin(list(NAMES.values())).sum())
    parts = [f"{named} of {len(aligned)} latents move one property alone"]
    others = {"digit": "change the digit", "mixed": "mix or hardly react", "none": "do not react"}
    for name, words in others.items():
        if n := int((aligned["property"] == name).sum()):
            parts.append(f"{n} {words}")
    return f"{_list(parts)}."


def _slope(row: "pd.Series[float]") -> str:
    name = str(row["property"])
    return f"z{row['direction']} {name} {number(row['slope'], 2, sign=True)} {UNITS[name]}"


def _list(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
