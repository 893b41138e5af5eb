"""Measurements of handwritten digits: thickness, slant, width, height, stroke length and area.

They are those of Morpho-MNIST (Castro et al. 2019, JMLR 20:178, section 3), computed on batches, at
about 1 ms an image. The published figures come from a bicubic (Catmull-Rom) enlargement by four,
clipped, smoothed by a Gaussian of 4/3 pixels, truncated to whole grey levels, and from a medial
axis. scikit-image's `pyramid_expand` has since gone over to splines: with these the first training
digit is 19.89 px high, not 19.85, and its line 2.53 px thick, not 2.46.

Agreement with an image-by-image pipeline of these steps: slant, width, height and area to rounding;
thickness to 0.006 px on average (0.055 at most, of 200 digits), no further than two seeds of its
random ties are apart; length comes out 0.5 px (1.2%) shorter, as ordered ties leave fewer stairs.
Lines thinner than 1.5 px measure thicker than they are: the enlargement blurs.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import ndimage

from analysis.factors.factor import Factor
from analysis.factors.medial_axis import Bools, medial_axis, squared_distance
from study.storage.folder import Folder

Floats = npt.NDArray[np.float64]

THICKNESS = Factor(
    "thickness_px", "thickness", "px", "Thickness (line weight)",
    "twice the mean distance to the edge along the medial axis",
)  # fmt: skip
SLANT = Factor("slant_rad", "slant", "rad", "Slant (tilt)", "positive where the digit leans right")
WIDTH = Factor(
    "width_px", "width", "px", "Width",
    "of the bounding parallelogram at that slant, without 2% of the mass along the row",
)  # fmt: skip
HEIGHT = Factor("height_px", "height", "px", "Height", "of the same parallelogram")
LENGTH = Factor("length_px", "length", "px", "Stroke length", "of the medial axis")
AREA = Factor(
    "area_px2", "area", "px²", "Area", "of the ink, pixels from half of the image's range upwards"
)
COLUMNS = tuple(factor.name for factor in (THICKNESS, SLANT, WIDTH, HEIGHT, LENGTH, AREA))
VERSION = 1  # names the cache; raise it whenever a figure of `measure` changes
SCALE = 4  # enlargement
MAX_SIDE = 250 // SCALE  # of an image; longer ones leave the 16-bit distances of the medial axis
LEFT_OUT = 0.02  # share of the mass outside the bounding parallelogram, half of it at each end
_BATCH = 64  # images at a time; 250 no longer fit a processor's cache and take half as long again


def measure(images: npt.NDArray[np.uint8]) -> pd.DataFrame:
    """Measure every image of white ink on black, real or decoded.

    Args:
        images: (n, height, width), uint8, sides up to 62. Decoded ones:
            `np.round(255 * probabilities).astype(np.uint8)`.

    Returns:
        One row an image, in their order; pixels are those of the small image.
        What each column is stands in its record above.
        A row is NaN where an image shows less than one grey level of contrast.

    Raises:
        ValueError: another type or shape.
    """
    if images.dtype != np.uint8:
        raise ValueError(f"images must be uint8, got {images.dtype}: round and cast them first")
    if images.ndim != 3 or max(images.shape[1:]) > MAX_SIDE:
        raise ValueError(
            f"images must be (n, height, width) with sides up to {MAX_SIDE}, got {images.shape}"
        )
    table = np.full((len(images), len(COLUMNS)), np.nan)
    for start in range(0, len(images), _BATCH):
        large = enlarge(images[start : start + _BATCH])
        usable = np.ptp(large, axis=(1, 2)) > 0
        table[start : start + _BATCH][usable] = _measure(large[usable])
    return pd.DataFrame(table, columns=list(COLUMNS))


def measure_cached(images: npt.NDArray[np.uint8], folder: Path) -> pd.DataFrame:
    """`measure(images)`, computed once and kept in `folder` under a name made from the images.

    A file that cannot be read, or that does not fit, is computed again and replaced.
    """
    content = hashlib.sha256(repr((VERSION, images.shape, str(images.dtype))).encode())
    content.update(images.tobytes())
    path = folder / f"morphometry-{content.hexdigest()[:32]}.parquet"
    if path.exists():
        try:
            table = pd.read_parquet(path)
        except (OSError, ValueError):  # pyarrow's errors for damaged files are ValueErrors
            table = pd.DataFrame()
        if tuple(table.columns) == COLUMNS and len(table) == len(images):
            return table
    table = measure(images)
    Folder(folder).write(path.name, table.to_parquet())
    return table


def enlarge(images: npt.NDArray[np.uint8]) -> Floats:
    """Enlarge (n, height, width) four times, smoothly, to whole grey levels, 0 to 255.

    Filters rather than matrix products, which NumPy would spread over threads: on two busy cores
    that took five times as long.
    """
    small = images.astype(np.float64)
    large = _cubic(_cubic(small, axis=1), axis=2)
    low, high = small.min(axis=(1, 2), keepdims=True), small.max(axis=(1, 2), keepdims=True)
    large = ndimage.gaussian_filter(np.clip(large, low, high), SCALE / 3, axes=(1, 2))
    return np.asarray(np.floor(large + 1e-9))  # rounding must not turn a flat 255 into 254


def _cubic(images: Floats, axis: int) -> Floats:
    """Catmull-Rom enlargement along one axis; the image is mirrored at its edges.

    Source: Keys 1981, IEEE TASSP 29(6), equation 15 (a = -1/2).
    """
    between = (np.arange(SCALE) + 0.5) / SCALE - 0.5  # places of the new pixels in an old one
    x = np.abs(between[:, None] - np.arange(-2, 3))
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    weights = np.where(x <= 1, near, np.where(x < 2, far, 0))
    parts = [ndimage.correlate1d(images, row, axis=axis, mode="reflect") for row in weights]
    shape = list(images.shape)
    shape[axis] *= SCALE
    return np.stack(parts, axis=axis + 1).reshape(shape)


def _measure(large: Floats) -> Floats:
    """(n, 6) measurements, in the order of COLUMNS, of enlarged images with some contrast."""
    low, high = large.min(axis=(1, 2), keepdims=True), large.max(axis=(1, 2), keepdims=True)
    ink = large >= (low + high) / 2
    shear = _shear(large)
    thickness, length = _strokes(ink)
    return np.column_stack(
        [
            thickness / SCALE,
            np.arctan(-shear.slope),
            _width(large, shear) / SCALE,
            _span(large.sum(axis=2)) / SCALE,
            length / SCALE,
            ink.sum(axis=(1, 2)) / SCALE**2,
        ]
    )


def _strokes(ink: Bools) -> tuple[Floats, Floats]:
    """Thickness and length of the strokes, (n,) each, in pixels of the enlarged image.

    Neighbours on the axis are 1 or sqrt(2) apart; length adds these up, a pair once.
    """
    squared = squared_distance(ink)
    axis = np.pad(medial_axis(ink, squared), ((0, 0), (0, 1), (1, 1)))  # no row is needed above
    image, row, column = np.nonzero(axis)
    depth = np.sqrt(squared[image, row, column - 1], dtype=np.float64)
    right, below = axis[image, row, column + 1], axis[image, row + 1, column]
    aslant = axis[image, row + 1, column - 1].astype(int) + axis[image, row + 1, column + 1]
    steps = right + below.astype(int) + np.sqrt(2) * aslant
    thickness = 2 * np.bincount(image, depth) / np.bincount(image)
    return thickness, np.bincount(image, steps).astype(np.float64)


class _Shear(NamedTuple):
    slope: Floats  # (n,) columns a row, to the right on the way down
    middle: Floats  # (n,) row of the centre of mass


def _shear(large: Floats) -> _Shear:
    """Horizontal shear: covariance of row and column over the variance of the row."""
    place, column = (np.arange(size, dtype=np.float64) for size in large.shape[1:])
    mass = large.sum(axis=(1, 2))
    by_row = large.sum(axis=2) / mass[:, None]
    middle = by_row @ place
    off_middle = place - middle[:, None]
    column_by_row = np.einsum("irc,c->ir", large, column) / mass[:, None]  # moments about column 0
    covariance = (off_middle * column_by_row).sum(axis=1)
    variance = (off_middle**2 * by_row).sum(axis=1)
    upright = np.zeros_like(variance)  # a single row has no slant to show
    return _Shear(np.divide(covariance, variance, out=upright, where=variance > 0), middle)


def _width(large: Floats, shear: _Shear) -> Floats:
    """Width of the bounding parallelogram, (n,): span of the columns without the shear.

    Columns that leave the image by more than its side are counted at that limit.
    """
    n, _, side = large.shape
    image, row, column = np.nonzero(large > 0)  # `> 0`: three times as fast
    upright = column + 0.5 - shear.slope[image] * row + (shear.slope * shear.middle)[image]
    bins = np.clip(np.floor(upright).astype(np.int64) + side, 0, 3 * side - 1)
    mass = np.bincount(image * 3 * side + bins, large[image, row, column], minlength=n * 3 * side)
    return _span(mass.reshape(n, 3 * side).astype(np.float64))


def _span(mass: Floats) -> Floats:
    """Length, (n,), without 1% of the mass at either end of (n, bins); bins are filled evenly."""
    share = np.cumsum(mass, axis=1) / mass.sum(axis=1, keepdims=True)
    share = np.pad(share, ((0, 0), (1, 0)))
    edges = np.arange(share.shape[1])
    ends = (LEFT_OUT / 2, 1 - LEFT_OUT / 2)
    return np.array([np.ptp(np.interp(ends, row, edges)) for row in share])
