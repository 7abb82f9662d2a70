"""Sparse or dense rows as products: their size, and their coordinates along some axes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.checked_rows import is_sparse
from n2d_builtin.common.same_products import with_same_products
from n2d_framework.plugin import AnyArray

__all__ = ["along_axes", "exponent_of", "scaled"]

#: Sparse rows in a product, which are taken one by one anyway.
_SPARSE_BLOCK = 8192


def exponent_of(values: AnyArray) -> int:
    """Power of two by which `values` are divided so that the largest is from 1 up to 2."""
    return int(np.frexp(np.abs(values).max(initial=0.0))[1]) - 1


def scaled(x: Any, exponent: int) -> Any:
    """Rows in float64 divided by a power of two, which is exact; a copy in the same storage."""
    found = x.astype(np.float64)
    values = found.data if is_sparse(x) else found
    np.ldexp(values, -exponent, out=values)
    return found


def along_axes(x: Any, axes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The product of rows with `axes`, whose bits for a row do not depend on the other rows.

    Parameters
    ----------
    x : array or CSR array of shape (n, d)
    axes : float64 array of shape (d, m)
        C-contiguous.

    Returns
    -------
    float64 array of shape (n, m)
    """
    if not is_sparse(x):
        return with_same_products(lambda rows: rows.astype(np.float64) @ axes, x)
    found = np.empty((x.shape[0], axes.shape[1]))
    for start in range(0, len(found), _SPARSE_BLOCK):
        part = slice(start, start + _SPARSE_BLOCK)
        found[part] = x[part].astype(np.float64) @ axes
    return found
