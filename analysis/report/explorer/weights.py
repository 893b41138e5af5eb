"""Weights as the page stores them: large layers in few bits, the rest in 16, deflated, in base64.

A layer in 8 bits has whole numbers from -127 to 127 and one step for all. Most of them are small,
so that a Huffman code makes them shorter: of the paper's decoders (hidden layer of 500, J = 10,
200 epochs) a weight of the last layer takes 5.5 to 6.2 bits, and a pixel is off by 0.002 to 0.004
of 1 (root mean square), by 0.05 at most. With a step a row it would take 7.0 to 7.3.
"""

import base64
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.report.explorer.layers import CannotShow, Layer

LARGE = 20_000  # weights of a layer that has them in few bits
BITS = (6, 7, 8)  # of a weight of such a layer, before the Huffman code
TOO_ROUGH = 3


class Stored(NamedTuple):
    """A layer as the page holds it."""

    layer: Layer  # with the weights that the page computes with
    weight: str  # deflated, in base64: int8, or half precision where the step is 0
    bias: str  # the same, half precision
    step: float

    @property
    def size(self) -> int:
        """Characters in the page."""
        return len(self.weight) + len(self.bias)


def stored(layers: Sequence[Layer], bits: int = BITS[-1]) -> list[Stored]:
    """Layers rounded; those of `LARGE` weights or more to `bits`, of BITS or 16, the others to 16.

    Raises:
        CannotShow: a number is beyond half precision's range.
    """
    return [_stored(layer, bits if layer.weight.size >= LARGE else 16) for layer in layers]


def stored_within(
    layers: Sequence[Layer], limit: float, difference: Callable[[list[Layer]], float]
) -> list[Stored]:
    """Layers in as few bits as keep their difference within a limit.

    Else in the most of BITS, or where that is off by more than `TOO_ROUGH` limits in 16.
    """
    for bits in BITS:
        few = stored(layers, bits)
        off = difference(layers_of(few))
        if off <= limit:
            return few
    return few if off <= TOO_ROUGH * limit else stored(layers, 16)


def layers_of(halves: Sequence[Stored]) -> list[Layer]:
    """The layers that the page computes with."""
    return [one.layer for one in halves]


def as_payload(layers: Sequence[Stored]) -> list[dict[str, Any]]:
    """Layers as the page reads them."""
    return [_layer_payload(one) for one in layers]


def deflated(values: npt.ArrayLike, kind: str) -> str:
    """Numbers of a type, such as "<f2", deflated, in base64."""
    content = np.ascontiguousarray(values, dtype=kind).tobytes()
    # Weights repeat nothing: to look for repetitions makes them longer, not shorter.
    texts = [zlib.compress(content, 9), _huffman(content)]
    return base64.b64encode(min(texts, key=len)).decode()


def _huffman(content: bytes) -> bytes:
    coder = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_HUFFMAN_ONLY)
    return coder.compress(content) + coder.flush()


def _stored(layer: Layer, bits: int) -> Stored:
    bias = _halved(layer.bias)
    if bits == 16:
        weight, text, step = _halved(layer.weight), None, 0.0
    else:
        step = float(np.abs(layer.weight).max()) / (2 ** (bits - 1) - 1) or 1.0
        levels = np.round(layer.weight / step)
        weight, text = (step * levels).astype(np.float32), deflated(levels, "i1")
    rounded = layer._replace(weight=weight, bias=bias)
    return Stored(rounded, text or deflated(weight, "<f2"), deflated(bias, "<f2"), step)


def _halved(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    with np.errstate(over="ignore"):
        halved = values.astype("<f2")
    if not np.isfinite(halved).all():
        raise CannotShow("has a weight beyond the range of 16 bits")
    return halved


def _layer_payload(one: Stored) -> dict[str, Any]:
    layer = one.layer
    n_inputs, n_outputs = layer.sizes
    plain = {
        "inputs": n_inputs,
        "outputs": n_outputs,
        "weight": one.weight,
        "bias": one.bias,
        "step": one.step,
        "activation": layer.activation,
    }
    if layer.convolution is None:
        return plain
    kernel = layer.weight.shape[2:]
    return plain | {"convolution": {**layer.convolution._asdict(), "kernel": kernel}}
