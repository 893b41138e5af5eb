"""beta-TCVAE: the KL, its total correlation weighted by beta."""

import math

import torch
from torch import Tensor

from study.losses.interface import Terms


def tc_objective(terms: Terms, weights: Terms) -> Tensor:
    """recon + KL + (beta - 1) TC, TC by minibatch weighted sampling.

    Source: Chen et al. 2018, arXiv:1802.04942, eq. 4 with alpha = gamma = 1.
    """
    tc = total_correlation(terms["latent"], terms["mean"], terms["logvar"], terms["n_images"])
    return terms["recon"] + terms["kl"] + (weights["beta"] - 1) * tc


def total_correlation(latent: Tensor, mean: Tensor, logvar: Tensor, n_images: Tensor) -> Tensor:
    """TC = E[log q(z) - sum_j log q(z_j)] by minibatch weighted sampling, in nats.

    Each density is taken as the sum of q(z|x_m) over the M images of the batch, divided by N M:
    a lower bound, M times too small where a sample has density under its own posterior alone, and
    N times where it has under all. So the value stands above the TC: by (J - 1) log M where images
    share nothing, by up to J log N - log M where they share the single latents. Those constants
    have no gradient, which is what the objective is for.

    Args:
        latent: a sample of every posterior, (..., batch, latent_dim).
        mean: posterior means, same shape.
        logvar: posterior log-variances, same shape.
        n_images: N, how many training images there are, ().

    Returns:
        (...,), a mean over the batch.

    Source: Chen et al. 2018, arXiv:1802.04942, appendix C.1.
    """
    gap = latent.unsqueeze(-2) - mean.unsqueeze(-3)  # (..., sample, image, latent_dim)
    spread, precision = logvar + math.log(2 * math.pi), torch.exp(-logvar)
    log_q = -0.5 * (gap.square() * precision.unsqueeze(-3) + spread.unsqueeze(-3))
    log_nm = torch.log(n_images * latent.shape[-2])
    joint = log_q.sum(dim=-1).logsumexp(dim=-1) - log_nm
    marginals = (log_q.logsumexp(dim=-2) - log_nm).sum(dim=-1)
    return (joint - marginals).mean(dim=-1)
