"""Keras models that train on rows kept on the device; imported when training starts.

``fit`` receives step numbers instead of data: each compiled step slices the order of its
epoch, gathers the rows and computes. Nothing is done per batch in Python, every batch has one
shape (the last is padded with rows of weight zero), and many steps are one execution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from n2d_framework.networks.training import ROW_PREFIX
from n2d_framework.types import AnyArray

__all__ = ["LOSSES", "AutoencoderTrainer", "RowTrainer"]

#: Training rows on which networks are compared with what they were, and their units watched.
_SOME_ROWS = 256


class RowTrainer(keras.Model):  # type: ignore[misc, unused-ignore]
    """Trains networks on rows; what a row costs is said by :meth:`row_losses`.

    Parameters
    ----------
    networks : sequence of keras.Model
        What is trained (and restored when training stops early).
    columns : mapping of str to array of shape (n, ...)
        What is known of each row; gathered on the device for every batch.
    train, validation : int array
        Numbers of the rows to train on and of those held out (may be empty).
    batch_size : int

    Attributes
    ----------
    measured : tuple of str
        What :meth:`row_losses` gives; ``"loss"`` is what is trained on.
    reconstruction : str or None
        Which of them must not end above its start, since it is the loss of a reconstruction.
    alike : bool
        Whether its values of two epochs can be compared.
    """

    measured: tuple[str, ...] = ("loss",)
    reconstruction: str | None = None
    alike: bool = True

    def __init__(
        self,
        networks: Sequence[Any],
        columns: Mapping[str, AnyArray],
        *,
        train: AnyArray,
        validation: AnyArray,
        batch_size: int,
    ) -> None:
        super().__init__(name="trainer", dtype="float32")
        self.networks = list(networks)
        self.batch_size = batch_size
        self.train_steps = -(-len(train) // batch_size)
        self.validation_steps = -(-len(validation) // batch_size)
        self._train = train
        self._padded = np.zeros(
            (self.train_steps + self.validation_steps) * batch_size, dtype=np.int32
        )
        held_out = self.train_steps * batch_size
        self._padded[held_out : held_out + len(validation)] = validation
        weight = np.zeros(len(self._padded), dtype=np.float32)
        weight[: len(train)] = 1
        weight[held_out : held_out + len(validation)] = 1
        self.columns = {name: _constant(name, column) for name, column in columns.items()}
        self.order = _constant("order", self._padded)
        self.weight = _constant("weight", weight)
        self.means = {name: _mean(name) for name in self.measured}
        self.built = True

    def start_epoch(self, epoch: int, shuffle: np.random.Generator) -> None:
        """Draw the order of an epoch; subclasses may refresh columns here.

        Parameters
        ----------
        epoch : int
            Counted from 0.
        shuffle : numpy.random.Generator
        """
        del epoch
        self.set_order(shuffle.permutation(self._train))

    def set_order(self, rows: AnyArray) -> None:
        """Say which rows the steps of an epoch see, in which order.

        Parameters
        ----------
        rows : int array, as long as `train`
        """
        self._padded[: len(self._train)] = rows
        self.order.assign(self._padded)

    def finish_epoch(self, epoch: int) -> Mapping[str, float]:
        """Measure something after an epoch; ``self.stop_training = True`` ends training.

        Parameters
        ----------
        epoch : int
            Counted from 0.

        Returns
        -------
        mapping of str to float
            Goes into the history beside the losses.
        """
        del epoch
        return {}

    def row_losses(self, batch: Mapping[str, Any], training: bool) -> Any:
        """Loss of each row of a batch.

        Parameters
        ----------
        batch : mapping of str to tensor of shape (batch_size, ...)
            The columns of the batch's rows.
        training : bool
            Whether to augment, corrupt and the like.

        Returns
        -------
        tensor of shape (batch_size,), or mapping of str to such tensors
            The mapping holds what :attr:`measured` names.
        """
        raise NotImplementedError

    def inputs_of(self, rows: AnyArray) -> Any:
        """Cost of the first network for some rows; None if that is not known.

        Parameters
        ----------
        rows : int array
        """
        del rows
        return None

    def reconstruction_loss(self) -> float | None:
        """The reconstruction loss of some training rows, always the same; None without one."""
        if self.reconstruction is None:
            return None
        rows, batch_size = self._some_rows(), self.batch_size
        batch = {name: ops.take(column, rows, axis=0) for name, column in self.columns.items()}
        self.batch_size = len(rows)
        losses = self.row_losses(batch, training=False)
        self.batch_size = batch_size
        found = losses[self.reconstruction] if isinstance(losses, Mapping) else losses
        return float(ops.convert_to_numpy(ops.mean(found)))

    def watched(self) -> Any:
        """Cost of the first network for some training rows; None if that is not known."""
        return self.inputs_of(self._some_rows())

    def _some_rows(self) -> AnyArray:
        """A few training rows, evenly spread."""
        rows = np.unique(self._train)
        return rows[np.linspace(0, len(rows) - 1, min(_SOME_ROWS, len(rows))).astype(np.int64)]

    def call(self, step: Any, training: bool = False) -> Any:
        """Losses and weights of the rows of one step."""
        start = ops.reshape(step, (-1,))[0] * self.batch_size
        rows = ops.slice(ops.convert_to_tensor(self.order), (start,), (self.batch_size,))
        weight = ops.slice(ops.convert_to_tensor(self.weight), (start,), (self.batch_size,))
        batch = {
            name: ops.take(ops.convert_to_tensor(column), rows, axis=0)
            for name, column in self.columns.items()
        }
        return self.row_losses(batch, training), weight

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Mean over the rows that count."""
        del x, y, sample_weight, training
        losses, weight = y_pred
        named = losses if isinstance(losses, Mapping) else {"loss": losses}
        rows = ops.sum(weight)
        found = {name: ops.sum(values * weight) / rows for name, values in named.items()}
        for name, value in found.items():
            self.means[name].update_state(value, sample_weight=rows)
        # What layers add by themselves: regularizers of a user's networks.
        return sum(self.losses, found["loss"])


class AutoencoderTrainer(RowTrainer):
    """Reconstructs rows, possibly augmented, from themselves, possibly corrupted.

    Parameters
    ----------
    encoder, decoder : keras.Model
    rows : float32 array of shape (n, ...)
        In the encoder's input shape.
    loss : str
        A key of :data:`LOSSES`.
    image_shape : (height, width, channels), optional
        What augmentation takes a row to be.
    augmentation : sequence of keras.layers.Layer
        Applied to training batches.
    target : {"varied", "original"}, default "varied"
        What a varied row is to be reconstructed as.
    corruption : keras.layers.Layer, optional
        Applied to what the encoder sees of training batches.
    **order
        ``train``, ``validation`` and ``batch_size`` of :class:`RowTrainer`.
    """

    def __init__(
        self,
        encoder: Any,
        decoder: Any,
        rows: AnyArray,
        *,
        loss: str,
        image_shape: tuple[int, ...] | None = None,
        augmentation: Sequence[Any] = (),
        target: str = "varied",
        corruption: Any = None,
        **order: Any,
    ) -> None:
        super().__init__((encoder, decoder), {"rows": rows}, **order)
        self.encoder, self.decoder = encoder, decoder
        self.target = target
        self.augmentation, self.corruption = list(augmentation), corruption
        self.element_loss = LOSSES[loss]
        self.image_shape = None if image_shape is None else tuple(image_shape)

    reconstruction: str | None = "loss"

    def inputs_of(self, rows: AnyArray) -> Any:
        """Rows as the encoder takes them."""
        return ops.take(self.columns["rows"], rows, axis=0)

    def row_losses(self, batch: Mapping[str, Any], training: bool) -> Any:
        """Mean loss over the values of each row."""
        return self.passed(batch, training)[1]

    def passed(self, batch: Mapping[str, Any], training: bool) -> tuple[Any, Any]:
        """Pass rows through both networks: their latent rows, and what each row costs."""
        rows = batch["rows"]
        varied = self.varied(rows) if training else rows
        seen = varied
        if training and self.corruption is not None:
            seen = self.corruption(varied)
        latent = self.encoder(seen, training=training)
        output = ops.cast(self.decoder(latent, training=training), "float32")
        losses = self.element_loss(rows if self.target == "original" else varied, output)
        return latent, ops.mean(ops.reshape(losses, (self.batch_size, -1)), axis=1)

    def varied(self, rows: Any) -> Any:
        """Training rows as augmentation varies them."""
        if self.image_shape is None:
            return rows
        images = ops.reshape(rows, (self.batch_size, *self.image_shape))
        for layer in self.augmentation:
            images = layer(images, training=True)
        return ops.reshape(images, (self.batch_size, *rows.shape[1:]))


def _mean(name: str) -> Any:
    # Keras has a metric of its own that is called "loss".
    return keras.metrics.Mean(name=ROW_PREFIX + name, dtype="float32")


def _constant(name: str, array: AnyArray) -> Any:
    return keras.Variable(array, dtype=array.dtype.name, trainable=False, name=name)


def _huber(target: Any, output: Any) -> Any:
    error = ops.abs(output - target)
    return ops.where(error <= 1, 0.5 * ops.square(error), error - 0.5)


#: Loss of each value, by name.
LOSSES: dict[str, Any] = {
    "mse": lambda target, output: ops.square(output - target),
    "mae": lambda target, output: ops.abs(output - target),
    "huber": _huber,
    "bce": ops.binary_crossentropy,
}
