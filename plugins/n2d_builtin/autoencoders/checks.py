"""Checks of rows and of stored values."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import numpy as np

from n2d_framework.plugin import AnyArray, DataError, State, StateError, need

__all__ = [
    "MOST_DIMENSIONS", "PRECISIONS", "check_rows", "history_state", "read_history",
    "read_row_shape", "read_training",
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
