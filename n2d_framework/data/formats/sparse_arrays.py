"""Sparse matrices in files of arrays: their parts checked, then put together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

import attrs
import numpy as np

from n2d_framework.data.faults import check_declared
from n2d_framework.data.formats.array_files import StoredArray
from n2d_framework.errors import DataError

__all__ = ["PARTS", "SparseArray"]

#: Arrays that a matrix is made of, by SciPy's name of its format.
PARTS: Mapping[str, tuple[str, ...]] = {
    "csr": ("data", "indices", "indptr"),
    "csc": ("data", "indices", "indptr"),
    "bsr": ("data", "indices", "indptr"),
    "coo": ("data", "row", "col"),
    "dia": ("data", "offsets"),
}


@attrs.frozen
class SparseArray(StoredArray):
    """A sparse matrix, which is read whole and gives its rows in compressed form.

    Attributes
    ----------
    where : str
    shape : tuple of int
    dtype : numpy.dtype
    format : str
        Key of :data:`PARTS`.
    parts : mapping of str to StoredArray
    """

    sparse: ClassVar[bool] = True

    where: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    format: str
    parts: Mapping[str, StoredArray]

    @classmethod
    def of(
        cls, where: str, format: str, shape: Iterable[Any], parts: Mapping[str, StoredArray]
    ) -> SparseArray:
        """Check what can be checked before anything is read.

        Raises
        ------
        DataError
            If the format is unknown, a part is missing or not what it should be, or the shape
            cannot be that of the parts.
        """
        if format not in PARTS:
            known = ", ".join(PARTS)
            raise DataError(
                f"{where}: sparse format {format!r} cannot be read; write one of {known}"
            )
        missing = [name for name in PARTS[format] if name not in parts]
        if missing:
            raise DataError(
                f"{where}: the sparse matrix lacks {', '.join(missing)}; write it again"
            )
        lengths = tuple(int(length) for length in shape)
        if len(lengths) != 2 or min(lengths) < 1:
            raise DataError(
                f"{where}: a sparse matrix of shape {lengths} has no rows of features; give at "
                "least one row and feature"
            )
        for name in PARTS[format][1:]:
            kind = parts[name].dtype.kind
            if kind not in "iu" or len(parts[name].shape) != 1:
                raise DataError(
                    f"{parts[name].where}: the positions of a sparse matrix are integers, got "
                    f"{parts[name].dtype} of shape {parts[name].shape}; write it again"
                )
        stored = sum(
            part.dtype.itemsize * int(np.prod(part.shape, dtype=np.float64))
            for part in parts.values()
        )
        check_declared(where, 8 * sum(lengths), stored)
        return cls(where, lengths, parts["data"].dtype, format, parts)

    @property
    def n_stored(self) -> int:
        """Number of values that are stored."""
        return int(np.prod(self.parts["data"].shape))

    def rows(self, size: int) -> Iterator[Any]:
        """Yield CSR arrays of consecutive rows, at most `size` at once."""
        matrix = self.whole()
        for start in range(0, self.shape[0], size):
            yield matrix[start : start + size]

    def whole(self) -> Any:
        """The matrix as a CSR array, each index once and in order.

        Raises
        ------
        DataError
            If its positions are not those of a matrix of that shape.
        """
        import scipy.sparse

        arrays = {name: stored.whole() for name, stored in self.parts.items()}
        data, *places = (arrays[name] for name in PARTS[self.format])
        given: Any = (data, *places)
        if self.format == "coo":
            given = (data, tuple(places))
        try:
            made = getattr(scipy.sparse, f"{self.format}_array")(given, shape=self.shape)
            if hasattr(made, "check_format"):
                made.check_format(full_check=True)
            found = scipy.sparse.csr_array(made.tocsr())
        except (ValueError, IndexError, TypeError) as error:
            raise DataError(
                f"{self.where}: its positions are not those of a sparse matrix of shape "
                f"{self.shape} ({error}); it is damaged, write it again"
            ) from error
        found.sum_duplicates()
        return found
