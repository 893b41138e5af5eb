"""How true redrawn digits are to what was asked of them."""

from itertools import product

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.factors import FACTORS
from analysis.factors.intervention import NAMES, Interventions

Floats = npt.NDArray[np.float64]


def fidelity(made: Interventions) -> pd.DataFrame:
    """How far what was asked for was obtained, and what else moved with it.

    Returns:
        One row a property and a varied property, nine in all:
        property, unit, varied: names and unit of the property;
        asked, obtained: mean change of the property from the lowest to the highest level of the
            varied one, all else fixed, in standard deviations of the property's population;
        miss: root mean square over digits of (obtained - asked) of each digit's mean change;
        slope, r2, rmse: of obtained on asked, all pictures, the error in the property's unit; NaN
            but where a property is varied itself. r2 is 1 - mean squared error / variance asked.
    """
    n_levels = int(made.levels.max()) + 1
    grid = (-1, n_levels, n_levels, n_levels, 3)
    asked, obtained = ((x / made.spread).reshape(grid) for x in (made.asked, made.obtained))
    rows = []
    for (k, factor), (axis, varied) in product(enumerate(FACTORS), enumerate(NAMES)):
        change = [
            (np.take(x[..., k], -1, 1 + axis) - np.take(x[..., k], 0, 1 + axis)).mean(axis=(1, 2))
            for x in (asked, obtained)
        ]
        row = {
            "property": factor.name,
            "unit": factor.unit,
            "varied": varied,
            "asked": change[0].mean(),
            "obtained": change[1].mean(),
            "miss": np.sqrt(((change[1] - change[0]) ** 2).mean()),
        }
        rows.append(row | (_agreement(made.asked[:, k], made.obtained[:, k]) if k == axis else {}))
    return pd.DataFrame(rows)


def _agreement(asked: Floats, obtained: Floats) -> dict[str, float]:
    square = float(((obtained - asked) ** 2).mean())
    slope = float(np.polyfit(asked, obtained, 1)[0])
    return {"slope": slope, "r2": 1 - square / float(asked.var()), "rmse": square**0.5}
