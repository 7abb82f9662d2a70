"""State of a trained autoencoder, whichever its networks are."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any, cast

import attrs
import numpy as np

from n2d_framework.core.learned import learned
from n2d_framework.core.options import component
from n2d_framework.core.state import State, need
from n2d_framework.errors import DataError, StageError, StateError
from n2d_framework.types import AnyArray

__all__ = [
    "Trained", "check_rows", "history_state", "read_history", "read_row_shape", "read_training",
    "split_complaints",
]  # fmt: skip


#: Of a row.
MOST_DIMENSIONS = 8
#: What a network may have been trained in.
PRECISIONS = ("float32", "bfloat16")


def check_rows(x: AnyArray, row_shape: tuple[int, ...]) -> None:
    """Refuse rows that hold another number of values than those of the training.

    Raises
    ------
    DataError
    """
    if x.ndim < 2 or math.prod(x.shape[1:]) != math.prod(row_shape):
        raise DataError(f"rows must have the shape {row_shape}, got {x.shape[1:]}")


def read_row_shape(state: State) -> tuple[int, ...]:
    """Take the shape of a row out of a state that was read from a file.

    Raises
    ------
    StateError
    """
    stored = need(state, "row_shape", (list, tuple))
    sizes = [size for size in stored if isinstance(size, int) and not isinstance(size, bool)]
    if len(sizes) != len(stored) or not 1 <= len(sizes) <= MOST_DIMENSIONS or min(sizes) < 1:
        raise StateError(f"state 'row_shape' is not a shape: {stored!r}")
    return tuple(sizes)


def history_state(history: Mapping[str, list[float]]) -> dict[str, AnyArray]:
    """A history as :func:`read_history` reads it."""
    return {name: np.array(values) for name, values in history.items()}


def read_history(
    state: State, *, key: str = "history", may: Collection[str] = ("val_loss",)
) -> dict[str, list[float]]:
    """Take the history out of a state that was read from a file.

    Parameters
    ----------
    state : State
    key : str, default "history"
        Its name there.
    may : collection of str, default ("val_loss",)
        What it may hold besides ``loss``.

    Raises
    ------
    StateError
    """
    history = {}
    for name, values in need(state, key, Mapping).items():
        if not isinstance(values, np.ndarray) or values.ndim != 1 or values.dtype.kind != "f":
            raise StateError(f"state '{key}/{name}' must be one number per epoch")
        history[str(name)] = [float(value) for value in values]
    if "loss" not in history or not set(history) <= {"loss", *may}:
        raise StateError(f"state '{key}' must hold 'loss', and may hold {', '.join(may)}")
    if not history["loss"] or {len(values) for values in history.values()} != {
        len(history["loss"])
    }:
        raise StateError(f"state '{key}' must hold one number per epoch")
    return history


def read_training(state: State, epochs: int) -> tuple[int, str]:
    """Take the best of `epochs` epochs and the precision out of a state read from a file.

    Raises
    ------
    StateError
    """
    best, precision = need(state, "best_epoch", int), need(state, "precision", str)
    if not 1 <= best <= epochs:
        raise StateError(f"state 'best_epoch' must be from 1 to {epochs}, got {best}")
    if precision not in PRECISIONS:
        raise StateError(f"state 'precision' is not a precision: {precision[:40]!r}")
    return best, precision


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
