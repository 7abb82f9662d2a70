"""Trains any Keras graph to give back its rows; imported when training starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from n2d_framework.networks import RowTrainer
from n2d_framework.plugin import AnyArray, DataError

__all__ = ["GraphTrainer"]


class GraphTrainer(RowTrainer):
    """Reconstructs rows from themselves, or from what a function made of them.

    Parameters
    ----------
    graph : keras.Model
        From rows to rows.
    rows : float32 array of shape (n, ...)
    loss : str or callable
        Whatever :meth:`keras.Model.compile` takes. What it gives for the values of a row is
        averaged; if it gives one number for a batch, the rows that fill up the last batch
        count as well (they are other rows of the epoch, chosen at random).
    corrupt : callable, optional
        Makes what the graph sees of the rows, of their shape; called again for every epoch.
    **order
        ``train``, ``validation`` and ``batch_size`` of :class:`RowTrainer`.
    """

    def __init__(
        self,
        graph: Any,
        rows: AnyArray,
        *,
        loss: Any,
        corrupt: Callable[[AnyArray], Any] | None,
        **order: Any,
    ) -> None:
        columns = {"rows": rows} if corrupt is None else {"rows": rows, "seen": rows}
        super().__init__([graph], columns, **order)
        self.graph, self.corrupt = graph, corrupt
        self.element_loss, self.scale = _element_loss(loss)
        # What the function makes of the rows may be harder in some epochs than in others.
        self.alike = corrupt is None
        self._clean = rows

    reconstruction = "loss"

    def inputs_of(self, rows: AnyArray) -> Any:
        """Rows as the graph takes them."""
        return ops.take(self.columns["rows"], rows, axis=0)

    def start_epoch(self, epoch: int, shuffle: np.random.Generator) -> None:
        """Draw the order of an epoch, and what its rows look like."""
        super().start_epoch(epoch, shuffle)
        n_train, end = len(self._train), self.train_steps * self.batch_size
        # Statistics of a batch are taken over the rows that fill it up, too.
        self._padded[n_train:end] = np.resize(self._padded[:n_train], end - n_train)
        self.order.assign(self._padded)
        if self.corrupt is not None:
            self.columns["seen"].assign(_seen(self.corrupt, self._clean))

    def row_losses(self, batch: Mapping[str, Any], training: bool) -> Any:
        """Mean loss over what the loss function gives for each row."""
        seen = batch.get("seen", batch["rows"]) if training else batch["rows"]
        output = self.graph(seen, training=training)
        found = ops.convert_to_tensor(self.element_loss(batch["rows"], output))
        found = ops.cast(found, "float32")
        if len(found.shape) == 0:
            return ops.broadcast_to(found, (self.batch_size,))
        values = ops.reshape(found, (self.batch_size, -1))
        return ops.mean(values, axis=1) * self.scale(values.shape[1] * self.batch_size)


def _seen(corrupt: Callable[[AnyArray], Any], rows: AnyArray) -> AnyArray:
    seen = np.asarray(corrupt(rows), dtype=np.float32)
    if seen.shape != rows.shape:
        raise DataError(
            f"x_lambda made rows of shape {seen.shape} out of {rows.shape}; it must keep the shape"
        )
    return seen


def _element_loss(loss: Any) -> tuple[Callable[[Any, Any], Any], Callable[[int], float]]:
    """Cost of a value, and the factor of the mean over values."""
    found = keras.losses.get(loss)
    if not isinstance(found, keras.losses.Loss):
        return found, lambda _: 1.0
    if found.reduction == "sum":
        return found.call, float
    return found.call, lambda _: 1.0
