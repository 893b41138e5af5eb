"""Whether scores agree with each other and with what codes are good for."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import kendalltau

from analysis.latent_effects.alignment import name_of
from analysis.statistics.intervals import N_DRAWS, Estimate

AGREE, DISAGREE, UNDECIDED = "agree", "disagree", "not decided"
STRONG = 0.5  # tau from which two orders agree


def edit_errors(knobs: pd.DataFrame, spread: Mapping[str, float], runs: list[str]) -> pd.Series:
    """Error of a controlled edit by one standard deviation, mean over properties and both ways.

    Args:
        knobs: a study's: what each knob was asked for and what it obtained, mean over images.
        spread: standard deviation of each property among real digits, by its column.
        runs: all that are compared; one without a knob has an error of 1.

    Returns:
        By run, in standard deviations: the root of the squared distance of the mean from what was
        asked, the variance over images, and the squared mean changes of the other properties. A
        knob that does not reach so far counts as 1, the error of doing nothing.
    """
    errors = pd.Series(0.0, pd.Index(runs, name="run"))
    for name, deviation in spread.items():
        for side in (-1, 1):
            rows = knobs[knobs["property"] == name_of(name)]
            rows = rows[np.isclose(rows["asked"], side * deviation)].set_index("run")
            aims = {other: side * (other == name) for other in spread}
            squares = (rows["obtained_sd"] / deviation) ** 2
            for other, aim in aims.items():
                squares += (rows[other] / spread[other] - aim) ** 2
            errors += squares.pow(0.5).reindex(errors.index).fillna(1.0)
    return errors / (2 * len(spread))


def tau(one: pd.Series, other: pd.Series, seed: int = 0) -> Estimate:
    """Kendall's tau-b of two figures of the same configurations, with its bootstrap interval.

    Args:
        one, other: by configuration; those that lack either are left out.
        seed: of the drawing.
    """
    both = pd.concat([one, other], axis=1).dropna().to_numpy(np.float64)
    if len(both) < 3:
        return Estimate(np.nan, np.nan, np.nan)
    rng = np.random.default_rng(seed)
    draws = rng.integers(len(both), size=(N_DRAWS, len(both)))
    values = np.array([_tau(both[draw]) for draw in draws])
    low, high = np.nanpercentile(values, (2.5, 97.5))
    return Estimate(_tau(both), float(low), float(high))


def agreed(estimate: Estimate) -> str:
    """Whether two orders agree, by the interval of their tau."""
    if estimate.low > STRONG:
        return AGREE
    return DISAGREE if estimate.high < STRONG else UNDECIDED


def _tau(rows: npt.NDArray[np.float64]) -> float:
    return float(kendalltau(rows[:, 0], rows[:, 1])[0])
