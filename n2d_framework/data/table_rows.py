"""Rows from tables: the part that text tables and Parquet share."""

from __future__ import annotations

import abc
import gzip
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import attrs
import numpy as np

from n2d_framework.core.rows import Schema
from n2d_framework.core.rows.frames import NotDenseError
from n2d_framework.core.rows.written_names import id_texts, refuse_nul
from n2d_framework.data.chosen_columns import Columns
from n2d_framework.data.faults import keys_or_flags, reading
from n2d_framework.data.kinds.string_column import decoded
from n2d_framework.data.reference import Reference
from n2d_framework.data.source import Block, RawBlock, RowSource
from n2d_framework.data.table_reading import blocks_of_kinds, reads_kinds
from n2d_framework.errors import DataError
from n2d_framework.types import AnyArray

__all__ = [
    "TableSource",
    "arrow_file",
    "is_compressed",
    "table_name",
    "uncompressed",
]


def arrow_file(path: Path) -> Any:
    """Open a file for Arrow, which by itself opens only those whose names are UTF-8.

    Parameters
    ----------
    path : Path

    Returns
    -------
    pyarrow.NativeFile
    """
    import pyarrow as pa

    try:
        os.fsencode(path).decode("utf-8")
        str(path).encode("utf-8")
    except UnicodeError:
        return pa.PythonFile(path.open("rb"), "r")
    return pa.OSFile(str(path), "rb")


def is_compressed(path: Path) -> bool:
    """Return whether a file is compressed with gzip, by its name."""
    return path.suffix.lower() == ".gz"


def table_name(path: Path) -> str:
    """Name of a file without its suffix, and without ``.gz``."""
    return Path(path.stem).stem if is_compressed(path) else path.stem


@contextmanager
def uncompressed(path: Path) -> Iterator[IO[bytes]]:
    """Open a file; one that is compressed with gzip as what it was before."""
    with path.open("rb") as file:
        if not is_compressed(path):
            yield file
            return
        with gzip.GzipFile(fileobj=file) as content:
            yield io.BufferedReader(content)


class TableSource(RowSource):
    """Rows of a table whose file yields Arrow record batches."""

    kind: str
    ref: Reference
    columns: Columns

    @abc.abstractmethod
    def batches(self, size: int, columns: Columns, *, raw: bool = False) -> Iterator[Any]:
        """Yield record batches with the wanted columns, in any sizes.

        Parameters
        ----------
        size : int
            Number of rows that are best.
        columns : Columns
        raw : bool, default False
            Whether features come as they are written, not as numbers.
        """

    def blocks(self, size: int, *, labels: bool = True) -> Iterator[Block]:
        """Record batches, cut to `size` and checked cell by cell."""
        if reads_kinds(self, self.ref):
            yield from blocks_of_kinds(self, self.ref, size, labels=labels)
            return
        for start, part, y, ids in self._parts_of(size, labels=labels):
            with reading(self.ref.path, self.kind):
                numbers = self._numbers(part, start)
            yield Block(numbers, y, ids)

    def raw_blocks(self, size: int, *, labels: bool = True) -> Iterator[RawBlock]:
        """Record batches with the features, cut to `size`."""
        for _, part, y, ids in self._parts_of(size, labels=labels, raw=True):
            with reading(self.ref.path, self.kind):
                features = part.select(list(self.columns.features))
                features.validate(full=True)
            yield RawBlock(features, y, ids)

    def _parts_of(
        self, size: int, *, labels: bool, raw: bool = False
    ) -> Iterator[tuple[int, Any, AnyArray | None, AnyArray | None]]:
        """Each part with the number of rows before it, its labels and ids."""
        wanted = attrs.evolve(self.columns, label=self.columns.label if labels else None)
        start = 0
        with reading(self.ref.path, self.kind):
            for batch in self.batches(size, wanted, raw=raw):
                for offset in range(0, batch.num_rows, size):
                    part = batch.slice(offset, size)
                    yield (start, part, *self._beside(part, wanted, start))
                    start += part.num_rows
        if start == 0:
            raise DataError(f"{self.ref.path}: it has no rows; give at least one")

    def _numbers(self, batch: Any, start: int) -> AnyArray:
        features = self.columns.features
        x: AnyArray = np.empty((batch.num_rows, len(features)), dtype=self.dtype)
        for position, name in enumerate(features):
            column = batch.column(name)
            self._refuse_missing(column, name, start)
            self._refuse_other_kinds(column, name)
            x[:, position] = column.to_numpy(zero_copy_only=False)
        self._refuse_not_finite(x, start)
        return x

    def _beside(
        self, batch: Any, columns: Columns, start: int
    ) -> tuple[AnyArray | None, AnyArray | None]:
        """Labels and ids of some rows."""
        ids = None
        if columns.id is not None:
            called = f"{self.ref.path}: column {columns.id!r}"
            ids = id_texts(batch.column(columns.id).to_pylist(), called, start)
        if columns.label is None:
            return None, ids
        label = decoded(batch.column(columns.label))
        self._refuse_missing(label, columns.label, start)
        return self._labels(label, columns.label, start), ids

    def _labels(self, column: Any, name: str, start: int) -> AnyArray:
        """Labels of a block; strings as NumPy's."""
        y: AnyArray = np.asarray(column.to_numpy(zero_copy_only=False))
        if y.dtype.kind != "O":
            return y
        refuse_nul(y, f"{self.ref.path}: column {name!r}", start)
        return y.astype(str)

    def _describe(self, names: Sequence[str], dtypes: Iterable[str] = ()) -> None:
        """Set what is known of rows from the chosen columns."""
        self.table = self.ref.path
        self.row_shape = (len(self.columns.features),)
        self.others = self.columns.others
        self.schema = Schema.of(
            self.columns.features,
            dtypes,
            where=str(self.ref.path),
            y=self.columns.label,
            id=self.columns.id,
            width=len(names),
        )

    def _refuse_missing(self, column: Any, name: str, start: int) -> None:
        if column.null_count:
            missing = column.is_null().to_numpy(zero_copy_only=False)
            row = start + int(np.argmax(missing)) + 1
            raise self._no_value(name, row)

    def _refuse_other_kinds(self, column: Any, name: str) -> None:
        from pyarrow import types

        known = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal)
        if not any(check(column.type) for check in known):
            raise NotDenseError(
                f"{self.ref.path}: column {name!r} holds values of type {column.type}, not "
                f"numbers; name the columns to use: {keys_or_flags(x=['NAMES'])}"
            )

    def _set_types(self, types: Sequence[np.dtype[np.generic] | None]) -> None:
        """Set what is known of the features from the types of their columns."""
        numbers = [found for found in types if found is not None]
        self.plain = not self.columns.kinds and len(numbers) == len(types)
        self.dtype = np.result_type(*numbers) if numbers else np.dtype(np.float64)

    def _refuse_not_finite(self, x: AnyArray, start: int) -> None:
        if x.dtype.kind != "f" or np.isfinite(x).all():
            return
        row, position = np.argwhere(~np.isfinite(x))[0].tolist()
        raise self._no_value(
            self.columns.features[position], start + row + 1, str(x[row, position])
        )

    def _no_value(self, name: str, row: int, written: str = "") -> DataError:
        marked = f" (it has {written!r})" if written else ""
        return NotDenseError(
            f"{self.ref.path}: column {name!r} has no value in row {row}{marked} (the first row "
            "of data is 1); fill it or drop the row"
        )
