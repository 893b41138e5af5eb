"""Generative factors: measured on pictures, or known with the data set; binned."""

import numpy as np
import numpy.typing as npt

from analysis.factors.factor import Factor, Measurer
from analysis.factors.morphometry import SLANT, THICKNESS, WIDTH, measure

# These correlate by at most 0.13 on MNIST's test images (width with thickness and with slant) and
# 0.16 on its training images (width with slant). Area and length correlate by up to 0.71 with them,
# which breaks the scores' assumption that the other factors differ freely.
FACTORS = (THICKNESS, SLANT, WIDTH)
"""What scores and the naming of latents measure on the strokes of digits."""
DEFAULT_FACTORS = tuple(factor.name for factor in FACTORS)


def _of_strokes(pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    return measure(pictures)[list(DEFAULT_FACTORS)].to_numpy()


STROKES = Measurer(FACTORS, _of_strokes)

__all__ = ["DEFAULT_FACTORS", "FACTORS", "STROKES", "Factor", "Measurer"]
