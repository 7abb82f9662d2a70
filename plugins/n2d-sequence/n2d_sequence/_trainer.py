"""Trains autoencoders of series; imports Keras."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from keras import ops

from n2d_builtin.toolkit import losses, row_trainer
from n2d_framework.plugin import AnyArray

__all__ = ["SequenceTrainer"]

if TYPE_CHECKING:
    _Base = Any
else:
    _Base = row_trainer()


class SequenceTrainer(_Base):  # type: ignore[misc, unused-ignore]
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
    consistency : float, default 0.0
        Weight of the latent distance between a series and its variant.
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
        consistency: float = 0.0,
        **order: Any,
    ) -> None:
        super().__init__((encoder, decoder), {"rows": rows, "lengths": lengths}, **order)
        self.encoder, self.decoder, self.variation = encoder, decoder, variation
        self.target, self.consistency = target, consistency
        self.element_loss = losses()[loss]

    def row_losses(self, batch: Mapping[str, Any], training: bool) -> Any:
        """Mean loss over the values of each series, and its inconsistency."""
        rows, lengths = batch["rows"], batch["lengths"]
        varied = rows
        if training and self.variation is not None:
            varied = self.variation(rows, lengths)
        latent = self.encoder([varied, lengths], training=training)
        output = ops.cast(self.decoder(latent, training=training), "float32")
        target = rows if self.target == "original" else varied
        cost = _observed_mean(self.element_loss(target, output), lengths)
        if training and self.consistency:
            plain = self.encoder([rows, lengths], training=True)
            cost = cost + self.consistency * _inconsistency(latent, plain)
        return cost


def _observed_mean(losses: Any, lengths: Any) -> Any:
    """Mean over features and over the steps that are no padding: (batch,)."""
    of_steps = ops.mean(losses, axis=2)
    observed = ops.arange(of_steps.shape[1], dtype="int32")[None, :] < lengths[:, None]
    total = ops.sum(ops.where(observed, of_steps, ops.zeros_like(of_steps)), axis=1)
    return total / ops.cast(lengths, "float32")


def _inconsistency(varied: Any, plain: Any) -> Any:
    """Squared distance between two latent rows over the total variance of the batch.

    Being relative, it cannot be lowered by shrinking the latent space.
    """
    spread = ops.sum(ops.var(plain, axis=0)) + 1e-6
    return ops.sum(ops.square(varied - plain), axis=1) / spread
