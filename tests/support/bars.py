"""A decoder whose latents are known to move the thickness or the slant of a bar."""

import numpy as np
import torch
from torch import nn

from analysis.latent_effects.alignment import Starts
from analysis.representations.traversal import Directions
from study.data.shipped.mnist import SHAPE
from study.models.likelihoods import Bernoulli

SPREAD = np.array([0.70, 0.245, 3.86])  # of real digits: px, rad, px
N_LATENTS = 5
THICKER, SLANTED, NOTHING, BOTH, OTHER_DIGIT = range(N_LATENTS)
PX_A_STEP, RAD_A_STEP = 0.6, 0.1
LATENTS = Directions(np.eye(N_LATENTS), np.eye(N_LATENTS), np.zeros(N_LATENTS))


def some_starts(seed=0):
    """Two of each of ten digits, anywhere near the middle."""
    codes = np.random.default_rng(seed).normal(scale=0.3, size=(20, N_LATENTS))
    return Starts(codes, np.repeat(np.arange(10), 2), SPREAD)


class Bars(nn.Module):
    """Draws an upright bar; latents make it thicker, slanted, both, or another digit's shape."""

    latent_dim, n_classes, data_shape = N_LATENTS, 0, SHAPE
    likelihood = Bernoulli()

    def __init__(self):
        super().__init__()
        self.nothing = nn.Parameter(torch.zeros(1))

    def decode(self, latent, label=None):
        row, column = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
        z = latent[:, :, None, None]
        half = 2 + PX_A_STEP / 2 * (z[:, THICKER] + z[:, BOTH])
        angle = RAD_A_STEP * (z[:, SLANTED] + z[:, BOTH])
        middle = 13.5 - torch.tan(angle) * (row - 13.5)
        inside = half - torch.cos(angle) * (column - middle).abs()  # as thick as it was
        bar = (inside + 0.5).clamp(0, 1) * ((row >= 5) & (row <= 22))
        ring = (((row - 13.5) ** 2 + (column - 13.5) ** 2).sqrt() - 8).abs() < 1.5
        picture = torch.where(z[:, OTHER_DIGIT].abs() > 1.5, ring.float(), bar)
        return torch.logit(picture.clamp(1e-6, 1 - 1e-6)).flatten(1)


class RingOrBar:
    """Reads a ring as 0 and a bar as 1."""

    def read(self, images):
        return (images[:, 13, 13] > 127).astype(np.int64)
