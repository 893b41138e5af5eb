"""The objectives by name; the only place where beta enters."""

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
