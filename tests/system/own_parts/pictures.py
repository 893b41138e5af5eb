"""Data sets of all kinds: colour, without labels, of many classes, of two; small pictures."""

import numpy as np
import pandas as pd

from study.data import Dataset

N = 400  # images of a split


def discs(n, seed, height=16, width=20):
    """Bright discs on dark ground, (n, height, width) in [0, 1]; their place and radius."""
    random = np.random.default_rng(seed)
    place, radius = random.uniform(4, width - 5, n), random.uniform(1.5, 6, n)
    row, column = np.mgrid[:height, :width]
    apart = np.hypot(row - (height - 1) / 2, column - place[:, None, None])
    ink = np.clip(radius[:, None, None] - apart + 0.5, 0, 1)
    return ink, pd.DataFrame({"place_px": place, "radius_px": radius})


def colour():
    """Colour, 16 x 20, without labels and factors."""
    splits = []
    for seed in (0, 1):
        ink, _ = discs(N, seed)
        tint = np.random.default_rng(seed).uniform(0.3, 1, (N, 1, 1, 3))
        splits += [(255 * ink[..., None] * tint).astype(np.uint8), np.zeros(N, np.int64)]
    return Dataset(*splits, n_classes=0)


def factors():
    """Grey, 16 x 20, with known factors and without labels."""
    (train, train_factors), (test, test_factors) = discs(N, 0), discs(N, 1)
    none = np.zeros(N, np.int64)
    images = (255 * train).astype(np.uint8), none, (255 * test).astype(np.uint8), none
    return Dataset(*images, n_classes=0, test_factors=test_factors, train_factors=train_factors)


def classes():
    """Grey, 12 x 12, of 200 classes by radius, many of which have few images or none."""
    splits = []
    for seed in (0, 1):
        ink, known = discs(N, seed, 12, 12)
        label = np.minimum((known["radius_px"] - 1.5) / 4.5 * 200, 199).astype(np.int64)
        splits += [(255 * ink).astype(np.uint8), label.to_numpy()]
    return Dataset(*splits, n_classes=200)


def two():
    """Grey, 12 x 12, of two classes: small discs and large ones."""
    train, train_labels, test, test_labels, *_ = classes()
    return Dataset(train, train_labels // 100, test, test_labels // 100, n_classes=2)
