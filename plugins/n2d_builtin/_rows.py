"""Checks that the manifolders and the linear components share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from n2d_framework.plugin import AnyArray, DataError, State, StateError, need

__all__ = ["check_features", "need_array", "refuse", "require_fitted"]

T = TypeVar("T")


def refuse(reasons: Sequence[str]) -> None:
    """Raise all `reasons` why data cannot be fitted, if there are any.

    Raises
    ------
    DataError
    """
    if reasons:
        raise DataError("; ".join(reasons))


def require_fitted(value: T | None, name: str) -> T:
    """Return `value`, which fitting sets, or say that `name` is not fitted.

    Raises
    ------
    StateError
    """
    if value is None:
        raise StateError(f"{name} is not fitted; call fit or set_state first")
    return value


def check_features(x: AnyArray, expected: int, name: str) -> None:
    """Refuse rows that have not as many features as those of the fit.

    Raises
    ------
    DataError
    """
    if x.ndim != 2 or x.shape[1] != expected:
        raise DataError(
            f"{name} was fitted on rows of {expected} features and got an array of shape "
            f"{x.shape}; pass rows of the same features"
        )


def need_array(
    state: State, key: str, shape: tuple[int | None, ...], dtype: type[np.generic]
) -> AnyArray:
    """Take an array of finite numbers out of a state.

    Parameters
    ----------
    state : State
    key : str
    shape : tuple of int or None
        Expected shape; ``None`` stands for any length of at least one.
    dtype : type
        Expected element type.

    Returns
    -------
    array
        C-contiguous.

    Raises
    ------
    StateError
        If it is missing or of another type or shape, or not finite.
    """
    array = need(state, key, np.ndarray)
    if array.dtype != np.dtype(dtype):
        raise StateError(f"state {key!r} holds {array.dtype}, expected {np.dtype(dtype)}")
    if array.ndim != len(shape) or any(
        have == 0 if want is None else have != want
        for have, want in zip(array.shape, shape, strict=False)
    ):
        wanted = ", ".join("any" if length is None else str(length) for length in shape)
        raise StateError(f"state {key!r} has the shape {array.shape}, expected ({wanted})")
    if not np.isfinite(array).all():
        raise StateError(f"state {key!r} holds values that are not finite")
    return np.ascontiguousarray(array)
