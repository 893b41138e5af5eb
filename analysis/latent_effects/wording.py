"""Rows of the table `alignment` in words, for pages."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.latent_effects.alignment import NAMES, UNITS, name_of, properties_of

NOT_ALONE = ("digit", "mixed", "none")  # names of directions that move no property alone
MINUS = "\N{MINUS SIGN}"


class Aligned(NamedTuple):
    """What the latents of one run move, in words."""

    run: str
    lines: list[str]  # one a latent that reacts
    n_still: int  # latents that do not react
    knobs: list[str]
    named: dict[str, list[str]]  # latents by what they move: a property, digit, mixed


def alignments(table: pd.DataFrame) -> list[Aligned]:
    """What each run's latents move: a study's alignment, run by run."""
    return [_aligned(str(run), rows) for run, rows in table.groupby("run", sort=False)]


def moved(row: Mapping[Any, Any]) -> str:
    """What one direction moves: `slant, +0.21 rad a step, leakage 6%, holds for 10 of 10 digits`.

    Args:
        row: of the table `alignment`.
    """
    name = row["property"]
    if name == "none":
        return "does not react"
    if name == "digit":
        share = f"{row['class_change']:.0%}"
        return f"the digit: {share} of pictures two steps away are read as another digit"
    if np.isnan(row["leakage"]):
        *others, last = map(name_of, properties_of(row))
        every = f"{', '.join(others)} and {last}" if others else last
        unread = "" if last in NAMES.values() else ", or cannot be read"
        return f"mixed: {every} do not change{unread}"
    most = most_moved(row)
    step = _step(row[most], most)
    figures = ", ".join([name_of(most), step, *how_alone(row, "holds for ")])
    return f"mixed; mostly {figures}" if name in NOT_ALONE else figures


def _step(slope: float, column: str) -> str:
    return " ".join(f"{slope:+.2f} {UNITS.get(column, '')} per step".split()).replace("-", MINUS)


def _aligned(run: str, rows: pd.DataFrame) -> Aligned:
    latents = rows[rows["basis"] == "latent"].to_dict("records")
    reacts = [row for row in latents if row["property"] != "none"]
    properties = properties_of(rows)
    named = {
        name: [f"z{row['direction']}" for row in reacts if row["property"] == name]
        for name in (*map(name_of, properties), "digit", "mixed")
    }
    return Aligned(
        run,
        [f"z{row['direction']}: {moved(row)}" for row in reacts],
        len(latents) - len(reacts),
        [
            f"{name_of(properties[int(row['direction']) - 1])} knob: {moved(row)}"
            for row in rows[rows["basis"] == "knob"].to_dict("records")
        ],
        named,
    )


def described(row: Mapping[Any, Any]) -> str:
    """What a direction does, in words that follow its property: "+0.21 rad a step, ..."."""
    name = row["property"]
    if name == "digit":
        return read_as_another(row)
    if name == "mixed":
        return ", ".join([f"mostly {name_of(most_moved(row))}", *how_alone(row)])
    if name in {"none", ""}:
        return "does not react"
    return ", ".join([_step(row["slope"], most_moved(row)), *how_alone(row)])


def read_as_another(row: Mapping[Any, Any]) -> str:
    """How often a direction changes the digit: `62% read as another digit`."""
    return f"{row['class_change']:.0%} read as another digit"


def leakage(row: Mapping[Any, Any]) -> str:
    """What goes to other properties: `leakage 35% (3% beyond the floor)`, `leakage 6%`."""
    whole, beyond = f"{row['leakage']:.0%}", f"{row.get('excess', np.nan):.0%}"
    return f"leakage {whole}" + (f" ({beyond} beyond the floor)" * (beyond not in {whole, "nan%"}))


def how_alone(row: Mapping[Any, Any], before: str = "") -> list[str]:
    """Its leakage, and in how many digits a direction moves its property most.

    Args:
        row: of the table `alignment`.
        before: what stands before `7 of 10 digits`; images without labels have no classes to count.
    """
    properties = properties_of(row)
    noun = "digits" if set(properties) <= set(NAMES) else "classes"
    n_classes = len(row["digit_effects"]) // len(properties)
    agrees = [f"{before}{row['n_digits']} of {n_classes} {noun}"] if n_classes > 1 else []
    return [leakage(row), *agrees]


def most_moved(row: Mapping[Any, Any]) -> str:
    """The column of the property that a direction moves most."""
    return properties_of(row)[int(np.abs(mean_effects(row)).argmax())]


def mean_effects(row: Mapping[Any, Any]) -> npt.NDArray[np.float64]:
    """Effect of a direction on each property, (n_properties,), a mean over digits."""
    n_properties = len(properties_of(row))
    by_digit = np.asarray(row["digit_effects"], dtype=np.float64).reshape(-1, n_properties)
    return np.asarray(np.nanmean(by_digit, axis=0))
