"""Tables of grids of any size, and a model that shows its latents, for the tests of figures."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from analysis.statistics.dominance import non_dominated
from study.data import DataShape
from study.models.likelihoods import Bernoulli
from study.models.posterior import Posterior
from study.models.priors import NormalPrior
from study.models.vae import Vae

ONE = [("none", 10, 4.0)]
PAPER = [
    *(("none", j, 1.0) for j in (3, 5, 10, 20, 200)),
    *(("none", 10, beta) for beta in (3.0, 5.0, 10.0, 20.0)),
    *(("label", 10, beta) for beta in (1.0, 3.0, 5.0, 10.0)),
]
FULL = [
    (condition, j, beta)
    for condition in ("none", "label")
    for j in (3, 5, 10, 20, 200)
    for beta in (1.0, 3.0, 5.0, 10.0, 20.0)
]
SIZES = pytest.mark.parametrize("grid", [ONE, PAPER, FULL], ids=["one", "paper", "full"])


def axes_of(grid):
    table = pd.DataFrame(grid, columns=["conditioning", "latent_dim", "beta"])
    names = table["latent_dim"].astype(str) + "-beta" + table["beta"].map("{:g}".format)
    return table.assign(configuration="J" + names + "-" + table["conditioning"])


def ranking_of(grid, seed=0):
    """A ranking as FigureInputs.ranked gives it to figures, with floor and ceiling."""
    rng = np.random.default_rng(seed)
    table = axes_of(grid).assign(ranked_by="Higgins (3 pairs) on redrawn images", scope="all")
    table["score"] = np.sort(rng.uniform(0.6, 0.999, len(table)))[::-1]
    table["difference"] = table["score"] - table["score"].max()
    for name in ("score", "difference"):
        table[f"{name}_low"], table[f"{name}_high"] = table[name] - 0.02, table[name] + 0.001
    table["neg_elbo_joint"] = 100 + 3 * table["beta"] + rng.normal(size=len(table))
    table["pareto"] = non_dominated(np.column_stack([table["neg_elbo_joint"], -table["score"]]))
    table["verdict"] = np.where(table.index < 3, "among the best", "behind")
    beside = {"chance": 1 / 3, "untrained": 0.6, "pixel_pca": 0.94, "rotated": 0.5, "oracle": 1.0}
    return table.assign(n_scored=3, **beside)


def latents_of(grid):
    rows = [
        {
            "run": f"{row['configuration']}-seed0",
            **row,
            "latent": k + 1,
            "kl": 5 / (k + 1) ** 2,
            "mean_variance": float(k < 5),
        }
        for row in axes_of(grid).to_dict("records")
        for k in range(row["latent_dim"])
    ]
    return pd.DataFrame(rows).drop(columns="configuration")


SHAPE = DataShape(channels=1, height=28, width=28, n_classes=10)


class Show(Vae):
    """Pixel j is latent j, pixel 10 the digit; encodes an image as its first three pixels."""

    def __init__(self, n_classes=0):
        neither = nn.Identity(), nn.Identity()
        super().__init__(neither, NormalPrior(3), Bernoulli(), SHAPE, 3, n_classes)
        self.nothing = nn.Parameter(torch.zeros(1))

    def encode(self, pixels, label=None):
        mean = torch.logit(pixels[:, :3].clamp(0.01, 0.99))
        return Posterior(mean, torch.full_like(mean, -20.0))

    def decode(self, latent, label=None):
        logits = torch.full((len(latent), 784), -20.0)
        logits[:, :3] = latent
        if label is not None and self.decoder_classes:
            logits[:, 10] = torch.logit(label.argmax(dim=1) / 20 + 0.1)
        return logits


def levels(latents):
    """Grey levels of the pixels that show latents."""
    return np.round(255 / (1 + np.exp(-np.asarray(latents, float))))


def digit_of(pictures):
    return np.round((pictures[..., 0, 10] / 255 - 0.1) * 20).astype(int)


def ten_images():
    """The first three pixels tell the digit; all others are black."""
    made = np.zeros((10, 28, 28), np.uint8)
    made[:, 0, :3] = np.arange(10)[:, None] * 20 + [30, 40, 50]
    return made
