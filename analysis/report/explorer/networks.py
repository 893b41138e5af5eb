"""A model's encoder and decoder as layers that the page executes, and how far these are off.

The one place that knows which networks the page can run: chains of dense layers and convolutions,
with activations that the page has.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from analysis.report.explorer.layers import ACTIVATIONS, CannotShow, Convolution, Layer, run_layers
from analysis.report.explorer.sliders import REACH
from analysis.representations.encode import decode, grey_levels, posterior_means, prior_samples
from study.data.dataset import pixel_rows
from study.models import Vae

N_SAMPLES = 200  # of the prior
SAME = 1e-4  # largest difference of a number between a model and its layers in fp32

Images = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]


class Call(NamedTuple):
    """A layer of a network at work: what went in, and what came out, (batch, ...) each."""

    layer: nn.Module
    inputs: Tensor
    outputs: Tensor


def decoder_layers(model: Vae) -> list[Layer]:
    """A model's decoder as layers, in single precision.

    Functions between layers leave no trace in a module, so that the activations are found by
    watching: what came out of a layer, and what went into the next.

    Raises:
        CannotShow: it is not such a chain, of the layers and activations that the page has.
    """

    def run() -> Tensor:
        near, labels = _probes(model)
        codes = np.concatenate([near, REACH * near])  # as far as sliders go
        return torch.from_numpy(pixel_rows(decode(model, codes, np.tile(labels, 2))))

    layers = _chain(model.decoder, run)
    if not decoder_difference(model, layers) < SAME:
        raise CannotShow("is not a chain of layers that the page has")
    return layers


def encoder_layers(model: Vae) -> list[Layer]:
    """A model's encoder as layers, in single precision: from an image to the posterior's means.

    Raises:
        CannotShow: as of a decoder.
    """
    images, labels = decoded_samples(model)
    pixels = torch.from_numpy(pixel_rows(images).astype(np.float32) / 255)
    label = one_hot(labels, model.n_classes)

    def run() -> Tensor:
        with torch.inference_mode():
            return torch.cat(model.encode(pixels, label if model.n_classes else None), dim=1)

    layers = _chain(model.encoder, run)
    last, n = layers[-1], model.latent_dim
    if last.convolution is None:  # the variances are not needed
        layers[-1] = last._replace(weight=last.weight[:n], bias=last.bias[:n])
    if not encoder_difference(model, layers, images, labels) < 10 * SAME:
        raise CannotShow("is not a chain of layers that the page has")
    return layers


def _chain(network: nn.Module, run: Callable[[], Tensor]) -> list[Layer]:
    """The layers of a network, watched while it runs; `run` returns what it makes."""
    leaves = [one for one in network.modules() if next(one.children(), None) is None]
    layers = [one for one in leaves if next(one.parameters(), None) is not None]
    for one in layers:
        if not (isinstance(one, nn.Linear) or _is_convolution(one)):
            raise CannotShow(f"has a {type(one).__name__}, which the page cannot run")
    if not layers:
        raise CannotShow("has no layers")
    calls: list[Call] = []
    hooks = [
        one.register_forward_hook(
            lambda layer, given, output: calls.append(Call(layer, given[0], output))
        )
        for one in layers
    ]
    try:
        last = run()
    finally:
        for hook in hooks:
            hook.remove()
    nexts = [call.inputs for call in calls[1:]] + [last]
    return [_as_layer(call, after) for call, after in zip(calls, nexts, strict=True)]


def _is_convolution(layer: nn.Module) -> bool:
    if not isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        return False
    plain = layer.groups == 1 and tuple(layer.dilation) == (1, 1)
    return plain and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)


def _as_layer(call: Call, after: Tensor) -> Layer:
    """A layer with the activation that leads from its outputs to the next one's inputs."""
    outputs, after = call.outputs.flatten(1).cpu(), after.flatten(1).cpu()
    if outputs.shape[1] > after.shape[1]:
        raise CannotShow("is not a chain: a layer reads what another did not write")
    after = after[:, : outputs.shape[1]]  # a label may stand behind it
    apart = {name: float((f(outputs) - after).abs().max()) for name, f in ACTIVATIONS.items()}
    activation = min(apart, key=lambda name: apart[name])
    if not apart[activation] < SAME:
        raise CannotShow(f"has an activation other than {', '.join(ACTIVATIONS)}")
    layer, convolution = call.layer, None
    assert isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)
    weight = layer.weight.detach().cpu().numpy()
    if not isinstance(layer, nn.Linear):
        maps = [tuple(part.shape[1:]) for part in (call.inputs, call.outputs)]
        transposed = isinstance(layer, nn.ConvTranspose2d)
        padding = tuple(map(int, layer.padding))
        convolution = Convolution(maps[0], maps[1], tuple(layer.stride), padding, transposed)
        weight = weight if transposed else weight.swapaxes(0, 1)
    bias = np.zeros(call.outputs.shape[1], weight.dtype)
    if layer.bias is not None:
        bias = layer.bias.detach().cpu().numpy()
    return Layer(weight, bias, activation, convolution)


def decoder_difference(
    model: Vae, layers: Sequence[Layer], starts: npt.NDArray[np.float32] | None = None
) -> float:
    """Largest difference of a pixel, in [0, 1], between layers and the model; infinite if no match.

    Over the starting codes, (n, n_latents), and `N_SAMPLES` of the prior, the classes in turn.
    """
    codes, labels = _probes(model)
    if starts is not None:
        codes = np.concatenate([starts, codes])
        labels = np.arange(len(codes)) % max(1, model.n_classes)
    want = pixel_rows(decode(model, codes, labels))
    return _difference(layers, codes, one_hot(labels, model.decoder_classes), want)


def encoder_difference(model: Vae, layers: Sequence[Layer], images: Images, labels: Ints) -> float:
    """Largest difference of a number of the codes of images; infinite if no match."""
    want = posterior_means(model, images, labels)
    return _difference(layers, pixel_rows(images) / 255, one_hot(labels, model.n_classes), want)


def one_hot(labels: Ints, n_classes: int) -> Tensor:
    """(n, n_classes), also for none."""
    if not n_classes:
        return torch.zeros(len(labels), 0)
    return F.one_hot(torch.from_numpy(np.asarray(labels, np.int64)), n_classes).float()


def _difference(
    layers: Sequence[Layer], values: npt.NDArray[np.floating], label: Tensor, want: np.ndarray
) -> float:
    try:
        made = run_layers(layers, torch.from_numpy(np.asarray(values, np.float64)), label).numpy()
    except (ValueError, RuntimeError):  # not a chain
        return np.inf
    made = made[:, : want.shape[1]]  # of an encoder the means, which come first
    return float(np.abs(made - want).max()) if made.shape == want.shape else np.inf


def decoded_samples(model: Vae) -> tuple[Images, Ints]:
    """Pictures to try an encoder with, of samples of the prior, and their classes."""
    codes, labels = _probes(model)
    return grey_levels(decode(model, codes, labels).clip(0, 1)), labels


def _probes(model: Vae) -> tuple[npt.NDArray[np.float64], Ints]:
    """Codes to try a network with, and the classes to draw, in turn."""
    return prior_samples(model, N_SAMPLES), np.arange(N_SAMPLES) % max(1, model.n_classes)
