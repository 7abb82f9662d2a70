"""Checks that components share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from n2d_framework.plugin import DataError, check_features, require_fitted

__all__ = [
    "FLOAT32_MAX",
    "check_features",
    "is_sparse",
    "refuse",
    "refuse_negative",
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


def is_sparse(x: Any) -> bool:
    """Return whether rows are a CSR array rather than a dense one."""
    return not isinstance(x, np.ndarray)


def refuse_negative(x: Any, name: str, remedy: str, *, start: int = 0) -> None:
    """Refuse rows, dense or sparse, with a negative value.

    Parameters
    ----------
    x : array of shape (n, ...) or CSR array
    name : str
        Name of the component, for the message.
    remedy : str
        What to do, for the message.
    start : int, default 0
        Number of the first row.

    Raises
    ------
    DataError
        With row and column.
    """
    values = x.data if is_sparse(x) else x.reshape(len(x), -1)
    if not values.size or values.min() >= 0:
        return
    at = int(np.argmax(values.reshape(-1) < 0))
    if is_sparse(x):
        row, column = int(np.searchsorted(x.indptr, at, "right")) - 1, int(x.indices[at])
    else:
        row, column = divmod(at, values.shape[1])
    raise DataError(
        f"{name} needs values that are not negative; row {start + row}, column {column} has "
        f"{values.reshape(-1)[at]:g}: {remedy}"
    )
