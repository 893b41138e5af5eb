"""What colour, filling, shape and size of a mark mean: the same in every figure and study.

- The colour is beta: beta = 10 has one colour everywhere. Grey: an objective without a beta.
- The filling is the conditioning: open without labels, full with labels, half with labels in the
  prior.
- The shape is whatever other axes of the study tell configurations apart.
- The size is J, the number of latents. Curves by J have colours of their own, the greens.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D

from study.storage.axes import CONDITIONING, PART_COLUMNS, others_in_words, varied

BETAS = (0.1, 1.0, 20.0, 100.0)  # from the darkest; most studies lie between the two in the middle
BETA_PLACES = (0.0, 0.08, 0.86, 0.92)  # of these in the colour map; its end is too pale for print
LATENT_DIMS = (2.0, 10.0, 30.0, 300.0)  # of J, from the palest
LATENT_PLACES = (0.3, 0.58, 0.8, 1.0)
NO_BETA = "0.55"
SHAPES = "os^DvPX*ph"
MOST_ENTRIES = 8  # betas in a legend; of more, so many in even steps
FILLINGS: dict[str, dict[str, Any]] = {
    "none": {"fillstyle": "full", "mfc": "white"},
    "label": {"fillstyle": "full"},
    "prior": {"fillstyle": "left", "markerfacecoloralt": "white"},
}
LINE_GREYS = {"none": "0.2", "label": "0.5", "prior": "0.7"}  # of lines whose marks have colours


class Shapes(NamedTuple):
    """Which other axes the shape tells apart."""

    words: pd.Series  # of every configuration; "" where it has nothing to say
    marker: dict[str, str]  # of these words


def beta_colour(beta: float) -> str:
    """The colour of a beta as #rrggbb; NaN, no beta, is grey."""
    if np.isnan(beta):
        return to_hex(NO_BETA)
    place = np.interp(np.log(max(beta, BETAS[0])), np.log(BETAS), BETA_PLACES)
    return to_hex(mpl.colormaps["plasma"](place))


def latent_dim_colour(latent_dim: int) -> str:
    """The colour of a number of latents as #rrggbb, where lines differ in it."""
    place = np.interp(np.log(latent_dim), np.log(LATENT_DIMS), LATENT_PLACES)
    return to_hex(mpl.colormaps["Greens"](place))


def marker_size(latent_dim: int) -> float:
    """Of a number of latents, points: three for J = 3, one more for each doubling."""
    return float(np.clip(3 + np.log2(latent_dim / 3), 2.5, 9))


def filling(conditioning: str, colour: str) -> dict[str, Any]:
    """How a mark of this colour is filled."""
    return {"color": colour, "mec": colour, **FILLINGS[conditioning]}


def shapes_of(configurations: pd.DataFrame) -> Shapes:
    """Shapes for the other axes that vary, as far as there are shapes.

    All of them, or else those that name parts (prior, network, objective, ...), or the first part
    alone; without any every mark is a circle.
    """
    others = varied(configurations)
    parts = [name for name in others if name in PART_COLUMNS]
    for names in (others, parts, parts[:1]):
        words = others_in_words(configurations, names)
        kinds = sorted(words.unique(), key=bool)  # first what has nothing to say of itself
        if 1 < len(kinds) <= len(SHAPES):
            return Shapes(words, dict(zip(kinds, SHAPES, strict=False)))
    return Shapes(pd.Series("", configurations.index, dtype=str), {"": SHAPES[0]})


def legend_entry(**look: Any) -> Line2D:
    """A mark alone, unless `look` has a line."""
    return Line2D([], [], **{"ls": "none", "ms": 4, **look})


def beta_entries(betas: pd.Series) -> list[Line2D]:
    """A mark a beta; of many, some in even steps; none where there is one alone."""
    known = sorted(betas.dropna().unique())
    steps = np.linspace(0, len(known) - 1, min(len(known), MOST_ENTRIES)).round().astype(int)
    some = [known[step] for step in steps] if len(known) else []
    entries = [
        legend_entry(color=beta_colour(beta), marker="o", label=f"β = {beta:g}") for beta in some
    ]
    if betas.isna().any() and known:
        entries.append(legend_entry(color=NO_BETA, marker="o", label="no β"))
    return entries


def conditioning_entries(kinds: Iterable[str]) -> list[Line2D]:
    """A mark a conditioning, in grey; none where all are without labels."""
    have = [kind for kind in CONDITIONING if kind in set(kinds)]
    if have == ["none"]:
        return []
    return [
        legend_entry(marker="o", label=CONDITIONING[kind], **filling(kind, "0.4")) for kind in have
    ]


def shape_entries(shapes: Shapes, plain: str = "") -> list[Line2D]:
    """A mark a shape, in grey; none where there is one alone.

    `plain` names what has nothing to say of itself.
    """
    if len(shapes.marker) < 2:
        return []
    return [
        legend_entry(color="0.4", marker=marker, label=words or plain or "as in the paper")
        for words, marker in shapes.marker.items()
    ]


def size_entries(latent_dims: pd.Series) -> list[Line2D]:
    """A mark a J, in grey; none where there is one alone."""
    sizes = sorted(latent_dims.unique())
    if len(sizes) < 2:
        return []
    steps = np.linspace(0, len(sizes) - 1, min(len(sizes), MOST_ENTRIES)).round().astype(int)
    return [
        legend_entry(color="0.4", marker="o", ms=marker_size(size), label=f"J = {size}")
        for size in np.array(sizes)[steps]
    ]
