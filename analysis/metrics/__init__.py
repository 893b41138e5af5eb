"""Disentanglement scores: arrays in, a named result out."""

from .dci import Dci, dci
from .factor_vae import FactorVae, factor_vae
from .higgins import Higgins, higgins
from .mcc import Mcc, mcc
from .mig import Mig, mig
from .sap import Sap, sap
from .udr import Udr, udr

__all__ = [
    "Dci",
    "FactorVae",
    "Higgins",
    "Mcc",
    "Mig",
    "Sap",
    "Udr",
    "dci",
    "factor_vae",
    "higgins",
    "mcc",
    "mig",
    "sap",
    "udr",
]
