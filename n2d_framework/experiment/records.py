"""Records of cells: appended as small Parquet files, never changed."""

from __future__ import annotations

import io
import json
import math
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from n2d_framework.core.scores import COSTS, TEXTS
from n2d_framework.data.apart import MOST_COLUMNS, recorded_rows
from n2d_framework.errors import DataError, OutputError
from n2d_framework.storage import write_atomic
from n2d_framework.storage.unfinished import abandoned, remove

__all__ = ["RecordLog", "read_records"]

_EVERY = 2.0
_MOST = 500
_STATUSES = ("done", "failed", "lost")
_REMEDY = "remove this file: its cells are then scored again from the stage store"


class RecordLog:
    """Appends records to a folder, a few seconds' worth at a time.

    Parameters
    ----------
    folder : Path
        Made when the first record is written. Several processes may append at once; what killed
        ones left unfinished is removed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for left in abandoned(folder / "any.parquet", "tmp", of_any_name=True):
            remove(left)
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
    pq.write_table(pa.table(columns), target, write_page_checksum=True)
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
        If a file cannot be read, or holds what is not a record.
    """
    found: dict[str, dict[str, Any]] = {}
    names: set[str] = set()
    for path in sorted(folder.glob("*.parquet")):
        try:
            for row in recorded_rows(path, _REMEDY):
                _check_record(row)
                names.update(row)
                if len(names) > MOST_COLUMNS:
                    raise ValueError(f"more than {MOST_COLUMNS} names of values")
                before = found.get(row["cell"])
                if before is None or before["status"] != "done" or row["status"] == "done":
                    found[row["cell"]] = row
        except DataError:
            raise
        except (OSError, ValueError, KeyError, RecursionError) as error:
            what = f"{error} is missing" if type(error) is KeyError else error
            raise DataError(f"{path}: cannot be read ({what}); {_REMEDY}") from error
    return found


def _check_record(row: dict[str, Any]) -> None:
    texts = {"cell", "status", *TEXTS}
    for name, value in row.items():
        if isinstance(value, str) is not (name in texts):
            raise ValueError(f"{name!r} is {value!r:.60}")
    for name in COSTS:
        if math.isinf(row.get(name, 0.0)):
            raise ValueError(f"{name!r} is infinite")
    if row["status"] not in _STATUSES:
        raise ValueError(f"the status of cell {row['cell']!r:.60} is {row['status']!r:.60}")
    if "versions" in row and not isinstance(json.loads(row["versions"]), dict):
        raise ValueError(f"'versions' is {row['versions']!r:.60}")
