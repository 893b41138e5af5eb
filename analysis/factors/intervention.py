"""Generative factors by intervention: digits redrawn over a grid of thickness, slant and width.

Factors that are measured on real digits hang together, and with the digit; those of a grid do not.
Each digit is drawn at all combinations of a few levels of the three, and measured again.

Of 200 MNIST test digits, 25,000 pictures: R2 of obtained on asked .993 (thickness), 1.000 (slant),
1.000 (width), slopes .994 to .999; over the range of one property the others move by .012 standard
deviations at most, by .039 a digit. The reader of `analysis.latent_effects` reads 94.4% of them,
98.5% of the 200. It takes 51 s of one core, most of it to measure, and is spread over processes.
"""

import io
import zlib
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from joblib import Parallel, cpu_count, delayed

from analysis.factors import FACTORS, morphometry
from analysis.factors.image_set import ImageSet, Sample, content_key, measured
from analysis.factors.redraw import SLACK, Strokes, redraw, strokes_of
from study.data import Dataset
from study.storage.folder import Folder

Floats = npt.NDArray[np.float64]
Images = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

NAMES = tuple(factor.name for factor in FACTORS)
# Standard deviations from the middle of the population to the ends of the grid. At 1.5 the thickest
# pen leaves no room for the loops of the narrowest digits.
REACH = 1.25
THINNEST = 1.6  # px; what is thinner than 1.5 px measures thicker than it is
MOST = np.array([0.8, 0.3, 3.0, 2.0])  # px, rad, px, px that are asked in excess, at most
VERSION = 2  # names the cache; raise it whenever pictures change
_MEASURED = (*NAMES, morphometry.HEIGHT.name)  # height is kept
_NODES = np.array(list(product((-1.0, 0.0, 1.0), repeat=3)))  # where the drawing is corrected


class Interventions(NamedTuple):
    """Redrawn digits: n = digits x levels**3, a digit's pictures in a row."""

    images: Images  # (n, height, width)
    labels: Ints  # (n,)
    source: Ints  # (n,), index of the digit that was redrawn
    levels: Ints  # (n, 3) of thickness, slant and width, from 0: the factors
    asked: Floats  # (n, 3), in the factors' units
    obtained: Floats  # (n, 3), measured on `images`
    spread: Floats  # (3,), standard deviation of each property among the given images


class _Drawn(NamedTuple):
    """One digit at all combinations of levels, n pictures."""

    strokes: Strokes
    wanted: Floats  # (n, 4), what was drawn, so that what was asked came out
    images: Images  # (n, height, width)
    obtained: Floats  # (n, 4)


class _Range(NamedTuple):
    """Lowest and highest values asked of the digits of one class."""

    thickness: tuple[float, float]
    slant: tuple[float, float]
    width: tuple[float, float]
    narrow: bool  # width is counted from the thickness


def intervene(
    images: Images,
    labels: npt.ArrayLike,
    *,
    n_per_class: int = 20,
    n_levels: int = 5,
    seed: int = 0,
    cache: Path | None = None,
    n_jobs: int = 1,
    say: Callable[[str], None] = lambda _: None,
) -> Interventions:
    """Redraw some digits of every class over a grid of thickness, slant and width.

    Asked are: thickness and slant, the same for all digits, in even steps within 1.25 standard
    deviations of the median of the given images (thickness from 1.6 px at least); width in the same
    manner, but of the digit's class. Standard deviations are taken from the quartiles. A class
    whose narrowest width leaves no room for the thickest pen (a "1") is asked for width less
    thickness in that manner: it gets wider as it gets thicker. Height stays as it is.

    Args:
        images: (n, height, width), uint8, sides up to 62: the population.
        labels: (n,), their classes.
        n_per_class: digits of each class, fewer where the class has fewer.
        n_levels: of each property, at least 2.
        seed: chooses the digits.
        cache: folder that keeps measurements and pictures; left alone where it cannot be written.
        n_jobs: processes to draw in; the pictures are the same to the last bit.
        say: told when they have to be drawn, which takes a minute of one core.

    Raises:
        ValueError: fewer than two levels, no digits, or what `measured` refuses.
    """
    if n_levels < 2 or n_per_class < 1:
        raise ValueError(
            f"n_levels must be at least 2 and n_per_class 1, got {n_levels} and {n_per_class}"
        )
    classes = np.asarray(labels).astype(np.int64)
    settings = repr((VERSION, morphometry.VERSION, n_per_class, n_levels, seed))
    name = f"intervention-{content_key(images, classes, settings)}.npz"
    kept = _read(cache / name) if cache else None
    if kept is not None:
        return kept
    say("redrawing test images with chosen factors: about a minute, only once")
    population = measured(images, _MEASURED, cache=cache).to_numpy()
    rng = np.random.default_rng(seed)
    chosen = [
        rng.permutation(np.flatnonzero(classes == c))[:n_per_class] for c in np.unique(classes)
    ]
    made = _drawn(images, classes, population, np.concatenate(chosen), n_levels, n_jobs)
    if cache:
        _write(cache, name, made)
    return made


def redrawn(
    data: Dataset, cache: Path | None, say: Callable[[str], None] = lambda _: None
) -> Interventions | None:
    """Redrawn test images of a data set; None where no strokes can be measured.

    None as well where factors are known: they already vary freely there.
    """
    known = data.test_factors is not None
    if known or data.measure != "strokes" or data.test_images.ndim != 3:
        return None
    settings = {"cache": cache, "n_jobs": cpu_count(), "say": say}
    return intervene(data.test_images, data.test_labels, **settings)


def intervention_set(made: Interventions) -> ImageSet:
    """Redrawn images to score on, with the levels as factors."""
    sample = Sample(made.levels, made.labels, made.levels.astype(np.float64))
    return ImageSet.of(made.images, sample, "intervention")


def _drawn(
    images: Images,
    classes: Ints,
    population: Floats,
    source: Ints,
    n_levels: int,
    n_jobs: int,
) -> Interventions:
    levels = np.array(list(product(range(n_levels), repeat=3)))
    places = 2 * levels / (n_levels - 1) - 1  # -1 to 1
    ranges = {c: _range(population, population[classes == c]) for c in np.unique(classes[source])}
    nodes, asked = (
        np.stack([_asked(ranges[classes[i]], at, population[i]) for i in source])
        for at in (_NODES, places)
    )
    spread = population.std(axis=0)
    with Parallel(n_jobs=n_jobs) as spread_out:
        first = delayed(_first_drawn)
        tasks = zip(images[source], population[source], nodes, asked, strict=True)
        digits = spread_out(first(*task, places) for task in tasks)
        drawn, obtained = _improved(spread_out, digits, asked, spread)
    n = len(levels)
    return Interventions(
        drawn.reshape(-1, *images.shape[1:]),
        np.repeat(classes[source], n),
        np.repeat(source, n),
        np.tile(levels, (len(source), 1)),
        asked[..., :3].reshape(-1, 3),
        obtained[..., :3].reshape(-1, 3),
        spread[:3],
    )


def _range(population: Floats, of_class: Floats) -> _Range:
    thickness, slant, _, _ = (_middle(column) for column in population.T)
    thickness = max(thickness[0], THINNEST), thickness[1]
    width = _middle(of_class[:, 2])
    narrow = width[0] < thickness[1] + SLACK
    if narrow:
        width = _middle(of_class[:, 2] - of_class[:, 0])
    return _Range(thickness, slant, width, narrow)


def _middle(values: Floats) -> tuple[float, float]:
    """REACH standard deviations around the median, by the quartiles of a normal distribution.

    Thickness has a long tail, and few digits of a class have flourishes that make them much wider:
    a "1" with a foot.
    """
    first, median, third = np.quantile(values, (0.25, 0.5, 0.75))
    reach = REACH * (third - first) / 1.349
    return float(median - reach), float(median + reach)


def _asked(of_class: _Range, places: Floats, own: Floats) -> Floats:
    """(n, 4) thickness, slant, width and height at (n, 3) places of the grid, -1 to 1."""
    ends = np.array([of_class.thickness, of_class.slant, of_class.width])
    asked = ends.mean(axis=1) + places * np.ptp(ends, axis=1) / 2
    if of_class.narrow:
        asked[:, 2] += asked[:, 0]
    return np.column_stack([asked, np.full(len(asked), own[3])])


def _quadratic(places: Floats) -> Floats:
    """Weights, (n, 27), of the values at _NODES in the quadratic through them at (n, 3) places."""
    x = places[:, :, None]
    node = np.concatenate([x * (x - 1) / 2, 1 - x**2, x * (x + 1) / 2], axis=2)  # (n, 3, 3)
    weights = np.einsum("pi,pj,pk->pijk", *node.transpose(1, 0, 2))
    return np.asarray(weights.reshape(len(places), -1))


def _first_drawn(
    image: Images, own: Floats, nodes: Floats, asked: Floats, places: Floats
) -> _Drawn:
    """One digit as asked, (n, 4), at (n, 3) places, corrected by what comes out at _NODES."""
    strokes = strokes_of(image, own)
    wanted = nodes.copy()
    for _ in range(2):
        wanted = _corrected(wanted, _measured(redraw(strokes, wanted)), nodes)
    wanted = asked + np.einsum("pq,qk->pk", _quadratic(places), wanted - nodes)
    drawn = redraw(strokes, wanted)
    return _Drawn(strokes, wanted, drawn, _measured(drawn))


def _drawn_again(strokes: Strokes, wanted: Floats) -> tuple[Images, Floats]:
    drawn = redraw(strokes, wanted)
    return drawn, _measured(drawn)


def _corrected(wanted: Floats, obtained: Floats, asked: Floats) -> Floats:
    """Ask for more where too little came, but for no more than a digit can give."""
    return np.clip(wanted + asked - obtained, asked - MOST, asked + MOST)


def _improved(
    spread_out: Parallel, digits: list[_Drawn], asked: Floats, spread: Floats
) -> tuple[Images, Floats]:
    """Pictures and their measurements; the fifth that is furthest off is drawn twice again.

    A picture is replaced where the new one is nearer, by the largest error in standard deviations.
    """
    strokes, *arrays = zip(*digits, strict=True)
    wanted, drawn, obtained = (np.stack(array) for array in arrays)
    for _ in range(2):
        off = np.abs((obtained - asked) / spread)[..., :3].max(axis=2)
        worst = off > np.quantile(off, 0.8)
        wanted[worst] = _corrected(wanted[worst], obtained[worst], asked[worst])
        some = np.flatnonzero(worst.any(axis=1))
        again = spread_out(delayed(_drawn_again)(strokes[i], wanted[i, worst[i]]) for i in some)
        new, measured_again = (np.concatenate(part) for part in zip(*again, strict=True))
        better = np.abs((measured_again - asked[worst]) / spread)[:, :3].max(axis=1) < off[worst]
        where = tuple(index[better] for index in np.nonzero(worst))
        drawn[where], obtained[where] = new[better], measured_again[better]
    return drawn, obtained


def _measured(drawn: Images) -> Floats:
    """(n, 4) measurements of (n, height, width) pictures."""
    return morphometry.measure(drawn)[list(_MEASURED)].to_numpy(copy=True)


def _read(path: Path) -> Interventions | None:
    """What a cache keeps; None where there is nothing, or nothing whole."""
    try:
        with np.load(io.BytesIO(path.read_bytes())) as kept:
            return Interventions(**{name: kept[name] for name in Interventions._fields})
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error):  # absent or damaged
        return None


def _write(folder: Path, name: str, made: Interventions) -> None:
    packed = io.BytesIO()
    np.savez_compressed(packed, **made._asdict())
    try:
        Folder(folder).write(name, packed.getvalue())
    except OSError:  # a cache that others own
        return
