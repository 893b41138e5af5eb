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

    def forward(self, latent: Tensor, seen: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """log D - log(1 - D), (..., batch), of latents (..., batch, latent_dim).

        It estimates log q(z) - sum_j log q(z_j), whose mean is the total correlation.

        Args:
            latent: samples; where `seen` is given, the weights have no gradient by them.
            seen: others, that the weights learn from; their logits are returned as well. One pass
                serves both: weights are read, and in bf16 rounded, once.
        """
        n = 0 if seen is None else latent.shape[-2]  # rows to which weights are fixed
        values = latent if seen is None else torch.cat([latent, seen], dim=-2)
        *hidden, output = self.layers
        for linear in hidden:
            values = F.leaky_relu(_outputs(linear, values, n), SLOPE)
        logits = _outputs(output, values, n).squeeze(-1)
        return logits if seen is None else (logits[..., :n], logits[..., n:])


class _Apart(torch.autograd.Function):
    """inputs @ weight.T + bias, whose weight and bias learn from the rows after the first n.

    A compiled step with 1,000 units takes 43 ms with it, 51 with a pass for each half (one Zen 4
    core, bf16); the products alone and a fused Adam take 31.
    """

    @staticmethod
    def forward(inputs: Tensor, weight: Tensor, bias: Tensor, n: int) -> Tensor:
        return inputs @ weight.mT + bias.unsqueeze(-2)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs[:2])
        ctx.n = inputs[3]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        inputs, weight = ctx.saved_tensors
        learned = gradient[..., ctx.n :, :]
        of_weight = learned.mT @ inputs[..., ctx.n :, :]
        return gradient @ weight, of_weight, learned.sum(dim=-2), None


def _outputs(layer: Any, inputs: Tensor, n_fixed: int) -> Tensor:
    """A layer's outputs in the type of its weights, also where autocast multiplies in bf16."""
    weight, bias, device = layer.weight, layer.bias, inputs.device.type
    kind = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weight.dtype
    with torch.autocast(device, enabled=False):
        outputs: Tensor = _Apart.apply(inputs.to(kind), weight.to(kind), bias.to(kind), n_fixed)
    return outputs.to(weight.dtype)


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


def real_and_permuted(latent: Tensor, noise: Tensor) -> Tensor:
    """What a discriminator learns from: the first half of a batch, then the second, permuted.

    Each latent of the second half is permuted on its own, in the order of the first half's noise,
    which says nothing of the second.

    Args:
        latent: samples of the posteriors, (..., batch, latent_dim); of an odd batch the last is
            left out.
        noise: what made the samples, same shape.

    Returns:
        (..., 2 * (batch // 2), latent_dim).
    """
    half = latent.shape[-2] // 2
    order = noise[..., :half, :].argsort(dim=-2)
    permuted = latent[..., half : 2 * half, :].gather(-2, order)
    return torch.cat([latent[..., :half, :], permuted], dim=-2)


def discriminator_loss(logit: Tensor) -> Tensor:
    """Cross-entropy of telling the halves of `real_and_permuted`, (...,), of logits (..., batch).

    Source: Kim & Mnih 2018, algorithm 2.
    """
    real, permuted = logit.chunk(2, dim=-1)
    return 0.5 * (F.softplus(-real).mean(dim=-1) + F.softplus(permuted).mean(dim=-1))
