"""Rows of the table `alignment` -> sliders: named, sorted, as straight lines through the latents.

The value of a slider is reader @ (codes - centre); setting it moves the codes along its step.
A knob counts how far it was turned: steps of knobs may depend on each other.
"""

import base64
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.factors import FACTORS
from analysis.latent_effects.alignment import NAMES, PROPERTIES, UNITS
from analysis.latent_effects.wording import agreement, described, mean_effects, read_as_another
from study.training.trainer import ACTIVE_NATS

Floats = npt.NDArray[np.float64]

REACH = 5.0  # latents, and steps along other directions: the paper's range
ORDER = [*NAMES.values(), "digit", "mixed", "none"]


def latent_sliders(table: pd.DataFrame) -> dict[str, Any]:
    """One slider a latent, in latent units, from the rows of basis "latent"."""
    rows = []
    for row in _ordered(table):
        name = f"z{row['direction']}"
        rows.append({**_slider(name, row), "latent": row["direction"] - 1})
    return {"rows": rows}


def unaligned_sliders(latents: pd.DataFrame) -> dict[str, Any]:
    """One slider a latent, from a run's rows of the table `latents`, the largest KL first."""
    rows = []
    for row in latents.sort_values("kl", ascending=False, kind="stable").to_dict("records"):
        nothing = {"property": "none" if row["kl"] <= ACTIVE_NATS else "", "slope": np.nan}
        slider = _slider(f"z{row['latent']}", nothing) | {"text": f"KL {row['kl']:.2f} nats"}
        rows.append({**slider, "latent": row["latent"] - 1})
    return {"rows": rows}


def component_sliders(table: pd.DataFrame, centre: Floats) -> dict[str, Any]:
    """One slider a component, in steps, from the rows of basis "ica".

    Args:
        table: of one run.
        centre: mean of the aggregated posterior, (n_latents,).
    """
    rows = _ordered(table)
    steps = np.stack([row["vector"] for row in rows])
    sliders = [_slider(f"ICA {row['direction']}", row) for row in rows]
    return {
        "rows": sliders,
        "steps": packed(steps, "<f4"),
        "readers": packed(readers(steps), "<f4"),
        "centre": packed(centre, "<f4"),
    }


def knob_sliders(table: pd.DataFrame, reach: Floats) -> dict[str, Any]:
    """One slider a property, in its own unit, from the rows of basis "knob".

    Args:
        table: of one run.
        reach: furthest that each property is turned, (n_properties,), in its unit; less where
            that takes more than `REACH` steps.
    """
    rows = table.sort_values("direction").to_dict("records")
    steps = np.stack([row["vector"] for row in rows])
    slopes = np.array([row[column] for row, column in zip(rows, PROPERTIES, strict=True)])
    works = np.isfinite(slopes) & (slopes > 0)
    each = np.where(works, slopes, 1.0)[:, None]
    sliders = []
    for place, (row, column) in enumerate(zip(rows, PROPERTIES, strict=True)):
        furthest = min(float(reach[place]), REACH * float(slopes[place])) if works[place] else 0.0
        sliders.append(
            {
                "name": FACTORS[place].label,
                "property": NAMES[column],
                "text": _remains(row, place) if works[place] else "no latent moves it",
                "reacts": True,
                "sign": 1,
                "unit": UNITS[column],
                "low": -round(furthest, 2),
                "high": round(furthest, 2),
                "signed": True,
                "knob": place,
            }
        )
    return {"rows": sliders, "steps": packed(steps * works[:, None] / each, "<f4")}


def readers(steps: Floats) -> Floats:
    """(n_directions, n_latents), reading the place along each of `steps`, of the same shape.

    The pseudo-inverse: readers @ steps.T is the identity, but for directions that are zero.
    """
    return np.asarray(np.linalg.pinv(steps.T), dtype=np.float64)


def packed(values: npt.ArrayLike, kind: str) -> str:
    """Numbers of a type, such as "<f2", in base64."""
    return base64.b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode()


def _remains(row: Mapping[Any, Any], place: int) -> str:
    """What a knob still moves of the other properties, in words."""
    effects = mean_effects(row)
    leakage = 1 - effects[place] ** 2 / (effects**2).sum()
    most = int(np.abs(effects).argmax())
    if most != place:
        return f"leakage {leakage:.0%}: moves {NAMES[PROPERTIES[most]]} more"
    kept = read_as_another(row) if row["property"] == "digit" else agreement(row)
    return f"leakage {leakage:.0%}, {kept}"


def _ordered(table: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """By property, the strongest of each first; those that do not react last."""
    by = table.assign(place=table["property"].map(ORDER.index), weight=-table["effect"])
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
