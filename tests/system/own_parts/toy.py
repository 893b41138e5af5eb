"""A data set, a network, an objective and a metric from outside the packages."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import nn

from analysis.metrics import Metric
from study.data import Dataset

HEIGHT, WIDTH = 12, 20


def bars(n, seed):
    """Bright bars on dark ground: their place and their length are known; three kinds of shade."""
    random = np.random.default_rng(seed)
    place, length = random.uniform(2, 14, n), random.uniform(3, 9, n)
    kind = random.integers(0, 3, n)
    row, column = np.mgrid[:HEIGHT, :WIDTH]
    inside = np.abs(column - place[:, None, None]) < 2
    inside &= np.abs(row - 6) < length[:, None, None] / 2
    images = (inside * (255 - 60 * kind[:, None, None])).astype(np.uint8)
    return images, kind, pd.DataFrame({"place_px": place, "length_px": length})


def data():
    train, train_kind, _ = bars(600, seed=0)
    test, test_kind, factors = bars(600, seed=1)
    return Dataset(train, train_kind, test, test_kind, n_classes=3, test_factors=factors)


class Decoder(nn.Module):
    def __init__(self, latent_dim, n_labels, image):
        super().__init__()
        self.image = image
        self.layer = nn.Linear(latent_dim + n_labels, image[0] * image[1] * image[2])

    def forward(self, latent, label=None):
        inputs = latent if label is None else torch.cat([latent, label], dim=-1)
        return torch.unflatten(self.layer(inputs), -1, self.image)


class Encoder(nn.Module):
    def __init__(self, latent_dim, n_labels, image):
        super().__init__()
        self.layer = nn.Linear(image[0] * image[1] * image[2] + n_labels, 2 * latent_dim)

    def forward(self, images, label=None):
        flat = images.flatten(-3)
        return self.layer(flat if label is None else torch.cat([flat, label], dim=-1))


def network(data, latent_dim, n_labels, config):
    return Encoder(latent_dim, n_labels, data.image), Decoder(latent_dim, n_labels, data.image)


def free_bits(terms, weights):
    """No price on the first nat of the KL."""
    return terms["recon"] + weights["beta"] * (terms["kl"] - 1).clamp(min=0)


class Loudest(NamedTuple):
    score: float
    interval: tuple[float, float] = (0.0, 1.0)
    saturated: bool = False
    protocol: Mapping[str, int] = {}


def loudest(codes, factors, seed=0):
    """The share of variance that the loudest latent has."""
    variance = codes.var(axis=0)
    return Loudest(float(variance.max() / variance.sum()))


LOUDEST = Metric("loudest", "Loudest latent", loudest)
