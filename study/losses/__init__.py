"""Objectives; the only place where beta enters."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from study.losses.epoch_figures import figures

if TYPE_CHECKING:
    from study.losses.factor import discriminator, discriminator_loss, permuted
    from study.losses.interface import Objective
    from study.losses.objectives import OBJECTIVES, find_objective, objective_weights

__all__ = [
    "OBJECTIVES",
    "Objective",
    "discriminator",
    "discriminator_loss",
    "figures",
    "find_objective",
    "objective_weights",
    "permuted",
]

_PLACES = {
    "Objective": "interface",
    **dict.fromkeys(("discriminator", "discriminator_loss", "permuted"), "factor"),
}


def __getattr__(name: str) -> Any:
    """What is listed above when it is asked for: torch is slow, and reading records needs none."""
    if name not in __all__:
        raise AttributeError(f"module 'study.losses' has no attribute {name!r}")
    return getattr(import_module(f"study.losses.{_PLACES.get(name, 'objectives')}"), name)
