"""Base of the autoencoders of series: fitting, embedding, reading and writing states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from n2d_framework.networks import Trained, Weights, resolve_precision, shapes_of, split_complaints
from n2d_framework.plugin import (
    AnyArray,
    DataError,
    FitContext,
    IntArray,
    StateError,
    component,
    learned,
)
from n2d_sequence.checks import check_values, cost_complaints
from n2d_sequence.inference import Network
from n2d_sequence.layers import Plan, parts_of
from n2d_sequence.normalizing import Normalization, learn_normalization
from n2d_sequence.options import SequenceOptions
from n2d_sequence.padding import observed_lengths
from n2d_sequence.training import train_networks

__all__ = ["SequenceAutoencoder"]

_DEFAULT_LATENT_DIM = 10


@component
class SequenceAutoencoder(SequenceOptions, Trained):
    """Base of the autoencoders of series; subclasses say which networks are trained.

    Attributes
    ----------
    normalization_ : Normalization
        Mean and scale of each feature.
    encoder_weights_, decoder_weights_ : dict of str to dict of str to float32 array
        By layer and weight.
    """

    normalization_: Normalization | None = learned(of=Normalization)
    encoder_weights_: Weights | None = learned(
        name="encoder", shape="_encoder_shapes", dtype="float32"
    )
    decoder_weights_: Weights | None = learned(
        name="decoder", shape="_decoder_shapes", dtype="float32"
    )

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
        if len(row_shape) not in (1, 2):
            return [f"rows of shape {row_shape} are not series; pass (steps, features) per row"]
        reasons = self.option_complaints() + split_complaints(n_rows, self.validation_fraction)
        return reasons or cost_complaints(
            row_shape, self._plans(_sequence(row_shape), self._width())
        )

    def fit(self, x: AnyArray, *, context: FitContext) -> Self:
        """Train on series.

        Parameters
        ----------
        x : float32 array of shape (n, steps, features) or (n, steps)
        context : FitContext
            Its seed decides everything random.

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
        series, lengths = self._series(x)
        check_values(self, series, lengths)
        self._forget()
        normalization = learn_normalization(series, lengths, self.normalize)
        precision, width = resolve_precision(self.precision), self._width()
        plans = self._plans(_sequence(x.shape[1:]), width)
        rows = normalization.apply_all(series, lengths)
        weights, result = train_networks(self, plans, rows, lengths, precision, context)
        self.encoder_weights_, self.decoder_weights_ = weights
        self.row_shape_, self.latent_dim_ = x.shape[1:], width
        self.history_, self.best_epoch_ = result.history, result.best_epoch
        self.precision_, self.normalization_ = precision, normalization
        return self

    def transform(self, x: AnyArray) -> NDArray[np.float32]:
        """Latent coordinates of series; each depends on that series alone.

        Parameters
        ----------
        x : array of shape (n, *row_shape)

        Returns
        -------
        float32 array of shape (n, latent_dim)
        """
        shape = self._fitted_shape()
        if _sequence(x.shape[1:]) != _sequence(shape):
            raise DataError(f"rows must have the shape {shape}, got {x.shape[1:]}")
        series, lengths = self._series(x)
        network, latent = self._network("encoder"), np.empty((len(x), self.latent_dim_ or 0))
        normalization = cast("Normalization", self.normalization_)
        for start in range(0, len(x), network.block):
            rows = slice(start, start + network.block)
            latent[rows] = network(normalization.apply(series[rows], lengths[rows]), lengths[rows])
        return latent.astype(np.float32)

    def reconstruct(self, z: AnyArray) -> NDArray[np.float32]:
        """Series that the decoder makes of latent coordinates, all of full length.

        Parameters
        ----------
        z : array of shape (n, latent_dim)

        Returns
        -------
        float32 array of shape (n, *row_shape)
            With ``normalize="series"`` of mean 0 and deviation 1 as the decoder knows them.
        """
        row_shape = self._fitted_shape()
        self._check_latent(z)
        network, normalization = self._network("decoder"), cast("Any", self.normalization_)
        series = np.empty((len(z), *_sequence(row_shape)), dtype=np.float32)
        for start in range(0, len(z), network.block):
            rows = slice(start, start + network.block)
            series[rows] = normalization.undo(network(z[rows]))
        return series.reshape(len(z), *row_shape)

    def check_learned(self) -> list[str]:
        """Reasons why a state that was read cannot be that of an embedder with these options."""
        reasons, shape = super().check_learned(), self._fitted_shape()
        if self.latent_dim not in (None, self.latent_dim_):
            reasons.append(
                f"state 'latent_dim' is {self.latent_dim_}, but the option is {self.latent_dim}"
            )
        complaints = self.check_input(2**30, shape)
        if complaints:
            reasons.append(f"state 'row_shape' {shape}: {'; '.join(complaints)}")
        return reasons

    @property
    def features(self) -> int:
        """Features of a series."""
        return _sequence(self._fitted_shape())[1]

    @property
    def _encoder_shapes(self) -> Mapping[str, Any]:
        return self._shapes()[0]

    @property
    def _decoder_shapes(self) -> Mapping[str, Any]:
        return self._shapes()[1]

    def observed_steps(self, x: AnyArray) -> IntArray:
        """Steps of each series that are not padding: integers of shape (n,)."""
        return observed_lengths(x.reshape(len(x), *_sequence(x.shape[1:])), self.padding_value)

    def _shapes(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Shapes of the weights of both networks, once it is sure that there are such."""
        if reasons := self.check_learned():
            raise StateError("; ".join(reasons))
        encoder, decoder = self._plans(_sequence(self._fitted_shape()), self.latent_dim_ or 0)
        return shapes_of(parts_of(encoder)), shapes_of(parts_of(decoder))

    def _plans(self, shape: tuple[int, int], latent_dim: int) -> tuple[Plan, Plan]:
        """Plans of encoder and decoder."""
        raise NotImplementedError

    def option_complaints(self) -> list[str]:
        """Problems of the options, whatever the data."""
        if self.loss == "bce" and self.normalize != "none":
            return ["loss='bce' needs values in [0, 1]; set normalize='none', or choose mse"]
        return []

    def _width(self) -> int:
        return _DEFAULT_LATENT_DIM if self.latent_dim is None else self.latent_dim

    def _output_activation(self) -> str:
        return "sigmoid" if self.loss == "bce" else "linear"

    def _series(self, x: AnyArray) -> tuple[AnyArray, IntArray]:
        """Rows as (n, steps, features), and how many steps of each are not padding."""
        series = x.reshape(len(x), *_sequence(x.shape[1:]))
        lengths = observed_lengths(series, self.padding_value)
        if len(x) and not lengths.min():
            raise DataError(
                f"row {int(lengths.argmin())} is nothing but padding ({self.padding_value:g}); "
                "leave such rows out"
            )
        return series, lengths

    def _network(self, which: str) -> Network:
        """The network in NumPy, prepared on first use."""
        if which not in self._computed:
            plans = self._plans(_sequence(self._fitted_shape()), self.latent_dim_ or 0)
            plan, weights = {
                "encoder": (plans[0], self.encoder_weights_),
                "decoder": (plans[1], self.decoder_weights_),
            }[which]
            self._computed[which] = Network(plan, weights or {})
        return cast("Network", self._computed[which])


def _sequence(row_shape: tuple[int, ...]) -> tuple[int, int]:
    """Steps and features of a row."""
    steps, features = (*row_shape, 1)[:2]
    return steps, features
