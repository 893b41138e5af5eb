"""The images that runs are scored on, with their classes and generative factors."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.factors import DEFAULT_FACTORS, morphometry
from analysis.factors.binning import check, discretise
from study.data import Dataset

Images = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Sample(NamedTuple):
    """What is known of images that codes are scored on."""

    factors: Ints  # (n, n_factors), binned; no column where nothing is known
    labels: Ints  # (n,), their classes
    values: Floats  # (n, n_factors), the factors in their own units

    @property
    def n_classes(self) -> int:
        """How many classes the images are of: 1 where there are no labels."""
        return len(np.unique(self.labels))


class ImageSet(NamedTuple):
    """Images to score on, and what is known of them."""

    images: Images  # (n, height, width)
    sample: Sample
    key: str  # of their content
    factors: str  # where their factors come from: measured, known or intervention

    @classmethod
    def of(cls, images: Images, sample: Sample, factors: str = "measured") -> "ImageSet":
        return cls(images, sample, content_key(images, *sample), factors)


def content_key(*parts: npt.NDArray[Any] | bytes | str) -> str:
    """A short name for what the parts hold."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(repr((part.shape, str(part.dtype))).encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        else:
            digest.update(part.encode() if isinstance(part, str) else part)
        digest.update(b"|")
    return digest.hexdigest()[:20]


def sample_of(labels: npt.ArrayLike, factors: pd.DataFrame | None) -> Sample:
    """Classes (n,) and binned factors, a row an image; None: nothing is known but the classes.

    Raises:
        ValueError: a factor is constant, or missing for an image.
    """
    classes = np.asarray(labels).astype(np.int64)
    if factors is None:
        return Sample(np.zeros((len(classes), 0), np.int64), classes, np.zeros((len(classes), 0)))
    return Sample(discretise(factors), classes, factors.to_numpy(np.float64))


def measured(
    images: Images, names: Sequence[str] = DEFAULT_FACTORS, *, cache: Path | None = None
) -> pd.DataFrame:
    """Factors of images in their own units: one row an image, one column a name.

    Args:
        images: (n, height, width), uint8.
        names: columns of `morphometry.measure`.
        cache: folder that keeps measurements between calls; left alone where it cannot be written.

    Raises:
        ValueError: a name is unknown, an image cannot be measured, or a factor is constant.
    """
    unknown = [name for name in names if name not in morphometry.COLUMNS]
    if unknown:
        raise ValueError(f"no factors {unknown}: use {list(morphometry.COLUMNS)}")
    try:
        table = morphometry.measure_cached(images, cache) if cache else morphometry.measure(images)
    except OSError:  # a cache that others own; ten seconds are no reason to stop
        table = morphometry.measure(images)
    table = table[list(names)]
    check(table)
    return table


def measured_by(measure: str | None, images: Images, cache: Path | None) -> pd.DataFrame | None:
    """The default factors of images, by what measures the pictures of their data set.

    Args:
        measure: "strokes", or None where nothing does.
        images: (n, height, width), uint8.
        cache: see `measured`.

    Returns:
        One row an image; None where nothing measures them.

    Raises:
        ValueError: nothing of that name measures pictures.
    """
    if measure is None:
        return None
    if measure != "strokes":
        raise ValueError(f"nothing measures pictures by {measure!r}: use 'strokes' or None")
    return measured(images, cache=cache)


def factors_of(data: Dataset, cache: Path | None) -> pd.DataFrame | None:
    """Factors of the test images, a row each: known, else measured; None: neither."""
    if data.test_factors is not None:
        return data.test_factors
    return measured_by(data.measure, data.test_images, cache)


def image_set(data: Dataset, cache: Path | None) -> ImageSet:
    """The test images of a data set with their classes and, as far as they are known, factors.

    Factors that come with the data set take precedence over measured ones.
    """
    source = "measured" if data.test_factors is None else "known"
    sample = sample_of(data.test_labels, factors_of(data, cache))
    return ImageSet.of(data.test_images, sample, source)
