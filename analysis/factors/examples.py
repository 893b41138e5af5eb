"""Which test images stand for a data set in figures and on the explorer's page."""

import numpy as np

from analysis.factors.image_set import Ints
from study.data import Dataset

FEW = 10  # images of a figure, as many as MNIST has classes


def examples(data: Dataset, most: int = FEW) -> Ints:
    """Indices of test images to show, class by class: as many of each, `most` in all.

    Of more classes than that, the first ones; without labels, the first images.
    """
    if not data.n_classes:
        return np.arange(min(most, len(data.test_images)))
    shown = np.unique(data.test_labels)[:most]
    each = most // len(shown)
    return np.concatenate([np.flatnonzero(data.test_labels == one)[:each] for one in shown])


def examples_in_words(data: Dataset, most: int = FEW) -> str:
    """What `examples` are: `the first test image of every digit`."""
    n_shown = min(most, len(np.unique(data.test_labels)))
    n = most // n_shown
    first = "the first test image" if n == 1 else f"the first {n} test images"
    if not data.n_classes:
        return first
    if n_shown == data.n_classes:
        return f"{first} of every {data.noun}"
    return f"{first} of {n_shown} of {data.n_classes} classes"
