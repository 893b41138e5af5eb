"""Objectives; the only place where beta enters."""

from study.losses.factor import discriminator, discriminator_loss, real_and_permuted
from study.losses.interface import Objective
from study.losses.objectives import OBJECTIVES, figures, find_objective, objective_weights

__all__ = [
    "OBJECTIVES",
    "Objective",
    "discriminator",
    "discriminator_loss",
    "figures",
    "find_objective",
    "objective_weights",
    "real_and_permuted",
]
