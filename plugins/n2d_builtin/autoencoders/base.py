"""Base of all autoencoders: fitting, embedding, history, reading and writing states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.autoencoders.augmentation import augmentation_layers
from n2d_builtin.autoencoders.image_options import ImageOptions
from n2d_builtin.autoencoders.images import image_complaint, resolve_image
from n2d_framework.networks import (
    Trained,
    TrainingResult,
    TrainingSettings,
    check_rows,
    resolve_precision,
    split_complaints,
    split_rows,
    train,
)
from n2d_framework.plugin import (
    AnyArray,
    DataError,
    FitContext,
    component,
    derive_seed,
)

__all__ = ["Autoencoder"]


@component
class Autoencoder(ImageOptions, Trained):
    """Base of the neural embedders; subclasses say which networks are trained."""

    def check_input(self, n_rows: int, row_shape: tuple[int, ...]) -> list[str]:
        """Reasons why data of that shape cannot be fitted.

        Parameters
        ----------
        n_rows : int
        row_shape : tuple of int
            Shape of one row.

        Returns
        -------
        list of str
            Empty if there are none.
        """
        reasons = split_complaints(n_rows, self.validation_fraction)
        if self.augmentation is not None or self.image_shape is not None:
            complaint = image_complaint(row_shape, self.image_shape)
            if complaint:
                reasons.append(complaint)
        return reasons

    def fit(self, x: AnyArray, *, context: FitContext) -> Self:
        """Train on rows.

        Parameters
        ----------
        x : float32 array of shape (n, ...)
        context : FitContext
            Its seed decides everything random. Training uses the threads the Keras backend
            was started with, whatever ``n_jobs`` is: the same seed gives the same weights,
            to the bit, for the same number of those threads (``TF_NUM_INTRAOP_THREADS``).

        Returns
        -------
        self

        Raises
        ------
        DataError
            If `x` cannot be fitted with these options.
        StageError
            If the loss becomes NaN or infinite.
        """
        reasons = self.check_input(len(x), x.shape[1:])
        if reasons:
            raise DataError("; ".join(reasons))
        self._check_range(x)
        self._forget()
        precision = resolve_precision(self.precision)
        networks = self._build(x.shape[1:], context.seed, precision)
        result = self._train(networks, x, context)
        self._keep(*networks, row_shape=x.shape[1:])
        self.row_shape_ = x.shape[1:]
        self.history_, self.best_epoch_ = result.history, result.best_epoch
        self.precision_ = precision
        return self

    def transform(self, x: AnyArray) -> NDArray[np.float32]:
        """Latent coordinates of rows.

        Parameters
        ----------
        x : array of shape (n, *row_shape)

        Returns
        -------
        float32 array of shape (n, latent_dim)
        """
        check_rows(x, self._fitted_shape())
        return self._encode(x)

    def reconstruct(self, z: AnyArray) -> NDArray[np.float32]:
        """Rows that the decoder makes of latent coordinates.

        Parameters
        ----------
        z : array of shape (n, latent_dim)

        Returns
        -------
        float32 array of shape (n, *row_shape)
        """
        row_shape = self._fitted_shape()
        self._check_latent(z)
        return self._decode(z).reshape(len(z), *row_shape)

    def check_learned(self) -> list[str]:
        """Reasons why a state that was read cannot be that of an embedder with these options."""
        row_shape = self._fitted_shape()
        complaints = self._stored_complaints(row_shape)
        said = [f"state 'row_shape' {row_shape}: {'; '.join(complaints)}"] if complaints else []
        return said + super().check_learned()

    def _build(self, row_shape: tuple[int, ...], seed: int, precision: str) -> tuple[Any, Any]:
        """Encoder and decoder to train, freshly initialised."""
        raise NotImplementedError

    def _keep(self, encoder: Any, decoder: Any, *, row_shape: tuple[int, ...]) -> None:
        """Take the weights over from the trained networks, and set ``latent_dim_``."""
        raise NotImplementedError

    def _encode(self, x: AnyArray) -> NDArray[np.float32]:
        raise NotImplementedError

    def _decode(self, z: AnyArray) -> NDArray[np.float32]:
        raise NotImplementedError

    def _stored_complaints(self, row_shape: tuple[int, ...]) -> list[str]:
        """Problem of a stored row shape, as far as the options show it."""
        return self.check_input(2**30, row_shape)

    def _corruption(self, seed: int) -> Any:
        """Layer that corrupts what the encoder sees; none here."""
        del seed
        return None

    def _train(self, networks: Sequence[Any], x: AnyArray, context: FitContext) -> TrainingResult:
        from n2d_framework.networks import AutoencoderTrainer

        settings = TrainingSettings.of(self)
        encoder, decoder = networks
        training, validation = split_rows(len(x), settings, context.seed)
        trainer = AutoencoderTrainer(
            encoder,
            decoder,
            x.reshape(len(x), *encoder.input_shape[1:]),
            loss=self.loss,
            corruption=self._corruption(derive_seed(context.seed, "corruption")),
            train=training,
            validation=validation,
            batch_size=min(self.batch_size, len(training)),
            **self._variation(x.shape[1:], derive_seed(context.seed, "augmentation")),
        )
        return train(trainer, settings, context)

    def _variation(self, row_shape: tuple[int, ...], seed: int) -> dict[str, Any]:
        """Augmentation, as the trainer takes it."""
        if self.augmentation is None:
            return {}
        return {
            "image_shape": resolve_image(row_shape, self.image_shape),
            "augmentation": augmentation_layers(self.augmentation, seed),
            "target": self.augmentation.target,
        }

    def _check_range(self, x: AnyArray) -> None:
        if self.loss == "bce" and not (x.min() >= 0 and x.max() <= 1):
            raise DataError(
                f"loss='bce' needs values in [0, 1], got {x.min():g} to {x.max():g}; scale the "
                "data (scaler: minmax) or choose another loss"
            )
