"""DIP-VAE: the aggregated posterior's covariance, drawn to the identity."""

import torch
from torch import Tensor

from study.losses.interface import Terms


def dip1_objective(terms: Terms, weights: Terms) -> Tensor:
    """recon + KL + the penalty of Cov[mean], with lambda_d = 10 lambda_od.

    Source: Kumar et al. 2018, arXiv:1711.00848, eq. 6 (DIP-VAE-I).
    """
    penalty = _penalty(_covariance(terms["mean"]), weights["lambda_od"], 10 * weights["lambda_od"])
    return terms["recon"] + terms["kl"] + penalty


def dip2_objective(terms: Terms, weights: Terms) -> Tensor:
    """recon + KL + the penalty of Cov[z], with lambda_d = lambda_od.

    Cov[z] = E[variance] + Cov[mean], of the posteriors, not of a sample of each.

    Source: Kumar et al. 2018, arXiv:1711.00848, eq. 7 (DIP-VAE-II).
    """
    within = torch.diag_embed(terms["logvar"].exp().mean(dim=-2))
    covariance = _covariance(terms["mean"]) + within
    penalty = _penalty(covariance, weights["lambda_od"], weights["lambda_od"])
    return terms["recon"] + terms["kl"] + penalty


def _covariance(mean: Tensor) -> Tensor:
    """Covariance over the batch (..., batch, J), divided by its size; (..., J, J)."""
    centred = mean - mean.mean(dim=-2, keepdim=True)
    return centred.mT @ centred / mean.shape[-2]


def _penalty(covariance: Tensor, lambda_od: Tensor, lambda_d: Tensor) -> Tensor:
    """lambda_od sum_i!=j cov_ij^2 + lambda_d sum_i (cov_ii - 1)^2, (...,)."""
    variance = covariance.diagonal(dim1=-2, dim2=-1)
    off_diagonal = covariance - torch.diag_embed(variance)
    cross = off_diagonal.square().sum(dim=(-2, -1))
    return lambda_od * cross + lambda_d * (variance - 1).square().sum(dim=-1)
