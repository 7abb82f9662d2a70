"""Weights between Keras models, components and stored states, by explicit name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

from n2d_framework.core.state import State, need
from n2d_framework.errors import StateError
from n2d_framework.types import AnyArray

__all__ = [
    "HasWeights", "Weights", "put_weights", "read_weights", "shapes_of", "take_weights",
    "weights_state",
]  # fmt: skip

#: Layer name to weight name to float32 array.
Weights: TypeAlias = dict[str, dict[str, AnyArray]]


class HasWeights(Protocol):
    """Weights that a layer of a plan has."""

    @property
    def name(self) -> str:
        """Name of the layer in the Keras model."""

    def weight_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Name and shape of each weight array, in the order Keras has them."""


def shapes_of(plan: Sequence[HasWeights]) -> dict[str, Mapping[str, tuple[int, ...]]]:
    """Shape of each weight of each layer that has some, as :func:`learned` takes it."""
    return {layer.name: layer.weight_shapes() for layer in plan if layer.weight_shapes()}


def take_weights(model: Any, plan: Sequence[HasWeights]) -> Weights:
    """Copy the weights out of a model that was built from `plan`.

    Parameters
    ----------
    model : keras.Model
    plan : tuple of Layer

    Returns
    -------
    dict of str to dict of str to float32 array
    """
    return {
        layer.name: {
            name: np.array(array, dtype=np.float32)
            for name, array in zip(
                layer.weight_shapes(), model.get_layer(layer.name).get_weights(), strict=True
            )
        }
        for layer in plan
        if layer.weight_shapes()
    }


def put_weights(model: Any, plan: Sequence[HasWeights], weights: Weights) -> None:
    """Give a model that was built from `plan` the weights that :func:`take_weights` took.

    Parameters
    ----------
    model : keras.Model
    plan : tuple of Layer
    weights : dict of str to dict of str to float32 array
    """
    for layer in plan:
        if layer.weight_shapes():
            arrays = [weights[layer.name][name] for name in layer.weight_shapes()]
            model.get_layer(layer.name).set_weights(arrays)


def weights_state(weights: Weights) -> dict[str, Any]:
    """The weights as a state: copied mappings of the same arrays."""
    return {layer: dict(arrays) for layer, arrays in weights.items()}


def read_weights(state: State, key: str, plan: Sequence[HasWeights]) -> Weights:
    """Take weights out of a state that was read from a file.

    Parameters
    ----------
    state : State
    key : str
        Name of the network in `state`.
    plan : sequence of Layer
        What the network must look like.

    Returns
    -------
    dict of str to dict of str to float32 array

    Raises
    ------
    StateError
        If a layer or weight is missing or superfluous, or an array has another shape or
        type than the plan says, or holds NaN or infinity.
    """
    stored = need(state, key, Mapping)
    expected = shapes_of(plan)
    _same_names(key, stored, expected)
    weights: Weights = {}
    for name, shapes in expected.items():
        arrays = need(stored, name, Mapping)
        _same_names(f"{key}/{name}", arrays, shapes)
        weights[name] = {
            weight: _checked(need(arrays, weight, np.ndarray), shape, f"{key}/{name}/{weight}")
            for weight, shape in shapes.items()
        }
    return weights


def _same_names(path: str, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    if set(found) != set(expected):
        raise StateError(
            f"state {path!r} holds {', '.join(sorted(map(str, found))) or 'nothing'}, but the "
            f"network of these options has {', '.join(sorted(expected))}"
        )


def _checked(array: AnyArray, shape: tuple[int, ...], path: str) -> AnyArray:
    if array.shape != shape or array.dtype != np.float32:
        raise StateError(
            f"state {path!r} is {array.dtype} of shape {array.shape}, but the network of these "
            f"options has float32 of shape {shape}"
        )
    if not np.isfinite(array).all():
        raise StateError(f"state {path!r} holds NaN or infinity")
    return np.ascontiguousarray(array)
