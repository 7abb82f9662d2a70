"""Rows from text tables: .csv and .tsv, also compressed with gzip."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import IO, Any

import numpy as np

from n2d_framework.core.arrays.written import may_vanish, written_float
from n2d_framework.core.rows import positions
from n2d_framework.core.rows.frames import NotDenseError
from n2d_framework.data.chosen_columns import Columns, choose_columns
from n2d_framework.data.faults import keys_or_flags, point_out, reading
from n2d_framework.data.heading import find_heading, physical_lines
from n2d_framework.data.kinds.written_values import has_comma, is_marker, is_number
from n2d_framework.data.reference import Reference
from n2d_framework.data.table_rows import (
    TableSource,
    arrow_file,
    is_compressed,
    table_name,
    uncompressed,
)
from n2d_framework.errors import DataError

__all__ = ["TextSource"]

_BLOCK_BYTES = 1 << 20
_LINES_PER_BLOCK = 16


class TextSource(TableSource):
    """Rows of a text table, parsed block by block; values are float64.

    Fields are separated by commas (by tabs in ``.tsv``), or by ``;``, tab or ``|`` where that
    gives the first lines equally many fields. Blank lines and comments (``#``) above the table
    are passed over. The first line names the columns if that explains the file
    (:func:`~n2d_framework.data.heading.find_heading`). A first column without a name holds row
    names and is left out. Labels are strings as they are written, ``NA`` and the like included;
    only an empty field is a missing value.

    Parameters
    ----------
    ref : Reference
    """

    kind = "a table of text (UTF-8)"
    dtype = np.dtype(np.float64)
    n_rows = None

    def __init__(self, ref: Reference) -> None:
        self.ref = ref
        self.name = table_name(ref.path)
        if ref.path.stat().st_size == 0:
            raise DataError(f"{ref.path}: the file is empty; write it again")
        with reading(ref.path, self.kind), uncompressed(ref.path) as file:
            self._heading = find_heading(ref, file)
        # Arrow refuses a line that is longer than two blocks.
        self._block_bytes = max(_BLOCK_BYTES, _LINES_PER_BLOCK * self._heading.longest)
        self._names = list(self._heading.names)
        self._unnamed = self._heading.names == positions(len(self._names)) and ref.header is None
        index = self._names[:1] if self._names[0] == "" else []
        self.columns = choose_columns(ref, self._names, index)
        others = {
            name for position, name in enumerate(self._names) if position in self._heading.others
        }
        self.plain = not (self.columns.kinds or others & set(self.columns.features))
        self._describe(self._names, [self.dtype.name] * len(self.columns.features))
        if ref.like is None:
            for remark in self._heading.remarks:
                point_out(ref.path, remark)

    def batches(self, size: int, columns: Columns, *, raw: bool = False) -> Iterator[Any]:
        """Blocks of the file, with labels as strings, and features as numbers unless raw."""
        import pyarrow as pa

        del size  # Arrow's reader counts bytes, and its batches are cut afterwards.
        numbers = () if raw else columns.features
        checked = False
        self._refuse_open_quote()
        try:
            for batch in self._read(columns, frozenset(numbers)):
                if not checked and self._is_extreme(batch, numbers):
                    self._explain(numbers)
                    checked = True
                yield batch
        except pa.ArrowInvalid as error:
            self._explain(numbers)
            raise ValueError(str(error)) from error

    def _read(self, columns: Columns, numbers: frozenset[str]) -> Iterator[Any]:
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        with (
            _arrow_stream(self.ref.path, self._heading.offset) as stream,
            arrow_csv.open_csv(
                stream,
                read_options=arrow_csv.ReadOptions(
                    use_threads=False, block_size=self._block_bytes, column_names=self._names
                ),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=self._heading.delimiter,
                    newlines_in_values=True,
                    # An empty line is a row without a value where there is one column.
                    ignore_empty_lines=len(self._names) > 1,
                ),
                convert_options=arrow_csv.ConvertOptions(
                    column_types={
                        name: pa.float64() if name in numbers else pa.string()
                        for name in columns.used
                    },
                    include_columns=columns.used,
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                    null_values=[""],
                ),
            ) as reader,
        ):
            yield from reader

    def _refuse_open_quote(self) -> None:
        """Refuse a quote that is not closed, which Arrow closes at the end of the file."""
        with uncompressed(self.ref.path) as file:
            quotes = sum(part.count(b'"') for part in iter(partial(file.read, _BLOCK_BYTES), b""))
        if quotes % 2 == 0:
            return
        lines = list[str]()

        def noted(file: IO[bytes]) -> Iterator[str]:
            for line in file:
                for part in physical_lines(line.decode("utf-8", "replace")):
                    lines.append(part)
                    yield part

        row, last = 0, list[str]()
        with uncompressed(self.ref.path) as file:
            file.read(self._heading.offset)
            for record in csv.reader(noted(file), delimiter=self._heading.delimiter):
                row, last = row + bool(record), lines.copy()
                lines.clear()
        try:
            list(csv.reader(last, delimiter=self._heading.delimiter, strict=True))
        except csv.Error as error:
            if "end" in str(error):
                raise self._unreadable(row, "has a quote that is not closed") from error

    def _is_extreme(self, batch: Any, numbers: Sequence[str]) -> bool:
        """Return whether numbers may be written there that float64 cannot hold."""
        values = [batch.column(name).to_numpy(zero_copy_only=False) for name in numbers]
        if any(np.isinf(column).any() for column in values):
            return True
        return any((column == 0).any() for column in values) and self._may_vanish

    @cached_property
    def _may_vanish(self) -> bool:
        with uncompressed(self.ref.path) as file:
            return may_vanish(file)

    def _explain(self, numbers: Sequence[str]) -> None:
        """Look for the first row or cell that cannot be read, and raise with its place."""
        positions = {name: position for position, name in enumerate(self._names)}
        features = [(name, positions[name]) for name in numbers]
        with uncompressed(self.ref.path) as file:
            file.read(self._heading.offset)
            # Decoded line by line, so that bytes that are not UTF-8 belong to a row.
            lines = (part for line in file for part in physical_lines(line.decode("utf-8")))
            records = csv.reader(lines, delimiter=self._heading.delimiter)
            row = 0
            try:
                for record in records:
                    if not record and len(self._names) > 1:
                        continue
                    row += 1
                    self._check_record(record, row, features)
            except UnicodeDecodeError as error:
                raise self._unreadable(row + 1, "has bytes that are not UTF-8") from error
            except csv.Error as error:
                raise self._unreadable(row + 1, f"cannot be read ({error})") from error

    def _check_record(self, record: list[str], row: int, features: list[tuple[str, int]]) -> None:
        if len(record) != len(self._names):
            text = f"does not fit: Expected {len(self._names)} columns, got {len(record)}"
            raise self._unreadable(row, text)
        for name, position in features:
            value = record[position]
            if is_marker(value) or not value:
                raise self._no_value(name, row, value)
            if has_comma(value) and not is_number(value):
                raise DataError(
                    f"{self.ref.path}: column {name!r} has {value[:50]!r} in row {row} (the first "
                    "row of data is 1), a number with a decimal comma or marks between thousands; "
                    "write numbers with a decimal point and no other marks"
                )
            if not is_number(value):
                raise NotDenseError(
                    f"{self.ref.path}: column {name!r} has {value[:50]!r} in row {row} (the first "
                    "row of data is 1), which is not a number; correct it, or name the columns to "
                    f"use: {keys_or_flags(x=['NAMES'], y='NAME')}" + self._perhaps(row)
                )
            try:
                written_float(value)
            except ValueError as error:
                raise DataError(
                    f"{self.ref.path}: column {name!r}, row {row} (the first row of data is 1): "
                    f"{error}; write it in another unit, or correct it"
                ) from error

    def _perhaps(self, row: int) -> str:
        """Further causes where the very first row is not numeric."""
        if row > 1 or not self._unnamed:
            return ""
        return "; if this line names the columns, say so: {path: ..., header: true}"

    def _unreadable(self, row: int, what: str) -> DataError:
        return DataError(
            f"{self.ref.path}: row {row} (the first row of data is 1) {what}; "
            "correct the row, or write the table again as UTF-8"
        )


@contextmanager
def _arrow_stream(path: Path, offset: int) -> Iterator[Any]:
    """The content from an offset on."""
    import pyarrow as pa

    with arrow_file(path) as file:
        if not is_compressed(path):
            file.seek(offset)
            yield file
            return
        with pa.CompressedInputStream(file, "gzip") as content:
            content.read(offset)
            yield content
