"""Layers of networks for series, as data: their shapes, what they compute.

A plan, a tuple of layers, is read by three: :mod:`.networks` builds the Keras model that is
trained, :mod:`.inference` computes it in NumPy, and the toolkit checks stored weights against it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, TypeAlias

import attrs

__all__ = [
    "Cell",
    "Layer",
    "Part",
    "Plan",
    "Pooling",
    "Shape",
    "backward_name",
    "parts_of",
    "values_per_row",
]

Shape: TypeAlias = tuple[int, ...]
Kind: TypeAlias = Literal["conv", "deconv", "dense", "gru", "lstm", "pool", "repeat", "reshape"]
Pooling: TypeAlias = Literal["average", "max", "flatten", "last"]
Cell: TypeAlias = Literal["gru", "lstm"]

_GATES = {"gru": 3, "lstm": 4}


@attrs.frozen
class Part:
    """A Keras layer that has weights.

    Attributes
    ----------
    name : str
    shapes : mapping of str to tuple of int
        Name and shape of each weight array, in the order Keras has them.
    """

    name: str
    shapes: Mapping[str, Shape]

    def weight_shapes(self) -> Mapping[str, Shape]:
        """The shapes."""
        return self.shapes


def backward_name(name: str) -> str:
    """Name of the Keras layer that reads backwards, beside the layer `name`."""
    return f"{name}_backward"


@attrs.frozen
class Layer:
    """One layer of a plan.

    Attributes
    ----------
    kind : str
        ``"conv"`` and ``"deconv"`` (transposed, cropped to `out_shape`) work along the
        steps; ``"dense"`` on the features of each step, or of a row; ``"gru"`` and
        ``"lstm"`` give their output at every step; ``"pool"`` makes one row of all steps;
        ``"repeat"`` makes equal steps of one row.
    name : str
    in_shape, out_shape : tuple of int
        Of one row: ``(features,)`` or ``(steps, features)``.
    activation : str, default "linear"
        Of the layers but the recurrent ones, which have their own.
    kernel, stride : int, default 1
        In steps; padding is "same".
    bidirectional : bool, default False
        Half of a recurrent layer's units read backwards.
    pooling : {"average", "max", "flatten", "last"}, default "flatten"
    """

    kind: Kind
    name: str
    in_shape: Shape
    out_shape: Shape
    activation: str = "linear"
    kernel: int = 1
    stride: int = 1
    bidirectional: bool = False
    pooling: Pooling = "flatten"

    @property
    def units(self) -> int:
        """Units of a recurrent layer in one direction."""
        return self.out_shape[-1] // (2 if self.bidirectional else 1)

    def parts(self) -> tuple[Part, ...]:
        """Keras layers with weights: none, one, or one for each direction."""
        before, after = self.in_shape[-1], self.out_shape[-1]
        if self.kind in ("gru", "lstm"):
            names = [self.name, backward_name(self.name)][: 2 if self.bidirectional else 1]
            shapes = self._recurrent_shapes(before, _GATES[self.kind] * self.units)
            return tuple(Part(name, shapes) for name in names)
        kernels = {
            "dense": (before, after),
            "conv": (self.kernel, before, after),
            "deconv": (self.kernel, after, before),
        }
        if self.kind not in kernels:
            return ()
        return (Part(self.name, {"kernel": kernels[self.kind], "bias": (after,)}),)

    def _recurrent_shapes(self, before: int, gates: int) -> Mapping[str, Shape]:
        return {
            "kernel": (before, gates),
            "recurrent_kernel": (self.units, gates),
            "bias": (2, gates) if self.kind == "gru" else (gates,),
        }


Plan: TypeAlias = tuple[Layer, ...]


def parts_of(plan: Plan) -> tuple[Part, ...]:
    """Every Keras layer of a plan that has weights."""
    return tuple(part for layer in plan for part in layer.parts())


def values_per_row(plan: Plan) -> int:
    """Size of the widest intermediate of a network, in numbers per row."""
    return max(_values_of_layer(layer) for layer in plan)


def _values_of_layer(layer: Layer) -> int:
    if layer.kind == "conv":
        return layer.out_shape[0] * layer.kernel * layer.in_shape[1]
    if layer.kind == "deconv":
        return layer.in_shape[0] * layer.kernel * layer.out_shape[1]
    if layer.kind in ("gru", "lstm"):
        return layer.in_shape[0] * max(layer.in_shape[1], _GATES[layer.kind] * layer.units)
    return max(math.prod(layer.in_shape), math.prod(layer.out_shape))
