"""Keras models of both trainings; imported when training starts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from n2d_framework.networks import AutoencoderTrainer, RowTrainer
from n2d_framework.plugin import AnyArray

__all__ = ["ContrastiveTrainer", "VariationalTrainer"]

#: Variances beyond these are of no use, and their exponentials would not be finite.
_LEAST_LOG, _LARGEST_LOG = -15.0, 10.0
_NEVER = -1e9
_TINY = 1e-12


class VariationalTrainer(AutoencoderTrainer):  # type: ignore[misc, unused-ignore]
    """Reconstructs rows from draws of the distributions that the encoder gives them.

    Parameters
    ----------
    encoder, decoder : keras.Model
        The encoder gives means; variances come from a further layer beside its last.
    rows : float32 array of shape (n, ...)
    beta : float
        Weight of the divergence beside the sum of the losses of a row's values.
    seed : int
        Of the draws.
    **varied
        Loss, augmentation and order of the autoencoder's trainer.
    """

    measured = ("loss", "divergence", "reconstruction_loss")
    reconstruction = "reconstruction_loss"

    def __init__(
        self, encoder: Any, decoder: Any, rows: AnyArray, *, beta: float, seed: int, **varied: Any
    ) -> None:
        super().__init__(encoder, decoder, rows, **varied)
        self.weight_of_divergence = beta / math.prod(rows.shape[1:])
        last = [layer for layer in encoder.layers if layer.weights][-1]
        # Starts with variance 1 for every row: zeros.
        spread = keras.layers.Dense(
            encoder.output_shape[-1],
            kernel_initializer="zeros",
            dtype="float32",
            name="log_variance",
        )(last.input)
        self.both = keras.Model(encoder.inputs[0], [encoder.outputs[0], spread], name="both")
        self.draws = keras.random.SeedGenerator(seed % 2**31)

    def row_losses(self, batch: Mapping[str, Any], training: bool) -> dict[str, Any]:
        """Reconstruction of a draw, beside the divergence from the standard normal."""
        rows = batch["rows"]
        seen = self.varied(rows) if training else rows
        mean, log_variance = self.both(seen, training=training)
        mean = ops.cast(mean, "float32")
        log_variance = ops.clip(ops.cast(log_variance, "float32"), _LEAST_LOG, _LARGEST_LOG)
        latent = mean
        if training:
            noise = keras.random.normal(ops.shape(mean), dtype="float32", seed=self.draws)
            latent = mean + ops.exp(log_variance / 2) * noise
        output = ops.cast(self.decoder(latent, training=training), "float32")
        target = rows if self.target == "original" else seen
        losses = ops.reshape(self.element_loss(target, output), (self.batch_size, -1))
        rebuilt = ops.mean(losses, axis=1)
        divergence = 0.5 * ops.sum(
            ops.exp(log_variance) + ops.square(mean) - 1 - log_variance, axis=1
        )
        return {
            "loss": rebuilt + self.weight_of_divergence * divergence,
            "divergence": divergence,
            "reconstruction_loss": rebuilt,
        }


class ContrastiveTrainer(RowTrainer):  # type: ignore[misc, unused-ignore]
    """Finds the other variant of an image among the variants of a batch.

    Parameters
    ----------
    encoder, head : keras.Model
        The loss is measured behind the head.
    rows : float32 array of shape (n, ...)
        In the encoder's input shape.
    temperature : float
    decoupled : bool
        Whether the right variant is left out of the sum over all.
    image_shape : (height, width, channels)
    augmentation : sequence of keras.layers.Layer
    **order
        ``train``, ``validation`` and ``batch_size`` of the toolkit's row trainer.

    Attributes
    ----------
    chance : float
        Loss of a network that gives all rows the same coordinates.
    """

    def __init__(
        self,
        encoder: Any,
        head: Any,
        rows: AnyArray,
        *,
        temperature: float,
        decoupled: bool,
        image_shape: tuple[int, ...],
        augmentation: Sequence[Any],
        **order: Any,
    ) -> None:
        # A short last batch is filled up with a row that may be in it already.
        numbers = np.arange(len(rows), dtype=np.int32)
        super().__init__((encoder, head), {"rows": rows, "number": numbers}, **order)
        self.encoder, self.head = encoder, head
        self.temperature, self.decoupled = temperature, decoupled
        self.image_shape, self.augmentation = tuple(image_shape), list(augmentation)
        others = 2 * self.batch_size - 2
        self.chance = math.log(others + (not decoupled))

    def inputs_of(self, rows: AnyArray) -> Any:
        """Rows as the encoder takes them."""
        return ops.take(self.columns["rows"], rows, axis=0)

    def row_losses(self, batch: Mapping[str, Any], training: bool) -> Any:
        """Cross-entropy of each image's other variant, from either side."""
        views = [self._directions(batch["rows"], training) for _ in range(2)]
        numbers = batch["number"]
        every, owner = ops.concatenate(views, axis=0), ops.concatenate([numbers, numbers], axis=0)
        losses = [
            self._side(mine, other, every, numbers, owner)
            for mine, other in (views, list(reversed(views)))
        ]
        return (losses[0] + losses[1]) / 2

    def _directions(self, rows: Any, training: bool) -> Any:
        images = ops.reshape(rows, (self.batch_size, *self.image_shape))
        for layer in self.augmentation:
            images = layer(images, training=True)
        seen = ops.reshape(images, (self.batch_size, *rows.shape[1:]))
        found = ops.cast(
            self.head(self.encoder(seen, training=training), training=training), "float32"
        )
        return found * ops.rsqrt(ops.sum(ops.square(found), axis=1, keepdims=True) + _TINY)

    def _side(self, mine: Any, other: Any, every: Any, numbers: Any, owner: Any) -> Any:
        right = ops.sum(mine * other, axis=1) / self.temperature
        logits = ops.matmul(mine, ops.transpose(every)) / self.temperature
        same = ops.equal(ops.expand_dims(numbers, 1), ops.expand_dims(owner, 0))
        wrong = ops.logsumexp(ops.where(same, _NEVER, logits), axis=1)
        if not self.decoupled:
            wrong = ops.logaddexp(wrong, right)
        return wrong - right
