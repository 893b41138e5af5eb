"""The rows of scores that a study of measured and re-rendered digits has."""

import numpy as np

from analysis.factors.image_set import ImageSet, Sample
from analysis.metrics import METRICS
from analysis.scoring.evaluation import BOUND_UNITS, basis_units

_FACTORS = np.arange(120).reshape(40, 3) % 7
_SAMPLE = Sample(_FACTORS, np.arange(40) % 2, _FACTORS.astype(float))
_SETS = [
    ImageSet.of(np.zeros((40, 2, 2), np.uint8), _SAMPLE, name)
    for name in ("measured", "intervention")
]
UNITS = basis_units(METRICS, _SETS) + BOUND_UNITS
