"""Rows from text tables: .csv and .tsv."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from n2d_framework.data.faults import reading
from n2d_framework.data.naming import LABEL_NAMES
from n2d_framework.data.reference import Reference
from n2d_framework.data.tables import Columns, TableSource, choose_columns
from n2d_framework.errors import DataError

__all__ = ["TextSource"]

_BLOCK_BYTES = 1 << 20
_LINES_PER_BLOCK = 16
_DELIMITERS = ",;\t|"


class TextSource(TableSource):
    """Rows of a text table, parsed block by block; values are float64.

    Fields are separated by commas (by tabs in ``.tsv``; by ``;``, tab or ``|`` where the
    first line has no comma). The first line names the columns if it says so
    (:func:`has_header`). A first column without a name holds row names and is left out.

    Parameters
    ----------
    ref : Reference
    """

    kind = "a table of text (UTF-8)"
    dtype = np.dtype(np.float64)
    n_rows = None

    def __init__(self, ref: Reference) -> None:
        self.ref = ref
        self.name = ref.path.stem
        if ref.path.stat().st_size == 0:
            raise DataError(f"{ref.path}: the file is empty; write it again")
        with reading(ref.path, self.kind):
            line = _first_line(ref.path)
            self._delimiter = _delimiter(ref.path, line)
            first = _first_rows(ref.path, self._delimiter)
        # Arrow refuses a line that is longer than two blocks.
        self._block_bytes = max(_BLOCK_BYTES, _LINES_PER_BLOCK * len(line))
        self._header = ref.header if ref.header is not None else has_header(ref, first)
        if len(first) <= self._header:
            raise DataError(f"{ref.path}: it has no rows; give at least one")
        self._names = _column_names(first[0], header=self._header)
        index = self._names[:1] if self._names[0] == "" else []
        self.columns = choose_columns(ref, self._names, index)
        self._describe(self._names, [self.dtype.name] * len(self.columns.features))

    def batches(self, size: int, columns: Columns) -> Iterator[Any]:
        """Blocks of the file, with features as numbers and labels as text."""
        import pyarrow as pa

        del size  # Arrow's reader counts bytes, and its batches are cut afterwards.
        types = dict.fromkeys(columns.features, pa.float64())
        try:
            yield from self._read(columns, types)
        except pa.ArrowInvalid as error:
            self._explain(columns)
            raise ValueError(str(error)) from error

    def _read(self, columns: Columns, types: dict[str, Any]) -> Iterator[Any]:
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        texts = [name for name in columns.used if name not in columns.features]
        with arrow_csv.open_csv(
            self.ref.path,
            read_options=arrow_csv.ReadOptions(
                use_threads=False,
                block_size=self._block_bytes,
                column_names=self._names,
                skip_rows=int(self._header),
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=self._delimiter, newlines_in_values=True
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=types | dict.fromkeys(texts, pa.string()),
                include_columns=columns.used,
                strings_can_be_null=True,
            ),
        ) as reader:
            yield from reader

    def _explain(self, columns: Columns) -> None:
        """Look for the first cell that is no number, and raise with its place."""
        import pyarrow as pa

        start = 0
        for batch in self._read(columns, dict.fromkeys(columns.features, pa.string())):
            found = _first_text(batch, columns.features)
            if found is not None:
                row, name, text = found
                raise DataError(
                    f"{self.ref.path}: column {name!r} has {text!r} in row {start + row + 1} "
                    "(the first row of data is 1), which is no number; mend it, or name the "
                    "columns to use: {path: ..., x: [NAMES], y: NAME}"
                )
            start += batch.num_rows


def has_header(ref: Reference, first: Sequence[Sequence[str]]) -> bool:
    """Whether the first line of a table names its columns.

    It does if one of its fields is the name of a label or a column the user named; if all names
    of the fitted model are there; if it
    counts 0, 1, 2, ... as pandas writes for columns without names; or if a field is no
    number where the line below has one, or where there is no line below.
    """
    if not first:
        raise DataError(f"{ref.path}: it has no rows; give at least one")
    top = [field.strip() for field in first[0]]
    if ref.like is not None and ref.like.named and set(ref.like.names) <= set(top):
        return True
    named = {ref.y, ref.id, *ref.drop, *((ref.x,) if isinstance(ref.x, str) else ref.x or ())}
    if any(field and (field.lower() in LABEL_NAMES or field in named) for field in top):
        return True
    counted = top[1:] if top[0] == "" else top
    if len(counted) > 1 and counted == [str(position) for position in range(len(counted))]:
        return True
    if len(first) == 1:
        return not any(_is_number(field) for field in top)
    below = first[1]
    return any(
        not _is_number(a) and _is_number(b.strip()) for a, b in zip(top, below, strict=False)
    )


def _column_names(first: Sequence[str], *, header: bool) -> list[str]:
    if header:
        return [name.strip() for name in first]
    return [str(position) for position in range(len(first))]


def _first_line(path: Path) -> str:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return file.readline(1 << 26)


def _delimiter(path: Path, line: str) -> str:
    if path.suffix.lower() == ".tsv":
        return "\t"
    return next((mark for mark in _DELIMITERS if mark in line), ",")


def _first_rows(path: Path, delimiter: str) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = (row for row in csv.reader(file, delimiter=delimiter) if row)
        return [row for row, _ in zip(rows, range(2), strict=False)]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _first_text(batch: Any, features: Sequence[str]) -> tuple[int, str, str] | None:
    """The first cell, by row and then by column, that is neither empty nor a number."""
    found = [
        (row, position, value)
        for position, name in enumerate(features)
        for row, value in enumerate(batch.column(name).to_pylist())
        if value is not None and not _is_number(value)
    ]
    if not found:
        return None
    row, position, value = min(found)
    return row, features[position], value
