"""The objectives by name; the only place where beta enters."""

import math
from collections.abc import Mapping

from study.config.own_code import resolve
from study.config.run import RunConfig
from study.losses.dip import dip1_objective, dip2_objective
from study.losses.factor import factor_objective
from study.losses.interface import Objective
from study.losses.rate import annealed_objective, beta_objective
from study.losses.total_correlation import tc_objective

OBJECTIVES: dict[str, Objective] = {
    "beta": beta_objective,
    "annealed": annealed_objective,
    "tc": tc_objective,
    "factor": factor_objective,
    "dip1": dip1_objective,
    "dip2": dip2_objective,
}


def find_objective(name: str) -> Objective:
    """An objective by its name in the configuration, or by import path.

    Raises:
        UsageError: there is none.
    """
    return resolve("objective", name, OBJECTIVES)


def objective_weights(config: RunConfig) -> dict[str, float]:
    """The weights of a run's objective by name: those that its configuration gives."""
    epochs = config.capacity_epochs
    weights = {
        "beta": config.beta,
        "gamma": config.gamma,
        "capacity": config.capacity,
        "capacity_steps": None if epochs is None else float(epochs * config.steps_per_epoch),
        "lambda_od": config.lambda_od,
    }
    return {name: value for name, value in weights.items() if value is not None}


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
