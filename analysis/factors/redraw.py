"""Digits drawn anew: sheared, stretched, dilated, or with another pen along the same strokes.

A pen is what keeps strokes even. To stretch the ink would thicken upright strokes alone; here the
centre line of the ink is sheared and stretched, and the pen is drawn along it again. The distance
to the centre line and the radius of the ink there are kept on a grid, once a digit; after a shear
and stretch the distance to a straight stroke is the old one over the length of its transformed
normal, so that a picture takes one look-up a pixel. Thicker strokes are drawn with a pen that is
wider everywhere by the same amount, thinner ones with all radii in proportion, so that no stroke
breaks. The middle of gaps between strokes and of loops stays blank.

Morpho-MNIST (Castro et al. 2019, JMLR 20:178, section 4) thins and thickens by eroding and dilating
the ink. That fills loops and breaks faint strokes alike, and has no shear or stretch.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from analysis.factors.medial_axis import Bools, medial_axis, squared_distance
from analysis.factors.morphometry import MAX_SIDE, SCALE, enlarge

Floats = npt.NDArray[np.float64]
Images = npt.NDArray[np.uint8]

# Distances below are in pixels of the small image.
MARGIN = 6  # blank pixels around an image, as far as the largest image leaves room for them
SPUR = 0.5  # a branch whose radius falls faster than this along it is a corner of the ink
GAP = 0.6  # half of what stays blank between two strokes, and in a loop, however thick the pen
SLACK = 1.2  # by which a straight upright line measures wider than it is thick
STRETCH = (0.3, 2.6)  # of the width; a straight "1" gets no wider by more, but ragged
HEIGHTEN = (0.7, 1.3)


class _Lines(NamedTuple):
    """How far each pixel of an enlarged image is from some lines, and which way they lie."""

    distance: Floats  # (rows, columns)
    normal_rr: Floats  # mean square of the row part of the unit vector from the line, around here
    normal_rc: Floats  # mean product of its row and column part


class Strokes(NamedTuple):
    """A digit as a centre line, a pen, and the middle of the gaps between strokes."""

    pen: Floats  # (rows, columns) of the enlarged image with its margin: radius
    lines: _Lines  # from the centre line
    gaps: _Lines  # from the middle of gaps and loops
    line: Floats  # (n, 2), row and column of the points of the centre line, in the small image
    centre: Floats  # (2,), row and column of the centre of mass
    margin: int
    shape: tuple[int, int]  # of the small image
    own: Floats  # (4,) thickness, slant, width and height as measured


def shear(images: Images, slope: npt.ArrayLike) -> Images:
    """Lean images to the right, every row as a whole: the ink moves `slope` columns a row.

    Args:
        images: (n, height, width), uint8.
        slope: (n,) or one number; the tangent of the slant grows by as much.

    Returns:
        Same shape; grey levels between pixels by cubic splines, about the centre of mass.
    """
    return _moved(images, np.ones(len(images)), np.broadcast_to(slope, len(images)))


def stretch(images: Images, factor: npt.ArrayLike) -> Images:
    """Stretch images along their rows, ink and all: upright strokes get thicker.

    Args:
        images: (n, height, width), uint8.
        factor: (n,) or one number; above 1 is wider. A slant is stretched with the rest.
    """
    return _moved(images, np.broadcast_to(factor, len(images)), np.zeros(len(images)))


def dilate(images: Images, amount: float) -> Images:
    """Move the edge of the ink outwards, by `amount` pixels on every side; inwards below 0.

    Args:
        images: (n, height, width), uint8, sides up to 62.
        amount: half of what strokes gain in thickness. By 0 the picture is drawn anew all the same,
            with an edge one pixel wide, so that grey levels differ a little.
    """
    drawn = [_edge(_ink(image)) for image in images]
    n, height, width = images.shape
    blocks = np.reshape(drawn, (n, height, SCALE, width, SCALE))
    return _grey(blocks.mean(axis=(2, 4)) / SCALE + amount)


def strokes_of(image: Images, own: Floats) -> Strokes:
    """Find centre line and pen of one image.

    Args:
        image: (height, width), uint8, sides up to 62, not blank.
        own: its thickness, slant, width and height, as `morphometry.measure` gives them.
    """
    margin = min(MARGIN, (MAX_SIDE - max(image.shape)) // 2)
    ink = _ink(np.pad(image, margin))
    axis = _centre_line(ink, 0)
    lines = _lines(axis)
    return Strokes(
        ndimage.gaussian_filter(_edge(ink) / SCALE + lines.distance, 2),
        lines,
        _lines(_centre_line(~ink, SCALE * 0.5)),
        (np.argwhere(axis) + 0.5) / SCALE - 0.5 - margin,
        np.array(ndimage.center_of_mass(image.astype(np.float64))),
        margin,
        (image.shape[0], image.shape[1]),
        np.asarray(own, dtype=np.float64),
    )


def redraw(strokes: Strokes, wanted: Floats) -> Images:
    """Draw one digit with other measurements, as near as a model of them comes.

    Args:
        strokes: of the digit.
        wanted: (n, 4) thickness (px), slant (rad), width and height (px).

    Returns:
        (n, height, width). The centre of mass stays, unless ink would be cut at the border.
    """
    thickness, slant, width, height = wanted.T
    own_thickness, own_slant, own_width, own_height = strokes.own
    line_width = max(own_width - own_thickness - SLACK, 0.3)
    wide = np.clip((width - thickness - SLACK) / line_width, *STRETCH)
    tall = np.clip((height - thickness) / max(own_height - own_thickness, 1.0), *HEIGHTEN)
    lean = wide * np.tan(own_slant) - tall * np.tan(slant)  # columns a row of the old image
    row, column = _sources(strokes, np.stack([wide, tall, lean]), thickness)
    place = [(x + strokes.margin + 0.5) * SCALE - 0.5 for x in (row, column)]
    pen = ndimage.map_coordinates(strokes.pen, place, order=1, mode="nearest")
    new = thickness[:, None, None]
    thinner = pen * np.maximum(new, 0.2) / own_thickness
    thicker = pen + (new - own_thickness) / 2
    affine = np.stack([wide, tall, lean])[:, :, None, None]
    level = np.where(new < own_thickness, thinner, thicker) - _apart(strokes.lines, affine, place)
    return _grey(np.minimum(level, _apart(strokes.gaps, affine, place) - GAP))


def _apart(lines: _Lines, affine: Floats, place: list[Floats]) -> Floats:
    """Distance of new pixels, which show `place` of the old image, from transformed lines."""
    distance, rr, rc = (
        ndimage.map_coordinates(field, place, order=1, mode="nearest") for field in lines
    )
    wide, tall, lean = affine
    normal = (  # squared length of the transformed normal
        rr / tall**2
        - 2 * rc * lean / (wide * tall**2)
        + (1 - rr) * (1 / wide**2 + (lean / (wide * tall)) ** 2)
    )
    return np.asarray(distance / np.sqrt(normal))


def _sources(strokes: Strokes, affine: Floats, thickness: Floats) -> tuple[Floats, Floats]:
    """Row and column of the old image, (n, height, width) each, that each new pixel shows.

    The new image moves as a whole where the line, with the pen around it, would leave it.
    """
    wide, tall, lean = affine[:, :, None]
    row, column = (strokes.line - strokes.centre).T
    moved = (tall * row, wide * column + lean * row)
    grown = (
        np.maximum(1, tall[:, 0]),
        np.maximum(1, np.hypot(wide, lean)[:, 0]),
    )  # ends of strokes
    offset = []
    for axis, at in enumerate(moved):
        reach = grown[axis] * thickness / 2
        first, last = at.min(axis=1) - reach, at.max(axis=1) + reach
        lowest, highest = -0.5 - first, strokes.shape[axis] - 0.5 - last  # places of the centre
        inside = np.clip(strokes.centre[axis], lowest, np.maximum(lowest, highest))
        offset.append(np.where(highest < lowest, (lowest + highest) / 2, inside))
    new_row, new_column = (
        np.arange(side) - start[:, None] for side, start in zip(strokes.shape, offset, strict=True)
    )
    old_row = (new_row / tall)[:, :, None]
    old_column = (new_column[:, None, :] - lean[:, :, None] * old_row) / wide[:, :, None]
    old_row = np.broadcast_to(old_row, old_column.shape)
    return old_row + strokes.centre[0], old_column + strokes.centre[1]


def _moved(images: Images, wide: Floats, slope: Floats) -> Images:
    """Stretch and shear grey levels about the centre of mass of each image."""
    moved = np.empty_like(images)
    for index, image in enumerate(images):
        grey = image.astype(np.float64)
        centre = np.array(ndimage.center_of_mass(grey)) if image.any() else np.zeros(2)
        back = np.array([[1.0, 0.0], [slope[index] / wide[index], 1 / wide[index]]])
        offset = centre - back @ centre
        new = ndimage.affine_transform(grey, back, offset, order=3)
        moved[index] = np.round(np.clip(new, 0, 255))
    return moved


def _ink(image: Images) -> Bools:
    """Ink of one image, enlarged, as `morphometry.measure` sees it."""
    large = enlarge(image[None])[0]
    return np.asarray(large >= (large.min() + large.max()) / 2)


def _edge(ink: Bools) -> Floats:
    """Signed distance to the edge of the ink, positive inside, in pixels of the enlarged image."""
    inside, outside = (ndimage.distance_transform_edt(part) for part in (ink, ~ink))
    return np.asarray(np.where(ink, inside - 0.5, 0.5 - outside))


def _lines(axis: Bools) -> _Lines:
    far = 1e3 * np.ones(axis.shape)
    if not axis.any():
        return _Lines(far, 0 * far + 0.5, 0 * far)
    distance, nearest = ndimage.distance_transform_edt(~axis, return_indices=True)
    row, column = (np.indices(axis.shape) - nearest) / np.maximum(distance, 1e-9)
    smooth = ndimage.gaussian_filter
    return _Lines(
        smooth(distance, 1.5) / SCALE,
        smooth(np.where(axis, 0.5, row**2), 6),
        smooth(np.where(axis, 0.0, row * column), 6),
    )


def _centre_line(ink: Bools, least: float) -> Bools:
    """Medial axis without its branches into corners, where its radius is at least `least`."""
    squared = squared_distance(ink[None])
    axis = medial_axis(ink[None], squared)[0]
    points, radius = np.argwhere(axis), np.sqrt(squared[0][axis], dtype=np.float64)
    apart = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    into = (radius[None] - radius[:, None] > SPUR * apart) & (apart < radius[None]) & (apart > 0)
    kept = points[~into.any(axis=1) & (radius >= least)]
    line = np.zeros(axis.shape, np.bool_)
    line[kept[:, 0], kept[:, 1]] = True
    return line


def _grey(level: Floats) -> Images:
    """Grey levels, white on black, of signed distances to the edge, in pixels, positive inside.

    An edge one pixel wide differs least from MNIST's own: by 2.1 grey levels a pixel where the
    first 100 test digits are drawn as they were, by 2.7 at 0.8 and 2.8 at 1.3 pixels.
    """
    return np.round(255 * np.clip(0.5 + level, 0, 1)).astype(np.uint8)
