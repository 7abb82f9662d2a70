"""Tables of numbers, categories, truth values and dates with gaps, in every format of tables."""

from __future__ import annotations

import csv
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from truth import Rng, some

from n2d_framework import data
from n2d_framework.core.rows import Rows

Case = tuple[str, Any]

#: Categories that look like other things, but not all of a column do.
_POOLS = (
    ("red", "green", "blue"), ("yes", "no"), ("A1", "12", "B7", "x"), ("None", "Fence", "Wall"),
    ("ä", "é", "e\u0301", "日本"), ("=1+1", "@x", "-"), ("1-2", "3-4"), ("10:30", "11:00"),
    ("true", "maybe"), ("a,b", 'q"q', "two\nlines"), ("M", "F", "m"),
)  # fmt: skip
_GAPS = ("", "NA", "n/a", "?", "null", "NaN")
_PATTERNS = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d", "%d.%m.%Y")


def _column(rng: Rng, n: int) -> tuple[str, list[Any]]:
    """A kind, and values of it, which are all different from missing ones."""
    kind = some(rng, ["number", "number", "category", "category", "boolean", "date"])
    if kind == "number":
        return kind, (rng.normal(size=n) * 10.0 ** float(rng.integers(-9, 9))).tolist()
    if kind == "boolean":
        return kind, [True, False, *(bool(rng.integers(2)) for _ in range(n - 2))]
    if kind == "category":
        pool = some(rng, _POOLS)
        return kind, [*pool[: n - 1], *(some(rng, pool) for _ in range(n - len(pool[: n - 1])))]
    start = datetime(int(rng.integers(1000, 9000)), 1, 1)
    return kind, [start + timedelta(days=int(day)) for day in rng.integers(0, 9000, n)]


def _expected(kind: str, values: list[Any], gaps: np.ndarray) -> np.ndarray:
    """The column as rows have it."""
    if kind == "boolean" and gaps.any():
        kind, values = "category", [str(value).lower() for value in values]
    if kind == "category":
        found = np.array([*values, None], dtype=object)[:-1]
        found[gaps] = None
        return found
    if kind == "date":
        dates = np.array(values, dtype="datetime64[us]")
        dates[gaps] = np.datetime64("NaT")
        return dates
    numbers = np.array(values, dtype=np.float64)
    numbers[gaps] = np.nan
    return numbers


def _same(found: np.ndarray, expected: np.ndarray) -> bool:
    if expected.dtype.kind == "O" or found.dtype.kind == "O":
        return found.tolist() == expected.tolist()
    return np.array_equal(found, expected, equal_nan=True)


def _write(rng: Rng, columns: dict[str, tuple[str, list[Any]]], gaps: Any, path: Path) -> None:
    """The table in the format of the suffix."""
    given = {
        name: [None if gap else value for value, gap in zip(values, gaps[name], strict=True)]
        for name, (_, values) in columns.items()
    }
    if path.suffix in (".parquet", ".arrow"):
        arrays = {
            name: pa.array(values, pa.timestamp("us") if columns[name][0] == "date" else None)
            for name, values in given.items()
        }
        for name, (kind, _) in columns.items():
            if kind == "category" and rng.random() < 0.5:
                arrays[name] = arrays[name].dictionary_encode()
        table = pa.table(arrays)
        if path.suffix == ".parquet":
            pq.write_table(table, path)
        else:
            with pa.ipc.new_file(path, table.schema) as writer:
                writer.write_table(table)
        return
    cells: dict[str, list[Any]] = {}
    for name, (kind, _) in columns.items():
        pattern, mark = some(rng, _PATTERNS), some(rng, _GAPS)
        days = [value for value in given[name] if isinstance(value, datetime)]
        if any((value.hour, value.minute) != (0, 0) for value in days):
            pattern = "%Y-%m-%d %H:%M:%S"
        cells[name] = [
            mark if value is None
            else value.strftime(pattern).zfill(len("2024-01-01") if "Y-" in pattern else 0)
            if kind == "date"
            else value
            for value in given[name]
        ]  # fmt: skip
    if path.suffix == ".jsonl":
        rows = [dict(zip(given, row, strict=True)) for row in zip(*cells.values(), strict=True)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(list(cells))
        for row in zip(*cells.values(), strict=True):
            writer.writerow([repr(value) if isinstance(value, float) else value for value in row])


def mixed(rng: Rng, folder: Path) -> Case:
    """A table of columns of several kinds, read whole and, as a model reads it, in pieces."""
    n = int(rng.integers(4, 40))
    columns = {f"c{position}": _column(rng, n) for position in range(int(rng.integers(1, 7)))}
    gaps = {name: np.zeros(n, dtype=bool) for name in columns}
    for name in columns:
        if rng.random() < 0.5:  # not in the first rows, which have each value once
            gaps[name][len(columns) + 3 :] = rng.random(max(0, n - len(columns) - 3)) < 0.3
    path = folder / f"table{some(rng, ['.csv', '.csv', '.jsonl', '.parquet', '.arrow'])}"
    _write(rng, columns, gaps, path)
    size = int(rng.integers(1, n + 2))
    ask = {"path": str(path), "x": "*", "y": False}
    if path.suffix == ".csv" and {kind for kind, _ in columns.values()} == {"category"}:
        ask["header"] = True  # names and words look alike; a warning says what they were taken for

    def run() -> str:
        rows = Rows.of(data.load(ask))
        for name, (kind, values) in columns.items():
            found = rows.column(name)
            assert _same(found, _expected(kind, values, gaps[name])), f"{name}: {found.tolist()}"
        with data.open_rows(ask, like=rows.schema, by_kind=rows.storage == "columns") as source:
            parts = [Rows.of(block.x) for block in source.blocks(size)]
        for name in columns:
            joined = np.concatenate(
                [part.column(name if part.schema.fields else name[1:]) for part in parts]
            )
            assert _same(joined, rows.column(name)), f"{name} in pieces: {joined.tolist()}"
        return "right"

    kinds = ", ".join(kind for kind, _ in columns.values())
    return f"{path.name} {kinds}", run
