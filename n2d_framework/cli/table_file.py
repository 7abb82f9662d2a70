"""Tables written piece by piece, to a file that appears whole or not at all, or to stdout."""

from __future__ import annotations

import abc
import csv
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

import numpy as np

from n2d_framework.cli.terminal.streams import is_utf8, results
from n2d_framework.core.libraries import require_extra
from n2d_framework.errors import ConfigError, OutputError, Problem
from n2d_framework.storage import check_target, replacing
from n2d_framework.types import AnyArray
from n2d_framework.visible import one_line, spreadsheet_cell

__all__ = ["TABLE_SUFFIXES", "TableWriter", "check_table_path", "names_of", "open_table"]

#: Suffixes of tables that can be written.
TABLE_SUFFIXES = (".csv", ".tsv", ".parquet", ".npy")


class TableWriter(abc.ABC):
    """Takes blocks of rows."""

    @abc.abstractmethod
    def write(self, columns: Mapping[str, AnyArray]) -> None:
        """Write a block; each has the same columns."""

    def close(self) -> None:  # noqa: B027  # text needs nothing at the end
        """Write what comes last."""


def names_of(labels: AnyArray, names: Mapping[int, str]) -> AnyArray:
    """The name of each row's cluster, the column ``name``; empty where it has none."""
    return np.array([names.get(label, "") for label in labels.tolist()], dtype=object)


def _escaped(column: AnyArray) -> AnyArray:
    """Names of files that are not UTF-8 with the bytes at fault as escapes; all else as it is."""
    if column.dtype.kind not in "OU":
        return column
    values = [
        value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
        for value in column.tolist()
    ]
    return np.array(values, dtype=object)


class _Text(TableWriter):
    """Text in which no cell is a formula, and nothing acts on a terminal."""

    def __init__(self, stream: IO[str], delimiter: str) -> None:
        self._writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
        # The other one leaves cells with a carriage return without quotes.
        self._quoting = csv.writer(
            stream, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL
        )
        self._terminal = stream.isatty()
        self._names: list[str] | None = None

    def write(self, columns: Mapping[str, AnyArray]) -> None:
        if self._names is None:
            self._names = list(columns)
            self._write([map(self._cell, self._names)])
        if all(column.dtype.kind in "biuf" for column in columns.values()):
            lists = (column.tolist() for column in columns.values())
            self._writer.writerows(zip(*lists, strict=True))
        else:
            self._write(zip(*map(self._cells, columns.values()), strict=True))

    def _write(self, rows: Iterable[Iterable[Any]]) -> None:
        for row in map(list, rows):
            quoted = any(isinstance(cell, str) and "\r" in cell for cell in row)
            (self._quoting if quoted else self._writer).writerow(row)

    def _cells(self, column: AnyArray) -> Iterable[Any]:
        values: list[Any] = _escaped(column).tolist()
        return values if column.dtype.kind in "biuf" else map(self._cell, values)

    def _cell(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return spreadsheet_cell(one_line(value) if self._terminal else value)


class _Parquet(TableWriter):
    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: Any = None
        self._writer: Any = None

    def write(self, columns: Mapping[str, AnyArray]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.table({name: _escaped(column) for name, column in columns.items()})
        if self._writer is None:
            self._file = self._path.open("wb")  # Arrow takes no names that are not UTF-8
            self._writer = pq.ParquetWriter(self._file, table.schema)
        self._writer.write_table(table)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._file.close()


class _Npy(TableWriter):
    """The labels as one array; its length is written into the header in the end."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._rows = 0
        self._header()

    def write(self, columns: Mapping[str, AnyArray]) -> None:
        labels = np.ascontiguousarray(columns["label"], dtype="<i8")
        self._file.write(labels.tobytes())
        self._rows += len(labels)

    def close(self) -> None:
        if not self._file.closed:
            self._file.seek(0)
            self._header()
            self._file.close()

    def _header(self) -> None:
        # NumPy leaves room in the header for a first dimension of any length.
        described = {"descr": "<i8", "fortran_order": False, "shape": (self._rows,)}
        np.lib.format.write_array_header_1_0(self._file, described)


def check_table_path(path: Path, *, labels_only: bool) -> None:
    """Refuse a name that cannot be written, before any work is done.

    Raises
    ------
    ConfigError
        If the suffix is unknown, or cannot hold the columns.
    MissingLibraryError
        If the library that writes it is not installed.
    OutputError
        If it cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in TABLE_SUFFIXES:
        text = f"{path}: a table ends in {', '.join(TABLE_SUFFIXES)}"
        raise ConfigError([Problem("--output", text)])
    if suffix == ".npy" and not labels_only:
        text = f"{path}: .npy holds the labels only; take .csv or .parquet for more columns"
        raise ConfigError([Problem("--output", text)])
    if suffix == ".parquet":
        require_extra("tables", f"{path}: to be written, it")
    check_target(path)


@contextmanager
def open_table(path: Path | None) -> Iterator[TableWriter]:
    """Open a table for writing.

    Parameters
    ----------
    path : Path or None
        Its suffix chooses the format; ``None`` writes CSV to stdout.

    Yields
    ------
    TableWriter

    Raises
    ------
    OutputError
        If it cannot be written; an older file of that name is then unchanged.
    """
    if path is None:
        stream = results()
        stream.flush()
        if not is_utf8(stream) and isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8")  # as in files: labels and ids are not for reading
        yield _Text(stream, ",")
        stream.flush()
        if getattr(stream, "abandoned", False):
            raise OutputError("stdout: its reader went away before all labels were written")
        return
    with replacing(path) as temporary, _writer(temporary, path.suffix.lower()) as writer:
        yield writer


@contextmanager
def _writer(path: Path, suffix: str) -> Iterator[TableWriter]:
    if suffix in (".csv", ".tsv"):
        with path.open("w", newline="", encoding="utf-8") as stream:
            yield _Text(stream, "\t" if suffix == ".tsv" else ",")
        return
    writer = _Parquet(path) if suffix == ".parquet" else _Npy(path)
    try:
        yield writer
    finally:
        writer.close()
