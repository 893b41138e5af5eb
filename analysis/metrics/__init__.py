"""Disentanglement scores: arrays in, a named result out.

A score is one file, its record included, and one line in METRICS: tables, rankings, searches,
labels and figures follow from that list.
"""

from .common.checks import ACTIVE_VARIANCE, SATURATED
from .common.metric import Metric, Part, labels, load_metric, with_own
from .dci import DCI, dci
from .factor_vae import FACTOR_VAE, factor_vae
from .higgins import HIGGINS, HIGGINS_FEW, higgins
from .mcc import MCC, mcc
from .mig import MIG, mig
from .probe import CLASS_PROBE, probe
from .sap import SAP, sap
from .udr import UDR, Udr, udr

METRICS = (HIGGINS_FEW, HIGGINS, FACTOR_VAE, MIG, DCI, SAP, MCC, CLASS_PROBE, UDR)
RANKABLE = tuple(metric.name for metric in METRICS if metric.ranks)
"""Names of those that measure disentanglement; the first ranks."""
LABELS = labels(METRICS)
"""For people, by the name of a row."""

__all__ = [
    "ACTIVE_VARIANCE",
    "CLASS_PROBE",
    "DCI",
    "FACTOR_VAE",
    "HIGGINS",
    "HIGGINS_FEW",
    "LABELS",
    "METRICS",
    "MIG",
    "RANKABLE",
    "SATURATED",
    "UDR",
    "Metric",
    "Part",
    "Udr",
    "dci",
    "factor_vae",
    "higgins",
    "labels",
    "load_metric",
    "mcc",
    "mig",
    "probe",
    "sap",
    "udr",
    "with_own",
]
