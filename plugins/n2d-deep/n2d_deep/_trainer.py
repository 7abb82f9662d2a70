"""Keras models of the joint training; imported when training starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from n2d_deep.assignment import soft_assignment, target_distribution
from n2d_framework.networks import AutoencoderTrainer
from n2d_framework.plugin import AnyArray, IntArray, StageError

__all__ = ["Centres", "JointTrainer", "Latents"]

_LEAST = 1e-30
# Values of the rows of one step of a pass over all of them.
_PASS_VALUES = 2**20


class Centres(keras.layers.Layer):  # type: ignore[misc, unused-ignore]
    """Cluster centres; gives the logarithm of the soft assignment.

    Parameters
    ----------
    centers : float32 array of shape (k, d)
        Where they start.
    alpha : float
        Degrees of freedom of the Student-t kernel.
    """

    def __init__(self, centers: AnyArray, alpha: float) -> None:
        super().__init__(name="centres", dtype="float32")
        self.alpha = alpha
        self.centers = self.add_weight(shape=centers.shape, initializer="zeros", name="centers")
        self.centers.assign(centers)
        self.built = True

    def call(self, z: Any) -> Any:
        """Logarithms of the assignment, (batch, k), of latent rows (batch, d)."""
        apart = ops.expand_dims(ops.cast(z, "float32"), 1) - ops.expand_dims(self.centers, 0)
        squared = ops.sum(ops.square(apart), axis=2)
        kernel = -(self.alpha + 1) / 2 * ops.log1p(squared / self.alpha)
        return ops.log_softmax(kernel, axis=1)


class Latents(keras.Model):  # type: ignore[misc, unused-ignore]
    """Encodes all rows that lie on the device, block by block.

    Parameters
    ----------
    encoder : keras.Model
    rows : keras.Variable of shape (n, ...)
    """

    def __init__(self, encoder: Any, rows: Any) -> None:
        super().__init__(name="latents", dtype="float32")
        self.encoder, self.rows = encoder, rows
        self.n_rows = int(rows.shape[0])
        self.block = max(1, min(self.n_rows, _PASS_VALUES // int(np.prod(rows.shape[1:]))))
        self.built = True

    def call(self, start: Any) -> Any:
        """Latent rows of the block that begins at a row."""
        rest = (0,) * (len(self.rows.shape) - 1)
        first = ops.reshape(start, (-1,))[0]
        rows = ops.slice(
            ops.convert_to_tensor(self.rows), (first, *rest), (self.block, *self.rows.shape[1:])
        )
        return ops.cast(self.encoder(rows, training=False), "float32")

    def encode(self) -> AnyArray:
        """Latent coordinates of all rows: float32 of shape (n, d)."""
        last = self.n_rows - self.block
        starts = [*range(0, last, self.block), last]
        blocks = [self.predict_on_batch(np.array([[start]], np.int32)) for start in starts]
        # The last block reaches back over rows that the one before it has.
        fresh = self.n_rows - self.block * (len(starts) - 1)
        return np.concatenate([*blocks[:-1], blocks[-1][self.block - fresh :]])


class JointTrainer(AutoencoderTrainer):  # type: ignore[misc, unused-ignore]
    """Trains encoder, centres and perhaps the decoder towards a target that is updated.

    An epoch is an interval between two updates: `steps` batches of rows in random order.

    Parameters
    ----------
    encoder, decoder : keras.Model
    rows : float32 array of shape (n, ...)
    start : callable
        Gets latent rows, (n_train, d); returns where the centres start, float32 (k, d).
    alpha : float
        Degrees of freedom of the soft assignment.
    gamma : float
        Weight of the clustering loss beside the reconstruction's.
    reconstructs : bool
        Whether there is a reconstruction loss; else the decoder is left alone.
    tol : float
        Training stops when less than this share of the labels has changed in an interval.
    confidence : float
        Least assignment of rows that take part in the clustering loss.
    steps : int
        Batches in an interval.
    train, validation : int array
    batch_size : int
    **varied
        Loss and augmentation of the autoencoder's trainer.
    """

    #: Joint losses may rise, that of the reconstruction for the sake of the clusters; it is
    #: compared with its start before the pretraining.
    reconstruction = None

    def __init__(
        self,
        encoder: Any,
        decoder: Any,
        rows: AnyArray,
        *,
        start: Callable[[AnyArray], AnyArray],
        alpha: float,
        gamma: float,
        reconstructs: bool,
        tol: float,
        confidence: float,
        steps: int,
        train: AnyArray,
        validation: AnyArray,
        batch_size: int,
        **varied: Any,
    ) -> None:
        self.measured = ("loss", "clustering_loss") + ("reconstruction_loss",) * reconstructs
        super().__init__(
            encoder,
            decoder,
            rows,
            train=np.resize(train, steps * batch_size),
            validation=validation,
            batch_size=batch_size,
            **varied,
        )
        decoder.trainable = reconstructs
        self.alpha, self.gamma, self.reconstructs = alpha, gamma, reconstructs
        self.tol, self.confidence = tol, confidence
        self._rows = np.asarray(train)
        self._queue = np.empty(0, self._rows.dtype)
        self._latents = Latents(encoder, self.columns["rows"])
        centers = start(self._latents.encode()[self._rows])
        self.centres = Centres(centers, alpha)
        self.networks.append(self.centres)
        self.columns["target"] = _column("target", (len(rows), len(centers)))
        self.columns["counts"] = _column("counts", (len(rows),))
        self.labels = self._update()

    def start_epoch(self, epoch: int, shuffle: np.random.Generator) -> None:
        """Draw the rows of an interval: one permutation of all after the other."""
        del epoch
        wanted = self.train_steps * self.batch_size
        while len(self._queue) < wanted:
            self._queue = np.concatenate([self._queue, shuffle.permutation(self._rows)])
        self.set_order(self._queue[:wanted])
        self._queue = self._queue[wanted:]

    def row_losses(self, batch: Mapping[str, Any], training: bool) -> dict[str, Any]:
        """Divergence of the assignment from its target, beside the reconstruction's loss."""
        latent, reconstruction = self._encoded(batch, training)
        target = batch["target"]
        apart = ops.log(ops.maximum(target, _LEAST)) - self.centres(latent)
        clustering = batch["counts"] * ops.sum(target * apart, axis=1)
        if not self.reconstructs:
            return {"loss": clustering, "clustering_loss": clustering}
        return {
            "loss": reconstruction + self.gamma * clustering,
            "clustering_loss": clustering,
            "reconstruction_loss": reconstruction,
        }

    def _encoded(self, batch: Mapping[str, Any], training: bool) -> tuple[Any, Any]:
        if self.reconstructs:
            found: tuple[Any, Any] = self.passed(batch, training)
            return found
        seen = self.varied(batch["rows"]) if training else batch["rows"]
        return self.encoder(seen, training=training), None

    def finish_epoch(self, epoch: int) -> dict[str, float]:
        """Update the target; stop when hardly a label has changed."""
        del epoch
        labels = self._update()
        changed = float(np.mean(labels[self._rows] != self.labels[self._rows]))
        self.labels = labels
        if changed < self.tol:
            self.stop_training = True
        return {"label_changes": changed}

    def _update(self) -> IntArray:
        """Set the target from an assignment of all rows; returns their labels."""
        centers = ops.convert_to_numpy(self.centres.centers)
        q = soft_assignment(self._latents.encode(), centers, self.alpha)
        counts = q.max(axis=1) >= self.confidence
        trained = np.zeros(len(q), bool)
        trained[self._rows] = True
        if not (counts & trained).any():
            raise StageError(
                f"no row is assigned to a cluster by {self.confidence:g} or more (at most "
                f"{q.max():.3g}); lower confidence"
            )
        target = target_distribution(q, counts & trained)
        self.columns["target"].assign(target.astype(np.float32))
        self.columns["counts"].assign(counts.astype(np.float32))
        found: IntArray = q.argmax(axis=1)
        return found


def _column(name: str, shape: tuple[int, ...]) -> Any:
    return keras.Variable(np.zeros(shape, np.float32), trainable=False, name=name)
