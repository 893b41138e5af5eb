"""What a search may seek, by name, and which way each is better.

`neg_elbo`, `elbo` and `iwae` of a model with labels are of image and label together, so that they
stand beside those of one without: see `elbo.nats_of_labels`.
"""

from typing import Literal

from analysis.metrics import METRICS

COSTS = ("neg_elbo", "objective", "recon")
BOUNDS = ("elbo", "iwae")
DIRECTIONS: dict[str, Literal["minimize", "maximize"]] = {
    **dict.fromkeys(COSTS, "minimize"),
    **dict.fromkeys((*BOUNDS, *(metric.name for metric in METRICS)), "maximize"),
}
