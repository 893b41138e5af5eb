"""Disentanglement scores: arrays in, a named result out."""

from .common.checks import ACTIVE_VARIANCE, SATURATED
from .dci import Dci, dci
from .factor_vae import FactorVae, factor_vae
from .higgins import Higgins, higgins
from .mcc import Mcc, mcc
from .mig import Mig, mig
from .probe import Probe, probe
from .sap import Sap, sap
from .udr import Udr, udr

__all__ = [
    "ACTIVE_VARIANCE",
    "SATURATED",
    "Dci",
    "FactorVae",
    "Higgins",
    "Mcc",
    "Mig",
    "Probe",
    "Sap",
    "Udr",
    "dci",
    "factor_vae",
    "higgins",
    "mcc",
    "mig",
    "probe",
    "sap",
    "udr",
]
