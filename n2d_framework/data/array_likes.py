"""Rows of arrays and frames that are not in memory: of Dask, h5py and zarr."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from n2d_framework.core.rows import Rows, Schema
from n2d_framework.core.rows.written_names import name_text
from n2d_framework.data.source import Block, RowSource, check_rows, modality_of
from n2d_framework.errors import DataError
from n2d_framework.types import AnyArray

__all__ = ["source_of"]


def source_of(x: Any) -> RowSource | None:
    """Rows of an object of Dask, h5py or zarr as a source; ``None`` of any other object.

    Parameters
    ----------
    x : object

    Raises
    ------
    DataError
        If they are not rows of numbers.
    """
    library = type(x).__module__.partition(".")[0]
    if isinstance(x, RowSource):
        return x
    if library in ("h5py", "zarr") and hasattr(x, "shape"):
        return _Sliced(x)
    if library in ("dask", "dask_expr") and hasattr(x, "npartitions"):
        return _Partitions(x)
    return None


class _Sliced(RowSource):
    """Rows of an array that gives slices of itself."""

    def __init__(self, x: Any) -> None:
        check_rows(tuple(x.shape), np.dtype(x.dtype), "X")
        self._x, self.name = x, "X"
        self.n_rows, self.row_shape = int(x.shape[0]), tuple(x.shape[1:])
        self.dtype = np.dtype(x.dtype).newbyteorder("=")
        self.modality = modality_of(self.row_shape)

    def blocks(self, size: int, *, labels: bool = True) -> Iterator[Block]:
        """Slices, in memory."""
        del labels
        for start in range(0, self.n_rows or 0, size):
            yield Block(np.asarray(self._x[start : start + size], dtype=self.dtype), None)


class _Partitions(RowSource):
    """Rows of a collection of Dask, one partition after the other."""

    def __init__(self, x: Any) -> None:
        from dask.base import compute
        from dask.delayed import delayed

        self.name = "X"
        named = [name_text(name) for name in x.columns] if hasattr(x, "columns") else []
        if hasattr(x, "chunks"):
            x = x.rechunk(dict.fromkeys(range(1, x.ndim), -1))
            self.row_shape, kinds = tuple(x.shape[1:]), [x.dtype]
            self._parts = x.to_delayed().ravel().tolist()
        else:
            self.row_shape, kinds = (len(named),), list(x.dtypes)
            self._parts = x.to_delayed()
        wrong = [str(kind) for kind in kinds if getattr(kind, "kind", "O") not in "buif"]
        if wrong:
            raise DataError(
                f"X has values of type {wrong[0]}, which are not numbers; encode them as numbers"
            )
        self.dtype = np.result_type(*(getattr(kind, "numpy_dtype", kind) for kind in kinds))
        lengths = compute(*(delayed(len)(part) for part in self._parts))
        self.n_rows = sum(lengths)
        check_rows((self.n_rows, *self.row_shape), self.dtype, "X")
        self.schema = Schema.of(named, [self.dtype.name] * len(named)) if named else None
        self.modality = modality_of(self.row_shape)

    def blocks(self, size: int, *, labels: bool = True) -> Iterator[Block]:
        """Partitions, each computed when it is its turn, in slices."""
        del labels
        done = 0
        for number, part in enumerate(self._parts):
            for rows in self._checked(part.compute(), number, done).blocks(size):
                yield Block(rows.values, None, rows.ids)
            done += self._length

    def _checked(self, part: Any, number: int, done: int) -> Rows:
        """A partition as rows of numbers; one without rows has no blocks."""
        self._length = len(part)
        if not self._length:
            return Rows(np.empty((0, *self.row_shape), self.dtype))
        place = f"X, partition {number} (from row {done} on)"
        try:
            found = Rows.of(part)
        except DataError as error:
            raise DataError(f"{place}: {error}") from error
        names = self.schema.names if self.schema is not None else ()
        if names and found.schema.names != names:
            other = sorted(set(found.schema.names) ^ set(names)) or found.schema.names
            raise DataError(
                f"{place}: its columns are not those of the collection; they differ in "
                f"{', '.join(other[:5])}"
            )
        if found.storage != "dense" or found.row_shape != self.row_shape:
            width = math.prod(self.row_shape)
            raise DataError(f"{place}: it has not {width} numbers in each row")
        values: AnyArray = found.values
        if not np.can_cast(values.dtype, self.dtype):
            raise DataError(
                f"{place}: it has values of type {values.dtype}, the collection says {self.dtype}"
            )
        return Rows(values.astype(self.dtype, copy=False), ids=found.ids)
