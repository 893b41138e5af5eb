import numpy as np
import pytest
from scipy import ndimage
from skimage import morphology

from analysis.factors.medial_axis import medial_axis, squared_distance

EIGHT = np.ones((3, 3))


def picture(*rows):
    return np.array([[cell == "#" for cell in row] for row in rows])[None]


def blobs(n=20, side=40):
    """Random blobs, thick and thin, some with holes, some cut by the edge."""
    noise = np.random.default_rng(0).normal(size=(n, side, side))
    return ndimage.gaussian_filter(noise, 2, axes=(1, 2)) > 0


def test_distance_counts_pixels_to_the_nearest_blank_one():
    ink = picture(".....", ".###.", ".###.", ".###.", ".....")
    want = [[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 1, 4, 1, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]]
    np.testing.assert_array_equal(squared_distance(ink)[0], want)


def test_outside_the_image_is_blank():
    np.testing.assert_array_equal(squared_distance(picture("###")), [[[1, 1, 1]]])


def test_distance_agrees_with_scipy():
    ink = blobs()
    margin = np.pad(ink, ((0, 0), (1, 1), (1, 1)))
    want = [ndimage.distance_transform_edt(image)[1:-1, 1:-1] for image in margin]
    np.testing.assert_allclose(np.sqrt(squared_distance(ink)), want, rtol=1e-6)


def test_distance_refuses_sides_that_overflow():
    with pytest.raises(ValueError, match="up to 250 x 250 pixels only, got \\(251, 4\\)"):
        squared_distance(np.ones((1, 251, 4), dtype=bool))


def axis_of(ink):
    return medial_axis(ink, squared_distance(ink))


def test_axis_of_a_square_is_its_diagonals_or_nearly():
    # the drawing in the documentation of skimage.morphology.medial_axis; its ties are random
    ink = picture(".......", "..###..", "..###..", "..###..", "..###..", "..###..", ".......")
    axis = axis_of(ink)[0]
    corners = [[1, 2], [1, 4], [5, 2], [5, 4]]
    assert all(axis[row, column] for row, column in corners)
    assert axis[2:5, 3].all()
    assert axis.sum() == 7


def test_axis_of_a_line_is_the_line():
    ink = picture("......", ".####.", "......")
    np.testing.assert_array_equal(axis_of(ink), ink)


def test_axis_keeps_a_lone_pixel_and_nothing_of_nothing():
    np.testing.assert_array_equal(
        axis_of(picture("...", ".#.", "...")), picture("...", ".#.", "...")
    )
    assert not axis_of(picture("...")).any()


def test_axis_has_the_pieces_and_holes_of_the_ink():
    ink = blobs()
    for before, after in zip(ink, axis_of(ink), strict=True):
        assert ndimage.label(after, EIGHT)[1] == ndimage.label(before, EIGHT)[1]
        assert ndimage.label(~np.pad(after, 1))[1] == ndimage.label(~np.pad(before, 1))[1]
        assert not (after & ~before).any()


def test_axis_is_thin():
    """A single pass may leave a square of four pixels, but rarely does."""
    axis = np.pad(axis_of(blobs()), ((0, 0), (1, 1), (1, 1)))
    square = axis[:, 1:, 1:] & axis[:, 1:, :-1] & axis[:, :-1, 1:] & axis[:, :-1, :-1]
    assert square.sum() / axis.sum() < 0.01


def test_axis_does_not_depend_on_the_batch():
    ink = blobs()
    np.testing.assert_array_equal(axis_of(ink)[7:8], axis_of(ink[7:8]))


def test_axis_moves_with_the_ink():
    ink = np.pad(blobs(), ((0, 0), (4, 4), (4, 4)))
    moved = np.roll(ink, (2, -4), axis=(1, 2))
    np.testing.assert_array_equal(np.roll(axis_of(ink), (2, -4), axis=(1, 2)), axis_of(moved))


def test_axis_agrees_with_scikit_image_as_well_as_two_of_its_seeds_do():
    ink = np.pad(blobs(), ((0, 0), (1, 1), (1, 1)))
    ours = axis_of(ink)
    one, other = ([morphology.medial_axis(image, rng=seed) for image in ink] for seed in (0, 1))
    assert (ours != one).sum() < 1.5 * (np.array(one) != other).sum()
