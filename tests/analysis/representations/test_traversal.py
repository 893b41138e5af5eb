"""Traversals: what latents are set to, and what is drawn of it."""

import numpy as np
import pytest
import torch
from figure_samples import Show, levels, ten_images
from torch import nn

from analysis.representations.traversal import (
    PAPER_VALUES,
    Directions,
    Scale,
    aggregated_samples,
    mean_traversal,
    paper_traversal,
    quantile_traversal,
    scale_of,
    sweep,
)
from study.config.run import RunConfig
from study.data import DataShape
from study.data.shipped.mnist import SHAPE
from study.training.trainer import Trainer

AS_THEY_ARE = Scale(np.zeros(3), np.ones(3), False)


@pytest.fixture(scope="module")
def trained(mnist):
    model = Trainer(
        RunConfig(latent_dim=3, hidden=16, conditioning="label"), SHAPE, torch.device("cpu")
    )
    return model.model, mnist.test_images[0], int(mnist.test_labels[0])


def test_the_paper_sets_each_latent_to_ten_values_from_minus_to_plus_five(trained):
    model, image, label = trained
    one = paper_traversal(model, image, label, AS_THEY_ARE)
    assert one.images.shape == (3, 10, 28, 28)
    assert one.images.dtype == np.uint8
    assert one.values[0, 0] == -5
    assert one.values[0, -1] == 5
    assert np.allclose(np.diff(one.values, axis=1), 10 / 9)
    again, other = (paper_traversal(model, image, label, AS_THEY_ARE, seed=seed) for seed in (0, 1))
    np.testing.assert_array_equal(one.images, again.images)
    assert (one.start != other.start).any()


def test_the_traversal_around_the_mean_moves_one_latent_and_keeps_the_rest(trained):
    model, image, label = trained
    one = mean_traversal(model, image, label, AS_THEY_ARE)
    lines = Directions(np.eye(3), np.eye(3), np.zeros(3))
    np.testing.assert_array_equal(
        one.images, sweep(model, one.start[None], [label], lines, PAPER_VALUES)[:, 0]
    )


def test_quantiles_span_what_the_latents_really_take(trained, mnist):
    model, image, label = trained
    samples = aggregated_samples(model, mnist.test_images[:500], mnist.test_labels[:500])
    one = quantile_traversal(model, image, label, samples)
    outside = (samples < one.values[:, 0]) | (samples > one.values[:, -1])
    np.testing.assert_allclose(outside.mean(axis=0), 0.05, atol=0.01)


def test_a_standard_normal_prior_is_traversed_as_in_the_paper():
    scale = scale_of(Show(), ten_images(), np.arange(10))
    assert not scale.in_sd
    np.testing.assert_array_equal(scale.values, np.tile(PAPER_VALUES, (3, 1)))


def test_another_prior_is_traversed_in_deviations_of_the_aggregated_posterior():
    """Codes by hand: the posterior of `Show` is the logit of three pixels, with no spread."""
    model, images = Show(), ten_images()
    model.prior = nn.Module()
    pixels = images[:, 0, :3] / 255
    codes = np.log(pixels / (1 - pixels))
    scale = scale_of(model, images, np.arange(10))
    assert scale.in_sd
    np.testing.assert_allclose(scale.centre, codes.mean(axis=0), atol=1e-3)
    np.testing.assert_allclose(scale.unit, codes.std(axis=0), atol=1e-3)
    one = mean_traversal(model, images[0], 0, scale)
    places = codes.mean(axis=0)[:, None] + codes.std(axis=0)[:, None] * PAPER_VALUES
    np.testing.assert_allclose(one.values, places, atol=1e-2)
    shown = one.images[np.arange(3), :, 0, np.arange(3)]
    np.testing.assert_allclose(shown, levels(places), atol=1)


@pytest.mark.parametrize("image", [(1, 16, 20), (3, 16, 20)], ids=["grey", "colour"])
def test_pictures_of_any_shape_are_swept(image):
    model = Trainer(RunConfig(latent_dim=3, hidden=16), DataShape(*image, 0), torch.device("cpu"))
    lines = Directions(np.eye(3)[:2], np.eye(3)[:2], np.zeros(3))
    pictures = sweep(model.model, np.zeros((4, 3)), np.zeros(4), lines, PAPER_VALUES)
    assert pictures.shape == (2, 4, 10, 16, 20, 3)[: 5 + (image[0] == 3)]
