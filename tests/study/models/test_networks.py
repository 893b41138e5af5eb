"""Networks: shapes, answers by hand, and laws."""

import pytest
import torch
from torch import nn

from study.config.errors import UsageError
from study.config.run import RunConfig
from study.data.dataset import DataShape
from study.data.shipped.mnist import SHAPE
from study.models import build_model, check_model
from study.models.networks.layers import Doubling, Halving
from study.models.networks.mlp import mlp


def built(network, shape=SHAPE, **more):
    torch.manual_seed(0)
    return build_model(RunConfig(network=network, latent_dim=4, **more), shape)


def test_the_mlp_of_one_width_has_the_names_and_weights_that_it_always_had():
    model = built("mlp", hidden=7)
    torch.manual_seed(0)
    layers = [nn.Linear(784, 7), nn.Linear(7, 8), nn.Linear(4, 7), nn.Linear(7, 784)]
    names = ["encoder.hidden", "encoder.output", "decoder.hidden", "decoder.output"]
    want = {
        f"{name}.{part}": value
        for name, layer in zip(names, layers, strict=True)
        for part, value in layer.named_parameters()
    }
    got = dict(model.named_parameters())
    assert list(got) == list(want)
    assert all(torch.equal(got[name], value) for name, value in want.items())


def test_the_mlp_of_several_widths_by_hand():
    config = RunConfig(hidden=[7, 5])
    encoder, decoder = mlp(SHAPE, 4, 0, config)
    by_hand = nn.Sequential(
        nn.Flatten(),
        *(nn.Linear(784, 7), nn.Tanh(), nn.Linear(7, 5), nn.Tanh(), nn.Linear(5, 8)),
    )
    assert [n for n, _ in encoder.named_children()] == ["hidden", "hidden2", "output"]
    for ours, theirs in zip(encoder.parameters(), by_hand.parameters(), strict=True):
        theirs.data = ours.data
    images = torch.rand(3, *SHAPE.image)
    torch.testing.assert_close(encoder(images), by_hand(images))
    assert [layer.out_features for layer in decoder.children()] == [5, 7, 784]


def test_parameters_of_conv_counted_by_hand():
    encoder = (16 * 32 + 32) + (512 * 32 + 32) + (512 * 64 + 64)  # 28, 14, 7, 3 pixels a side
    encoder += (576 * 256 + 256) + (256 * 8 + 8)
    decoder = (4 * 256 + 256) + (256 * 576 + 576)
    decoder += (1024 * 32 + 32) + (512 * 32 + 32) + (512 * 1 + 1)
    counted = sum(value.numel() for value in built("conv").parameters())
    assert counted == encoder + decoder
    labelled = sum(value.numel() for value in built("conv", conditioning="label").parameters())
    assert labelled == counted + 2 * 10 * 256  # the label joins the dense layers


@pytest.mark.parametrize(
    ("image", "widths"),
    [
        ((1, 28, 28), [32, 32, 64]),
        ((1, 64, 64), [32, 32, 64, 64]),
        ((3, 64, 64), [32, 32, 64, 64]),
        ((1, 20, 12), [32, 32]),
        ((3, 16, 17), [32, 32]),
        ((1, 33, 47), [32, 32, 64]),
    ],
)
@pytest.mark.parametrize("conditioning", ["none", "label"])
def test_conv_of_other_sizes_gives_back_the_exact_size(image, widths, conditioning):
    shape = DataShape(*image, 5)
    check_model(RunConfig(network="conv", conditioning=conditioning), shape)  # shapes that come out
    assert [layer.out_channels for layer in built("conv", shape).encoder.conv] == widths


def test_conv_refuses_images_that_are_too_small():
    with pytest.raises(UsageError, match="6 x 6 pixels or more, got 5 x 28"):
        check_model(RunConfig(network="conv"), DataShape(1, 5, 28, 10))


def test_a_convolution_by_hand():
    """Ones convolved with ones count the pixels under the window: a third fall off at an edge."""
    layer = Halving(1, 1)
    nn.init.ones_(layer.weight), nn.init.zeros_(layer.bias)
    want = torch.tensor([[9.0, 12.0, 9.0], [12.0, 16.0, 12.0], [9.0, 12.0, 9.0]])
    assert torch.equal(layer(torch.ones(1, 1, 6, 6))[0, 0], want)


@pytest.mark.parametrize("size", [(6, 6), (7, 10), (9, 7)])
def test_doubling_is_the_adjoint_of_halving(size):
    """<H x, y> = <x, D y> with the same weights, so that D is H's transposed convolution."""
    halving, doubling = Halving(2, 3), Doubling(3, 2, *size)
    doubling.weight = halving.weight
    nn.init.zeros_(halving.bias), nn.init.zeros_(doubling.bias)
    images, maps = torch.randn(4, 2, *size), torch.randn(4, 3, size[0] // 2, size[1] // 2)
    torch.testing.assert_close((halving(images) * maps).sum(), (images * doubling(maps)).sum())


@pytest.mark.parametrize("outputs", [1, 3, 8])
@pytest.mark.parametrize("size", [(6, 6), (7, 10), (9, 7)])
def test_doubling_and_its_gradient_agree_with_torch(size, outputs):
    layer, plain = Doubling(3, outputs, *size), nn.ConvTranspose2d(3, outputs, 4, 2, padding=1)
    layer.load_state_dict(plain.state_dict())
    maps = torch.randn(4, 3, size[0] // 2, size[1] // 2, requires_grad=True)
    toward = torch.randn(4, outputs, *size)
    got, want = layer(maps), plain(maps, output_size=size)
    torch.testing.assert_close(got, want)
    for images, parameters in ((got, layer), (want, plain)):
        images.backward(toward)
        parameters.of_maps, maps.grad = maps.grad, None
    for ours, theirs in (
        (layer.of_maps, plain.of_maps),
        (layer.weight.grad, plain.weight.grad),
        (layer.bias.grad, plain.bias.grad),
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("inputs", [1, 3])
def test_halving_and_its_gradient_agree_with_torch(inputs):
    layer, plain = Halving(inputs, 8), nn.Conv2d(inputs, 8, 4, 2, padding=1)
    layer.load_state_dict(plain.state_dict())
    images, toward = torch.randn(4, inputs, 7, 10, requires_grad=True), torch.randn(4, 8, 3, 5)
    got, want = layer(images), plain(images)
    torch.testing.assert_close(got, want)
    gradients = torch.autograd.grad(got, (images, *layer.parameters()), toward)
    wanted = torch.autograd.grad(want, (images, *plain.parameters()), toward)
    for ours, theirs in zip(gradients, wanted, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_every_pixel_moves_the_codes():
    model = built("conv", DataShape(1, 29, 31, 0))
    pixels = torch.rand(1, 29 * 31, requires_grad=True)
    model.encode(pixels).mean.abs().sum().backward()
    assert (pixels.grad != 0).all()


def test_the_label_moves_codes_and_pictures_of_conv():
    model, one, other = built("conv", conditioning="label"), torch.eye(10)[:1], torch.eye(10)[1:2]
    pixels, latent = torch.rand(1, 784), torch.rand(1, 4)
    assert not torch.equal(model.encode(pixels, one).mean, model.encode(pixels, other).mean)
    assert not torch.equal(model.decode(latent, one), model.decode(latent, other))


@pytest.mark.parametrize("image", [(1, 28, 28), (3, 64, 64)])
def test_conv_starts_with_outputs_of_the_size_of_its_inputs(image):
    """He et al. 2015: as many layers as there are neither blow up nor silence what passes."""
    model = built("conv", DataShape(*image, 0))
    assert 0.5 < model.decode(torch.randn(50, 4)).std() < 2
    assert all((p == 0).all() for name, p in model.named_parameters() if name.endswith("bias"))
