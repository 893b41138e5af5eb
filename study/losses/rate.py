"""Objectives that price the rate, KL(q(z|x) || p(z)): by a weight, or by its distance to a goal."""

import torch
from torch import Tensor

from study.losses.interface import Terms


def beta_objective(terms: Terms, weights: Terms) -> Tensor:
    """The negative ELBO, its KL weighted by beta.

    Source: Higgins et al. 2017; the paper's eq. 6.
    """
    return terms["recon"] + weights["beta"] * terms["kl"]


def annealed_objective(terms: Terms, weights: Terms) -> Tensor:
    """recon + gamma |KL - C|; C rises from 0 nats, linearly in steps, to `capacity` and stays.

    Source: Burgess et al. 2018, arXiv:1804.03599, eq. 8.
    """
    share = torch.clamp(terms["step"] / weights["capacity_steps"], max=1)
    gap = terms["kl"] - share * weights["capacity"]
    return terms["recon"] + weights["gamma"] * gap.abs()
