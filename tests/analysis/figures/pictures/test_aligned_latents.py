"""Latents over every digit."""

import numpy as np
from figure_samples import Show, digit_of, levels, ten_images

from analysis.figures.pictures.aligned_latents import over_digits
from analysis.representations.traversal import PAPER_VALUES, Scale

LATENTS = {3: "width", 1: "slant"}
AS_THEY_ARE = Scale(np.zeros(3), np.ones(3), False)


def test_one_latent_moves_over_every_digit_and_the_others_stay():
    images = ten_images()
    first, second = over_digits(Show(10), images, np.arange(10), LATENTS, AS_THEY_ARE)
    assert (first.title, second.title) == ("width", "slant")
    assert first.images.shape == (10, 10, 28, 28)
    np.testing.assert_array_equal(first.images[4, :, 0, 2], levels(PAPER_VALUES))
    np.testing.assert_allclose(
        first.images[:, :, 0, 0].T, np.tile(images[:, 0, 0], (10, 1)), atol=1
    )
    np.testing.assert_array_equal(second.images[7, :, 0, 0], levels(PAPER_VALUES))
    np.testing.assert_array_equal(digit_of(second.images)[:, 0], np.arange(10))


def test_deviations_are_counted_from_the_mean_of_each_latent():
    scale = Scale(np.array([1.0, 0.0, -1.0]), np.array([0.5, 1.0, 0.25]), True)
    first, second = over_digits(Show(), ten_images(), np.arange(10), LATENTS, scale)
    assert "SD" in first.x_label
    np.testing.assert_array_equal(first.images[4, :, 0, 2], levels(-1 + 0.25 * PAPER_VALUES))
    np.testing.assert_array_equal(second.images[7, :, 0, 0], levels(1 + 0.5 * PAPER_VALUES))
