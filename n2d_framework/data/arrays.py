"""Rows from files that hold whole arrays: the part that all of them share."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import numpy as np

from n2d_framework.data.faults import reading
from n2d_framework.data.source import (
    Block,
    RowSource,
    check_labels,
    check_rows,
    modality_of,
)
from n2d_framework.errors import DataError
from n2d_framework.types import AnyArray

__all__ = ["ArrayFile", "StoredArray"]


class StoredArray(abc.ABC):
    """One array in a file, known by its header until rows are read.

    Attributes
    ----------
    where : str
        File and array, for messages.
    shape : tuple of int
    dtype : numpy.dtype
    """

    where: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]

    @abc.abstractmethod
    def rows(self, size: int) -> Iterator[AnyArray]:
        """Yield consecutive rows, at most `size` at once."""

    def whole(self) -> AnyArray:
        """The array in memory."""
        return np.concatenate(list(self.rows(max(1, self.shape[0]))))


@attrs.frozen
class _Part:
    x: StoredArray
    y: StoredArray | None


class ArrayFile(RowSource):
    """Rows of one array, or of several one after the other, each with its labels.

    Parameters
    ----------
    path : Path
    kind : str
        What the file is, for messages.
    pairs : sequence of (StoredArray, StoredArray or None)
        Rows and their labels.
    """

    def __init__(
        self, path: Path, kind: str, pairs: Sequence[tuple[StoredArray, StoredArray | None]]
    ) -> None:
        self._path, self._kind = path, kind
        self._parts = [_Part(x, y) for x, y in pairs]
        for part in self._parts:
            check_rows(part.x.shape, part.x.dtype, part.x.where)
            if part.y is not None:
                check_labels(part.y.shape, part.y.dtype, part.x.shape[0], part.y.where)
        first = self._parts[0].x
        for part in self._parts[1:]:
            if part.x.shape[1:] != first.shape[1:] or part.x.dtype != first.dtype:
                raise DataError(
                    f"{part.x.where}: its rows {part.x.shape[1:]} {part.x.dtype} do not fit "
                    f"those of {first.where}, {first.shape[1:]} {first.dtype}; name one with x"
                )
        self.name = path.stem
        self.n_rows = sum(part.x.shape[0] for part in self._parts)
        self.row_shape = first.shape[1:]
        self.dtype = first.dtype.newbyteorder("=")
        self.modality = modality_of(self.row_shape)

    def blocks(self, size: int, *, labels: bool = True) -> Iterator[Block]:
        """Rows of one part after the other."""
        with reading(self._path, self._kind):
            for part in self._parts:
                y = _labels(part.y) if labels and part.y is not None else None
                start = 0
                for rows in part.x.rows(size):
                    x = np.ascontiguousarray(rows, dtype=self.dtype)
                    yield Block(x, None if y is None else y[start : start + len(x)])
                    start += len(x)


def _labels(stored: StoredArray) -> AnyArray:
    y = stored.whole().ravel()
    if y.dtype.kind == "S":
        try:
            return np.char.decode(y, "utf-8")
        except UnicodeDecodeError as error:
            raise DataError(f"{stored.where}: labels are not UTF-8 text; {error}") from error
    return y
