"""What a search may seek, by name, and which way each is better."""

from typing import Literal

from analysis.metrics import METRICS

COSTS = ("neg_elbo", "objective", "recon")
BOUNDS = ("elbo", "iwae")
DIRECTIONS: dict[str, Literal["minimize", "maximize"]] = {
    **dict.fromkeys(COSTS, "minimize"),
    **dict.fromkeys((*BOUNDS, *(metric.name for metric in METRICS)), "maximize"),
}
