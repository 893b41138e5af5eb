"""A metric as a user writes one, outside the packages."""

from typing import NamedTuple

import numpy as np

from analysis.metrics import Metric


class Nearest(NamedTuple):
    score: float
    interval: tuple[float, float]
    saturated: bool
    protocol: dict[str, object]


def nearest(codes, factors, *, power, seed):
    """Mean over factors of the largest |correlation| with a latent, to a power."""
    varied = codes[:, codes.std(axis=0) > 0]
    strength = abs(np.corrcoef(varied.T, factors.T))[: varied.shape[1], varied.shape[1] :]
    score = float((strength.max(axis=0) ** power).mean())
    protocol = {"score": "nearest", "power": power, "interval": "none", "seed": seed}
    return Nearest(score, (np.nan, np.nan), False, protocol)


NEAREST = Metric(name="nearest", label="Nearest", function=nearest, settings={"power": 2})
NOT_A_METRIC = nearest
