"""Rows of `alignment` and `knobs` -> sliders: named, sorted, as lines through the latents.

The value of a slider is reader @ (codes - centre); setting it moves the codes along its step.
A knob counts how far it was turned: it moves the codes along a path of straight pieces.
"""

import base64
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.factors import FACTORS
from analysis.latent_effects.alignment import NAMES, UNITS, name_of, properties_of
from analysis.latent_effects.wording import MINUS, NOT_ALONE, described
from analysis.metrics import ACTIVE_VARIANCE
from analysis.representations.traversal import Scale

Floats = npt.NDArray[np.float64]

REACH = 5.0  # latents, and steps along other directions: the paper's range


def latent_sliders(table: pd.DataFrame, scale: Scale) -> dict[str, Any]:
    """One slider a latent, from the rows of basis "latent".

    Args:
        table: of one run.
        scale: what the sliders count.
    """
    rows = []
    for row in _ordered(table):
        name = f"z{row['direction']}"
        rows.append({**_slider(name, row), "latent": row["direction"] - 1})
    return _scaled(rows, scale)


def unaligned_sliders(latents: pd.DataFrame, scale: Scale) -> dict[str, Any]:
    """One slider a latent, the most used first: by its KL, or where there is none by its variance.

    Args:
        latents: a run's rows of the table `latents`.
        scale: what the sliders count.
    """
    use, words = "kl", "KL {:.2f} nats"
    if latents["kl"].isna().any():
        use, words = "mean_variance", "variance {:.2f}"
    rows = []
    for row in latents.sort_values(use, ascending=False, kind="stable").to_dict("records"):
        still = row["mean_variance"] <= ACTIVE_VARIANCE
        nothing = {"property": "none" if still else "", "slope": np.nan}
        slider = _slider(f"z{row['latent']}", nothing) | {"text": words.format(row[use])}
        rows.append({**slider, "latent": row["latent"] - 1})
    return _scaled(rows, scale) | {"unmeasured": True}


def component_sliders(table: pd.DataFrame, centre: Floats) -> dict[str, Any]:
    """One slider a component, in steps, from the rows of basis "ica".

    Args:
        table: of one run.
        centre: mean of the aggregated posterior, (n_latents,).
    """
    rows = _ordered(table)
    steps = np.stack([row["vector"] for row in rows])
    sliders = [_slider(f"ICA {row['direction']}", row) for row in rows]
    return {"rows": sliders, **_lines(steps, readers(steps), centre)}


def knob_sliders(table: pd.DataFrame, n_latents: int) -> dict[str, Any]:
    """One slider a property, in its own unit, as far as its knob holds.

    Args:
        table: of one run, the study's `knobs`.
        n_latents: of its model.

    Returns:
        rows, each with asked, places on the knob that hold, rising, 0 among them, and shifts, those
        of the latents there, (n_places, n_latents).
    """
    sliders = []
    for place, (column, name) in enumerate(NAMES.items()):
        holds = table[(table["property"] == name) & table["holds"]].sort_values("asked")
        asked, shifts = [*holds["asked"]], [*holds["shift"]]
        middle = sum(value < 0 for value in asked)
        asked.insert(middle, 0.0)
        shifts.insert(middle, np.zeros(n_latents))
        sliders.append(
            {
                "name": FACTORS[place].label,
                "property": name,
                "text": _obtained(holds, UNITS[column]),
                "reacts": True,
                "sign": 1,
                "unit": UNITS[column],
                "low": asked[0],
                "high": asked[-1],
                "signed": True,
                "knob": place,
                "asked": asked,
                "shifts": packed(np.stack(shifts), "<f4"),
            }
        )
    return {"rows": sliders}


def _scaled(rows: list[dict[str, Any]], scale: Scale) -> dict[str, Any]:
    """Sliders of latents, as they are or in standard deviations around their mean."""
    if not scale.in_sd:
        return {"rows": rows}
    order = [row["latent"] for row in rows]
    lines = _lines(np.diag(scale.unit)[order], np.diag(1 / scale.unit)[order], scale.centre)
    return {"rows": [row | {"unit": "SD"} for row in rows], **lines}


def _lines(steps: Floats, readers: Floats, centre: Floats) -> dict[str, str]:
    """Lines of sliders as the page reads them, (n_sliders, n_latents) and (n_latents,)."""
    lines = {"steps": steps, "readers": readers, "centre": centre}
    return {name: packed(values, "<f4") for name, values in lines.items()}


def readers(steps: Floats) -> Floats:
    """(n_directions, n_latents), reading the place along each of `steps`, of the same shape.

    The pseudo-inverse: readers @ steps.T is the identity, but for directions that are zero.
    """
    return np.asarray(np.linalg.pinv(steps.T), dtype=np.float64)


def packed(values: npt.ArrayLike, kind: str) -> str:
    """Numbers of a type, such as "<f2", in base64."""
    return base64.b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode()


def _obtained(holds: pd.DataFrame, unit: str) -> str:
    """What a knob obtains on other images, in words; `holds` are its places, rising."""
    if holds.empty:
        return "no mixture of latents moves only this"
    row = holds.iloc[-1]
    spread = f"\N{PLUS-MINUS SIGN} {row['obtained_sd']:.2f} {unit}"
    words = f"on other images {row['asked']:+.2f} gives {row['obtained']:+.2f} {spread}"
    return words.replace("-", MINUS)


def _ordered(table: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """By property, the strongest of each first; those that do not react last."""
    order = [*map(name_of, properties_of(table)), *NOT_ALONE]
    by = table.assign(place=table["property"].map(order.index), weight=-table["effect"])
    return by.sort_values(["place", "weight", "direction"]).to_dict("records")


def _slider(name: str, row: Mapping[Any, Any]) -> dict[str, Any]:
    """A slider from -REACH to REACH, without its line."""
    moves = row["property"]
    return {
        "name": name if moves in {"", "none"} else f"{name} {moves}",
        "property": moves,
        "text": described(row),
        "reacts": moves != "none",
        "sign": 0 if np.isnan(row["slope"]) else int(np.sign(row["slope"])),
        "unit": "",
        "low": -REACH,
        "high": REACH,
    }
