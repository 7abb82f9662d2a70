"""Builds Keras models from plans; the plans' names are the layers' names."""

from __future__ import annotations

from typing import Any

from n2d_framework.networks.keras_backend import load_keras
from n2d_framework.networks.plans import Layer, Plan
from n2d_framework.seeding import derive_seed

__all__ = ["build_network"]

_CHANNELS = "channels_last"


def build_network(plan: Plan, *, seed: int, precision: str = "float32", name: str = "net") -> Any:
    """Build the Keras model of a plan, freshly initialised.

    Parameters
    ----------
    plan : tuple of Layer
        From :mod:`n2d_framework.networks.plans`.
    seed : int
        Of the initial weights (uniform after Glorot and Bengio 2010; biases zero).
    precision : {"float32", "bfloat16"}, default "float32"
        What products are computed in; weights and output are float32 in both cases.
    name : str, default "net"

    Returns
    -------
    keras.Model
        Functional model from ``(batch, *in_shape)`` to ``(batch, *out_shape)``.
    """
    keras = load_keras()
    policy = "mixed_bfloat16" if precision == "bfloat16" else "float32"
    inputs = keras.Input(plan[0].in_shape, dtype="float32")
    hidden = inputs
    for layer in plan[:-1]:
        hidden = _apply(keras, layer, hidden, seed, policy)
        if layer.activation != "linear":
            hidden = keras.layers.Activation(
                layer.activation, dtype=policy, name=f"{layer.name}_activation"
            )(hidden)
    hidden = _apply(keras, plan[-1], hidden, seed, policy)
    outputs = keras.layers.Activation(
        plan[-1].activation, dtype="float32", name=f"{plan[-1].name}_activation"
    )(hidden)
    return keras.Model(inputs, outputs, name=name)


def _apply(keras: Any, layer: Layer, values: Any, seed: int, policy: str) -> Any:
    if layer.kind == "reshape":
        return keras.layers.Reshape(layer.out_shape, dtype=policy, name=layer.name)(values)
    common = {
        "name": layer.name,
        "dtype": policy,
        "kernel_initializer": keras.initializers.GlorotUniform(seed=derive_seed(seed, layer.name)),
    }
    if layer.kind == "dense":
        return keras.layers.Dense(layer.out_shape[0], **common)(values)
    image = {"strides": layer.stride, "padding": "same", "data_format": _CHANNELS, **common}
    if layer.kind == "conv":
        return keras.layers.Conv2D(layer.out_shape[2], layer.kernel, **image)(values)
    values = keras.layers.Conv2DTranspose(layer.out_shape[2], layer.kernel, **image)(values)
    surplus = [
        (0, before * layer.stride - after)
        for before, after in zip(layer.in_shape[:2], layer.out_shape[:2], strict=True)
    ]
    if not any(more for _, more in surplus):
        return values
    crop = keras.layers.Cropping2D(
        tuple(surplus), data_format=_CHANNELS, dtype=policy, name=f"{layer.name}_crop"
    )
    return crop(values)
