"""How a score leaves its function: within its range, inside its interval, with its protocol."""

from functools import cache
from importlib.metadata import version
from typing import NamedTuple

from .checks import SATURATED, Interval

Protocol = dict[str, object]  # JSON values only

ROUNDING = 1e-9  # how far arithmetic may carry a score beyond its range


class Head(NamedTuple):
    """What every result begins with, in this order."""

    score: float
    interval: Interval  # 95%
    saturated: bool  # at the ceiling: the score no longer tells good from better


def head(score: float, interval: Interval) -> Head:
    """The head of a result, its score in [0, 1].

    Raises:
        ValueError: the score is beyond its range; see `bounded`.
    """
    score, interval = bounded(score, interval)
    return Head(score, interval, score >= SATURATED)


def bounded(
    score: float, interval: Interval, bounds: tuple[float, float] = (0.0, 1.0)
) -> tuple[float, Interval]:
    """A score and its interval, freed of rounding errors: low <= score <= high within the bounds.

    Sums that add up to 1 on one processor add up to 1.0000000000000002 on another. An interval
    without ends (NaN), or a score that is NaN, stays as it is.

    Raises:
        ValueError: the score is beyond its range by more than rounding explains.
    """
    low, high = bounds
    if score < low - ROUNDING or score > high + ROUNDING:
        raise ValueError(f"a score is {score}, outside of its range {low:g} to {high:g}")
    score = min(max(float(score), low), high)
    start, end = (min(max(float(side), low), high) for side in interval)
    return score, (min(start, score), max(end, score))


def protocol(score: str, *libraries: str, **settings: object) -> Protocol:
    """The settings of a score and the versions of the libraries that its value hangs on.

    No preset is named: defaults follow Locatello et al. 2019, but any of them can be overridden.
    """
    versions = {name: _version(name) for name in ("numpy", *libraries)}
    return {"score": score, **settings, "versions": versions}


@cache  # looking it up takes as long as some scores
def _version(library: str) -> str:
    return version(library)
