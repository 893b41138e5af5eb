"""Sheets of pictures: models and images in, labelled rows of pictures out. pictures.py draws them.

A sheet is kept as one file of arrays, so that a figure can be drawn again without the weights.
"""

import io
import json
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.latent_effects.alignment import MOVES, NAMES
from analysis.representations.encode import decode, encode, grey_levels
from analysis.representations.traversal import PAPER_VALUES, QUANTILES, Directions, Traversal, sweep
from study.data.mnist import N_CLASSES
from study.models.vae import Vae

Images = npt.NDArray[np.uint8]

MOST_ROWS = 20  # latents in one traversal; more than that cannot be read on a page
UNITS = {name: column.rpartition("_")[2] for column, name in NAMES.items()}  # slant: rad


class Panel(NamedTuple):
    """Rows of pictures."""

    title: str
    images: Images  # (n_rows, n_columns, 28, 28)
    rows: list[str]  # words beside each row; empty: none
    columns: list[str]  # words below each column; empty: none
    x_label: str


class Sheet(NamedTuple):
    """The panels of one figure."""

    title: str
    caption: str
    panels: list[Panel]


def pack(sheet: Sheet) -> bytes:
    """A sheet as the content of an .npz file; equal sheets give equal bytes."""
    words = [panel._replace(images=None)._asdict() for panel in sheet.panels]  # type: ignore[arg-type]
    arrays = {f"images_{index}": panel.images for index, panel in enumerate(sheet.panels)}
    text = json.dumps({"title": sheet.title, "caption": sheet.caption, "panels": words})
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, words=np.array(text), **arrays)
    return buffer.getvalue()


def unpack(content: bytes) -> Sheet:
    """The sheet that `pack` made."""
    with np.load(io.BytesIO(content)) as arrays:
        words = json.loads(str(arrays["words"]))
        panels = [
            Panel(**{**panel, "images": arrays[f"images_{index}"]})
            for index, panel in enumerate(words["panels"])
        ]
    return Sheet(words["title"], words["caption"], panels)


def number(value: float, digits: int, sign: bool = False) -> str:
    """A figure with a true minus, as print has it."""
    return f"{value:{'+' if sign else ''}.{digits}f}".replace("-", "\N{MINUS SIGN}")


def moved(row: Mapping[Hashable, Any]) -> str:
    """What one latent moves, in words: a row of the table `alignment`."""
    name = row["property"]
    if name == "none":
        return "no reaction"
    if name == "digit":
        return f"another digit in {row['class_change']:.0%}"
    words = str(name)
    if name in UNITS:
        words = f"{name} {number(row['slope'], 2, sign=True)} {UNITS[name]}"
    elif row["effect"] < MOVES:
        return f"{name}, effects below {MOVES:g} SD"
    return f"{words}, leakage {row['leakage']:.0%}, {row['n_digits']} of {N_CLASSES} digits"


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
            still |= row["property"] == "mixed" and row["effect"] < MOVES
            short = "" if still else str(row["property"])
            words[row["direction"]] = short if brief else moved(row)
    return [f"z{latent} {text}".rstrip() for latent, text in words.items()]


def most_used(kl: npt.ArrayLike, most: int = MOST_ROWS) -> npt.NDArray[np.int64]:
    """Indices of the latents with the largest KL, in the model's order."""
    return np.sort(np.argsort(-np.asarray(kl), kind="stable")[:most])


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
    if np.array_equal(traversal.values, np.broadcast_to(PAPER_VALUES, traversal.values.shape)):
        columns = [number(value, 1) for value in PAPER_VALUES]
        x_label = "value that the latent is set to"
    else:
        columns = [f"{100 * share:.1f}%" for share in QUANTILES]
        x_label = "quantile of the latent over the test images"
    rows = [labels[index] for index in kept]
    return Panel(title, traversal.images[kept], rows, columns, x_label)


def reconstructions(
    models: Mapping[str, Vae], images: Images, digits: npt.NDArray[np.int64]
) -> Panel:
    """The originals, and below them what each model makes of them at the posterior mean.

    Args:
        models: by the words beside their row.
        images: (n, 28, 28), a column each.
        digits: shown, (n,).
    """
    rows = [images]
    for model in models.values():
        codes = encode(model, images, digits).mean
        rows.append(grey_levels(decode(model, codes, digits)))
    return Panel(
        "", np.stack(rows), ["original", *models], [str(digit) for digit in digits], "digit"
    )


def over_digits(
    model: Vae, images: Images, digits: npt.NDArray[np.int64], latents: Mapping[int, str]
) -> list[Panel]:
    """A panel a latent, a row an image: the latent runs from -5 to 5, the rest stays.

    Args:
        model: on any device.
        images: (n, 28, 28), where the traversals start, at the posterior mean.
        digits: shown, (n,).
        latents: what is moved, counted from 1, and the panel's title.
    """
    index = np.array(list(latents), dtype=np.int64) - 1
    unit = np.eye(model.latent_dim)[index]
    starts = encode(model, images, digits).mean
    lines = Directions(unit, unit, np.zeros(model.latent_dim))
    pictures = sweep(model, starts, digits, lines, PAPER_VALUES)
    columns = [
        number(value, 1) if place % 3 == 0 else "" for place, value in enumerate(PAPER_VALUES)
    ]
    rows = [str(digit) for digit in digits]
    return [
        Panel(title, images, rows, columns, "value of the latent")
        for title, images in zip(latents.values(), pictures, strict=True)
    ]


def prior_samples(model: Vae, title: str, *, n: int = N_CLASSES, seed: int = 0) -> Panel:
    """Pictures of n x 10 draws from the prior; a conditional model draws digit by digit.

    The same draws in every row of a conditional model, so that columns share their style.
    """
    rng = np.random.default_rng(seed)
    digits = np.repeat(np.arange(N_CLASSES), n)
    if model.n_classes:
        codes = np.tile(rng.normal(size=(n, model.latent_dim)), (N_CLASSES, 1))
    else:
        codes = rng.normal(size=(N_CLASSES * n, model.latent_dim))
    pictures = grey_levels(decode(model, codes, digits)).reshape(N_CLASSES, n, 28, 28)
    rows = [str(digit) for digit in range(N_CLASSES)] if model.n_classes else []
    return Panel(title, pictures, rows, [], "")
