"""Trains autoencoders of series; imports Keras."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keras import ops

from n2d_framework.networks import LOSSES, RowTrainer
from n2d_framework.plugin import AnyArray

__all__ = ["SequenceTrainer"]


class SequenceTrainer(RowTrainer):  # type: ignore[misc, unused-ignore]
    """Reconstructs series, possibly varied; padding costs nothing.

    Parameters
    ----------
    encoder, decoder : keras.Model
    rows : float32 array of shape (n, steps, features)
        Normalised, padding 0.
    lengths : int32 array of shape (n,)
    loss : str
        A loss of the toolkit.
    variation : Variation, optional
        Applied to training batches.
    target : {"varied", "original"}, default "varied"
        What a varied series is to be reconstructed as.
    **order
        ``train``, ``validation`` and ``batch_size`` of the toolkit's row trainer.
    """

    def __init__(
        self,
        encoder: Any,
        decoder: Any,
        rows: AnyArray,
        lengths: AnyArray,
        *,
        loss: str,
        variation: Any = None,
        target: str = "varied",
        **order: Any,
    ) -> None:
        super().__init__((encoder, decoder), {"rows": rows, "lengths": lengths}, **order)
        self.encoder, self.decoder, self.variation = encoder, decoder, variation
        self.target = target
        self.element_loss = LOSSES[loss]

    reconstruction = "loss"

    def inputs_of(self, rows: AnyArray) -> Any:
        """Series and their lengths, as the encoder takes them."""
        return [ops.take(self.columns[name], rows, axis=0) for name in ("rows", "lengths")]

    def row_losses(self, batch: Mapping[str, Any], training: bool) -> Any:
        """Mean loss over the values of each series."""
        rows, lengths = batch["rows"], batch["lengths"]
        varied = rows
        if training and self.variation is not None:
            varied = self.variation(rows, lengths)
        latent = self.encoder([varied, lengths], training=training)
        output = ops.cast(self.decoder(latent, training=training), "float32")
        target = rows if self.target == "original" else varied
        return _observed_mean(self.element_loss(target, output), lengths)


def _observed_mean(losses: Any, lengths: Any) -> Any:
    """Mean over features and over the steps that are not padding: (batch,)."""
    of_steps = ops.mean(losses, axis=2)
    observed = ops.arange(of_steps.shape[1], dtype="int32")[None, :] < lengths[:, None]
    total = ops.sum(ops.where(observed, of_steps, ops.zeros_like(of_steps)), axis=1)
    return total / ops.cast(lengths, "float32")
