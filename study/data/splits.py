"""The images that train and those that test, as tensors on the device that trains."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from study.config.errors import UsageError
from study.data.dataset import Dataset, DataShape, pixel_rows


class Split(NamedTuple):
    """Images and classes of one split on the device that trains.

    One-hot labels are looked up a batch at a time: for 700,000 images of 1,000 classes they would
    take 2.8 GB.
    """

    images: Tensor  # (n, n_pixels), uint8
    classes: Tensor  # (n,), whole numbers
    one_hot: Tensor  # (n_classes or 1, n_columns), the label of each class

    def for_classes(self, n_classes: int) -> "Split":
        """The same images for a model conditioned on so many classes; 0: no label columns."""
        return self._replace(one_hot=self.one_hot[:, :n_classes])

    def labels(self, rows: Tensor | slice) -> Tensor:
        """One-hot labels of these images, (..., n_columns)."""
        return F.embedding(self.classes[rows], self.one_hot)


def splits(data: Dataset, n_train: int, device: torch.device) -> tuple[Split, Split]:
    """The first `n_train` train images and the whole test set, with all label columns.

    Raises:
        UsageError: there are fewer train images.
    """
    if n_train > len(data.train_images):
        raise UsageError(
            f"train_images must be at most {len(data.train_images)} for {data.name}, got {n_train}"
        )
    return (
        _split(data.train_images[:n_train], data.train_labels[:n_train], data.n_classes, device),
        _split(data.test_images, data.test_labels, data.n_classes, device),
    )


def random_data(shape: DataShape, n_train: int, n_test: int) -> Dataset:
    """Noise in the shape of a data set: it takes as long to train on."""
    random = np.random.default_rng(0)
    size = (shape.height, shape.width, shape.channels)[: 2 if shape.channels == 1 else 3]

    def images(n: int) -> np.ndarray:
        return random.integers(0, 256, (n, *size), dtype=np.uint8)

    def labels(n: int) -> np.ndarray:
        return random.integers(0, max(1, shape.n_classes), n, dtype=np.int64)

    arrays = images(n_train), labels(n_train), images(n_test), labels(n_test)
    return Dataset(*arrays, name="noise", n_classes=shape.n_classes)


def _split(images: np.ndarray, labels: np.ndarray, n_classes: int, device: torch.device) -> Split:
    pixels = torch.from_numpy(pixel_rows(images))
    classes = torch.from_numpy(labels).long()
    one_hot = torch.eye(max(1, n_classes))[:, :n_classes]  # without labels every class is 0
    return Split(pixels.to(device), classes.to(device), one_hot.to(device))
