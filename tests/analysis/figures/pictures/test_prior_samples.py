"""Draws from the prior."""

import numpy as np
from figure_samples import Show, digit_of, levels

from analysis.figures.pictures.prior_samples import prior_samples


def test_a_conditional_model_draws_digit_by_digit_with_the_same_latents():
    panel = prior_samples(Show(10), "C", 10, n=4)
    np.testing.assert_array_equal(digit_of(panel.images), np.tile(np.arange(10)[:, None], 4))
    assert (panel.images[..., 0, :3] == panel.images[:1, ..., 0, :3]).all()
    assert panel.rows == [str(digit) for digit in range(10)]
    plain = prior_samples(Show(), "S", 10, n=4)
    assert plain.rows == []
    drawn = np.random.default_rng(0).normal(size=(40, 3))
    np.testing.assert_array_equal(plain.images[..., 0, :3].reshape(40, 3), levels(drawn))
