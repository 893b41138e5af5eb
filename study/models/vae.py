"""A variational autoencoder: network, prior and likelihood as one module."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from study.data.dataset import DataShape
from study.models.likelihoods import Likelihood
from study.models.posterior import Posterior
from study.models.priors import Prior


class Terms(NamedTuple):
    """The ELBO's terms of a batch, in nats, and what they were computed from."""

    recon: Tensor  # (..., batch), -log p(x|z)
    kl: Tensor  # (..., batch), unweighted; an estimate at `latent` where kl_by_latent is None
    kl_by_latent: Tensor | None  # (..., batch, latent_dim), where the prior has it in closed form
    posterior: Posterior
    latent: Tensor  # (..., batch, latent_dim), a sample of the posterior


def encode(encoder: nn.Module, data: DataShape, pixels: Tensor, label: Tensor | None) -> Posterior:
    """Posterior of images (..., batch, n_pixels) in [0, 1]; labels are one-hot."""
    output = encoder(torch.unflatten(pixels, -1, data.image), label)
    return Posterior(*output.to(pixels.dtype).chunk(2, dim=-1))  # fp32, also under autocast


class Vae(nn.Module):
    """q(z|x), p(z) and p(x|z) of images of one shape.

    `n_classes` is the width of the one-hot label that the model is conditioned on, 0 for none;
    `decoder_classes` of that which its decoder sees: 0 also where labels are in the prior (eq. 7).
    Beta is a matter of the objective: a standard and a beta-VAE are the same model.
    """

    def __init__(
        self,
        network: tuple[nn.Module, nn.Module],
        prior: Prior,
        likelihood: Likelihood,
        data: DataShape,
        latent_dim: int,
        n_classes: int = 0,
        decoder_classes: int | None = None,
    ) -> None:
        super().__init__()
        self.encoder, self.decoder = network
        self.prior, self.likelihood, self.data_shape = prior, likelihood, data
        self.latent_dim, self.n_classes = latent_dim, n_classes
        self.decoder_classes = n_classes if decoder_classes is None else decoder_classes

    def encode(self, pixels: Tensor, label: Tensor | None = None) -> Posterior:
        """Posterior of images (..., batch, n_pixels) in [0, 1]; labels are one-hot."""
        self._check(label)
        return encode(self.encoder, self.data_shape, pixels, label)

    def decode(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        """Parameters of the likelihood (..., batch, n_pixels) of latents (..., batch, latent_dim).

        For the Bernoulli they are the logits of the pixels.
        """
        self._check(label)
        seen = label if self.decoder_classes == self.n_classes else None
        output: Tensor = self.decoder(latent, seen)
        return output.to(latent.dtype).flatten(-3)

    def forward(
        self,
        pixels: Tensor,
        noise: Tensor | None,
        label: Tensor | None = None,
        *,
        gradient: bool = True,
    ) -> Terms:
        """The ELBO's terms of images.

        Args:
            pixels: (..., batch, n_pixels), in [0, 1].
            noise: (..., batch, latent_dim), standard normal; None: at the posterior mean, where
                the KL is nan if the prior has none in closed form.
            label: one-hot, (..., batch, n_classes), for a conditional model.
            gradient: whether one will be asked for; without, the likelihood is cheaper.
        """
        posterior = self.encode(pixels, label)
        latent = posterior.mean if noise is None else posterior.sample(noise)
        nll = self.likelihood.nll if gradient else self.likelihood.nll_value
        recon = nll(self.decode(latent, label), pixels)
        kl, by_latent = self._kl(posterior, latent, noise, label)
        return Terms(recon, kl, by_latent, posterior, latent)

    def _kl(
        self, posterior: Posterior, latent: Tensor, noise: Tensor | None, label: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """KL(q(z|x) || p(z)) of each image, (..., batch), and of each latent or None."""
        if closed_form := getattr(self.prior, "kl_by_latent", None):
            by_latent: Tensor = closed_form(posterior, label)
            return by_latent.sum(dim=-1), by_latent
        if noise is None:
            return torch.full_like(latent[..., 0], math.nan), None
        return posterior.log_prob(noise) - self.prior.log_prob(latent, label), None

    def _check(self, label: Tensor | None) -> None:
        width = 0 if label is None else label.shape[-1]
        if width != self.n_classes:
            raise ValueError(f"the model is conditioned on {self.n_classes} classes, got {width}")
