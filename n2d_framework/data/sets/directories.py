"""Where the files of datasets are, as the environment says."""

from __future__ import annotations

import os
from pathlib import Path

from n2d_framework.errors import DataError

__all__ = ["cache_folder", "data_folder", "is_offline"]

_YES = ("1", "true", "yes", "on")
_NO = ("", "0", "false", "no", "off")


def data_folder() -> Path | None:
    """The user's own folder of data: ``$N2D_DATA``, if set.

    Raises
    ------
    DataError
        If it is set but is not a directory.
    """
    chosen = os.environ.get("N2D_DATA", "")
    if not chosen:
        return None
    folder = Path(chosen).expanduser()
    if not folder.is_dir():
        raise DataError(f"N2D_DATA={chosen!r} is not a directory; correct it or unset it")
    return folder


def cache_folder() -> Path:
    """Where downloads are kept: ``$N2D_CACHE``, or the user's cache folder."""
    import platformdirs

    chosen = os.environ.get("N2D_CACHE", "")
    if chosen:
        return Path(chosen).expanduser()
    return platformdirs.user_cache_path("n2d_framework") / "datasets"


def is_offline() -> bool:
    """Return whether ``$N2D_OFFLINE`` forbids downloads.

    Raises
    ------
    DataError
        If it is neither a yes (1, true, yes, on) nor a no (empty, 0, false, no, off).
    """
    chosen = os.environ.get("N2D_OFFLINE", "").strip().lower()
    if chosen not in _YES + _NO:
        raise DataError(f"N2D_OFFLINE={chosen!r} is neither yes nor no; write 1 or 0")
    return chosen in _YES
