"""Autoencoders from a user's own Keras models."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.autoencoders.allowlist import config_complaint
from n2d_builtin.autoencoders.base import Autoencoder
from n2d_builtin.autoencoders.graphs import train_graph
from n2d_builtin.autoencoders.network_costs import cost_complaint, network_cost, rows_at_once
from n2d_builtin.autoencoders.rebuilding import rebuild, rebuild_stored
from n2d_framework.networks import TrainingResult, load_keras
from n2d_framework.plugin import (
    AnyArray,
    ConfigError,
    Problem,
    State,
    StateError,
    component,
    derive_seed,
    in_blocks,
    learned,
    need,
    option,
)

__all__ = ["KerasEmbedder"]

#: Rows of a block are a multiple of it: products take rows in groups, and the rest another way.
_GROUP = 8


def _numbered(arrays: Sequence[AnyArray]) -> dict[str, AnyArray]:
    return {f"weight_{index}": array for index, array in enumerate(arrays)}


def _read_weights(stored: Any, key: str) -> list[AnyArray]:
    if not isinstance(stored, Mapping):
        raise StateError(f"state {key!r} must be a mapping")
    arrays = [need(stored, f"weight_{index}", np.ndarray) for index in range(len(stored))]
    if any(array.dtype != np.float32 or not np.isfinite(array).all() for array in arrays):
        raise StateError(f"state {key!r} must hold finite float32 arrays")
    return arrays


@component
class KerasEmbedder(Autoencoder):
    """Trains an encoder and a decoder that the user built with Keras.

    The networks are given as text, ``keras.Model.to_json()`` of functional models made of
    built-in layers; :meth:`from_models` takes the models themselves. Weights the models may
    already have are *not* used: each fit starts from initial weights that the seed decides,
    so that options and seed say all about a result. Layers compute in what ``precision``
    says, whatever dtype policy they were built with; fitted, they answer in float64, rounded to
    float32: in float32, some processors give a row other last bits by its place among others.

    Attributes
    ----------
    encoder_weights_, decoder_weights_ : list of float32 array
        In the order of ``keras.Model.weights``.
    answers_in_ : {"float64", "float32"}
        What the fitted networks compute in.
    """

    encoder: str = option(
        help="Keras JSON of the encoder: one input of a row's size, one output (latent_dim,)."
    )
    decoder: str = option(
        help="Keras JSON of the decoder: one input (latent_dim,), one output of a row's size."
    )

    encoder_weights_: list[AnyArray] | None = learned(
        name="encoder", write=_numbered, read=lambda _, stored: _read_weights(stored, "encoder")
    )
    decoder_weights_: list[AnyArray] | None = learned(
        name="decoder", write=_numbered, read=lambda _, stored: _read_weights(stored, "decoder")
    )

    answers_in_: str | None = learned(dtype=str)

    #: For graphs that need not be stored: :func:`n2d_builtin.autoencoders.graphs.train_graph`.
    train_graph: ClassVar[Callable[..., TrainingResult]] = staticmethod(train_graph)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        problems = [
            Problem(name, complaint)
            for name in ("encoder", "decoder")
            if (complaint := config_complaint(getattr(self, name)))
        ]
        if problems:
            raise ConfigError(problems)

    @classmethod
    def from_models(cls, encoder: Any, decoder: Any, **options: Any) -> Self:
        """Take the architectures of two Keras models.

        Parameters
        ----------
        encoder, decoder : keras.Model
            Functional or built sequential models, of built-in layers only.
        **options
            Training options: ``epochs``, ``batch_size``, ``loss``, ...

        Returns
        -------
        KerasEmbedder

        Raises
        ------
        ConfigError
            If a model holds a layer that cannot be stored; names it.
        """
        return cls(encoder=_to_json(encoder), decoder=_to_json(decoder), **options)

    def check_input(self, n_rows: int, row_shape: tuple[int, ...]) -> list[str]:
        """Reasons why data of that shape cannot be fitted."""
        reasons = super().check_input(n_rows, row_shape)
        return reasons + _complaints(rebuild(self.encoder), rebuild(self.decoder), row_shape)

    def _stored_complaints(self, row_shape: tuple[int, ...]) -> list[str]:
        # The networks are built, within limits, and checked by `_restore`.
        return super().check_input(2**30, row_shape)

    def _build(self, row_shape: tuple[int, ...], seed: int, precision: str) -> tuple[Any, Any]:
        del row_shape
        return (
            rebuild(self.encoder, seed=derive_seed(seed, "encoder"), precision=precision),
            rebuild(self.decoder, seed=derive_seed(seed, "decoder"), precision=precision),
        )

    def _keep(self, encoder: Any, decoder: Any, *, row_shape: tuple[int, ...]) -> None:
        del row_shape
        self.latent_dim_ = int(encoder.output_shape[1])
        self.encoder_weights_ = _weights(encoder)
        self.decoder_weights_ = _weights(decoder)
        self.answers_in_ = "float64"

    @classmethod
    def upgrade_state(cls, state: State, version: int) -> State:
        """Read version 1, whose networks answered in float32."""
        del version
        return {**state, "answers_in": "float32"}

    def check_learned(self) -> list[str]:
        """Reasons why a state that was read does not fit the networks, which are built for it."""
        if reasons := super().check_learned():
            return reasons
        if self.answers_in_ not in ("float64", "float32"):
            return [f"state 'answers_in' is {self.answers_in_!r}, neither 'float64' nor 'float32'"]
        self._computed = {which: self._network(which) for which in ("encoder", "decoder")}
        networks = self._computed["encoder"], self._computed["decoder"]
        reasons = _complaints(*networks, self._fitted_shape())
        if reasons or networks[0].output_shape != (None, self.latent_dim_):
            return [f"the state does not fit the networks; {'; '.join(reasons)}"]
        return []

    def _encode(self, x: AnyArray) -> NDArray[np.float32]:
        return self._predict("encoder", x)

    def _decode(self, z: AnyArray) -> NDArray[np.float32]:
        return self._predict("decoder", z)

    def _predict(self, which: str, rows: AnyArray) -> NDArray[np.float32]:
        if which not in self._computed:
            self._computed[which] = self._network(which)
        net, precision = self._computed[which], str(self.answers_in_)
        shaped = rows.reshape(len(rows), *net.input_shape[1:]).astype(precision, copy=False)
        # All batches have one shape, so that Keras computes every row in the same way.
        block = rows_at_once(network_cost(net))
        if precision == "float64":
            block = block - block % _GROUP or 1
        if f"answer of {which}" not in self._computed:
            self._computed[f"answer of {which}"] = _answer(net, block, precision)
        answer = self._computed[f"answer of {which}"]
        found = in_blocks(answer, shaped, block=block, least=block)
        return np.asarray(found, dtype=np.float32)

    def _network(self, which: str) -> Any:
        """A stored network, built."""
        text = {"encoder": self.encoder, "decoder": self.decoder}[which]
        weights = {"encoder": self.encoder_weights_, "decoder": self.decoder_weights_}[which]
        return rebuild_stored(text, weights or (), precision=str(self.answers_in_))


def _answer(net: Any, block: int, precision: str) -> Callable[[AnyArray], AnyArray]:
    """Trace once how a network answers blocks of rows.

    Keras's own prediction traces the same function for each network, of which TensorFlow warns
    after a few models; with other backends it is used.
    """
    if load_keras().config.backend() != "tensorflow":
        return lambda rows: np.asarray(net.predict_on_batch(rows))
    import tensorflow as tf

    about = tf.TensorSpec((block, *net.input_shape[1:]), precision)
    asked = tf.function(lambda rows: net(rows, training=False), autograph=False)
    traced = asked.get_concrete_function(about)
    return lambda rows: np.asarray(traced(tf.constant(rows)))


def _complaints(encoder: Any, decoder: Any, row_shape: tuple[int, ...]) -> list[str]:
    """Why two networks cannot be trained on rows of that shape."""
    for name, net in (("encoder", encoder), ("decoder", decoder)):
        if len(net.inputs) != 1 or len(net.outputs) != 1:
            return [f"the {name} must have one input and one output"]
        if None in net.input_shape[1:] or None in net.output_shape[1:]:
            return [f"the {name} must have an input and an output of known size"]
        if net.input_shape[0] is not None:
            return [f"the {name} must not fix the batch size"]
        complaint = cost_complaint(network_cost(net), math.prod(row_shape))
        if complaint:
            return [f"the {name} {complaint}"]
    return _misfits(encoder, decoder, row_shape)


def _misfits(encoder: Any, decoder: Any, row_shape: tuple[int, ...]) -> list[str]:
    takes, gives = encoder.input_shape[1:], encoder.output_shape[1:]
    reasons = []
    if len(gives) != 1:
        reasons.append(f"the encoder puts out {gives}, not (latent_dim,)")
    if gives != decoder.input_shape[1:]:
        reasons.append(
            f"the decoder takes {decoder.input_shape[1:]}, but the encoder puts out {gives}"
        )
    if math.prod(takes) != math.prod(row_shape):
        reasons.append(f"the encoder takes {takes}, but a row is {row_shape}")
    if decoder.output_shape[1:] != takes:
        reasons.append(
            f"the decoder puts out {decoder.output_shape[1:]}, but the encoder takes {takes}"
        )
    return reasons


def _to_json(model: Any) -> str:
    keras = load_keras()
    if not isinstance(model, keras.Model) or not model.built:
        raise ConfigError([Problem("", f"a built Keras model is needed, not {model!r}")])
    try:
        inputs, outputs = model.inputs, model.outputs
    except (AttributeError, ValueError) as error:
        message = (
            f"{model.name!r} is not a functional model; build it as keras.Model(inputs, outputs)"
        )
        raise ConfigError([Problem("", message)]) from error
    text: str = keras.Model(inputs, outputs, name=model.name).to_json()
    return text


def _weights(model: Any) -> list[AnyArray]:
    return [np.array(array, dtype=np.float32) for array in model.get_weights()]
