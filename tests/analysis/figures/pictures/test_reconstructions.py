"""Reconstructions."""

import numpy as np
from figure_samples import Show, ten_images

from analysis.figures.pictures.reconstructions import reconstructions


def test_reconstructions_stand_below_their_originals():
    images = ten_images()
    panel = reconstructions({"β = 1": Show(), "β = 5": Show()}, images, np.arange(10))
    assert panel.rows == ["original", "β = 1", "β = 5"]
    np.testing.assert_array_equal(panel.images[0], images)
    np.testing.assert_allclose(panel.images[1, :, 0, :3].astype(float), images[:, 0, :3], atol=1)
    assert (panel.images[1, :, 1:] == 0).all()
