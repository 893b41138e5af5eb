"""A variational autoencoder: network, prior and likelihood as one module."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from study.data.dataset import DataShape
from study.models.likelihoods import Likelihood
from study.models.posterior import Posterior
from study.models.priors import NormalPrior


class Terms(NamedTuple):
    """The ELBO's terms of a batch, in nats, and what they were computed from."""

    recon: Tensor  # (..., batch), -log p(x|z)
    kl: Tensor  # (..., batch, latent_dim), KL of every latent, unweighted
    posterior: Posterior
    latent: Tensor  # (..., batch, latent_dim), a sample of the posterior


class Vae(nn.Module):
    """q(z|x), p(z) and p(x|z) of images of one shape.

    `n_classes` is the width of the one-hot label that the model is conditioned on; 0 for none.
    Beta is a matter of the objective: a standard and a beta-VAE are the same model.
    """

    def __init__(
        self,
        network: tuple[nn.Module, nn.Module],
        prior: NormalPrior,
        likelihood: Likelihood,
        data: DataShape,
        n_classes: int = 0,
    ) -> None:
        super().__init__()
        self.encoder, self.decoder = network
        self.prior, self.likelihood, self.data_shape = prior, likelihood, data
        self.latent_dim, self.n_classes = prior.latent_dim, n_classes

    def encode(self, pixels: Tensor, label: Tensor | None = None) -> Posterior:
        """Posterior of images (..., batch, n_pixels) in [0, 1]; labels are one-hot."""
        self._check(label)
        output = self.encoder(torch.unflatten(pixels, -1, self.data_shape.image), label)
        return Posterior(*output.to(pixels.dtype).chunk(2, dim=-1))  # fp32, also under autocast

    def decode(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        """Parameters of the likelihood (..., batch, n_pixels) of latents (..., batch, latent_dim).

        For the Bernoulli they are the logits of the pixels.
        """
        self._check(label)
        output: Tensor = self.decoder(latent, label)
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
            noise: (..., batch, latent_dim), standard normal; None: at the posterior mean.
            label: one-hot, (..., batch, n_classes), for a conditional model.
            gradient: whether one will be asked for; without, the likelihood is cheaper.
        """
        posterior = self.encode(pixels, label)
        latent = posterior.mean if noise is None else posterior.sample(noise)
        nll = self.likelihood.nll if gradient else self.likelihood.nll_value
        recon = nll(self.decode(latent, label), pixels)
        return Terms(recon, self.prior.kl(posterior, latent), posterior, latent)

    def _check(self, label: Tensor | None) -> None:
        width = 0 if label is None else label.shape[-1]
        if width != self.n_classes:
            raise ValueError(f"the model is conditioned on {self.n_classes} classes, got {width}")
