"""Objectives; the only place where beta enters."""

from study.losses.objectives import OBJECTIVES, beta_objective, figures, find_objective

__all__ = ["OBJECTIVES", "beta_objective", "figures", "find_objective"]
