"""Series of different lengths in one array: padded behind, and recognized."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from n2d_framework.plugin import AnyArray, DataError, IntArray

__all__ = ["observed_lengths", "pad"]


def pad(series: Sequence[Any], *, value: float = 0.0, length: int | None = None) -> AnyArray:
    """Put series of different lengths into one array, each followed by a constant.

    Parameters
    ----------
    series : sequence of array-like of shape (steps,) or (steps, features)
        All with the same features.
    value : float, default 0.0
        What follows each series, in all features. Give the embedder the same number as
        ``padding_value``.
    length : int, optional
        Steps of the result; those of the longest series if not given. Rows to predict must
        be as long as those of the training.

    Returns
    -------
    float array of shape (n, length) or (n, length, features)
        float32 if all series are, else float64.

    Raises
    ------
    DataError
        If a series is empty, longer than `length`, or differs in its features; or if it
        ends with `value` itself, so that its last steps would be taken for padding.

    Examples
    --------
    >>> pad([[1.0, 2.0, 3.0], [4.0]])
    array([[1., 2., 3.],
           [4., 0., 0.]])
    """
    arrays = [_floats(one) for one in series]
    if not arrays:
        raise DataError("there are no series to pad")
    steps = max(map(len, arrays)) if length is None else length
    for number, array in enumerate(arrays):
        complaint = _complaint(array, arrays[0], value, steps)
        if complaint:
            raise DataError(f"series {number} {complaint}")
    padded = np.full(
        (len(arrays), steps, *arrays[0].shape[1:]), value, dtype=np.result_type(*arrays)
    )
    for row, array in zip(padded, arrays, strict=True):
        row[: len(array)] = array
    return padded


def _floats(one: Any) -> AnyArray:
    array: AnyArray = np.asarray(one)
    return array if array.dtype == np.float32 else array.astype(np.float64)


def _complaint(array: AnyArray, first: AnyArray, value: float, steps: int) -> str:
    if array.ndim not in (1, 2):
        return f"has the shape {array.shape}; give (steps,) or (steps, features)"
    if array.shape[1:] != first.shape[1:]:
        return f"has the shape {array.shape}, but series 0 has {first.shape}"
    if not array.size:
        return "is empty"
    if len(array) > steps:
        return f"has {len(array)} steps, more than length={steps}"
    if (array[-1] == array.dtype.type(value)).all():
        return f"ends with {value:g}, the padding value; choose a value that no series ends with"
    return ""


def observed_lengths(x: AnyArray, padding_value: float | None) -> IntArray:
    """Number of steps of each row that are not padding.

    Parameters
    ----------
    x : array of shape (n, steps) or (n, steps, features)
    padding_value : float or None
        ``None``: nothing is padding.

    Returns
    -------
    int64 array of shape (n,)
        All steps up to the last one in which any feature differs from `padding_value`;
        the same number in between is data.
    """
    steps = x.shape[1]
    if padding_value is None:
        return np.full(len(x), steps, dtype=np.int64)
    values: AnyArray = x.reshape(len(x), steps, -1)
    observed = np.any(values != padding_value, axis=2)
    trailing = observed[:, ::-1].argmax(axis=1)
    return np.where(observed.any(axis=1), steps - trailing, 0).astype(np.int64)
