"""Known factors read from pictures: how well, and which are not."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from squares import draw, squares

from analysis.factors.regression import READABLE, in_words, read_factors
from study.data.dataset import Dataset


@pytest.fixture(scope="module")
def read():
    return read_factors(squares())


def test_what_pictures_show_is_read_and_what_they_do_not_is_not_used(read):
    table = read.table.set_index("factor")
    assert (table.loc[["x", "y", "size"], "r2"] > 0.95).all()
    assert table.loc["unseen", "r2"] < 0.2
    assert table["used"].to_dict() == {"x": True, "y": True, "size": True, "unseen": False}
    assert [factor.label for factor in read.measurer.factors] == ["x", "y", "size"]


def test_the_error_is_that_of_pictures_that_it_has_not_learnt_from(read):
    data = squares(seed=0)
    values = read.measurer.values(data.test_images)
    asked = data.test_factors[["x", "y", "size"]].to_numpy()
    error = np.sqrt(((values - asked) ** 2).mean(axis=0)) / asked.std(axis=0)
    np.testing.assert_allclose(read.table["error"][:3], error)
    np.testing.assert_allclose(read.table["r2"], 1 - read.table["error"] ** 2)


def test_values_are_in_the_units_of_the_factors(read):
    places = torch.tensor([6.0, 8.0, 10.0])
    pictures = (255 * draw(places, places.flip(0), torch.full((3,), 3.0))).to(torch.uint8).numpy()
    x, y, size = read.measurer.values(pictures).T
    np.testing.assert_allclose(x, [6, 8, 10], atol=0.6)
    np.testing.assert_allclose(y, [10, 8, 6], atol=0.6)
    np.testing.assert_allclose(size, 6, atol=0.6)


def test_a_blurred_picture_is_still_read(read):
    """Decoded pictures are blurred."""
    data = squares(seed=0)
    blurred = ndimage.gaussian_filter(data.test_images, (0, 0.7, 0.7))
    x = read.measurer.values(blurred)[:, 0]
    assert np.corrcoef(x, data.test_factors["x"])[0, 1] > 0.95


def test_words_say_what_is_used_and_what_is_not(read):
    used, not_used = in_words(read.table).split("; ")
    assert "x (R² " in used
    assert "unseen" not in used
    assert "unseen (R² " in not_used
    assert str(READABLE) in not_used


def test_large_colour_pictures_are_read_from_smaller_ones():
    data = squares(600, 100)
    grow = [
        np.repeat(np.repeat(images, 5, 1), 5, 2) for images in (data.train_images, data.test_images)
    ]
    train, test = (np.stack([images, images // 2, images * 0], axis=-1) for images in grow)
    large = data._replace(train_images=train, test_images=test)
    assert large.shape.image == (3, 80, 80)
    assert read_factors(large).table["used"][:2].all()


def test_training_images_without_factors_are_refused():
    data: Dataset = squares(20, 20)._replace(train_factors=None)
    with pytest.raises(ValueError, match="factors of the training images of squares are not known"):
        read_factors(data)


def test_a_picture_unlike_those_of_the_data_is_not_read(read):
    noise = np.random.default_rng(0).integers(256, size=(20, 16, 16), dtype=np.uint8)
    assert np.isnan(read.measurer.values(noise)).all()
    assert np.isfinite(read.measurer.values(squares(seed=1).test_images)).all()
