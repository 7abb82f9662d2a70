"""Sparse matrices as rows: brought to one form, and what is asked about them."""

from __future__ import annotations

from typing import Any

import numpy as np

from n2d_framework.core.state import State, need
from n2d_framework.errors import DataError, StateError
from n2d_framework.types import AnyArray

__all__ = ["canonical", "count_rows", "is_sparse", "row_groups", "sparse_column", "unpacked_sparse"]


def is_sparse(x: Any) -> bool:
    """Return whether it is a matrix of SciPy's or derived from one, without importing SciPy."""
    own = any(cls.__module__.startswith("scipy.sparse") for cls in type(x).__mro__)
    return own and hasattr(x, "tocsr")


def count_rows(x: Any) -> int:
    """Number of rows of an array, a sparse matrix or Rows; sparse matrices have no ``len``."""
    return int(x.shape[0]) if hasattr(x, "shape") else len(x)


def canonical(x: Any) -> Any:
    """A sparse matrix in compressed rows, each index once and in order, without stored zeros.

    Parameters
    ----------
    x : sparse matrix or array of SciPy, of any format
        Never written to.

    Returns
    -------
    scipy.sparse.csr_array
        Of the same arrays, if they are in order; truth values become float32.

    Raises
    ------
    DataError
        If it is empty or not a matrix, or a value is missing, infinite or not a real number.
    """
    from scipy.sparse import csr_array

    if x.ndim != 2 or 0 in x.shape:
        raise DataError(f"X: a sparse matrix of shape {x.shape} has no rows of features")
    if x.dtype.kind not in "buif":
        raise DataError(f"X: a sparse matrix of {x.dtype} values does not hold real numbers")
    found: Any = csr_array(x)
    if (
        found.dtype.kind == "b"
        or found.dtype.itemsize not in (1, 2, 4, 8)
        or (found.dtype == np.float16)
    ):
        found = found.astype(np.float64 if found.dtype.itemsize > 8 else np.float32)
    zeros = not found.data.all()
    if not found.has_canonical_format or zeros:
        found = found.copy()
        found.sum_duplicates()
        found.eliminate_zeros()
    wrong = np.flatnonzero(~np.isfinite(found.data))
    if wrong.size:
        at = int(wrong[0])
        row = int(np.searchsorted(found.indptr, at, side="right")) - 1
        what = "NaN" if np.isnan(found.data[at]) else "inf"
        raise DataError(
            f"X contains {what}: row {row}, column {int(found.indices[at])}; remove such rows or "
            "fill the missing values"
        )
    return found


def sparse_column(x: Any, position: int) -> AnyArray:
    """One column of a CSR array, as an array of shape (n,)."""
    return np.asarray(x[:, [position]].todense()).reshape(-1)


def row_groups(x: Any) -> AnyArray:
    """For each row of a CSR array in canonical form the first row that equals it: (n, 1) int64."""
    seen: dict[bytes, int] = {}
    found = np.empty((x.shape[0], 1), dtype=np.int64)
    for row in range(len(found)):
        part = slice(x.indptr[row], x.indptr[row + 1])
        key = x.indices[part].tobytes() + x.data[part].tobytes()
        found[row] = seen.setdefault(key, row)
    return found


def unpacked_sparse(state: State) -> Any:
    """A CSR array from its arrays, perhaps from a file.

    Raises
    ------
    StateError
        If they do not fit together.
    """
    from scipy.sparse import csr_array

    data, indices, indptr = (need(state, k, np.ndarray) for k in ("data", "indices", "indptr"))
    width = need(state, "width", int)
    whole = data.ndim == indices.ndim == indptr.ndim == 1 and indptr.size and width > 0
    if not whole or indices.dtype.kind != "i" or indptr.dtype.kind != "i":
        raise StateError("sparse rows need arrays of data, indices and indptr")
    ordered = indptr[0] == 0 and indptr[-1] == len(data) == len(indices)
    if not ordered or (np.diff(indptr) < 0).any():
        raise StateError("the rows of a sparse matrix do not end where its values do")
    if indices.size and not (indices.min() >= 0 and indices.max() < width):
        raise StateError(f"an index of a sparse matrix is beyond its {width} columns")
    return csr_array((data, indices, indptr), shape=(len(indptr) - 1, width))
