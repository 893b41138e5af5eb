"""What pure operations on real digits move: the floor below which leakage says nothing.

The three properties are not measured independently: a digit that is stretched has thicker lines,
too. What a dilation, a shear and a stretch of real digits move is measured as the latents are
(slopes over five positions, effects in standard deviations among real digits), and a direction is
judged by what it moves beyond that.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.factors import FACTORS
from analysis.factors.morphometry import measure, measure_cached
from analysis.factors.redraw import dilate, shear, stretch

Floats = npt.NDArray[np.float64]
Images = npt.NDArray[np.uint8]

NAMES = [factor.name for factor in FACTORS]
POSITIONS = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
DILATION_PX, SHEAR_RAD, STRETCH = 0.25, 0.1, 0.1  # one position


OPERATIONS: dict[str, Callable[[Images, float], Images]] = {
    "dilation": lambda images, place: dilate(images, DILATION_PX * place / 2),
    "shear": lambda images, place: shear(images, np.tan(SHEAR_RAD * place)),
    "stretch": lambda images, place: stretch(images, 1 + STRETCH * place),
}
"""In the order of FACTORS: what moves each, at a position."""


def floors(images: Images, spread: Floats, cache: Path | None = None) -> Floats:
    """What the pure operation of each property moves besides it.

    Args:
        images: (n, height, width), uint8, real digits, as many of each class.
        spread: standard deviation of each property among real digits.
        cache: folder that keeps measurements; left alone where it cannot be written.

    Returns:
        (n_properties, n_properties), a row an operation: its effect on each property, that on its
        own being 1.
    """
    rows = []
    for place, apply in enumerate(OPERATIONS.values()):
        pictures = np.concatenate([apply(images, position) for position in POSITIONS])
        values = _measured(pictures, cache)[NAMES].to_numpy()
        swept = values.reshape(len(POSITIONS), len(images), len(FACTORS))
        slopes = np.einsum("p,pnk->nk", POSITIONS, swept) / (POSITIONS @ POSITIONS)
        effects = np.nanmean(slopes, axis=0) / spread
        rows.append(effects / effects[place])
    return np.stack(rows)


def floor_table(floor: Floats) -> pd.DataFrame:
    """Floors as the study keeps them: property, operation, leakage, the effect on each property."""
    table = pd.DataFrame(floor, columns=NAMES)
    table.insert(0, "property", [factor.short for factor in FACTORS])
    table.insert(1, "operation", list(OPERATIONS))
    table.insert(2, "leakage", 1 - 1 / (floor**2).sum(axis=1))
    return table


def _measured(pictures: Images, cache: Path | None) -> pd.DataFrame:
    try:
        return measure_cached(pictures, cache) if cache else measure(pictures)
    except OSError:
        return measure(pictures)
