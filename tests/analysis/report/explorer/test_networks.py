"""Networks as layers that the page executes, and their weights as it stores them."""

import base64
import zlib

import numpy as np
import pytest
import torch
from explored import PLAIN
from torch import nn

from analysis.report.explorer.layers import CannotShow
from analysis.report.explorer.networks import (
    decoder_difference,
    decoder_layers,
    encoder_difference,
    encoder_layers,
)
from analysis.report.explorer.weights import LARGE, deflated, layers_of, stored, stored_within
from analysis.representations.encode import encode
from study.data.shipped.mnist import SHAPE
from study.models.likelihoods import Bernoulli
from study.models.priors import NormalPrior


class Drawn(nn.Module):
    """A model of three latents whose decoder is given; it draws 28 x 28 pixels."""

    latent_dim, n_classes, decoder_classes = 3, 0, 0
    data_shape, likelihood = SHAPE, Bernoulli()

    def __init__(self, decoder):
        super().__init__()
        self.decoder, self.prior = decoder, NormalPrior(3)

    def decode(self, latent, label=None):
        return self.decoder(latent).flatten(1)


class Wavy(nn.Sequential):
    def forward(self, latent):
        return super().forward(latent.sin())


def seeded(*layers):
    for layer in layers:
        for parameter in layer.parameters():
            nn.init.normal_(parameter, std=0.3, generator=torch.Generator().manual_seed(3))
    return layers


def test_the_difference_is_that_of_the_weights(explored_study, mnist):
    model, _ = explored_study.model(PLAIN.run_id)
    start = encode(model, mnist.test_images[:5], mnist.test_labels[:5]).mean
    hidden, output = decoder_layers(model)
    assert decoder_difference(model, [hidden, output], start) < 1e-5
    bias = output.bias.copy()
    bias[300] += 100  # that pixel is white now, wherever one looks
    assert decoder_difference(model, [hidden, output._replace(bias=bias)], start) > 0.3


def test_deeper_decoders_and_rectified_ones_are_shown():
    layers = seeded(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 784))
    shown = decoder_layers(Drawn(nn.Sequential(*layers)))
    assert [layer.activation for layer in shown] == ["relu", "relu", "sigmoid"]
    np.testing.assert_array_equal(shown[1].weight, layers[2].weight.detach().numpy())


def transposed(*shape, **how):
    """A chain with one transposed convolution, from a map of `shape` to 28 x 28 pixels."""
    channels, height, width = shape
    dense, convolution = (
        nn.Linear(3, channels * height * width),
        nn.ConvTranspose2d(channels, 1, **how),
    )
    return nn.Sequential(*seeded(dense, nn.ReLU(), nn.Unflatten(1, shape), convolution))


@pytest.mark.parametrize(
    "decoder",
    [
        transposed(5, 14, 14, kernel_size=4, stride=2, padding=1),
        transposed(2, 13, 14, kernel_size=3, stride=2, padding=(0, 1), output_padding=1),
        transposed(3, 26, 28, kernel_size=(3, 1), bias=False),
    ],
    ids=["twice", "odd", "narrow"],
)
def test_transposed_convolutions_are_shown(decoder):
    hidden, convolution = decoder_layers(Drawn(decoder))
    assert (hidden.activation, convolution.activation) == ("relu", "sigmoid")
    assert convolution.convolution.outputs == (1, 28, 28)


@pytest.mark.parametrize(
    ("decoder", "why"),
    [
        (nn.Sequential(nn.Linear(3, 784), nn.Unflatten(1, (1, 28, 28)), nn.BatchNorm2d(1),
                       nn.Flatten()), "has a BatchNorm2d"),
        (nn.Sequential(nn.Linear(3, 196), nn.Unflatten(1, (4, 7, 7)),
                       nn.ConvTranspose2d(4, 4, 4, 4, groups=2), nn.Flatten()), "ConvTranspose2d"),
        (nn.Sequential(nn.Linear(3, 4), nn.Softplus(), nn.Linear(4, 784)), "an activation other"),
        (nn.Sequential(nn.Linear(3, 4), nn.AvgPool1d(2), nn.Linear(2, 784)), "not a chain"),
        (Wavy(nn.Linear(3, 784)), "not a chain of layers"),
        (nn.Sequential(nn.Upsample(784), nn.Flatten()), "no layers"),
    ],
)  # fmt: skip
def test_a_decoder_that_the_page_cannot_execute_is_named(decoder, why):
    seeded(decoder)
    with pytest.raises(CannotShow, match=why):
        decoder_layers(Drawn(decoder))


def test_weights_beyond_half_precision_are_not_shown():
    (layer,) = decoder_layers(Drawn(nn.Sequential(*seeded(nn.Linear(3, 784)))))
    with pytest.raises(CannotShow, match="range of 16 bits"):
        stored([layer._replace(bias=layer.bias + 7e4)])


@pytest.mark.parametrize("kind", ["i1", "<f2"])
def test_what_is_deflated_comes_back(kind):
    values = np.arange(-127, 127).astype(kind)
    content = zlib.decompress(base64.b64decode(deflated(values, kind)))
    np.testing.assert_array_equal(np.frombuffer(content, kind), values)


def test_large_layers_are_rounded_to_whole_steps_and_small_ones_to_eleven_bits():
    """By hand: the largest weight is 127 steps, and no other is off by more than half a step."""
    small, large = decoder_layers(Drawn(nn.Sequential(*seeded(
        nn.Linear(3, 200), nn.ReLU(), nn.Linear(200, 784)))))  # fmt: skip
    assert small.weight.size < LARGE < large.weight.size
    first, second = stored([small, large])
    assert second.step == pytest.approx(np.abs(large.weight).max() / 127)
    kept = [one.weight for one in layers_of([first, second])]
    assert np.abs(kept[1] - large.weight).max() <= 0.5001 * second.step
    levels = zlib.decompress(base64.b64decode(second.weight))
    np.testing.assert_allclose(
        second.step * np.frombuffer(levels, "i1"), kept[1].ravel(), rtol=1e-6, atol=1e-9
    )
    assert first.step == 0
    np.testing.assert_allclose(kept[0], small.weight, rtol=2**-11, atol=2**-24)
    assert stored([large._replace(weight=0 * large.weight)])[0].step == 1  # nothing to divide by


def test_weights_have_as_few_bits_as_the_difference_allows(explored_study):
    """6, 7 and 8 bits have steps of 1/31, 1/63 and 1/127 of the largest weight; 16 have none."""
    model, _ = explored_study.model(PLAIN.run_id)
    layers = decoder_layers(model)
    largest = np.abs(layers[1].weight).max()
    asked = []

    def refuse(n, off=1):
        asked.clear()
        return lambda rounded: asked.append(rounded) or off * (len(asked) <= n)

    for n, top in enumerate((31, 63, 127, 127)):
        _, output = stored_within(layers, 0.5, refuse(n))
        assert output.step == pytest.approx(largest / top)
    assert stored_within(layers, 0.5, refuse(3, off=2))[1].step == 0
    off = [decoder_difference(model, rounded) for rounded in asked]
    assert off == sorted(off, reverse=True)


def test_the_encoder_gives_the_means_that_the_model_gives(explored_study, mnist):
    model, _ = explored_study.model(PLAIN.run_id)
    layers = encoder_layers(model)
    assert layers[-1].sizes[1] == model.latent_dim  # without the variances
    images, labels = mnist.test_images[:200], mnist.test_labels[:200]
    assert encoder_difference(model, layers, images, labels) < 1e-4
    rounded = encoder_difference(model, layers_of(stored(layers)), images, labels)
    assert 1e-4 < rounded < 0.1
