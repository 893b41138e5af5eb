"""What follows from the terms of an epoch: the objective, the bound, and the share of the KL."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def figures(terms: Mapping[str, Any], beta: Any) -> dict[str, Any]:
    """The four figures that follow from an epoch's terms, in nats per image and as fractions.

    `objective` and `kl_fraction` are of what was minimised, as in the paper's curves: KL weighted
    by beta, or the objective that was measured where it is not that one. `neg_elbo` and
    `kl_fraction_raw` are of the bound itself.

    Args:
        terms: `recon` and `kl`; `objective` for a run that minimised another than `beta`. Numbers,
            or arrays of many epochs.
        beta: weight of the KL.
    """
    recon, kl = terms["recon"], terms["kl"]
    if "objective" in terms:
        cost = terms["objective"]
        share = (cost - recon) / np.where(cost, cost, np.nan)
    else:
        cost = recon + beta * kl
        share = beta * kl / cost
    return {
        "objective": cost,
        "neg_elbo": recon + kl,
        "kl_fraction": share,
        "kl_fraction_raw": kl / (recon + kl),
    }
