"""Objectives; the only place where beta enters."""

from study.losses.interface import Objective
from study.losses.objectives import OBJECTIVES, figures, find_objective

__all__ = ["OBJECTIVES", "Objective", "figures", "find_objective"]
