"""Names, sizes and times of files of data: they show changes while the data are read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["data_identity"]


def data_identity(reference: Any) -> dict[str, Any]:
    """Names, sizes and times of the files of data, by which it is seen that they have changed."""
    place = Path(str(reference["path"] if isinstance(reference, Mapping) else reference))
    files = (
        sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else [place]
    )
    found = [(str(path), path.stat()) for path in files if path.exists()]
    return {
        "what": repr(reference),
        "files": [[name, about.st_size, about.st_mtime_ns] for name, about in found],
    }
