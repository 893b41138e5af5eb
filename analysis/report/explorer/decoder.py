"""A model's decoder as layers that the page executes, and what that does to pictures.

The one place that knows which decoders the page can show: chains of dense layers and transposed
convolutions, with activations that the page has.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from analysis.report.explorer.layers import ACTIVATIONS, CannotShow, Convolution, Layer, run_layers
from analysis.report.explorer.sliders import REACH
from analysis.representations.encode import decode, prior_samples
from study.data.dataset import pixel_rows
from study.models import Vae

N_SAMPLES = 200  # of the prior
SAME = 1e-4  # largest difference of a pixel, in [0, 1], between a model and its layers in fp32


class Call(NamedTuple):
    """A layer of a decoder at work: what went in, and what came out, (batch, ...) each."""

    layer: nn.Linear | nn.ConvTranspose2d
    inputs: Tensor
    outputs: Tensor


def decoder_layers(model: Vae) -> list[Layer]:
    """A model's decoder as layers, in single precision; labels join the codes at their end.

    Functions between layers leave no trace in a module, so that the activations are found by
    watching: what came out of a layer, and what went into the next.

    Raises:
        CannotShow: it is not such a chain, of the layers and activations that the page has.
    """
    calls, picture = _watched(model)
    nexts = [call.inputs for call in calls[1:]] + [picture]
    layers = [_as_layer(call, after) for call, after in zip(calls, nexts, strict=True)]
    if not difference(model, layers) < SAME:
        raise CannotShow("its decoder is no chain of layers that the page has")
    return layers


def _watched(model: Vae) -> tuple[list[Call], Tensor]:
    """What the layers of a decoder do, in their order, and the pictures; as far as sliders go."""
    leaves = [one for one in model.decoder.modules() if next(one.children(), None) is None]
    layers = [one for one in leaves if next(one.parameters(), None) is not None]
    for one in layers:
        if not (isinstance(one, nn.Linear) or _is_transposed_convolution(one)):
            raise CannotShow(f"its decoder has a {type(one).__name__} that the page has not")
    if not layers:
        raise CannotShow("its decoder has no layers")
    calls: list[Call] = []
    hooks = [
        one.register_forward_hook(
            lambda layer, given, output: calls.append(Call(layer, given[0], output))
        )
        for one in layers
    ]
    try:
        near, labels = _probes(model)
        codes = np.concatenate([near, REACH * near])
        picture = torch.from_numpy(pixel_rows(decode(model, codes, np.tile(labels, 2))))
    finally:
        for hook in hooks:
            hook.remove()
    return calls, picture


def _is_transposed_convolution(layer: nn.Module) -> bool:
    if not isinstance(layer, nn.ConvTranspose2d):
        return False
    return layer.groups == 1 and tuple(layer.dilation) == (1, 1)


def _as_layer(call: Call, after: Tensor) -> Layer:
    """A layer with the activation that leads from its outputs to the next one's inputs."""
    outputs, after = call.outputs.flatten(1).cpu(), after.flatten(1).cpu()
    if outputs.shape != after.shape:
        raise CannotShow("its decoder is no chain: a layer reads what another did not write")
    apart = {name: float((f(outputs) - after).abs().max()) for name, f in ACTIVATIONS.items()}
    activation = min(apart, key=lambda name: apart[name])
    if not apart[activation] < SAME:
        raise CannotShow(f"its decoder has an activation other than {', '.join(ACTIVATIONS)}")
    layer, convolution = call.layer, None
    if isinstance(layer, nn.ConvTranspose2d):
        maps = [tuple(part.shape[1:]) for part in (call.inputs, call.outputs)]
        convolution = Convolution(maps[0], maps[1], layer.stride, tuple(map(int, layer.padding)))
    weight = layer.weight.detach().cpu().numpy()
    bias = np.zeros(call.outputs.shape[1], weight.dtype)
    if layer.bias is not None:
        bias = layer.bias.detach().cpu().numpy()
    return Layer(weight, bias, activation, convolution)


def difference(
    model: Vae, layers: Sequence[Layer], starts: npt.NDArray[np.float32] | None = None
) -> float:
    """Largest difference of a pixel, in [0, 1], between layers and the model; infinite if no match.

    Over the starting codes, (n, n_latents), and `N_SAMPLES` of the prior, the classes in turn.
    """
    codes, labels = _probes(model)
    if starts is not None:
        codes = np.concatenate([starts, codes])
        labels = np.arange(len(codes)) % max(1, model.n_classes)
    n_labels = model.decoder_classes
    one_hot = np.eye(n_labels)[labels] if n_labels else np.zeros((len(codes), 0))
    pictures = pixel_rows(decode(model, codes, labels))
    try:
        values = run_layers(layers, torch.from_numpy(np.concatenate([codes, one_hot], axis=1)))
    except ValueError:  # not a chain
        return np.inf
    same = values.shape == pictures.shape
    return float(np.abs(values.numpy() - pictures).max()) if same else np.inf


def _probes(model: Vae) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Codes to try a decoder with, and the classes to draw, in turn."""
    return prior_samples(model, N_SAMPLES), np.arange(N_SAMPLES) % max(1, model.n_classes)
