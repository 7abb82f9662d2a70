"""GRU and LSTM layers in NumPy, as Keras defines them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from n2d_framework.networks import ACTIVATIONS, multiply, prepare
from n2d_framework.plugin import AnyArray, IntArray
from n2d_sequence.layers import Layer

__all__ = ["recurrent_step"]

Array: TypeAlias = NDArray[np.float64]
Arrays: TypeAlias = Mapping[str, AnyArray]
#: Inputs of all steps, (n, steps, features), to outputs of all steps, (n, steps, units).
Reader: TypeAlias = Callable[[Array], Array]

_sigmoid, _tanh = ACTIVATIONS["sigmoid"], ACTIVATIONS["tanh"]


def recurrent_step(
    layer: Layer, weights: Mapping[str, Arrays]
) -> Callable[[Array, IntArray], tuple[Array, IntArray]]:
    """A recurrent layer ready to compute.

    Parameters
    ----------
    layer : Layer
        Of the kind ``"gru"`` (Cho et al. 2014, the variant whose reset gate acts after the
        product, as Keras's default) or ``"lstm"`` (Hochreiter and Schmidhuber 1997, with
        forget gates).
    weights : mapping of layer name to mapping of weight name to array

    Returns
    -------
    callable
        Maps rows and lengths to the outputs at every step and the same lengths. Outputs
        behind a row's length mean nothing.
    """
    make = {"gru": _gru, "lstm": _lstm}[layer.kind]
    readers = [make(weights[part.name]) for part in layer.parts()]

    def step(x: Array, lengths: IntArray) -> tuple[Array, IntArray]:
        outputs = [readers[0](x)]
        if layer.bidirectional:
            index = _reversal(lengths, x.shape[1])
            found = readers[1](np.take_along_axis(x, index, axis=1))
            outputs.append(np.take_along_axis(found, index, axis=1))
        return np.concatenate(outputs, axis=2), lengths

    return step


def _reversal(lengths: IntArray, steps: int) -> IntArray:
    """Where each step of a row read backwards comes from; padding stays where it is."""
    forward, ends = np.arange(steps)[None], lengths[:, None]
    return np.where(forward < ends, ends - 1 - forward, forward)[:, :, None]


def _gru(weights: Arrays) -> Reader:
    kernel, recurrent = prepare(weights["kernel"]), prepare(weights["recurrent_kernel"])
    bias, inner = weights["bias"].astype(np.float64)
    units = len(weights["recurrent_kernel"])

    def read(x: Array) -> Array:
        given = multiply(x.reshape(-1, x.shape[2]), kernel).reshape(*x.shape[:2], -1) + bias
        hidden, outputs = np.zeros((len(x), units)), []
        for index in range(x.shape[1]):
            own = multiply(hidden, recurrent) + inner
            gates = _sigmoid(given[:, index, : 2 * units] + own[:, : 2 * units])
            update, reset = gates[:, :units], gates[:, units:]
            candidate = _tanh(given[:, index, 2 * units :] + reset * own[:, 2 * units :])
            hidden = update * hidden + (1.0 - update) * candidate
            outputs.append(hidden)
        return np.stack(outputs, axis=1)

    return read


def _lstm(weights: Arrays) -> Reader:
    kernel, recurrent = prepare(weights["kernel"]), prepare(weights["recurrent_kernel"])
    bias = weights["bias"].astype(np.float64)
    units = len(weights["recurrent_kernel"])

    def read(x: Array) -> Array:
        given = multiply(x.reshape(-1, x.shape[2]), kernel).reshape(*x.shape[:2], -1) + bias
        hidden, memory, outputs = np.zeros((len(x), units)), np.zeros((len(x), units)), []
        for index in range(x.shape[1]):
            gates = given[:, index] + multiply(hidden, recurrent)
            enter, forget = _sigmoid(gates[:, :units]), _sigmoid(gates[:, units : 2 * units])
            candidate = _tanh(gates[:, 2 * units : 3 * units])
            memory = forget * memory + enter * candidate
            hidden = _sigmoid(gates[:, 3 * units :]) * _tanh(memory)
            outputs.append(hidden)
        return np.stack(outputs, axis=1)

    return read
