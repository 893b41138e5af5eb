"""What the project knows of a generative factor, in one record."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Factor(NamedTuple):
    """A quantity in which pictures differ: measured on them, or known with the data set."""

    name: str  # its column
    short: str  # the property, in a word
    unit: str
    label: str  # for people
    definition: str  # how it is measured


class Measurer(NamedTuple):
    """What gives the factors of a picture that a model drew."""

    factors: tuple[Factor, ...]
    # (n, height, width) or with channels, uint8 -> (n, n_factors); NaN where there is no value
    values: Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float64]]
