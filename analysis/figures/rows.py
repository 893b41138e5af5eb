"""Rows of configurations that fit a page, and words that do not lie on each other."""

import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from analysis.figures.style import PAGE_HEIGHT_IN
from analysis.statistics import wording

ROW_IN = 0.17  # height of a configuration's row where there is room
LEAST_ROW_IN = 0.125
NAME_LETTERS = 58  # of a configuration in one line; a longer name takes two
APART_PX = 0.5  # around a word
MARK_POINTS = 10  # size of a mark that words keep off
NO_BREAK = "\N{NO-BREAK SPACE}"


def wrapped(name: str, letters: int = NAME_LETTERS) -> str:
    """A name in lines of so many letters; `β = 10` stays in one."""
    whole = name.replace(" = ", f"{NO_BREAK}={NO_BREAK}")
    return textwrap.fill(whole, letters).replace(NO_BREAK, " ")


def n_that_fit(names: Sequence[str], beside_in: float = 1.2, rows: int = 1) -> int:
    """How many configurations have a row on a page.

    Args:
        names: of all of them, the first on top.
        beside_in: height of what stands above and below the rows, inches.
        rows: blocks of them, one below the other.
    """
    return min(len(names), int((PAGE_HEIGHT_IN - beside_in) / rows / LEAST_ROW_IN / _lines(names)))


def height_in(names: Sequence[str], beside_in: float = 1.2, rows: int = 1) -> float:
    """Height in inches of the rows of so many configurations: as `n_that_fit`, or less room."""
    room = (PAGE_HEIGHT_IN - beside_in) / rows
    return min(ROW_IN * _lines(names) * len(names), room)


def shown(n: int, n_all: int, which: str) -> str:
    """A sentence of a caption for a figure that has no room for all; "" where it shows all.

    Args:
        n: configurations in the figure.
        n_all: configurations in the study.
        which: of them are shown: "best", or "first".
    """
    if n == n_all:
        return ""
    return f" Shown are the {which} {n} of {n_all} configurations; the table has all."


def of_seeds(runs: Iterable[str]) -> str:
    """A sentence of a caption: of which seeds the models of a figure are, by their ids."""
    seeds = sorted({int(seed) for run in runs for seed in re.findall(r"-seed(\d+)", run)})
    if not seeds:
        return ""
    noun = "Seed" if len(seeds) == 1 else "Seeds"
    return f" {noun} {wording.listing([str(seed) for seed in seeds])}."


def line_a_configuration(axes: Axes, names: Sequence[str]) -> None:
    """The first on top."""
    axes.set_yticks(range(len(names)), [wrapped(name) for name in names], linespacing=1.0)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def put_apart(
    axes: Axes,
    places: npt.ArrayLike,
    words: Sequence[str],
    *,
    on_place: bool = False,
    **look: Any,
) -> list[Annotation]:
    """Write words at places in data, each at the nearest spot where no other word lies; the texts.

    To be called when limits and layout are settled.

    Args:
        axes: with its last limits.
        places: in data, (n, 2).
        words: n of them.
        on_place: a word may stand on its place; else beside it, and on no other place.
        look: of the text.
    """
    pixels = axes.transData.transform(np.asarray(places, float).reshape(-1, 2))
    half = 0 if on_place else MARK_POINTS / 2 * axes.figure.dpi / 72
    taken = [Bbox.from_extents(*(at - half), *(at + half)) for at in pixels if half]
    texts = []
    for (x, y), word in zip(np.asarray(places, float).reshape(-1, 2), words, strict=True):
        text = axes.annotate(
            word, (x, y), (0, 0), textcoords="offset points", ha="center", va="center", **look,
        )  # fmt: skip
        taken.append(_free_spot(text, taken, axes.get_window_extent()))
        texts.append(text)
    return texts


def _free_spot(text: Annotation, taken: Sequence[Bbox], inside: Bbox) -> Bbox:
    """Move a word to the nearest spot inside where nothing is; its box there."""
    for radius in (0, *range(5, 60, 3)):
        for angle in np.linspace(0.25, 2.25, 16 if radius else 1) * np.pi:
            text.set_position((radius * np.cos(angle), radius * np.sin(angle)))
            box = text.get_window_extent().padded(APART_PX)
            free = not any(box.overlaps(other) for other in taken)
            if free and inside.contains(*box.min) and inside.contains(*box.max):
                return box
    text.set_position((0, 0))
    return text.get_window_extent()


def _lines(names: Sequence[str]) -> float:
    """Height of the longest name, in rows of one line."""
    return max(1, 0.85 * max(-(-len(name) // NAME_LETTERS) for name in names))
