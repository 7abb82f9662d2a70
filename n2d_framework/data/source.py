"""Interface of every kind of data: its shape, and its rows in blocks."""

from __future__ import annotations

import abc
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from n2d_framework.core.dataset import Dataset
from n2d_framework.core.kinds import Kind
from n2d_framework.core.rows import Rows, Schema
from n2d_framework.errors import DataError
from n2d_framework.types import AnyArray

if TYPE_CHECKING:
    from n2d_framework.data.chosen_columns import Columns

__all__ = [
    "ArraySource",
    "Block",
    "RawBlock",
    "RowSource",
    "check_labels",
    "check_rows",
    "modality_of",
]

_NUMERIC_KINDS = "buif"


class Block(NamedTuple):
    """Some consecutive rows, with their labels and ids where the data have any.

    Rows are an array, a CSR array where the source is sparse, or Rows of columns of several kinds.
    """

    x: Any
    y: AnyArray | None
    ids: AnyArray | None = None


class RawBlock(NamedTuple):
    """Some consecutive rows of a table: a record batch of Arrow, labels and ids."""

    batch: Any
    y: AnyArray | None
    ids: AnyArray | None = None


class RowSource(abc.ABC):
    """Rows that can be read piece by piece; a context manager.

    Attributes
    ----------
    name : str
        Name of the dataset, or the file's name without its suffix.
    n_rows : int or None
        Number of rows; ``None`` where only reading to the end would show it (text tables).
    row_shape : tuple of int
        Shape of one row.
    dtype : numpy.dtype
        Type of the values, the same in every block.
    names : tuple of str
        Names of the classes, where the source names them.
    modality : str
        Kind of the rows.
    schema : Schema or None
        The columns of the rows; ``None`` if the source has no names at all.
    others : tuple of str
        Columns that a fitted model does not ask for.
    table : Path or None
        The file, if its rows are those of a table of named columns.
    sparse : bool
        Whether blocks hold CSR arrays.
    n_stored : int
        Number of values that a sparse source has.
    columns : Columns or None
        Which columns of a table of Arrow are used; such tables have :meth:`raw_blocks`.
    may_skip : bool
        Whether rows that cannot be read are left out, so that there may be fewer than `n_rows`.
    arrays : tuple of str
        Arrays of a file that the user may name as `x`, `y` or `id`.
    plain : bool
        Whether its features are numbers without gaps, as far as is known without reading them.
    """

    name: str
    n_rows: int | None
    row_shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    names: tuple[str, ...] = ()
    modality: Kind = "vector"
    schema: Schema | None = None
    others: tuple[str, ...] = ()
    table: Path | None = None
    sparse: bool = False
    n_stored: int = 0
    columns: Columns | None = None
    arrays: tuple[str, ...] = ()
    plain: bool = True
    may_skip: bool = False

    @abc.abstractmethod
    def blocks(self, size: int, *, labels: bool = True) -> Iterator[Block]:
        """Read the rows from the first on.

        Parameters
        ----------
        size : int
            Most rows in a block; at least 1.
        labels : bool, default True
            Whether labels are read, where there are any.

        Yields
        ------
        Block
            ``x`` of shape (m, *row_shape), ``0 < m <= size``.

        Raises
        ------
        DataError
            Where the data cannot be read or are not what they should be.
        """

    def raw_blocks(self, size: int, *, labels: bool = True) -> Iterator[RawBlock]:
        """Read the rows of a table as they are written, whatever the kinds of its columns.

        Parameters
        ----------
        size : int
            Most rows in a block.
        labels : bool, default True

        Yields
        ------
        RawBlock
        """
        raise NotImplementedError

    def mapped(self) -> AnyArray | None:
        """All rows as an array whose pages are read when they are used; ``None`` if none can be.

        Only of sources without labels and ids.
        """
        return None

    def chunks(self, size: int) -> Iterator[AnyArray]:
        """The rows without their labels, at most `size` at once; may be called repeatedly."""
        if size < 1:
            raise DataError(f"a chunk needs at least one row, got size={size}")
        for block in self.blocks(size, labels=False):
            yield block.x

    def close(self) -> None:  # noqa: B027  # some sources hold nothing open
        """Release what is open; may be called more than once."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class ArraySource(RowSource):
    """Rows of a dataset that is in memory already.

    Parameters
    ----------
    dataset : Dataset
        Kept as ``held``.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.held = dataset
        self.name = dataset.name
        self.n_rows = dataset.n_rows
        self.row_shape = dataset.feature_shape
        self.dtype = getattr(dataset.x, "dtype", np.dtype(object))
        self.names = dataset.names
        self.modality = dataset.modality
        rows = dataset.__n2d_rows__()
        self.schema = rows.schema if rows.schema.fields else dataset.schema
        self.ids = rows.ids

    def blocks(self, size: int, *, labels: bool = True) -> Iterator[Block]:
        """Slices of the arrays."""
        x, y, ids = self.held.x, self.held.y, self.ids
        for start in range(0, self.n_rows or 0, size):
            part = slice(start, start + size)
            yield Block(
                x.take(part) if isinstance(x, Rows) else x[part],
                y[part] if labels and y is not None else None,
                None if ids is None else ids[part],
            )


def check_rows(shape: tuple[int, ...], dtype: np.dtype[np.generic], where: str) -> None:
    """Refuse an array that cannot be rows of numbers, before it is read."""
    if dtype.kind not in _NUMERIC_KINDS:
        raise DataError(
            f"{where}: values of type {dtype} are not real numbers; store integers or floats"
        )
    if len(shape) < 2:
        raise DataError(
            f"{where}: an array of shape {shape} has no rows of features; it needs two "
            "dimensions or more, so reshape a single feature to (n, 1)"
        )
    if 0 in shape:
        raise DataError(f"{where}: it is empty (shape {shape}); give at least one row and feature")


def check_labels(
    shape: tuple[int, ...],
    dtype: np.dtype[np.generic],
    n: int,
    where: str,
    what: str = "labels",
) -> None:
    """Refuse labels (or ids) that do not belong to `n` rows, before they are read."""
    flat = shape[:1] if len(shape) == 2 and shape[1] == 1 else shape
    if len(flat) != 1:
        raise DataError(f"{where}: {what} must be one per row, got an array of shape {shape}")
    if flat[0] != n:
        raise DataError(f"{where}: there are {flat[0]} {what} for {n} rows; they must match")
    if dtype.kind not in _NUMERIC_KINDS + "SU":
        raise DataError(f"{where}: {what} of type {dtype} cannot be read; store numbers or strings")


def modality_of(row_shape: tuple[int, ...]) -> Kind:
    """Rows of two or three dimensions are taken for images (height, width[, channels])."""
    return "image" if len(row_shape) in (2, 3) else "vector"
