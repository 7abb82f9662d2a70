"""Computes a planned network in NumPy, each row independently of its company, bit for bit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from n2d_framework.networks.activations import ACTIVATIONS
from n2d_framework.networks.exact_products import multiply, prepare
from n2d_framework.networks.plans import Layer, Plan
from n2d_framework.types import AnyArray

__all__ = ["Network", "values_per_row"]

Array: TypeAlias = NDArray[np.float64]
Step: TypeAlias = Callable[[Array], Array]
# Values that one block of rows may take at once in the widest layer: 16 MiB of float64.
_BLOCK_VALUES = 2**21
_MOST_ROWS = 1024


class Network:
    """A network ready to compute.

    Parameters
    ----------
    plan : tuple of Layer
    weights : mapping of layer name to mapping of weight name to array
        Float32, in the shapes of the plan.
    """

    def __init__(self, plan: Plan, weights: Mapping[str, Mapping[str, AnyArray]]) -> None:
        self._plan = plan
        self._steps = [_STEPS[layer.kind](layer, weights.get(layer.name, {})) for layer in plan]
        self._block = max(1, min(_MOST_ROWS, _BLOCK_VALUES // values_per_row(plan)))

    def __call__(self, x: AnyArray) -> NDArray[np.float32]:
        """Compute rows.

        Parameters
        ----------
        x : array of shape (n, ...)
            As many values per row as the plan's first layer takes.

        Returns
        -------
        float32 array of shape (n, *out_shape)
        """
        out = np.empty((len(x), *self._plan[-1].out_shape), dtype=np.float32)
        for start in range(0, len(x), self._block):
            rows = x[start : start + self._block]
            values = rows.reshape(len(rows), *self._plan[0].in_shape).astype(np.float64)
            for step in self._steps:
                values = step(values)
            out[start : start + self._block] = values
        return out


def values_per_row(plan: Plan) -> int:
    """Size of the widest intermediate of a network, in numbers per row."""
    return max(_values_of_layer(layer) for layer in plan)


def _values_of_layer(layer: Layer) -> int:
    patch = layer.kernel * layer.kernel
    if layer.kind == "conv":
        return layer.out_shape[0] * layer.out_shape[1] * patch * layer.in_shape[2]
    if layer.kind == "deconv":
        return layer.in_shape[0] * layer.in_shape[1] * patch * layer.out_shape[2]
    return max(math.prod(layer.in_shape), math.prod(layer.out_shape))


def _dense(layer: Layer, weights: Mapping[str, AnyArray]) -> Step:
    matrix = prepare(weights["kernel"])
    bias = weights["bias"].astype(np.float64)
    activation = ACTIVATIONS[layer.activation]

    def step(x: Array) -> Array:
        result: Array = activation(multiply(x, matrix) + bias)
        return result

    return step


def _conv(layer: Layer, weights: Mapping[str, AnyArray]) -> Step:
    kernel, stride = layer.kernel, layer.stride
    before, after = layer.in_shape[2], layer.out_shape[2]
    matrix = prepare(weights["kernel"].reshape(kernel * kernel * before, after))
    bias = weights["bias"].astype(np.float64)
    activation = ACTIVATIONS[layer.activation]
    margins = layer.margins()

    def step(x: Array) -> Array:
        padded = np.pad(x, [(0, 0), *margins, (0, 0)])
        windows = sliding_window_view(padded, (kernel, kernel), axis=(1, 2))
        # (n, rows, columns, channels, u, v) to (n, rows, columns, u, v, channels)
        patches = windows[:, ::stride, ::stride].transpose(0, 1, 2, 4, 5, 3)
        rows = patches.reshape(-1, kernel * kernel * before)
        result: Array = activation(multiply(rows, matrix) + bias)
        return result.reshape(len(x), *layer.out_shape)

    return step


def _deconv(layer: Layer, weights: Mapping[str, AnyArray]) -> Step:
    kernel, stride = layer.kernel, layer.stride
    height, width, before = layer.in_shape
    tall, wide, after = layer.out_shape
    matrix = prepare(weights["kernel"].transpose(3, 0, 1, 2).reshape(before, -1))
    bias = weights["bias"].astype(np.float64)
    activation = ACTIVATIONS[layer.activation]
    skip = max(kernel - stride, 0) // 2
    canvas = [max((side - 1) * stride + kernel, skip + side * stride) for side in (height, width)]

    def step(x: Array) -> Array:
        stamps = multiply(x.reshape(-1, before), matrix)
        stamps = stamps.reshape(len(x), height, width, kernel, kernel, after)
        full = np.zeros((len(x), *canvas, after))
        for u in range(kernel):
            for v in range(kernel):
                rows = slice(u, u + (height - 1) * stride + 1, stride)
                columns = slice(v, v + (width - 1) * stride + 1, stride)
                full[:, rows, columns] += stamps[:, :, :, u, v]
        result: Array = activation(full[:, skip : skip + tall, skip : skip + wide] + bias)
        return result

    return step


def _reshape(layer: Layer, weights: Mapping[str, AnyArray]) -> Step:
    del weights
    return lambda x: x.reshape(len(x), *layer.out_shape)


_STEPS: dict[str, Callable[[Layer, Mapping[str, AnyArray]], Step]] = {
    "dense": _dense,
    "conv": _conv,
    "deconv": _deconv,
    "reshape": _reshape,
}
