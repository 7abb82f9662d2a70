"""Memory that the archive of a foreign object would take, known before it is unpacked."""

from __future__ import annotations

import io
import json
from typing import Any
from zipfile import BadZipFile, ZipFile

from n2d_framework.errors import StateError

__all__ = ["check_archive"]

#: What objects may take: so many times the bytes of the archive, for arrays that several objects
#: share and compressed sparse matrices, and so many bytes besides.
_TIMES, _BYTES = 16, 1 << 26
_ZIP = b"PK"


def check_archive(data: bytes) -> None:
    """Refuse an archive of skops that takes far more memory than it has bytes.

    Parameters
    ----------
    data : bytes

    Raises
    ------
    StateError
        If its files are compressed beyond reason, or objects name them too often.
    """
    most = _TIMES * len(data) + _BYTES
    with ZipFile(io.BytesIO(data)) as archive:
        _require(sum(item.file_size for item in archive.infolist()), most)
        named = _named_files(json.loads(archive.read("schema.json")))
        sizes = {name: _unpacked(archive.read(name)) for name in set(named)}
    _require(sum(sizes[name] for name in named), most)


def _require(size: int, most: int) -> None:
    if size > most:
        raise StateError(f"it would take {size:,} bytes of memory, more than {most:,}")


def _unpacked(data: bytes) -> int:
    """Bytes of a file, and of those in it if it is an archive itself."""
    if not data.startswith(_ZIP):
        return len(data)
    try:
        with ZipFile(io.BytesIO(data)) as archive:
            return len(data) + sum(item.file_size for item in archive.infolist())
    except BadZipFile:
        return len(data)


def _named_files(schema: Any) -> list[str]:
    """Names of files in the archive, once for each object that is read from one."""
    found, waiting = [], [schema]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if isinstance(item.get("file"), str):
                found.append(item["file"])
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
    return found
