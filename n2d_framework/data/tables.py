"""Rows from tables: the part that text tables and Parquet share."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import numpy as np

from n2d_framework.data.faults import no_such_name, reading
from n2d_framework.data.naming import label_column
from n2d_framework.data.reference import Reference
from n2d_framework.data.source import Block, RowSource
from n2d_framework.errors import DataError
from n2d_framework.types import AnyArray

__all__ = ["Columns", "TableSource", "choose_columns"]


@attrs.frozen
class Columns:
    """Which columns are used, and for what.

    Attributes
    ----------
    features : tuple of str
    label : str or None
    """

    features: tuple[str, ...]
    label: str | None


def choose_columns(ref: Reference, columns: Sequence[str], index: Sequence[str] = ()) -> Columns:
    """Choose features and label among the columns of a table.

    Parameters
    ----------
    ref : Reference
    columns : sequence of str
        All columns.
    index : sequence of str
        Those that hold row names, which are no features unless named.

    Raises
    ------
    DataError
        If a named column does not exist, names repeat, or no feature is left.
    """
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    if repeated:
        raise DataError(f"{ref.path}: several columns are named {repeated[0]!r}; rename them")
    label = label_column(ref, columns)
    chosen = (ref.x,) if isinstance(ref.x, str) else ref.x
    for name in chosen or ():
        if name not in columns:
            raise no_such_name(ref.path, "column", name, list(columns))
    if chosen is None:
        chosen = tuple(name for name in columns if name != label and name not in index)
    if label in chosen:
        raise DataError(f"{ref.path}: column {label!r} cannot be feature and label at once")
    if not chosen:
        raise DataError(f"{ref.path}: no column is left as a feature; give at least one")
    return Columns(chosen, label)


class TableSource(RowSource):
    """Rows of a table whose file yields Arrow record batches."""

    kind: str
    ref: Reference
    columns: Columns

    @abc.abstractmethod
    def batches(self, size: int, columns: Columns) -> Iterator[Any]:
        """Yield record batches with the wanted columns, in any sizes."""

    def blocks(self, size: int, *, labels: bool = True) -> Iterator[Block]:
        """Record batches, cut to `size` and checked cell by cell."""
        wanted = attrs.evolve(self.columns, label=self.columns.label if labels else None)
        start = 0
        with reading(self.ref.path, self.kind):
            for batch in self.batches(size, wanted):
                for offset in range(0, batch.num_rows, size):
                    part = batch.slice(offset, size)
                    yield self._block(part, wanted, start)
                    start += part.num_rows
        if start == 0:
            raise DataError(f"{self.ref.path}: it has no rows; give at least one")

    def _block(self, batch: Any, columns: Columns, start: int) -> Block:
        x: AnyArray = np.empty((batch.num_rows, len(columns.features)), dtype=self.dtype)
        for position, name in enumerate(columns.features):
            column = batch.column(name)
            self._refuse_missing(column, name, start)
            x[:, position] = column.to_numpy(zero_copy_only=False)
        if columns.label is None:
            return Block(x, None)
        label = batch.column(columns.label)
        self._refuse_missing(label, columns.label, start)
        return Block(x, _labels(label))

    def _refuse_missing(self, column: Any, name: str, start: int) -> None:
        if column.null_count:
            missing = column.is_null().to_numpy(zero_copy_only=False)
            row = start + int(np.argmax(missing)) + 1
            raise DataError(
                f"{self.ref.path}: column {name!r} has no value in row {row} (the first row "
                "of data is 1); fill it or drop the row"
            )


def _labels(column: Any) -> AnyArray:
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    y: AnyArray = np.asarray(column.to_numpy(zero_copy_only=False))
    return y.astype(str) if y.dtype.kind == "O" else y
