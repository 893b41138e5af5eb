"""How figures and pages word models, factors and numbers; configurations: study.storage.axes."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.factors import FACTORS
from analysis.statistics.intervals import Estimate

_FACTORS = {factor.name: factor for factor in FACTORS}
CONTROLS = {
    "chance": "chance",
    "rotated": "its own codes, rotated",
    "untrained": "untrained encoder",
    "pixel_pca": "PCA of pixels",
    "raw_pixels": "raw pixels",
    "shuffled": "shuffled factors",
    "oracle": "the factors themselves",
    "oracle_rotated": "the factors, rotated",
}
"""What stands beside a score: floors, then the ceiling and its own floor."""
NUMERALS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def kind_of_vae(beta: float, conditioning: str) -> str:
    """What the paper calls it: `Standard VAE`, `β-VAE`, `Conditional β-VAE`; `VAE` without a β."""
    name = "VAE" if beta == 1 or math.isnan(beta) else "β-VAE"
    before = "Conditional " if conditioning != "none" else "Standard " if beta == 1 else ""
    return before + name


def number(value: float, digits: int, sign: bool = False) -> str:
    """A figure with a true minus, as print has it."""
    return f"{value:{'+' if sign else ''}.{digits}f}".replace("-", "\N{MINUS SIGN}")


def numeral(n: int) -> str:
    """Small numbers spelt out."""
    return NUMERALS[n] if n < len(NUMERALS) else str(n)


def count(n: int, noun: str) -> str:
    """`1 seed`, `2 seeds`."""
    return f"{n} {noun}{'' if n == 1 else 's'}"


def verb(n: int, one: str, more: str) -> str:
    """The form of a verb after a number: `1 of 3 moves`, `2 of 3 move`."""
    return one if n == 1 else more


def estimate(of: Estimate, digits: int = 3) -> str:
    """`0.912 [0.900, 0.924]`; the value alone where it has no interval."""
    ends = "" if pd.isna(of.low) else f" [{of.low:.{digits}f}, {of.high:.{digits}f}]"
    return f"{of.value:.{digits}f}{ends}"


def interval(row: "Mapping[Any, Any] | pd.Series[Any]", score: str) -> str:
    """The estimate of a score in a row that has its value, _low and _high."""
    return estimate(Estimate(row[score], row[f"{score}_low"], row[f"{score}_high"]))


def listing(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def factor_word(name: str) -> str:
    """`thickness` of `thickness_px`; a factor that is not measured keeps its name."""
    return _FACTORS[name].short if name in _FACTORS else name


def factor_label(name: str) -> str:
    """`thickness (px)`."""
    return f"{factor_word(name)} ({_FACTORS[name].unit})" if name in _FACTORS else name
