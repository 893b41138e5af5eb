"""Priors p(z) over the latents.

A prior is a module made by a function `(data: DataShape, latent_dim, config, encode) -> prior`,
where `encode(pixels, label) -> Posterior` is the model's own encoder. It has

- `log_prob(latent, label)`: log p(z) of latents (..., batch, latent_dim) -> (..., batch), nats;
- `sample(n, label, generator)`: latents drawn from it, (n, latent_dim);
- `kl_by_latent(posterior, label)`, only where it factorises and has this in closed form:
  KL(q(z|x) || p(z)) of every latent, (..., batch, latent_dim), nats;
- `start_from(images, classes, one_hot, generator)`, only where it starts from training images:
  called once, before the first epoch, with all of them: (n, n_pixels), uint8, (n,) whole numbers,
  and the label of each class, (n_classes, n_columns).

A label is one-hot, (..., batch, n_classes), or None for a model without. Leading axes are those of
a pack, which parameters have as well.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from study.config.run import RunConfig
from study.data.dataset import DataShape
from study.models.posterior import Posterior
from study.models.priors.flow import flow, stackable_flow
from study.models.priors.mixture import mixture, vamp
from study.models.priors.normal import ClassNormalPrior, NormalPrior, gaussian_kl, normal


class Prior(Protocol):
    """What every prior can do; `kl_by_latent` some can besides."""

    def log_prob(self, latent: Tensor, label: Tensor | None) -> Tensor:
        """log p(z) of latents (..., batch, latent_dim), (..., batch), nats."""

    def sample(self, n: int, label: Tensor | None, generator: torch.Generator | None) -> Tensor:
        """Latents drawn from the prior, (n, latent_dim)."""


Encode = Callable[[Tensor, Tensor | None], Posterior]
MakePrior = Callable[[DataShape, int, RunConfig, Encode], Prior]

PRIORS: dict[str, MakePrior] = {"normal": normal, "mixture": mixture, "vamp": vamp, "flow": flow}
STACKABLE_PRIORS: dict[str, MakePrior] = {**PRIORS, "flow": stackable_flow}
"""Priors that can be trained in packs."""

__all__ = [
    "PRIORS",
    "STACKABLE_PRIORS",
    "ClassNormalPrior",
    "Encode",
    "MakePrior",
    "NormalPrior",
    "Prior",
    "gaussian_kl",
]
