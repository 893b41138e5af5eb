"""Objectives: a batch's named terms -> what training minimises; the only place beta enters.

An objective is a function `(terms, weights) -> cost`:

- `terms`: by name, means over the batch in nats per image, (...,): `recon`, -log p(x|z), and `kl`,
  KL(q(z|x) || p(z)), unweighted; and by image, (..., batch, latent_dim): `mean` and `logvar` of
  the posterior, and `latent`, a sample of it. The leading axes are those of a pack; often none;
- `weights`: by name, tensors of the leading axes: `beta`;
- the cost has the leading axes, (...,).
"""

import math
from collections.abc import Callable, Mapping

from torch import Tensor

from study.config.own_code import resolve

Terms = Mapping[str, Tensor]
Objective = Callable[[Terms, Terms], Tensor]


def beta_objective(terms: Terms, weights: Terms) -> Tensor:
    """The negative ELBO, its KL weighted by beta.

    Source: Higgins et al. 2017; the paper's eq. 6.
    """
    return terms["recon"] + weights["beta"] * terms["kl"]


OBJECTIVES: dict[str, Objective] = {"beta": beta_objective}


def find_objective(name: str) -> Objective:
    """An objective by its name in the configuration, or by import path.

    Raises:
        UsageError: there is none.
    """
    return resolve("objective", name, OBJECTIVES)


def figures(terms: Mapping[str, float], beta: float) -> dict[str, float]:
    """The four figures that follow from an epoch's terms, in nats per image and as fractions.

    `objective` and `kl_fraction` are of what was minimised, as in the paper's curves: KL weighted
    by beta, or the objective that was measured where it is not that one. `neg_elbo` and
    `kl_fraction_raw` are of the bound itself.

    Args:
        terms: `recon` and `kl`; `objective` for a run that minimised another than `beta`.
        beta: weight of the KL.
    """
    recon, kl = terms["recon"], terms["kl"]
    if "objective" in terms:
        cost = terms["objective"]
        share = (cost - recon) / cost if cost else math.nan
    else:
        cost = recon + beta * kl
        share = beta * kl / cost
    return {
        "objective": cost,
        "neg_elbo": recon + kl,
        "kl_fraction": share,
        "kl_fraction_raw": kl / (recon + kl),
    }
