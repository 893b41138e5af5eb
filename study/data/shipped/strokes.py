"""Strokes: digits that are drawn, so that thickness, slant and width are known, not measured.

Each digit is a centre line through control points. Every combination of digit, thickness, slant and
width is drawn equally often, with a jitter of the control points as nuisance. Only operations that
IEEE 754 rounds exactly are used, and no reductions: the images are the same bytes on every machine.
"""

import io
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from study.data.dataset import Dataset, DataShape
from study.data.verified_files import ensure, missing, place_of, short_hash, write_whole

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Line = list[tuple[float, float]]

SIZE, HEIGHT, WIDTH = 28, 18.0, 10.0  # of the image, of an upright digit of width 1; pixels
THICKNESS_PX = np.linspace(1.2, 4.0, 8)
SHEAR = np.linspace(-0.2, 0.5, 8)  # tangent of the slant; like handwriting, more to the right
STRETCH = np.linspace(0.65, 1.3, 8)  # of the width
JITTERS = (12, 2)  # drawings of each combination, to train on and to test on
JITTER = 0.05  # largest shift of a control point, as a share of the digit's width and height
SUBDIVISIONS = 5  # straight pieces between two control points

SHAPE = DataShape(channels=1, height=SIZE, width=SIZE, n_classes=10)
MEASURE = "strokes"
NAME = "strokes"
N_TRAIN = 10 * len(THICKNESS_PX) * len(SHEAR) * len(STRETCH) * JITTERS[0]
SHA256 = {
    "strokes-train.npy": "74e96d4ada91d7c3967257269af26987346e1512875591845a2cdd24119c83fe",
    "strokes-test.npy": "b797586d16ab87e27f82df30893413e967c49d569372d342410d0404ec4fdd6b",
}
DATA_HASH = short_hash(SHA256)
FACTS = (NAME, DATA_HASH, MEASURE)


class Digit(NamedTuple):
    """The centre line of a digit; x and y from 0, left and top, to 1."""

    curves: Sequence[Line] = ()  # smooth through their points
    straights: Sequence[Line] = ()  # with corners at their points


DIGITS = [
    Digit([[(0.5, 0), (0.9, 0.15), (1, 0.5), (0.9, 0.85), (0.5, 1), (0.1, 0.85), (0, 0.5),
            (0.1, 0.15), (0.5, 0)]]),
    Digit(straights=[[(0.2, 0.2), (0.55, 0), (0.55, 1)]]),
    Digit([[(0.03, 0.25), (0.2, 0.05), (0.6, 0), (0.92, 0.18), (0.85, 0.45), (0.4, 0.78),
            (0, 1)]], [[(0, 1), (1, 1)]]),
    Digit([[(0.05, 0.1), (0.4, 0), (0.85, 0.1), (0.85, 0.36), (0.4, 0.47)],
           [(0.4, 0.47), (0.85, 0.57), (0.97, 0.8), (0.55, 1), (0.02, 0.9)]]),
    Digit(straights=[[(0.68, 1), (0.68, 0), (0, 0.66), (1, 0.66)]]),
    Digit([[(0.08, 0.44), (0.5, 0.36), (0.95, 0.6), (0.85, 0.9), (0.4, 1), (0, 0.9)]],
          [[(0.92, 0), (0.15, 0), (0.08, 0.44)]]),
    Digit([[(0.78, 0), (0.3, 0.22), (0.03, 0.62), (0.15, 0.92), (0.55, 1), (0.95, 0.8),
            (0.85, 0.56), (0.45, 0.5), (0.06, 0.72)]]),
    Digit([[(1, 0), (0.62, 0.45), (0.38, 1)]], [[(0, 0), (1, 0)]]),
    Digit([[(0.5, 0.47), (0.12, 0.25), (0.5, 0), (0.88, 0.25), (0.5, 0.47), (0.03, 0.76), (0.5, 1),
            (0.97, 0.76), (0.5, 0.47)]]),
    Digit([[(0.92, 0.25), (0.6, 0.5), (0.15, 0.44), (0.06, 0.17), (0.45, 0), (0.85, 0.06),
            (0.92, 0.25), (0.88, 0.65), (0.6, 1)]]),
]  # fmt: skip
MOST_POINTS = 9  # of one digit


def load_strokes(folder: Path | None = None) -> Dataset:
    """The drawn digits from their place in `data_dir(folder)`; drawn, in some 15 s, if missing.

    Raises:
        DataError: the folder cannot be used, or a file there is damaged.
    """
    place = place_of(NAME, SHA256, folder)
    fetch(place)
    train, test = (np.asarray(np.load(place / file, mmap_mode="c")) for file in SHA256)
    (_, labels, factors), (_, test_labels, test_factors) = (_combinations(n) for n in JITTERS)
    facts = (NAME, SHAPE.n_classes, DATA_HASH, MEASURE)
    return Dataset(train, labels, test, test_labels, *facts, test_factors, factors)


def fetch(folder: Path) -> None:
    """Make sure that the images lie in `folder`.

    Raises:
        DataError: the folder cannot be used, or a file there is damaged.
    """

    def make(files: list[str]) -> None:
        for n, file in zip(JITTERS, SHA256, strict=True):
            if file in files:
                buffer = io.BytesIO()
                np.save(buffer, _images(n))
                write_whole(folder / file, buffer.getvalue())
        missing(folder, SHA256, NAME, "drawn")  # verifies

    ensure(folder, SHA256, NAME, make, "drawn")


def _combinations(n_jitters: int) -> tuple[Floats, Ints, pd.DataFrame]:
    """Factors of every image as drawn, (n, 3); its digit, (n,); its factors in their units."""
    grid = np.indices((10, len(THICKNESS_PX), len(SHEAR), len(STRETCH), n_jitters)).reshape(5, -1)
    order = np.random.default_rng(n_jitters).permutation(grid.shape[1])
    digit, thickness, shear, stretch, _ = grid[:, order]
    values = np.stack([THICKNESS_PX[thickness], SHEAR[shear], STRETCH[stretch]], axis=1)
    slant = np.round(np.arctan(values[:, 1]), 9)
    columns = {"thickness_px": values[:, 0], "slant_rad": slant, "width": values[:, 2]}
    return values, digit, pd.DataFrame(columns)


def _images(n_jitters: int) -> npt.NDArray[np.uint8]:
    """All pictures of a split, (n, 28, 28)."""
    values, digits, _ = _combinations(n_jitters)
    jitter = np.random.default_rng(n_jitters).uniform(-1, 1, (len(digits), MOST_POINTS, 2))
    images = np.empty((len(digits), SIZE, SIZE), np.uint8)
    for digit in range(10):
        rows = np.flatnonzero(digits == digit)
        for part in np.array_split(rows, max(1, len(rows) // 200)):
            thickness_px, shear, stretch = values[part].T
            images[part] = draw(digit, thickness_px, shear, stretch, jitter[part])
    return images


def curve(points: Floats) -> Floats:
    """A Catmull-Rom curve through points (..., n, 2), as points (..., m, 2) of straight pieces."""
    ends = np.concatenate([points[..., :1, :], points, points[..., -1:, :]], axis=-2)
    before, start, end, after = (ends[..., k : k + points.shape[-2] - 1, :] for k in range(4))
    pieces = []
    for t in np.arange(SUBDIVISIONS) / SUBDIVISIONS:
        linear, square = end - before, 2 * before - 5 * start + 4 * end - after
        cube = 3 * (start - end) + after - before
        pieces.append(start + t / 2 * (linear + t * (square + t * cube)))
    along = np.stack(pieces, axis=-2)  # (..., n - 1, SUBDIVISIONS, 2)
    flat = along.reshape(*points.shape[:-2], -1, 2)
    return np.concatenate([flat, points[..., -1:, :]], axis=-2)


def draw(
    digit: int, thickness_px: Floats, shear: Floats, stretch: Floats, jitter: npt.NDArray[Any]
) -> npt.NDArray[np.uint8]:
    """Pictures of one digit.

    Args:
        digit: 0 to 9.
        thickness_px: of the line, (n,).
        shear: tangent of the slant, positive to the right, (n,).
        stretch: factor of the width, (n,).
        jitter: in [-1, 1], (n, at least as many points as the digit has, 2).

    Returns:
        (n, 28, 28), uint8, white on black; the middle of the digit's box in that of the image.
    """
    distance = np.full((len(shear), SIZE, SIZE), np.inf)
    shape = DIGITS[digit]
    points = list(dict.fromkeys(itertools.chain(*shape.curves, *shape.straights)))
    place = {point: k for k, point in enumerate(points)}  # lines that meet, meet when jittered
    moved = np.array(points) + JITTER * jitter[:, : len(points)]
    x = (moved[..., 0] - 0.5) * WIDTH * stretch[:, None]
    y = (moved[..., 1] - 0.5) * HEIGHT
    drawn = np.stack([x - y * shear[:, None], y], axis=-1) + (SIZE - 1) / 2
    for line in shape.curves:
        _nearer(distance, curve(drawn[:, [place[point] for point in line]]))
    for line in shape.straights:
        _nearer(distance, drawn[:, [place[point] for point in line]])
    ink = thickness_px[:, None, None] / 2 - np.sqrt(distance) + 0.5
    pictures: npt.NDArray[np.uint8] = np.rint(255 * ink.clip(0, 1)).astype(np.uint8)
    return pictures


def _nearer(distance: Floats, line: Floats) -> None:
    """Lower squared distances (n, rows, columns) of pixels to those to a line (n, m, 2)."""
    rows, columns = np.mgrid[:SIZE, :SIZE].astype(np.float64)
    x, y = np.moveaxis(line, (2, 1), (0, 1))[..., None, None]  # (m, n, 1, 1) each
    for k in range(line.shape[1] - 1):
        along_x, along_y = x[k + 1] - x[k], y[k + 1] - y[k]
        right, down = columns - x[k], rows - y[k]
        length = along_x * along_x + along_y * along_y
        share = ((right * along_x + down * along_y) / np.maximum(length, 1e-12)).clip(0, 1)
        right, down = right - share * along_x, down - share * along_y
        np.minimum(distance, right * right + down * down, out=distance)
