"""Rows from files of JSON objects, one a line: .jsonl, also compressed with gzip."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from n2d_framework.core.arrays.written import TINY_OR_HUGE, written_float
from n2d_framework.core.rows import listed
from n2d_framework.core.rows.frames import NotDenseError
from n2d_framework.data.chosen_columns import Columns, choose_columns
from n2d_framework.data.faults import keys_or_flags, point_out, reading
from n2d_framework.data.heading import LONGEST_LINE, decoded_line, physical_lines
from n2d_framework.data.kinds.string_column import Where
from n2d_framework.data.reference import Reference
from n2d_framework.data.table_rows import TableSource, table_name, uncompressed
from n2d_framework.errors import DataError

__all__ = ["JsonLinesSource"]


class JsonLinesSource(TableSource):
    """Rows of a file with one JSON object on each line; values are float64.

    The first object names the columns. An object without one of those used, or with null there,
    has a missing value; empty lines are passed over.

    Parameters
    ----------
    ref : Reference
    """

    kind = "a file of JSON objects (.jsonl)"
    dtype = np.dtype(np.float64)
    n_rows = None

    def __init__(self, ref: Reference) -> None:
        self.ref = ref
        self.name = table_name(ref.path)
        if ref.header is not None:
            raise DataError(f"{ref.path}: JSON objects name their columns; drop header")
        with reading(ref.path, self.kind):
            first = next(self._objects(), None)
        if first is None:
            raise DataError(f"{ref.path}: it has no rows; give at least one")
        self._names = list(first)
        self.columns = choose_columns(ref, self._names)
        self.plain = not self.columns.kinds
        self._describe(self._names, [self.dtype.name] * len(self.columns.features))

    def batches(self, size: int, columns: Columns, *, raw: bool = False) -> Iterator[Any]:
        """Objects in groups, as record batches; features are strings if raw, else numbers."""
        import pyarrow as pa

        objects = self._objects()
        numbers = set() if raw else set(columns.features)
        known, further = set(self._names), dict[str, int]()
        classes: dict[str, bool] = {}
        start = 0
        while group := list(itertools.islice(objects, size)):
            for at, row in enumerate(group, start + 1):
                for name in row.keys() - known - further.keys():
                    further[name] = at
            cells = {
                name: [self._number(row, name, start + at) for at, row in enumerate(group)]
                if name in numbers
                else [self._string(row, name, start + at) for at, row in enumerate(group)]
                for name in columns.used
            }
            if columns.label is not None:
                for at, row in enumerate(group, start):
                    self._check_class(classes, row.get(columns.label), columns.label, at)
            types = {name: pa.float64() if name in numbers else pa.string() for name in cells}
            yield pa.record_batch(
                [pa.array(cells[name], type=types[name]) for name in cells], names=list(cells)
            )
            start += len(group)
        if further:
            start = min(further.values())
            unused = f"columns that the first row does not have are not used: {listed([*further])}"
            point_out(self.ref.path, f"{unused} (from row {start} on)")

    def _number(self, row: Mapping[str, Any], name: str, place: int) -> float | None:
        value = row.get(name)
        if value is None:
            return None
        if isinstance(value, float):
            return value
        if isinstance(value, int):
            return self._written(str(int(value)), place + 1, name)
        raise NotDenseError(
            f"{self.ref.path}: column {name!r} has {json.dumps(value)[:80]} in row {place + 1} "
            "(the first row of data is 1), which is not a number; correct it, or name the columns "
            f"to use: {keys_or_flags(x=['NAMES'], y='NAME')}"
        )

    def _written(self, text: str, row: int, name: str = "") -> float:
        try:
            return written_float(text)
        except ValueError as error:
            where = f"column {name!r}, " if name else ""
            raise DataError(
                f"{self.ref.path}: {where}row {row} (the first row of data is 1): {error}; write "
                "it in another unit, or correct it"
            ) from error

    def _string(self, row: Mapping[str, Any], name: str, place: int) -> str | None:
        value = row.get(name)
        if isinstance(value, (dict, list)) and name in self.columns.features:
            raise Where(str(self.ref.path), name).refusal(
                place, json.dumps(value), "which is not one value; split it, or leave the column "
                f"out: {keys_or_flags(drop=name)}"
            )  # fmt: skip
        return _text(value)

    def _check_class(self, known: dict[str, bool], value: Any, name: str, place: int) -> None:
        """Refuse a class that was a string in other rows and is none here, or the reverse."""
        text = _text(value)
        if text is None:
            return
        is_string = isinstance(value, str)
        if known.setdefault(text, is_string) != is_string:
            raise DataError(
                f"{self.ref.path}: column {name!r} has the string {json.dumps(text)[:80]} in some "
                f"rows and the value {text[:80]} in others, as in row {place + 1} (the first row "
                "of data is 1); write the same class in the same way"
            )

    def _objects(self) -> Iterator[dict[str, Any]]:
        with uncompressed(self.ref.path) as file:
            rows = number = 0
            while content := file.readline(LONGEST_LINE):
                for line in physical_lines(decoded_line(self.ref.path, content, number + 1)):
                    number += 1
                    # A byte order mark may be there twice.
                    line = line.lstrip("\ufeff") if number == 1 else line
                    if line.strip():
                        rows += 1
                        yield self._object(line, number, rows)

    def _object(self, line: str, number: int, row: int) -> dict[str, Any]:
        exact = TINY_OR_HUGE.search(line) is not None
        read = partial(self._written, row=row) if exact else None
        try:
            found = json.loads(line, object_pairs_hook=self._distinct, parse_float=read)
        except RecursionError as error:
            raise DataError(f"{self.ref.path}: line {number} is nested too deeply") from error
        except json.JSONDecodeError as error:
            raise DataError(
                f"{self.ref.path}: line {number} is not a JSON object ({error}); write one object "
                "a line"
            ) from error
        if not isinstance(found, dict):
            raise DataError(
                f"{self.ref.path}: line {number} is not a JSON object; write each row as "
                '{"column": value, ...}'
            )
        return found

    def _distinct(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            times = Counter(name for name, _ in pairs)
            twice = next(name for name, number in times.items() if number > 1)
            raise DataError(f"{self.ref.path}: an object names {twice!r} twice; name it once")
        return found


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)
