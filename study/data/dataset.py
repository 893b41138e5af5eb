"""What a data set is: arrays, their shape, and what is known of its images."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from study.config.errors import StudyError

MOST_CLASSES = 1000


class DataError(StudyError):
    """A data set is missing, damaged or cannot be kept; the message says what to do."""


class DataShape(NamedTuple):
    """What a model must know of a data set."""

    channels: int
    height: int
    width: int
    n_classes: int

    @property
    def image(self) -> tuple[int, int, int]:
        """(channels, height, width)."""
        return self[:3]

    @property
    def n_pixels(self) -> int:
        """Values of one image."""
        return self.channels * self.height * self.width


class Dataset(NamedTuple):
    """Images, 0 to 255, and their classes, 0 to n_classes - 1, as far as there are any.

    Colour images have a last axis of channels. Arrays may be mapped from files; writing to one
    changes this process's copy alone.
    """

    train_images: np.ndarray  # (n, height, width) or (n, height, width, channels), uint8
    train_labels: np.ndarray  # (n,), whole numbers
    test_images: np.ndarray
    test_labels: np.ndarray
    name: str = "mnist"
    n_classes: int = 10  # 0: there are no labels, their arrays are zero
    hash: str = ""  # of the content
    measure: str | None = None  # what measures its pictures: "strokes"; None: nothing does
    test_factors: pd.DataFrame | None = None  # known factors, a row a test image
    train_factors: pd.DataFrame | None = None  # the same of the training images
    class_names: Sequence[str] = ()  # one each; (): they are called by their numbers

    @property
    def shape(self) -> DataShape:
        """Size of one image and number of classes."""
        return image_shape(self.train_images, self.n_classes)

    @property
    def noun(self) -> str:
        """The word for a class: digits are what strokes are measured on, but letters have names."""
        return "digit" if self.measure == "strokes" and not self.class_names else "class"

    def class_name(self, label: int) -> str:
        """Of one class: its name where it has one, else its number."""
        return self.class_names[label] if self.class_names else str(label)


def image_shape(images: np.ndarray, n_classes: int) -> DataShape:
    """The shape of images (n, height, width) or (n, height, width, channels)."""
    height, width = images.shape[1:3]
    return DataShape(images.shape[3] if images.ndim == 4 else 1, height, width, n_classes)


def pixel_rows(images: np.ndarray) -> np.ndarray:
    """Images as models read them: (n, n_pixels), channels first."""
    if images.ndim == 4:
        images = np.ascontiguousarray(np.moveaxis(images, 3, 1))
    return images.reshape(len(images), -1)


def require_sound(data: Dataset, source: str) -> Dataset:
    """The data set, once its arrays are known to fit together.

    Raises:
        DataError: they do not; names `source`, the part, and what was seen.
    """
    shape = data.train_images.shape[1:]
    for split in ("train", "test"):
        images, labels = getattr(data, f"{split}_images"), getattr(data, f"{split}_labels")
        if images.dtype != np.uint8 or images.ndim not in (3, 4) or images.shape[1:] != shape:
            raise DataError(
                f"{source}: {split}_images must be uint8, (n, height, width) or (n, height, width,"
                f" channels), the same in both splits; got {images.dtype} {images.shape}"
            )
        if len(images) == 0 or labels.shape != (len(images),):
            raise DataError(
                f"{source}: {len(images)} {split}_images and {split}_labels of shape"
                f" {labels.shape}: give one label per image"
            )
        highest = max(0, data.n_classes - 1)
        if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() > highest:
            raise DataError(
                f"{source}: {split}_labels must be whole numbers from 0 to {highest}"
                f" (n_classes - 1), got {labels.dtype} from {labels.min()} to {labels.max()}"
            )
    names = data.class_names
    if names and (len(names) != data.n_classes or len(set(names)) < len(names)):
        raise DataError(
            f"{source}: {len(names)} class_names ({', '.join(map(str, names[:4]))}, ...) and"
            f" {data.n_classes} classes: give each class one name"
        )
    for split in ("train", "test"):
        factors, images = getattr(data, f"{split}_factors"), getattr(data, f"{split}_images")
        if factors is not None and len(factors) != len(images):
            raise DataError(
                f"{source}: {len(factors)} {split}_factors and {len(images)} {split}_images:"
                " give one row per image"
            )
    return data
