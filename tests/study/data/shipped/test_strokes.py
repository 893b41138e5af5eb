import shutil

import numpy as np
import pytest

from analysis.factors.morphometry import measure
from study.data import DataError, load_data
from study.data.shipped import strokes
from study.data.verified_files import place_of

STILL = np.zeros((1, strokes.MOST_POINTS, 2))


def one(digit, thickness=3.0, shear=0.0, stretch=1.0, jitter=STILL):
    arrays = (np.array([value]) for value in (thickness, shear, stretch))
    return strokes.draw(digit, *arrays, jitter)[0]


def test_the_stem_of_a_one_has_the_thickness_asked_for():
    for thickness in (1.2, 2.0, 3.3, 4.0):
        ink = one(1, thickness)[18:21].sum(axis=1) / 255  # rows below its flag: an upright bar
        assert ink == pytest.approx(thickness, abs=0.01)


def test_a_slant_moves_every_row_by_its_height_and_nothing_else():
    upright, leaning = (one(1, shear=shear).astype(float) for shear in (0.0, 0.5))
    rows, columns = np.arange(16, 22), np.arange(28)  # the stem alone
    place = [
        (part[rows] * columns).sum(axis=1) / part[rows].sum(axis=1) for part in (upright, leaning)
    ]
    assert place[1] - place[0] == pytest.approx(-0.5 * (rows - 13.5), abs=0.05)


def test_a_stretch_moves_outlines_apart_and_keeps_the_line():
    columns = np.arange(28)
    spread = {}
    for stretch in (0.7, 1.3):
        row = one(0, 2.0, stretch=stretch)[14].astype(float)  # two strokes of a zero
        left, right = row[:14], row[14:]
        assert (left.sum() / 255, right.sum() / 255) == pytest.approx((2, 2), abs=0.05)
        spread[stretch] = (right * columns[14:]).sum() / right.sum() - (
            left * columns[:14]
        ).sum() / left.sum()
    assert spread[1.3] / spread[0.7] == pytest.approx(1.3 / 0.7, rel=0.01)


def test_a_curve_passes_through_its_points_and_is_straight_between_points_of_a_line():
    points = np.array([[[0.0, 0.0], [1.0, 2.0], [2.0, 4.0], [3.0, 6.0]]])
    line = strokes.curve(points)[0]
    assert line[:: strokes.SUBDIVISIONS] == pytest.approx(points[0])
    assert line[:, 1] == pytest.approx(2 * line[:, 0])


def test_every_combination_is_drawn_equally_often_in_both_splits():
    data = load_data("strokes")
    for labels, factors, n in (
        (data.train_labels, data.train_factors, strokes.JITTERS[0]),
        (data.test_labels, data.test_factors, strokes.JITTERS[1]),
    ):
        counts = factors.assign(digit=labels).value_counts()
        assert len(counts) == 10 * 8 * 8 * 8
        assert set(counts) == {n}
    assert len(data.train_images) == strokes.N_TRAIN
    assert data.train_images.shape[1:] == strokes.SHAPE.image[1:]


def test_what_is_measured_on_the_pictures_follows_what_is_known():
    data = load_data("strokes")
    few = slice(0, 1_000)
    measured, known = measure(data.test_images[few]), data.test_factors[few]
    for name in ("thickness_px", "slant_rad"):
        assert np.corrcoef(measured[name], known[name])[0, 1] > 0.95


def test_images_are_within_their_frame():
    images = load_data("strokes").test_images
    edges = [images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]]
    touching = np.mean([(edge > 0).any(axis=1) for edge in edges])
    assert touching < 0.001


def test_the_images_are_drawn_where_they_are_missing_and_damage_is_named(tmp_path, monkeypatch):
    load_data("strokes")  # in the usual place: the training images are not drawn again
    train, test = strokes.SHA256
    place = place_of("strokes", strokes.SHA256)
    shutil.copy(place / train, tmp_path)
    strokes.fetch(tmp_path)
    assert (tmp_path / test).read_bytes() == (place / test).read_bytes()
    with (tmp_path / test).open("r+b") as file:
        file.seek(5_000)
        file.write(b"damage")
    with pytest.raises(DataError, match=f"{test} is not the original strokes file"):
        load_data("strokes", tmp_path)
