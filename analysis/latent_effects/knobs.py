"""Knobs: paths through the latents, each meant to move one property and no other.

A knob starts along the mixture of latents that, to first order, moves its property alone. It is
bent until the mean over images of what is measured is what was asked for. What it obtains is
measured on other images.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.factors import STROKES
from analysis.latent_effects.alignment import (
    NAMES,
    PROPERTIES,
    Floats,
    Moves,
    Reader,
    Starts,
)
from analysis.representations.encode import decode, grey_levels
from analysis.representations.traversal import Directions
from study.models.vae import Vae

ASKED = (-2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0)  # standard deviations among real digits
SEPARABLE = 0.1  # smallest singular value of the slopes, of the largest, that is inverted
REACH = 5.0  # steps from the start, in the latents: the paper's range
TRIES = 3  # corrections of a place on the path
LARGEST = 0.7  # standard deviations, of one correction
OFF = 0.2  # share of what is asked that the mean may be off, where a knob still holds
OTHERS = 0.2  # standard deviations that the mean of another property may move there
ANOTHER = 0.2  # share of pictures that may be read as another digit there


class Knobs(NamedTuple):
    """Where the knobs lead, relative to where one starts."""

    shifts: Floats  # (n_properties, len(ASKED), n_latents); NaN beyond what can be reached


def edit_directions(moved: Moves, directions: Directions, spread: Floats) -> Directions:
    """One direction a property, meant to move that property alone: where the knobs start.

    The slopes of all directions that react make a matrix; a column of its pseudo-inverse is the
    smallest mixture of directions that moves one property and, to first order, none of the others.
    Where two properties can hardly be told apart (singular values under a tenth of the largest)
    they are moved together: to separate them would multiply the noise of the slopes.
    Scaled to one step of latent space; positions along it are relative to the start.

    Args:
        moved: by the directions.
        directions: to be mixed: the latents.
        spread: standard deviation of each property among real digits.

    Returns:
        One direction a property of PROPERTIES; zeros where nothing moves it.
    """
    _, mixtures = _first_order(moved, spread)
    length = np.linalg.norm(mixtures, axis=1, keepdims=True)
    mixtures = np.divide(mixtures, length, out=np.zeros_like(mixtures), where=length > 0)
    steps = mixtures @ directions.steps
    return Directions(steps, np.zeros_like(steps), directions.centre)


def fit_knobs(model: Vae, starts: Starts, moved: Moves, directions: Directions) -> Knobs:
    """Paths on which the mean over `starts` of each property is as asked, the others as they were.

    From one place of ASKED to the next, outwards: Broyden's method (1965) in the three mixtures
    that move one property each to first order. A path ends where its aim is not met.

    Args:
        model: trained.
        starts: of the images to fit on.
        moved: by the directions, on the same images.
        directions: the latents, a step each.
    """
    effects, mixtures = _first_order(moved, starts.spread)
    before = _measured(model, starts.codes, starts.digits)

    def respond(turned: Floats) -> Floats:
        codes = starts.codes + turned @ mixtures @ directions.steps
        change = _measured(model, codes, starts.digits) - before
        return np.asarray(np.nanmean(change, axis=0) / starts.spread)

    shifts = np.full((len(PROPERTIES), len(ASKED), directions.steps.shape[1]), np.nan)
    for place in range(len(PROPERTIES)):
        if not mixtures[place].any():
            continue
        for side in (-1, 1):
            outwards = sorted((abs(asked), i) for i, asked in enumerate(ASKED) if asked * side > 0)
            aims = [side * asked * np.eye(len(PROPERTIES))[place] for asked, _ in outwards]
            path = _followed(respond, aims, effects @ mixtures.T, mixtures)
            for (_, i), turned in zip(outwards, path, strict=False):
                shifts[place, i] = turned @ mixtures @ directions.steps
    return Knobs(shifts)


def obtained(model: Vae, starts: Starts, knobs: Knobs, reader: Reader) -> pd.DataFrame:
    """What the knobs move on images that they were not fitted to: a row a knob and place.

    Returns:
        property (in a word), asked, obtained (mean over images), obtained_sd (over images), all in
        its unit; the mean change of each property; class_change (share of pictures read as another
        class than before); holds (here and everywhere between here and the start, the mean is
        within OFF of what was asked, no other property moved by more than OTHERS, and no more than
        ANOTHER of the pictures changed their class); shift, in latents.
    """
    before = _pictures(model, starts.codes, starts.digits)
    values, classes = _values(before), reader.read(before)
    rows = []
    for place, name in enumerate(PROPERTIES):
        for asked, shift in zip(ASKED, knobs.shifts[place], strict=True):
            if np.isnan(shift).any():
                continue
            pictures = _pictures(model, starts.codes + shift, starts.digits)
            change = _values(pictures) - values
            change = change[np.isfinite(change).all(axis=1)]
            mean = change.mean(axis=0) if len(change) else np.full(len(PROPERTIES), np.nan)
            row = {"property": NAMES[name], "asked": asked * starts.spread[place]}
            row |= {"obtained": mean[place], "obtained_sd": change[:, place].std()}
            row |= dict(zip(PROPERTIES, mean, strict=True))
            row |= {"class_change": float((reader.read(pictures) != classes).mean())}
            holds = _as_asked(mean / starts.spread, asked, place)
            holds &= row["class_change"] <= ANOTHER
            rows.append(row | {"holds": holds, "shift": shift})
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.assign(holds=_up_to_here(table))


COLUMNS = [
    *("property", "asked", "obtained", "obtained_sd", *PROPERTIES, "class_change", "holds"),
    "shift",
]


def _as_asked(mean: Floats, asked: float, place: int) -> bool:
    """Whether a mean change, in standard deviations, is as asked of one property."""
    off = np.abs(mean - asked * np.eye(len(mean))[place])
    allowed = np.full(len(mean), OTHERS)
    allowed[place] = OFF * abs(asked)
    return bool((off <= allowed).all())


def _up_to_here(table: pd.DataFrame) -> "pd.Series[bool]":
    """Whether a row holds with all between it and the start."""
    holds = table["holds"].astype(bool)
    for _, side in table.groupby(["property", table["asked"] > 0]):
        outwards = side["asked"].abs().sort_values().index
        holds[outwards] = holds[outwards].cummin()
    return holds


def _followed(
    respond: Callable[[Floats], Floats], aims: list[Floats], slopes: Floats, mixtures: Floats
) -> list[Floats]:
    """Places that meet the aims one after another, as far as they are met."""
    turned, reached, path = np.zeros(len(slopes)), np.zeros(len(slopes)), list[Floats]()
    for aim in aims:
        for _ in range(TRIES):
            correction = np.linalg.pinv(slopes, rcond=OFF) @ (aim - reached)
            change = np.clip(correction, -LARGEST, LARGEST)
            now = respond(turned + change)
            if not np.isfinite(now).all() or not change.any():
                return path
            missed = now - reached - slopes @ change
            slopes = slopes + np.outer(missed, change) / (change @ change)
            turned, reached = turned + change, now
            if np.abs(aim - reached).max() < OTHERS / 4:
                break
        if not _as_asked(reached, float(aim.sum()), int(np.abs(aim).argmax())):
            return path
        if np.linalg.norm(turned @ mixtures) > REACH:
            return path
        path.append(turned)
    return path


def _first_order(moved: Moves, spread: Floats) -> tuple[Floats, Floats]:
    """Effects (n_properties, n_directions); mixtures, of that shape: the transposed inverse."""
    effects = np.nanmean(moved.slopes, axis=1).T / spread[:, None]
    return effects, np.linalg.pinv(effects, rcond=SEPARABLE).T


def _measured(model: Vae, codes: Floats, digits: npt.NDArray[np.int64]) -> Floats:
    return _values(_pictures(model, codes, digits))


def _pictures(model: Vae, codes: Floats, digits: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    pictures = grey_levels(decode(model, codes, digits))
    return pictures.reshape(len(codes), *pictures.shape[-2:])


def _values(pictures: npt.NDArray[np.uint8]) -> Floats:
    """Properties of pictures, (n, n_properties)."""
    return STROKES.values(pictures)
