"""State of a trained autoencoder, whichever its networks are."""

from __future__ import annotations

import math
from typing import Any, cast

import attrs

from n2d_builtin.autoencoders.checks import MOST_DIMENSIONS, PRECISIONS, history_state, read_history
from n2d_framework.plugin import AnyArray, DataError, StageError, State, component, learned

__all__ = ["Trained", "split_complaints"]


@component
class Trained:
    """Base of autoencoders, beside their options.

    Attributes
    ----------
    row_shape_ : tuple of int
        Shape of one training row.
    latent_dim_ : int
        Width of the latent space.
    history_ : dict of str to list of float
        ``loss`` and, with a validation split, ``val_loss``: one value per epoch.
    best_epoch_ : int
        Epoch whose weights are kept, counted from 1.
    precision_ : str
        What was trained in: ``"float32"`` or ``"bfloat16"``.
    """

    row_shape_: tuple[int, ...] | None = learned(shape=("axes",), dtype=int, ge=1)
    latent_dim_: int | None = learned(dtype=int, ge=1)
    history_: dict[str, list[float]] | None = learned(
        write=history_state, read=lambda self, stored: self._read_history({"history": stored})
    )
    best_epoch_: int | None = learned(dtype=int, ge=1)
    precision_: str | None = learned(dtype=str, choices=PRECISIONS)
    #: What was prepared of the learned, to compute with; made again when it is missing.
    _computed: dict[str, Any] = attrs.field(factory=dict, init=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_computed": {}}

    def check_learned(self) -> list[str]:
        """Reasons why a state that was read cannot be that of an embedder with these options."""
        epochs, reasons = len((self.history_ or {})["loss"]), []
        if (self.best_epoch_ or 0) > epochs:
            reasons.append(f"state 'best_epoch' must be from 1 to {epochs}, got {self.best_epoch_}")
        if len(self.row_shape_ or ()) > MOST_DIMENSIONS:
            reasons.append(f"state 'row_shape' has more than {MOST_DIMENSIONS} dimensions")
        return reasons

    def _read_history(self, state: State) -> dict[str, list[float]]:
        """Read what was measured in each epoch."""
        return read_history(state)

    def _training_state(self) -> dict[str, Any]:
        """State besides the weights: for subclasses that write their state by hand."""
        return {
            "row_shape": list(self._fitted_shape()),
            "latent_dim": self.latent_dim_,
            "history": history_state(self.history_ or {}),
            "best_epoch": self.best_epoch_,
            "precision": self.precision_,
        }

    def _check_latent(self, z: AnyArray) -> None:
        """Refuse what are not latent rows of this network."""
        if z.ndim != 2 or z.shape[1] != self.latent_dim_:
            raise DataError(
                f"latent rows must have the shape (n, {self.latent_dim_}), got {z.shape}"
            )

    def _forget(self) -> None:
        """Drop everything learned."""
        self._computed = {}
        for field in attrs.fields(cast("Any", type(self))):
            if field.name.endswith("_"):
                setattr(self, field.name, None)

    def _fitted_shape(self) -> tuple[int, ...]:
        if self.row_shape_ is None:
            raise StageError(f"this {type(self).__name__} is not fitted; call fit first")
        return self.row_shape_


def split_complaints(n_rows: int, validation_fraction: float) -> list[str]:
    """Why rows cannot be split into those to train on and those to validate with.

    Parameters
    ----------
    n_rows : int
    validation_fraction : float

    Returns
    -------
    list of str
        Empty if they can.
    """
    if n_rows - math.ceil(validation_fraction * n_rows) >= 1:
        return []
    return [
        f"validation_fraction={validation_fraction:g} of {n_rows} rows leaves none to train on; "
        "lower it"
    ]
