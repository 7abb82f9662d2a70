"""A planned network as ONNX operators, computed in float32 as it was trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from n2d_framework.core.exchange.onnx_graph import OnnxGraph
from n2d_framework.errors import UnsupportedError
from n2d_framework.networks.activations import LEAK, SELU_ALPHA, SELU_SCALE
from n2d_framework.networks.plans import Layer, Plan
from n2d_framework.types import AnyArray

__all__ = ["plan_to_onnx"]

Part: TypeAlias = Callable[[OnnxGraph, str], str]


def plan_to_onnx(
    graph: OnnxGraph, plan: Plan, weights: Mapping[str, Mapping[str, AnyArray]], rows: str
) -> str:
    """Add a network to a graph.

    Parameters
    ----------
    graph : OnnxGraph
    plan : tuple of Layer
        Of an encoder: dense layers, convolutions and reshapes.
    weights : mapping of layer name to mapping of weight name to array
        Float32, in the shapes of the plan.
    rows : str
        Name of the float32 value that goes in, with as many numbers per row as the first layer
        takes.

    Returns
    -------
    str
        Name of what the last layer gives.

    Raises
    ------
    UnsupportedError
        If there is a layer of another kind.
    """
    value = graph.reshape(rows, plan[0].in_shape)
    for layer in plan:
        add = _LAYERS.get(layer.kind)
        if add is None:
            raise UnsupportedError(
                f"layer {layer.name!r} of kind {layer.kind!r} cannot be exported to ONNX; "
                f"these can: {', '.join(_LAYERS)}"
            )
        value = add(graph, layer, weights.get(layer.name, {}), value)
    return value


def _dense(graph: OnnxGraph, layer: Layer, weights: Mapping[str, AnyArray], value: str) -> str:
    kernel, bias = graph.constant(weights["kernel"]), graph.constant(weights["bias"])
    return _ACTIVATIONS[layer.activation](graph, graph.apply("Gemm", value, kernel, bias))


def _conv(graph: OnnxGraph, layer: Layer, weights: Mapping[str, AnyArray], value: str) -> str:
    # Channels are last in a plan and first in ONNX; runtimes join the two transpositions between
    # two convolutions.
    kernel = graph.constant(weights["kernel"].transpose(3, 2, 0, 1))
    (top, bottom), (left, right) = layer.margins()
    value = graph.apply("Transpose", value, perm=[0, 3, 1, 2])
    value = graph.apply(
        "Conv",
        value,
        kernel,
        graph.constant(weights["bias"]),
        kernel_shape=[layer.kernel] * 2,
        strides=[layer.stride] * 2,
        pads=[top, left, bottom, right],
    )
    value = _ACTIVATIONS[layer.activation](graph, value)
    return graph.apply("Transpose", value, perm=[0, 2, 3, 1])


def _reshape(graph: OnnxGraph, layer: Layer, weights: Mapping[str, AnyArray], value: str) -> str:
    del weights
    return graph.reshape(value, layer.out_shape)


_LAYERS: dict[str, Callable[[OnnxGraph, Layer, Mapping[str, AnyArray], str], str]] = {
    "dense": _dense,
    "conv": _conv,
    "reshape": _reshape,
}


def _one(operator: str, **attributes: float) -> Part:
    """An activation that is one operator."""
    return lambda graph, value: graph.apply(operator, value, **attributes)


def _gelu(graph: OnnxGraph, value: str) -> str:
    half, one, root = map(graph.constant, np.array([0.5, 1.0, 2.0**0.5], dtype=np.float32)[:, None])
    share = graph.apply("Add", graph.apply("Erf", graph.apply("Div", value, root)), one)
    return graph.apply("Mul", graph.apply("Mul", value, half), share)


def _silu(graph: OnnxGraph, value: str) -> str:
    return graph.apply("Mul", value, graph.apply("Sigmoid", value))


def _linear(graph: OnnxGraph, value: str) -> str:
    del graph
    return value


#: By the names of :data:`n2d_framework.networks.ACTIVATIONS`.
_ACTIVATIONS: dict[str, Part] = {
    "relu": _one("Relu"),
    "elu": _one("Elu"),
    "selu": _one("Selu", alpha=SELU_ALPHA, gamma=SELU_SCALE),
    "gelu": _gelu,
    "tanh": _one("Tanh"),
    "sigmoid": _one("Sigmoid"),
    "silu": _silu,
    "leaky_relu": _one("LeakyRelu", alpha=LEAK),
    "softplus": _one("Softplus"),
    "linear": _linear,
}
