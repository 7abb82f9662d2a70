"""Builds Keras models from plans; the plans' names are the layers' names.

An encoder takes ``[values, lengths]``. Padding is never seen: it is set to zero before every
convolution and left out of every pooling, and recurrent layers read backwards from the last step
that is not padding. (Keras's own masks are not used: what they mean for the backward direction
differs between its kernels.)
"""

from __future__ import annotations

from typing import Any

from n2d_framework.networks import load_keras
from n2d_framework.plugin import derive_seed
from n2d_sequence.layers import Layer, Plan, backward_name

__all__ = ["build_decoder", "build_encoder"]


def build_encoder(plan: Plan, *, seed: int, precision: str) -> Any:
    """Build the Keras model of an encoder's plan, freshly initialised.

    Parameters
    ----------
    plan : tuple of Layer
    seed : int
        Of the initial weights.
    precision : {"float32", "bfloat16"}
        What products are computed in; weights and output are float32 in both cases.

    Returns
    -------
    keras.Model
        From float32 ``(batch, steps, features)`` and int32 ``(batch,)`` to
        ``(batch, latent_dim)``.
    """
    keras = load_keras()
    values = keras.Input(plan[0].in_shape, dtype="float32", name="values")
    lengths = keras.Input((), dtype="int32", name="lengths")
    latent = _Builder(keras, seed, precision).run(plan, values, lengths)
    return keras.Model([values, lengths], latent, name="encoder")


def build_decoder(plan: Plan, *, seed: int, precision: str) -> Any:
    """Build the Keras model of a decoder's plan; see :func:`build_encoder`.

    Returns
    -------
    keras.Model
        From ``(batch, latent_dim)`` to ``(batch, steps, features)``.
    """
    keras = load_keras()
    latent = keras.Input(plan[0].in_shape, dtype="float32", name="latent")
    return keras.Model(
        latent, _Builder(keras, seed, precision).run(plan, latent, None), name="decoder"
    )


class _Builder:
    """Applies layers to symbolic values; `lengths` is None where nothing is padding."""

    def __init__(self, keras: Any, seed: int, precision: str) -> None:
        self.keras, self.ops, self.seed = keras, keras.ops, seed
        self.policy = "mixed_bfloat16" if precision == "bfloat16" else "float32"

    def run(self, plan: Plan, values: Any, lengths: Any) -> Any:
        for layer in plan:
            values, lengths = getattr(self, f"_{layer.kind}")(layer, values, lengths)
        return self.keras.layers.Activation("linear", dtype="float32", name="float32")(values)

    def _common(self, name: str) -> dict[str, Any]:
        uniform = self.keras.initializers.GlorotUniform(seed=derive_seed(self.seed, name))
        return {"name": name, "dtype": self.policy, "kernel_initializer": uniform}

    def _activated(self, layer: Layer, values: Any) -> Any:
        if layer.activation == "linear":
            return values
        # A sigmoid output is float32, as losses need it.
        policy = "float32" if layer.activation == "sigmoid" else self.policy
        name = f"{layer.name}_activation"
        return self.keras.layers.Activation(layer.activation, dtype=policy, name=name)(values)

    def _dense(self, layer: Layer, values: Any, lengths: Any) -> tuple[Any, Any]:
        dense = self.keras.layers.Dense(layer.out_shape[-1], **self._common(layer.name))
        return self._activated(layer, dense(values)), lengths

    def _conv(self, layer: Layer, values: Any, lengths: Any) -> tuple[Any, Any]:
        conv = self.keras.layers.Conv1D(
            layer.out_shape[1],
            layer.kernel,
            strides=layer.stride,
            padding="same",
            data_format="channels_last",
            **self._common(layer.name),
        )
        values = self._activated(layer, conv(self._cleared(values, lengths)))
        if lengths is None:
            return values, None
        return values, (lengths + layer.stride - 1) // layer.stride

    def _deconv(self, layer: Layer, values: Any, lengths: Any) -> tuple[Any, Any]:
        deconv = self.keras.layers.Conv1DTranspose(
            layer.out_shape[1],
            layer.kernel,
            strides=layer.stride,
            padding="same",
            data_format="channels_last",
            **self._common(layer.name),
        )
        values = deconv(values)[:, : layer.out_shape[0]]
        return self._activated(layer, values), lengths

    def _reshape(self, layer: Layer, values: Any, lengths: Any) -> tuple[Any, Any]:
        return self.ops.reshape(values, (-1, *layer.out_shape)), lengths

    def _repeat(self, layer: Layer, values: Any, lengths: Any) -> tuple[Any, Any]:
        return self.keras.layers.RepeatVector(layer.out_shape[0], dtype=self.policy)(
            values
        ), lengths

    def _pool(self, layer: Layer, values: Any, lengths: Any) -> tuple[Any, Any]:
        pool = getattr(self, f"_pool_{layer.pooling}")
        return pool(layer, values, lengths), None

    def _pool_flatten(self, layer: Layer, values: Any, lengths: Any) -> Any:
        return self.ops.reshape(self._cleared(values, lengths), (-1, *layer.out_shape))

    def _pool_average(self, layer: Layer, values: Any, lengths: Any) -> Any:
        total = self.ops.sum(self.ops.cast(self._cleared(values, lengths), "float32"), axis=1)
        return total / self.ops.cast(lengths, "float32")[:, None]

    def _pool_max(self, layer: Layer, values: Any, lengths: Any) -> Any:
        values = self.ops.cast(values, "float32")
        mask = self._mask(values, lengths)
        return self.ops.max(self.ops.where(mask, values, -3e38), axis=1)

    def _pool_last(self, layer: Layer, values: Any, lengths: Any) -> Any:
        is_last = self.ops.equal(self._steps(values), lengths[:, None] - 1)
        last = self.ops.cast(is_last, values.dtype)
        units = layer.in_shape[1] // (2 if layer.bidirectional else 1)
        forward = self.ops.sum(values[:, :, :units] * last[:, :, None], axis=1)
        if not layer.bidirectional:
            return forward
        return self.ops.concatenate([forward, values[:, 0, units:]], axis=-1)

    def _gru(self, layer: Layer, values: Any, lengths: Any) -> tuple[Any, Any]:
        return self._recurrent(self.keras.layers.GRU, layer, values, lengths), lengths

    def _lstm(self, layer: Layer, values: Any, lengths: Any) -> tuple[Any, Any]:
        return self._recurrent(self.keras.layers.LSTM, layer, values, lengths), lengths

    def _recurrent(self, cls: Any, layer: Layer, values: Any, lengths: Any) -> Any:
        forward = self._cell(cls, layer, layer.name)(values)
        if not layer.bidirectional:
            return forward
        backward = self._cell(cls, layer, backward_name(layer.name))
        found = self._reversed(backward(self._reversed(values, lengths)), lengths)
        return self.ops.concatenate([forward, found], axis=-1)

    def _cell(self, cls: Any, layer: Layer, name: str) -> Any:
        orthogonal = self.keras.initializers.Orthogonal(
            seed=derive_seed(self.seed, f"{name}/recurrent")
        )
        return cls(
            layer.units,
            return_sequences=True,
            recurrent_initializer=orthogonal,
            # Without one, Keras draws a seed for dropout from Python's global generator.
            seed=derive_seed(self.seed, f"{name}/dropout") % 2**31,
            **self._common(name),
        )

    def _reversed(self, values: Any, lengths: Any) -> Any:
        """Each row's steps in reverse, padding left where it is."""
        if lengths is None:
            return self.ops.flip(values, axis=1)
        steps, ends = self._steps(values), lengths[:, None]
        index = self.ops.where(self.ops.less(steps, ends), ends - 1 - steps, steps)
        index = self.ops.repeat(index[:, :, None], values.shape[2], axis=2)
        return self.ops.take_along_axis(values, index, axis=1)

    def _cleared(self, values: Any, lengths: Any) -> Any:
        if lengths is None:
            return values
        return values * self.ops.cast(self._mask(values, lengths), values.dtype)

    def _mask(self, values: Any, lengths: Any) -> Any:
        return self.ops.less(self._steps(values), lengths[:, None])[:, :, None]

    def _steps(self, values: Any) -> Any:
        return self.ops.arange(values.shape[1], dtype="int32")[None, :]
