"""FactorVAE: the KL and a weighted total correlation, which a discriminator estimates."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from study.config.run import RunConfig
from study.losses.interface import Terms

N_LAYERS, SLOPE = 6, 0.2


class Discriminator(nn.Module):
    """Tells samples of q(z) from those whose latents were permuted: six leaky layers, one logit.

    One logit in place of the published two, whose difference it is. Weights start as He et al.
    2015, arXiv:1502.01852, have it, which the paper leaves open. Weights and latents may have a
    first axis of models.
    """

    def __init__(self, latent_dim: int, hidden: int) -> None:
        super().__init__()
        widths = [latent_dim, *[hidden] * N_LAYERS, 1]
        layers = list(map(nn.Linear, widths[:-1], widths[1:]))
        for one in layers:
            nn.init.kaiming_normal_(one.weight, a=SLOPE)
            nn.init.zeros_(one.bias)
        self.layers = nn.ModuleList(layers)

    def forward(self, latent: Tensor, permuted: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """log D - log(1 - D), (..., batch), of latents (..., batch, latent_dim).

        It estimates log q(z) - sum_j log q(z_j), whose mean is the total correlation.

        Args:
            latent: samples of the posteriors.
            permuted: as `permuted` gives them, (..., half, latent_dim); none where nothing learns.

        Returns:
            The logits of the samples, by which weights have no gradient, (..., batch); and those
            of the first half of the samples, then of the permuted ones, by which the latents have
            none, (..., 2 * half).
        """
        device, kind = latent.device.type, latent.dtype
        if torch.is_autocast_enabled(device):
            kind = torch.get_autocast_dtype(device)
        layers = [value.to(kind) for one in self.layers for value in (one.weight, one.bias)]
        rest = latent[..., :0, :] if permuted is None else permuted
        with torch.autocast(device, enabled=False):
            logit, seen, *_ = _Logits.apply(latent, rest, *layers)
        return logit, seen


class _Logits(torch.autograd.Function):
    """Logits of samples and of what weights learn from, each row passed through the layers once.

    The first half of the samples is in both, with a gradient of its own in each, so that the
    gradient is written out. Weights are read, and in bf16 rounded, once.
    """

    @staticmethod
    def forward(latent: Tensor, permuted: Tensor, *layers: Tensor) -> tuple[Tensor, ...]:
        n, half = latent.shape[-2], permuted.shape[-2]
        values, inputs = torch.cat([latent, permuted], dim=-2), list[Tensor]()
        for weight, bias in zip(layers[::2], layers[1::2], strict=True):
            inputs.append((F.leaky_relu(values, SLOPE) if inputs else values).to(weight.dtype))
            values = (inputs[-1] @ weight.mT + bias.unsqueeze(-2)).to(latent.dtype)
        logits = values.squeeze(-1)
        return logits[..., :n].clone(), _seen(logits, n, half, dim=-1), *inputs

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        latent, permuted, *layers = inputs
        kept = output[2:]  # what goes into each layer
        ctx.mark_non_differentiable(*kept)
        ctx.save_for_backward(*kept, *layers[::2])
        ctx.n, ctx.half = latent.shape[-2], permuted.shape[-2]

    @staticmethod
    def backward(ctx: Any, of_logit: Tensor, of_seen: Tensor, *_: Tensor) -> tuple[Any, ...]:
        saved, n = ctx.saved_tensors, ctx.n
        inputs, weights = saved[: len(saved) // 2], saved[len(saved) // 2 :]
        gradient = torch.cat([of_logit, of_seen], dim=-1).unsqueeze(-1).to(weights[0].dtype)
        of_layers: list[Tensor] = []
        for place in reversed(range(len(weights))):
            learned = gradient[..., n:, :]
            seen = _seen(inputs[place], n, ctx.half, dim=-2)
            of_layers[:0] = [learned.mT @ seen, learned.sum(dim=-2)]
            if place:
                positive = torch.cat([inputs[place][..., :n, :], seen], dim=-2) > 0
                gradient = gradient @ weights[place]
                gradient = torch.where(positive, gradient, SLOPE * gradient)
        of_latent = (gradient[..., :n, :] @ weights[0]).to(of_logit.dtype)
        return of_latent, None, *of_layers


def _seen(rows: Tensor, n: int, half: int, dim: int) -> Tensor:
    """The first half of the samples and the permuted ones, of rows of n samples and the latter."""
    return torch.cat([rows.narrow(dim, 0, half), rows.narrow(dim, n, half)], dim=dim)


def discriminator(config: RunConfig) -> Discriminator | None:
    """The untrained discriminator of a run; None for an objective without one."""
    if config.objective != "factor":
        return None
    assert config.discriminator_hidden is not None  # the configuration fills it in
    return Discriminator(config.latent_dim, config.discriminator_hidden)


def factor_objective(terms: Terms, weights: Terms) -> Tensor:
    """recon + KL + gamma TC, TC the mean of the discriminator's logit.

    Source: Kim & Mnih 2018, arXiv:1802.05983, eq. 2 and algorithm 2.
    """
    return terms["recon"] + terms["kl"] + weights["gamma"] * terms["logit"].mean(dim=-1)


def permuted(latent: Tensor, noise: Tensor) -> Tensor:
    """The second half of a batch, each latent permuted on its own.

    In the order of the first half's noise, which says nothing of the second.

    Args:
        latent: samples of the posteriors, (..., batch, latent_dim); of an odd batch the last is
            left out.
        noise: what made the samples, same shape.

    Returns:
        (..., batch // 2, latent_dim).
    """
    half = latent.shape[-2] // 2
    order = noise[..., :half, :].argsort(dim=-2)
    return latent[..., half : 2 * half, :].gather(-2, order)


def discriminator_loss(logit: Tensor) -> Tensor:
    """Cross-entropy of telling samples from permuted ones, (...,), of the logits of both halves.

    Source: Kim & Mnih 2018, algorithm 2.
    """
    real, permuted = logit.chunk(2, dim=-1)
    return 0.5 * (F.softplus(-real).mean(dim=-1) + F.softplus(permuted).mean(dim=-1))
