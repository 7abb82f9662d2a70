"""Checks that components share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from n2d_framework.plugin import (
    AnyArray,
    DataError,
    State,
    StateError,
    check_features,
    need,
    require_fitted,
)

__all__ = [
    "FLOAT32_MAX",
    "check_count",
    "check_features",
    "need_array",
    "need_counter",
    "refuse",
    "require_fitted",
]

#: What is a mean of float32 rows is never larger; its square is still finite in float64.
FLOAT32_MAX = float(np.finfo(np.float32).max)


def refuse(reasons: Sequence[str]) -> None:
    """Raise all `reasons` why data cannot be fitted, if there are any.

    Raises
    ------
    DataError
    """
    if reasons:
        raise DataError("; ".join(reasons))


def check_count(found: int, wanted: int | None, key: str, name: str) -> None:
    """Refuse a state that has another size than the option `name`, if that is given, says.

    Raises
    ------
    StateError
    """
    if wanted not in (None, found):
        raise StateError(f"state {key!r} is made for {name}={found}, but the option is {wanted}")


def need_counter(state: State, key: str, least: int = 0) -> int:
    """Take an integer of at least `least`, such as a number of iterations, out of a state.

    Raises
    ------
    StateError
    """
    count: int = need(state, key, int)
    if count < least:
        raise StateError(f"state {key!r} must be at least {least}, got {count}")
    return count


def need_array(
    state: State,
    key: str,
    shape: tuple[int | None, ...],
    dtype: type[np.generic],
    *,
    finite: bool = True,
    largest: float = float(np.finfo(np.float64).max),
) -> AnyArray:
    """Take an array of numbers out of a state.

    Parameters
    ----------
    state : State
    key : str
    shape : tuple of int or None
        Expected shape; ``None`` stands for any length of at least one.
    dtype : type
        Expected element type.
    finite : bool, default True
        Whether NaN and infinity are refused.
    largest : float
        Largest absolute value; by default any. See :data:`FLOAT32_MAX`.

    Returns
    -------
    array
        C-contiguous.

    Raises
    ------
    StateError
        If it is missing or of another type or shape, or has other values.
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
    if finite and not np.isfinite(array).all():
        raise StateError(f"state {key!r} holds values that are not finite")
    if finite and array.dtype == np.float64 and np.abs(array).max(initial=0.0) > largest:
        raise StateError(f"state {key!r} holds values beyond {largest:g}")
    return np.ascontiguousarray(array)
