"""Activations, as Keras defines them, in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["ACTIVATIONS", "Activation"]

Activation: TypeAlias = Literal[
    "relu",
    "elu",
    "selu",
    "gelu",
    "tanh",
    "sigmoid",
    "silu",
    "leaky_relu",
    "softplus",
    "linear",
]
Array: TypeAlias = NDArray[np.float64]

# Klambauer et al. 2017, Self-Normalizing Neural Networks, eq. 14.
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946
LEAK = 0.2


def _relu(x: Array) -> Array:
    return np.maximum(x, 0.0)


def _elu(x: Array) -> Array:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0.0)))


def _selu(x: Array) -> Array:
    return SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0.0)))


def _gelu(x: Array) -> Array:
    from scipy.special import erf

    result: Array = 0.5 * x * (1.0 + erf(x / np.sqrt(2.0)))
    return result


def _sigmoid(x: Array) -> Array:
    from scipy.special import expit

    result: Array = expit(x)
    return result


def _silu(x: Array) -> Array:
    return x * _sigmoid(x)


def _leaky_relu(x: Array) -> Array:
    return np.where(x > 0, x, LEAK * x)


def _softplus(x: Array) -> Array:
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def _linear(x: Array) -> Array:
    return x


#: Name of each activation, and the function of a float64 array.
ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "relu": _relu,
    "elu": _elu,
    "selu": _selu,
    "gelu": _gelu,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "silu": _silu,
    "leaky_relu": _leaky_relu,
    "softplus": _softplus,
    "linear": _linear,
}
