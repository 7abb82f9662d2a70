"""Rows of small Parquet files that hold records, as plain values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from n2d_framework.data.apart.limited import LimitedReader, Part, stored_bytes
from n2d_framework.errors import BundleError, DataError
from n2d_framework.storage import read_file

__all__ = ["MOST_COLUMNS", "recorded_rows"]

#: What a file of records may be: one that we write has 500 rows and some hundred columns.
_MOST_BYTES = 1 << 25
_MOST_ROWS = 100_000
MOST_COLUMNS = 1000
#: Characters of all texts in a file, unpacked.
_MOST_TEXT = 1 << 28
_ROWS_AT_ONCE = 16
#: Compressions that cannot make much out of little.
_COMPRESSIONS = ("SNAPPY", "UNCOMPRESSED")


def recorded_rows(path: Path, remedy: str) -> Iterator[dict[str, Any]]:
    """Read a file of records, in another process with limits.

    Parameters
    ----------
    path : Path
    remedy : str
        What to do if it is damaged, for the message.

    Yields
    ------
    dict
        A row: strings, integers and floats, without the values that are missing.

    Raises
    ------
    DataError
        If it cannot be read or is larger than such files are.
    OSError
        If it is not there.
    """
    with LimitedReader(path, stored_bytes(path), _Served, path, remedy, remedy=remedy) as reader:
        for rows, _ in reader.parts(size=0):
            yield from rows


class _Served:
    """A file of records, as the other process offers it."""

    def __init__(self, path: Path, remedy: str) -> None:
        self.path, self.remedy = path, remedy

    def about(self) -> None:
        return None

    def parts(self) -> Iterator[Part]:
        import pyarrow as pa

        try:
            for rows in _batches(self.path):
                yield rows, ()
        except (BundleError, OSError, ValueError, pa.ArrowException) as error:
            raise DataError(f"{self.path}: cannot be read ({error}); {self.remedy}") from error

    def close(self) -> None:
        """Nothing is open: the file was read whole."""


def _batches(path: Path) -> Iterator[list[dict[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    data = read_file(path, max_bytes=_MOST_BYTES)
    # Records of earlier versions have no checksums, and are read without.
    file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
    _check_layout(file.metadata, file.schema_arrow)
    size = 0
    for batch in file.iter_batches(_ROWS_AT_ONCE, use_threads=False):
        size += batch.nbytes
        if size > _MOST_TEXT:
            raise ValueError(f"its values take more than {_MOST_TEXT:,} bytes")
        yield [
            {name: value for name, value in row.items() if value is not None}
            for row in batch.to_pylist()
        ]


def _check_layout(metadata: Any, schema: Any) -> None:
    """Refuse what no comparison writes, before anything is unpacked."""
    from pyarrow import types

    if metadata.num_rows > _MOST_ROWS or metadata.num_columns > MOST_COLUMNS:
        raise ValueError(f"{metadata.num_rows} rows of {metadata.num_columns} columns")
    for group in range(metadata.num_row_groups):
        for column in range(metadata.num_columns):
            compression = metadata.row_group(group).column(column).compression
            if compression not in _COMPRESSIONS:
                raise ValueError(f"its compression {compression} is not used by comparisons")
    for field in schema:
        numbers = types.is_integer(field.type) or types.is_floating(field.type)
        if not (numbers or types.is_string(field.type) or types.is_null(field.type)):
            raise ValueError(f"column {field.name!r} has type {field.type}")
