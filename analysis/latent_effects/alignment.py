"""Which property of the picture each latent moves: traversals decoded, and measured again.

A direction is swept through the images of every digit, the pictures are measured by
analysis.morphometry, and a straight line through each image's sweep gives a slope a property. A
step is one standard deviation of the aggregated posterior along the direction, so that slopes of
latents can be compared; an effect is a slope over the property's standard deviation among real
test digits, so that properties can be compared.

A direction is named by the property with the largest effect if the rules of `named` allow it. What
counts against it is the leakage beyond the floor of its property (see `excess`): a pure stretch of
real digits makes lines thicker, so that 24% of its squared effects go to thickness, and a latent of
width is to be allowed as much. Of dilations it is 2%, of shears less than 1%.

`leakage` was set on real digits to which a pure operation was applied together with a share of
another, from -1.6 to 1.6 standard deviations. Up to 20% of the squared effects (the other moves at
most half as far) one sees the named property move, and has to look for the other; from 30% on one
sees both. The other thresholds were set before any model was looked at, but for `reacts`. That is
where the latents of a pilot (the paper's configurations, 20 epochs, one seed) part by what they
carry: those of J up to 20 with a KL under 0.01 nats changed the picture by 0.010 to 0.037, the
others by 0.020 to 0.5, all but three of 102 by more than 0.04. It was fixed before the paper's 200
epochs were run.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline

from analysis.factors import FACTORS, STROKES, Factor, Measurer
from analysis.factors.regression import PREFIX, short_of
from analysis.representations.traversal import Directions, sweep
from study.models.vae import Vae

Floats = npt.NDArray[np.float64]
Images = npt.NDArray[np.uint8]

PROPERTIES = tuple(factor.name for factor in FACTORS)
NAMES = {factor.name: factor.short for factor in FACTORS}
UNITS = {factor.name: factor.unit for factor in FACTORS}
POSITIONS = (-2.0, -1.0, 0.0, 1.0, 2.0)  # steps, for the slopes
ENDS = (-5.0, 0.0, 5.0)  # steps, for the reaction: the paper's range
PER_DIGIT = 10  # images of every digit

NO_FLOOR = np.eye(len(PROPERTIES))


def properties_of(columns: Iterable[Any]) -> list[str]:
    """Which of a table's columns are properties: known factors that are read, else measured."""
    return [name for name in map(str, columns) if name.startswith(PREFIX)] or list(PROPERTIES)


def name_of(column: str) -> str:
    """A property in a word, by its column."""
    return NAMES.get(column) or short_of(column)


class Thresholds(NamedTuple):
    """What the names of directions depend on."""

    reacts: float = 0.04  # mean change of a pixel, in [0, 1], from the middle to an end of ENDS
    changes_digit: float = 0.5  # share of pictures two steps away that are read as another digit
    moves: float = 0.1  # effect below which a direction moves no property
    leakage: float = 0.2  # share of the squared effects beyond the floor, of other properties
    disagreeing: float = 0.2  # share of digits whose most moved property, or its sign, is another


THRESHOLDS = Thresholds()


class Reader(NamedTuple):
    """Tells the digit of a picture: nearest neighbours among principal components of pixels."""

    classifier: Pipeline

    @classmethod
    def fit(cls, images: Images, labels: npt.ArrayLike) -> "Reader":
        """Learn from training images, (n, height, width), and their digits, (n,)."""
        pixels = images.reshape(len(images), -1) / np.float32(255)
        whole = PCA(40, svd_solver="covariance_eigh"), KNeighborsClassifier(5)
        return cls(make_pipeline(*whole).fit(pixels, np.asarray(labels)))

    def read(self, images: Images) -> npt.NDArray[np.int64]:
        """Digits of (n, height, width) pictures, (n,)."""
        pixels = images.reshape(len(images), -1) / np.float32(255)
        return np.asarray(self.classifier.predict(pixels), dtype=np.int64)


class Pictures(NamedTuple):
    """Real digits to start from and to compare with."""

    images: Images  # (n, height, width), test images
    digits: npt.NDArray[np.int64]  # (n,)
    spread: Floats  # (n_properties,), standard deviation of each property among them
    reader: Reader | None  # None: whether the class changes is not looked at
    floor: Floats = NO_FLOOR  # (n_properties, n_properties), see `excess`
    measurer: Measurer = STROKES

    def of(self, chosen: npt.NDArray[np.int64]) -> "Pictures":
        """Some of the images, compared with what all are."""
        return self._replace(images=self.images[chosen], digits=self.digits[chosen])


class Starts(NamedTuple):
    """Where the sweeps of a model begin, and what is compared with."""

    codes: Floats  # (n, n_latents), posterior means of images of every digit
    digits: npt.NDArray[np.int64]  # (n,), all of them among these
    spread: Floats  # (n_properties,), standard deviation of each property among real digits
    measurer: Measurer = STROKES

    @property
    def n_digits(self) -> int:
        return int(self.digits.max()) + 1


class Moves(NamedTuple):
    """What a step along each direction does to the picture."""

    picture_change: Floats  # (n_directions,), mean over pixels and images, in [0, 1]
    class_change: Floats  # (n_directions,), share read as another digit at two steps, NaN: not read
    slopes: Floats  # (n_directions, n_digits, n_properties), a step, in the property's unit


def moves(model: Vae, starts: Starts, directions: Directions, reader: Reader | None) -> Moves:
    """Sweep, decode, measure: about 0.6 s of a core a direction that reacts.

    A direction whose pictures change by less than `reacts` is not measured: its slopes are 0.
    """
    n = len(directions.steps)
    slopes = np.zeros((n, starts.n_digits, len(starts.measurer.factors)))
    picture_change, class_change = np.zeros(n), np.zeros(n)
    for index in range(n):
        one = Directions(directions.steps[[index]], directions.readers[[index]], directions.centre)
        (pictures,) = sweep(model, starts.codes, starts.digits, one, ENDS)
        low, middle, high = np.moveaxis(pictures, 1, 0) / 255
        picture_change[index] = max(abs(low - middle).mean(), abs(high - middle).mean())
        if picture_change[index] < THRESHOLDS.reacts:
            continue
        (pictures,) = sweep(model, starts.codes, starts.digits, one, POSITIONS)
        class_change[index] = _class_change(pictures, reader) if reader else np.nan
        slopes[index] = _slopes(pictures, starts)
        if not np.isfinite(slopes[index]).any():  # none of its pictures can be measured
            slopes[index] = 0
    return Moves(picture_change, class_change, slopes)


def align(
    moved: Moves,
    spread: Floats,
    own: Iterable[int] | None = None,
    floor: Floats | None = None,
    factors: Sequence[Factor] = FACTORS,
) -> pd.DataFrame:
    """What each direction moves, named.

    Args:
        moved: by the directions.
        spread: standard deviation of each property among real digits.
        own: the place among factors of the property that each direction is meant to move; by
            default the one that it moves most.
        floor: see `excess`; None: moving one property takes no other with it.
        factors: the properties, in order.

    Returns:
        One row a direction: property (thickness, ..., digit, mixed or none), slope (of
        that property, a step), leakage (share of the squared effects that goes to the others),
        excess (the same, beyond the floor), n_digits (in which it is the most moved property, in
        the same direction), picture_change, class_change, and the mean slope of each property.
    """
    mean = np.nanmean(moved.slopes, axis=1)
    effects = mean / spread
    floor = np.eye(len(factors)) if floor is None else floor
    columns = [factor.name for factor in factors]
    rows = []
    for index, k in enumerate(np.abs(effects).argmax(axis=1) if own is None else own):
        total = float((effects[index] ** 2).sum())
        leakage = 1 - float(effects[index, k] ** 2) / total if total else np.nan
        by_digit = moved.slopes[index] / spread
        agrees = np.nan_to_num(np.abs(by_digit)).argmax(axis=1) == k
        agrees &= np.sign(by_digit[:, k]) == np.sign(effects[index, k])
        row = {
            "picture_change": moved.picture_change[index],
            "class_change": moved.class_change[index],
            "leakage": leakage,
            "excess": excess(effects[index], k, floor),
            "n_digits": int(agrees.sum()) if total else 0,
            "effect": abs(float(effects[index, k])),
        }
        name = named(row, columns[k], len(by_digit))
        slope = mean[index, k] if name == factors[k].short else np.nan
        slopes = dict(zip(columns, mean[index], strict=True))
        rows.append({"property": name, "slope": slope, **row, **slopes})
    return pd.DataFrame(rows)


def excess(effects: Floats, place: int, floor: Floats) -> float:
    """Leakage beyond what moving one property takes with it; NaN where nothing moves.

    Another property may move by anything from nothing to what the pure operation moves it by; what
    lies outside counts.

    Args:
        effects: on each property, (n_properties,).
        place: of the property in question.
        floor: (n_properties, n_properties), effects of the pure operation of each property, a row
            each, that on its own being 1.
    """
    taken = floor[place] * effects[place]
    beyond = effects - np.clip(effects, np.minimum(taken, 0), np.maximum(taken, 0))
    beyond[place] = 0
    others, own = float((beyond**2).sum()), float(effects[place] ** 2)
    return others / (others + own) if others + own else np.nan


def named(
    row: Mapping[Any, Any], most_moved: str, n_digits: int, thresholds: Thresholds = THRESHOLDS
) -> str:
    """The name of a direction by its figures, for so many digits; the rules are in order."""
    if row["picture_change"] < thresholds.reacts:
        return "none"
    if row["class_change"] > thresholds.changes_digit:
        return "digit"
    agrees = n_digits - row["n_digits"] <= thresholds.disagreeing * n_digits
    leaks = row.get("excess", np.nan)  # tables of before have no floors
    leaks = row["leakage"] if np.isnan(leaks) else leaks
    clear = row["effect"] >= thresholds.moves and leaks <= thresholds.leakage and agrees
    return name_of(most_moved) if clear else "mixed"


def renamed(rows: pd.DataFrame, thresholds: Thresholds) -> pd.Series:
    """The names that directions have under other thresholds.

    Args:
        rows: of the table `alignment`, latents or components: named by what they move most. One
            that did not react when it was measured has no slopes: under a smaller `reacts` it is
            mixed.
    """
    names, properties = [], properties_of(rows)
    for row in rows.to_dict("records"):
        effects = np.reshape(row["digit_effects"], (-1, len(properties)))
        most_moved = properties[int(np.abs(np.nanmean(effects, axis=0)).argmax())]
        names.append(named(row, most_moved, len(effects), thresholds))
    return pd.Series(names, index=rows.index, dtype=object)


def axes(samples: Floats, mixing: Floats, unmixing: Floats) -> Directions:
    """Directions along the columns of a basis, a step being one standard deviation of it.

    Args:
        samples: of the aggregated posterior, (n, n_latents).
        mixing: (n_latents, n_components); the identity for the latents themselves.
        unmixing: (n_components, n_latents), its inverse.
    """
    centre = samples.mean(axis=0)
    spread = ((samples - centre) @ unmixing.T).std(axis=0)
    return Directions((mixing * spread).T, unmixing / spread[:, None], centre)


def some_of_every_digit(digits: npt.ArrayLike, n: int = PER_DIGIT) -> npt.NDArray[np.int64]:
    """Indices of the first n images of every digit, digit by digit."""
    given = np.asarray(digits)
    return np.concatenate([np.flatnonzero(given == digit)[:n] for digit in np.unique(given)])


def _class_change(pictures: Images, reader: Reader) -> float:
    """Share of the outermost pictures that read as another digit than those in the middle."""
    low, middle, high = (reader.read(pictures[:, i]) for i in (0, len(POSITIONS) // 2, -1))
    return float(((low != middle).mean() + (high != middle).mean()) / 2)


def _slopes(pictures: Images, starts: Starts) -> Floats:
    """Least-squares slopes, (n_digits, n_properties): means over images; NaN for a digit without.

    A sweep with a blank picture, which cannot be measured, is left out.
    """
    n, n_positions = pictures.shape[:2]
    values = starts.measurer.values(pictures.reshape(-1, *pictures.shape[2:]))
    values = values.reshape(n, n_positions, -1)
    place = np.asarray(POSITIONS)
    each = np.einsum("p,npk->nk", place, values) / (place @ place)  # the positions add up to 0
    slopes = np.full((starts.n_digits, values.shape[2]), np.nan)
    for digit in range(starts.n_digits):
        own = each[starts.digits == digit]
        own = own[np.isfinite(own).all(axis=1)]
        if len(own):
            slopes[digit] = own.mean(axis=0)
    return slopes
