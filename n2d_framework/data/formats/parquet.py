"""Rows from Parquet files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from n2d_framework.core.rows import listed
from n2d_framework.data.chosen_columns import Columns, choose_columns
from n2d_framework.data.faults import check_declared, point_out, reading
from n2d_framework.data.reference import Reference
from n2d_framework.data.table_rows import TableSource, arrow_file
from n2d_framework.errors import DataError

__all__ = ["ParquetSource", "index_columns", "is_parquet_folder", "number_type"]


class ParquetSource(TableSource):
    """Rows of a Parquet file, or of a folder of such parts, one batch of a row group at a time.

    The values get the common type of the feature columns. An index that pandas stored is
    left out. Parts follow each other in the order of their names, those of sub-folders
    included; all have the same columns.

    Parameters
    ----------
    ref : Reference
    """

    kind = "a Parquet file"

    def __init__(self, ref: Reference) -> None:
        self.ref = ref
        self._parts = list[_Part]()
        try:
            for path in _part_paths(ref.path) if ref.path.is_dir() else [ref.path]:
                self._parts.append(_open_part(path))
            first = self._parts[0]
            names = list(first.names)
            self.columns = choose_columns(ref, names, first.index)
            for part in self._parts[1:]:
                _refuse_other_columns(part, first)
            types = [self._common_type(name) for name in self.columns.features]
            self.n_rows = sum(part.file.metadata.num_rows for part in self._parts)
            if not self.n_rows:
                raise DataError(f"{ref.path}: it has no rows; give at least one")
            self._set_types(types)
            stored = sum(part.path.stat().st_size for part in self._parts)
            width = len(self.columns.features) * self.dtype.itemsize
            check_declared(str(ref.path), self.n_rows * width, stored)
        except BaseException:  # whatever stopped us, also an interrupt: the files are closed
            self.close()
            raise
        self.name = ref.path.stem
        self._describe(names, ["" if found is None else found.name for found in types])

    def _common_type(self, name: str) -> np.dtype[np.generic] | None:
        """The type of a column of numbers in all parts; ``None`` for one of another kind."""
        found = [number_type(part.schema, name) for part in self._parts]
        numbers = [one for one in found if one is not None]
        if len(numbers) == len(found):
            return np.result_type(*numbers)
        first = self._parts[0].schema.field(name).type
        for part in self._parts:
            kind = part.schema.field(name).type
            if kind != first:
                raise DataError(
                    f"{part.path}: column {name!r} holds {kind}, in {self._parts[0].path.name} "
                    f"{first}; give it the same type in all parts"
                )
        return None

    def batches(self, size: int, columns: Columns, *, raw: bool = False) -> Iterator[Any]:
        """Batches of row groups, decoding only the wanted columns."""
        del raw  # their types say what they are
        for part in self._parts:
            with reading(part.path, self.kind):
                for groups in _enough(part.file.metadata, size):
                    yield from part.file.iter_batches(
                        batch_size=size, row_groups=groups, columns=columns.used
                    )

    def close(self) -> None:
        """Close the files."""
        for part in self._parts:
            part.file.close(force=True)


@attrs.frozen
class _Part:
    path: Path
    file: Any
    schema: Any
    names: tuple[str, ...]
    index: tuple[str, ...]


def is_parquet_folder(folder: Path) -> bool:
    """Return whether a folder holds parts of a table in Parquet."""
    return any(path.suffix.lower() == ".parquet" for path in _walk(folder))


def _walk(folder: Path) -> Iterator[Path]:
    """Files of a folder and its sub-folders in the order of their names, without hidden ones.

    Names that begin with ``_`` are hidden as well: what Spark and others write beside the parts.
    """
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "_")))
        for name in sorted(files):
            if not name.startswith((".", "_")):
                yield Path(place, name)


def _part_paths(folder: Path) -> list[Path]:
    for log in ("_delta_log", "metadata", ".hoodie"):
        if (folder / log).is_dir():
            raise DataError(
                f"{folder}: {log!r} says that not all parts belong to the table as it is now "
                "(Delta, Iceberg or Hudi); export it to plain Parquet"
            )
    files = list(_walk(folder))
    parts = [path for path in files if path.suffix.lower() == ".parquet" and path.stat().st_size]
    known = set(parts)
    others = [str(path.relative_to(folder)) for path in files if path not in known]
    if others:
        point_out(folder, f"files that are not used: {listed(others)}")
    keys = {name for path in parts for name in path.relative_to(folder).parts[:-1] if "=" in name}
    if keys:
        point_out(folder, f"values in names of folders are not used: {listed(sorted(keys))}")
    if not parts:
        raise DataError(f"{folder}: all its parts are empty; write it again")
    return parts


def _open_part(path: Path) -> _Part:
    import pyarrow.parquet as pq

    if path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty; write it again")
    with reading(path, ParquetSource.kind):
        file = pq.ParquetFile(arrow_file(path))
        if file.metadata.num_rows < 0:
            raise ValueError(f"it declares {file.metadata.num_rows} rows")
        schema = file.schema_arrow
        return _Part(path, file, schema, tuple(schema.names), index_columns(schema.pandas_metadata))


def _refuse_other_columns(part: _Part, first: _Part) -> None:
    if set(part.names) != set(first.names):
        other = sorted(set(part.names) ^ set(first.names))
        raise DataError(
            f"{part.path}: its columns are not those of {first.path.name}; they differ in "
            f"{listed(other)}; give all parts the same columns"
        )


def index_columns(metadata: Any) -> tuple[str, ...]:
    """Columns that are the index of a frame of pandas, by what it noted in the schema of Arrow."""
    if metadata is None:
        return ()
    columns = metadata.get("index_columns", []) if isinstance(metadata, Mapping) else None
    if not isinstance(columns, list):
        raise ValueError("its note of the columns of a pandas frame is not one")
    return tuple(name for name in columns if isinstance(name, str))


def number_type(schema: Any, name: str) -> np.dtype[np.generic] | None:
    """NumPy's type of a column of numbers, by the schema of Arrow; ``None`` for other columns."""
    from pyarrow import types

    kind = schema.field(name).type
    if not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)):
        return None
    found: np.dtype[np.generic] = np.dtype(kind.to_pandas_dtype())
    return found


def _enough(metadata: Any, size: int) -> Iterator[list[int]]:
    """Row groups that follow each other and hold so many rows: no more are kept in memory."""
    groups: list[int] = []
    rows = 0
    for group in range(metadata.num_row_groups):
        groups.append(group)
        rows += metadata.row_group(group).num_rows
        if rows >= size:
            yield groups
            groups, rows = [], 0
    if groups:
        yield groups
