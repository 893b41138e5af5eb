"""Latents over every digit."""

import numpy as np
from figure_samples import Show, digit_of, levels, ten_images

from analysis.figures.pictures.aligned_latents import over_digits
from analysis.representations.traversal import PAPER_VALUES


def test_one_latent_moves_over_every_digit_and_the_others_stay():
    images = ten_images()
    first, second = over_digits(Show(10), images, np.arange(10), {3: "width", 1: "slant"})
    assert (first.title, second.title) == ("width", "slant")
    assert first.images.shape == (10, 10, 28, 28)
    np.testing.assert_array_equal(first.images[4, :, 0, 2], levels(PAPER_VALUES))
    np.testing.assert_allclose(
        first.images[:, :, 0, 0].T, np.tile(images[:, 0, 0], (10, 1)), atol=1
    )
    np.testing.assert_array_equal(second.images[7, :, 0, 0], levels(PAPER_VALUES))
    np.testing.assert_array_equal(digit_of(second.images)[:, 0], np.arange(10))
