"""Computes a planned network in NumPy, each row independently of its company, bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from n2d_framework.networks import ACTIVATIONS, multiply, prepare
from n2d_framework.plugin import AnyArray, IntArray
from n2d_sequence.layers import Layer, Plan, values_per_row
from n2d_sequence.normalizing import observed_mask
from n2d_sequence.recurrence import recurrent_step

__all__ = ["Network"]

Array: TypeAlias = NDArray[np.float64]
#: Rows and their lengths, before and after a layer.
Step: TypeAlias = Callable[[Array, IntArray], tuple[Array, IntArray]]
Arrays: TypeAlias = Mapping[str, Mapping[str, AnyArray]]
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

    def __init__(self, plan: Plan, weights: Arrays) -> None:
        self._plan = plan
        self._steps = [_STEPS[layer.kind](layer, weights) for layer in plan]
        self.block = max(1, min(_MOST_ROWS, _BLOCK_VALUES // values_per_row(plan)))

    def __call__(self, x: AnyArray, lengths: IntArray | None = None) -> Array:
        """Compute a block of rows.

        Parameters
        ----------
        x : array of shape (m, ...)
            By custom at most :attr:`block` rows, which bounds the memory.
        lengths : int array of shape (m,), optional
            Steps that are not padding; all, if not given.

        Returns
        -------
        float64 array of shape (m, *out_shape)
        """
        values = np.ascontiguousarray(x, dtype=np.float64)
        if lengths is None:
            lengths = np.full(len(x), x.shape[1], dtype=np.int64)
        for step in self._steps:
            values, lengths = step(values, lengths)
        return values


def _cleared(x: Array, lengths: IntArray) -> Array:
    return np.where(observed_mask(lengths, x.shape[1]), x, 0.0)


def _dense(layer: Layer, weights: Arrays) -> Step:
    matrix = prepare(weights[layer.name]["kernel"])
    bias = weights[layer.name]["bias"].astype(np.float64)
    activation = ACTIVATIONS[layer.activation]

    def step(x: Array, lengths: IntArray) -> tuple[Array, IntArray]:
        product = multiply(x.reshape(-1, layer.in_shape[-1]), matrix)
        return activation(product + bias).reshape(len(x), *layer.out_shape), lengths

    return step


def _conv(layer: Layer, weights: Arrays) -> Step:
    kernel, stride = layer.kernel, layer.stride
    before = layer.in_shape[1]
    matrix = prepare(weights[layer.name]["kernel"].reshape(kernel * before, -1))
    bias = weights[layer.name]["bias"].astype(np.float64)
    activation = ACTIVATIONS[layer.activation]
    margins = _same_margins(layer.in_shape[0], layer.out_shape[0], kernel, stride)

    def step(x: Array, lengths: IntArray) -> tuple[Array, IntArray]:
        padded = np.pad(_cleared(x, lengths), [(0, 0), margins, (0, 0)])
        # (n, steps, channels, offset) to (n, steps, offset, channels)
        windows = sliding_window_view(padded, kernel, axis=1)[:, ::stride].transpose(0, 1, 3, 2)
        product = multiply(windows.reshape(-1, kernel * before), matrix)
        values = activation(product + bias).reshape(len(x), *layer.out_shape)
        return values, -(-lengths // stride)

    return step


def _same_margins(steps: int, fewer: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros in front and behind, as "same" padding puts them."""
    total = max((fewer - 1) * stride + kernel - steps, 0)
    return total // 2, total - total // 2


def _deconv(layer: Layer, weights: Arrays) -> Step:
    kernel, stride = layer.kernel, layer.stride
    (steps, before), (longer, after) = layer.in_shape, layer.out_shape
    matrix = prepare(weights[layer.name]["kernel"].transpose(2, 0, 1).reshape(before, -1))
    bias = weights[layer.name]["bias"].astype(np.float64)
    activation = ACTIVATIONS[layer.activation]
    skip = max(kernel - stride, 0) // 2
    canvas = max((steps - 1) * stride + kernel, skip + steps * stride)

    def step(x: Array, lengths: IntArray) -> tuple[Array, IntArray]:
        stamps = multiply(x.reshape(-1, before), matrix).reshape(len(x), steps, kernel, after)
        full = np.zeros((len(x), canvas, after))
        for offset in range(kernel):
            full[:, offset : offset + (steps - 1) * stride + 1 : stride] += stamps[:, :, offset]
        return activation(full[:, skip : skip + longer] + bias), lengths

    return step


def _reshape(layer: Layer, weights: Arrays) -> Step:
    del weights
    return lambda x, lengths: (x.reshape(len(x), *layer.out_shape), lengths)


def _repeat(layer: Layer, weights: Arrays) -> Step:
    del weights
    steps = layer.out_shape[0]

    def step(x: Array, lengths: IntArray) -> tuple[Array, IntArray]:
        return np.repeat(x[:, None], steps, axis=1), np.full_like(lengths, steps)

    return step


def _pool(layer: Layer, weights: Arrays) -> Step:
    del weights
    units = layer.in_shape[1] // (2 if layer.bidirectional else 1)
    pool = {"flatten": _flatten, "average": _average, "max": _max, "last": _last(units)}
    return lambda x, lengths: (pool[layer.pooling](x, lengths), lengths)


def _flatten(x: Array, lengths: IntArray) -> Array:
    return _cleared(x, lengths).reshape(len(x), -1)


def _average(x: Array, lengths: IntArray) -> Array:
    # Added step by step: the order of NumPy's own sums depends on the shape.
    total, cleared = np.zeros((len(x), x.shape[2])), _cleared(x, lengths)
    for index in range(x.shape[1]):
        total += cleared[:, index]
    return total / lengths[:, None]


def _max(x: Array, lengths: IntArray) -> Array:
    found: Array = np.where(observed_mask(lengths, x.shape[1]), x, -np.inf).max(axis=1)
    return found


def _last(units: int) -> Callable[[Array, IntArray], Array]:
    """Outputs of both directions when each has read the whole series."""

    def pool(x: Array, lengths: IntArray) -> Array:
        last = x[np.arange(len(x)), lengths - 1]
        return np.concatenate([last[:, :units], x[:, 0, units:]], axis=1)

    return pool


_STEPS: dict[str, Callable[[Layer, Arrays], Step]] = {
    "dense": _dense,
    "conv": _conv,
    "deconv": _deconv,
    "gru": recurrent_step,
    "lstm": recurrent_step,
    "pool": _pool,
    "repeat": _repeat,
    "reshape": _reshape,
}
