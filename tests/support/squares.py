"""Squares of known place and size, and a decoder whose latents move one of these alone."""

import numpy as np
import pandas as pd
import torch
from torch import nn

from study.data import Dataset, DataShape
from study.models.likelihoods import Bernoulli
from study.models.priors import NormalPrior

SIDE = 16
N_LATENTS = 4
ACROSS, SIZE, DIAGONAL, NOTHING = range(N_LATENTS)
MIDDLE, STEP = (8.0, 8.0, 3.0), (1.0, 1.0, 0.4)  # pixels: x, y, half of the side
FACTORS = ["x", "y", "size"]


def draw(x, y, half):
    """Squares with soft edges, (n, SIDE, SIDE) in [0, 1]; tensors (n,) in pixels."""
    at = torch.arange(SIDE) + 0.5
    across, down = ((at - middle[:, None]).abs() for middle in (x, y))
    inside = [(half[:, None] - apart + 0.5).clamp(0, 1) for apart in (across, down)]
    return inside[1][:, :, None] * inside[0][:, None, :]


def squares(n_train=3_000, n_test=500, seed=0) -> Dataset:
    """Squares anywhere, and a factor that no picture shows."""
    rng = np.random.default_rng(seed)

    def split(n):
        x, y = rng.uniform(5, 11, (2, n))
        half = rng.uniform(2, 4, n)
        pictures = draw(*(torch.tensor(value) for value in (x, y, half)))
        images = (255 * pictures).round().to(torch.uint8).numpy()
        known = pd.DataFrame({"x": x, "y": y, "size": 2 * half, "unseen": rng.normal(size=n)})
        return images, np.zeros(n, np.int64), known

    train, labels, factors = split(n_train)
    test, test_labels, test_factors = split(n_test)
    facts = {"name": "squares", "n_classes": 1, "hash": "squares", "measure": None}
    known = {"train_factors": factors, "test_factors": test_factors}
    return Dataset(train, labels, test, test_labels, **facts, **known)


class Squares(nn.Module):
    """One latent moves a square to the right, one makes it larger, one moves it down and right."""

    latent_dim, n_classes = N_LATENTS, 0
    data_shape = DataShape(1, SIDE, SIDE, 1)
    likelihood = Bernoulli()

    def __init__(self):
        super().__init__()
        self.prior = NormalPrior(N_LATENTS)
        self.nothing = nn.Parameter(torch.zeros(1))

    def decode(self, latent, label=None):
        x, y, half = (torch.full((len(latent),), value) for value in MIDDLE)
        diagonal = 0.7 * latent[:, DIAGONAL]
        pictures = draw(
            x + STEP[0] * latent[:, ACROSS] + diagonal,
            y + diagonal,
            half + STEP[2] * latent[:, SIZE],
        )
        return torch.logit(pictures.clamp(1e-4, 1 - 1e-4)).flatten(1)
