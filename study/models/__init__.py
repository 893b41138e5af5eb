"""Networks, priors and likelihoods, and the model they make."""

from study.models.build import build_model, can_stack, current_names, gains_by_compiling
from study.models.check import check_model
from study.models.posterior import Posterior
from study.models.vae import Terms, Vae

__all__ = [
    "Posterior",
    "Terms",
    "Vae",
    "build_model",
    "can_stack",
    "check_model",
    "current_names",
    "gains_by_compiling",
]
