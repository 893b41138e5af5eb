"""A prior by a normalising flow: latents that an invertible map takes to N(0, I)."""

import torch
from torch import Tensor, nn

from study.config.run import RunConfig
from study.data.dataset import DataShape
from study.models.networks.layers import Linear, StackableLinear
from study.models.priors.normal import LOG_2_PI

N_COUPLINGS, HIDDEN = 6, 64


class Coupling(nn.Module):
    """Log-scale and shift of some latents, of the others; 0 at first.

    A log-scale is kept in [-1, 1], so that no coupling can run away.
    """

    def __init__(self, n_read: int, n_moved: int, layer: type[Linear]) -> None:
        super().__init__()
        self.hidden, self.output = layer(n_read, HIDDEN), layer(HIDDEN, 2 * n_moved)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, read: Tensor) -> tuple[Tensor, Tensor]:
        """(..., batch, n_moved) each, of (..., batch, n_read)."""
        log_scale, shift = self.output(torch.tanh(self.hidden(read))).chunk(2, dim=-1)
        return torch.tanh(log_scale), shift


class FlowPrior(nn.Module):
    """log N(f(z); 0, I) + log abs det df/dz; f is 6 affine couplings, the identity at first.

    Source: Dinh et al. 2017, arXiv:1605.08803, eq. 7 and 8; as a prior: Chen et al. 2017,
    arXiv:1611.02731.
    """

    def __init__(self, latent_dim: int, layer: type[Linear]) -> None:
        super().__init__()
        self._sizes = [latent_dim // 2, latent_dim - latent_dim // 2]
        self.couplings = nn.ModuleList(
            Coupling(self._sizes[index % 2], self._sizes[1 - index % 2], layer)
            for index in range(N_COUPLINGS)
        )

    def log_prob(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        """log p(z) of latents (..., batch, latent_dim), (..., batch), nats."""
        read, moved = torch.split(latent, self._sizes, dim=-1)
        log_det = torch.zeros_like(latent[..., 0])
        with torch.autocast(latent.device.type, enabled=False):  # too small to gain by bf16
            for coupling in self.couplings:
                log_scale, shift = coupling(read)
                read, moved = moved * torch.exp(log_scale) + shift, read
                log_det = log_det + log_scale.sum(dim=-1)
        squares = read.square().sum(dim=-1) + moved.square().sum(dim=-1)
        return log_det - 0.5 * (squares + LOG_2_PI * latent.shape[-1])

    def sample(
        self, n: int, label: Tensor | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """Latents drawn from the prior, (n, latent_dim): the couplings backwards on noise."""
        noise = torch.randn(n, sum(self._sizes), generator=generator)
        read, moved = torch.split(noise.to(next(self.parameters())), self._sizes, dim=-1)
        for coupling in reversed(self.couplings):
            read, moved = moved, read
            log_scale, shift = coupling(read)
            moved = (moved - shift) * torch.exp(-log_scale)
        return torch.cat([read, moved], dim=-1)


def flow(data: DataShape, latent_dim: int, config: RunConfig, encode: object) -> FlowPrior:
    """Six affine couplings of 64 hidden units."""
    return FlowPrior(latent_dim, Linear)


def stackable_flow(
    data: DataShape, latent_dim: int, config: RunConfig, encode: object
) -> FlowPrior:
    """`flow` for weights with a first axis of models."""
    return FlowPrior(latent_dim, StackableLinear)
