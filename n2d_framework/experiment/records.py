"""Records of cells: appended as small Parquet files, never changed."""

from __future__ import annotations

import io
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from n2d_framework.errors import DataError, OutputError
from n2d_framework.storage import write_atomic

__all__ = ["RecordLog", "read_records"]

_EVERY = 2.0
_MOST = 500


class RecordLog:
    """Appends records to a folder, a few seconds' worth at a time.

    Parameters
    ----------
    folder : Path
        Made when the first record is written. Several processes may append at once.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: list[dict[str, Any]] = []
        self._written = time.monotonic()

    def append(self, record: dict[str, Any]) -> None:
        """Add a record; it is written now or a little later.

        Raises
        ------
        OutputError
            If the folder cannot be written.
        """
        self._waiting.append(record)
        if len(self._waiting) >= _MOST or time.monotonic() - self._written > _EVERY:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting."""
        if self._waiting:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OutputError(
                    f"cannot write {self._folder}: {error.strerror}; choose another folder"
                ) from error
            name = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.parquet"
            write_atomic(self._folder / name, _encode(self._waiting))
            self._waiting = []
        self._written = time.monotonic()


def _encode(records: Iterable[dict[str, Any]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = list(records)
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: [row.get(name) for row in rows] for name in names}
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target)
    return target.getvalue()


def read_records(folder: Path) -> dict[str, dict[str, Any]]:
    """The latest record of each cell; one that is done wins over one that is not.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    dict of cell to record

    Raises
    ------
    DataError
        If a file cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*.parquet")):
        try:
            rows = pq.read_table(path).to_pylist()
        except (OSError, pa.ArrowException) as error:
            raise DataError(
                f"{path}: cannot be read ({error}); remove this file: its cells are then scored "
                "again from the stage store"
            ) from error
        for row in rows:
            before = found.get(row["cell"])
            if before is None or before["status"] != "done" or row["status"] == "done":
                found[row["cell"]] = {key: value for key, value in row.items() if value is not None}
    return found
