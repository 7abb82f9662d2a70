"""Files that are being written, under hidden names, and those that killed processes left.

A lock that ends with its process says whether anybody is still at work on it. Where there are no
such locks (Windows, some network file systems), nothing is ever taken for abandoned.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["abandoned", "hidden_name", "in_use", "is_hidden", "remove", "unfinished"]

#: Characters of its name that a hidden one takes over, so that its own is not too long.
_SHORT = 80


def hidden_name(place: Path, suffix: str) -> Path:
    """A new name beside `place`: ``.NAME.MACHINE-RANDOM.SUFFIX``."""
    return place.with_name(f"{_start(place)}{secrets.token_hex(6)}.{suffix}")


def is_hidden(path: Path, place: Path) -> bool:
    """Return whether a path has a :func:`hidden_name` beside `place`, of whichever machine."""
    start = re.escape(f".{place.name[:_SHORT]}.")
    return re.fullmatch(rf"{start}[0-9a-f]{{6}}-[0-9a-f]{{12}}\.\w+", path.name) is not None


@contextmanager
def unfinished(place: Path, suffix: str, make: Callable[[Path], object]) -> Iterator[Path]:
    """Make a file or folder under a hidden name, which is in use until the block ends.

    Parameters
    ----------
    place : Path
        What it is to become.
    suffix : str
        Of the :func:`hidden_name`.
    make : callable
        Makes it, empty.

    Yields
    ------
    Path
        What is still under that name in the end is removed.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    while True:
        path = hidden_name(place, suffix)
        try:
            make(path)
            with in_use(path) as exists:
                if exists:
                    yield path
                    return
        finally:
            remove(path)


@contextmanager
def in_use(path: Path) -> Iterator[bool]:
    """Lock a file or folder for the time of the block.

    Yields
    ------
    bool
        Whether it is still there: somebody may have taken it for abandoned just before.
    """
    handle = _locked(path, wait=True)
    try:
        yield os.path.lexists(path) if handle is None else _is_at(handle, path)
    finally:
        if handle is not None:
            os.close(handle)


def abandoned(place: Path, suffix: str, *, of_any_name: bool = False) -> Iterator[Path]:
    """Find what killed processes left beside `place`.

    Parameters
    ----------
    place : Path
    suffix : str
        Of the :func:`hidden_name`.
    of_any_name : bool, default False
        Whether also what was to become something else in the same folder.

    Yields
    ------
    Path
        A file or folder that no living process uses, locked until the next one is asked for.
        What belongs to another user, or was made by another machine, is passed over: locks do
        not always reach from one to the other.
    """
    start = rf"\..+\.{_machine()}-" if of_any_name else re.escape(_start(place))
    name = re.compile(rf"{start}[0-9a-f]{{12}}\.{re.escape(suffix)}", re.DOTALL)
    try:
        with os.scandir(place.parent) as entries:
            found = [Path(entry.path) for entry in entries if name.fullmatch(entry.name)]
    except OSError:  # it may be written, but not listed
        return
    for path in found:
        handle = _locked(path, wait=False)
        if handle is None:
            continue
        try:
            if _is_at(handle, path) and _is_ours(os.fstat(handle)):
                yield path
        finally:
            os.close(handle)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all its content; what cannot be removed stays."""
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _start(place: Path) -> str:
    return f".{place.name[:_SHORT]}.{_machine()}-"


def _machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:6]


def _locked(path: Path, *, wait: bool) -> int | None:
    """A descriptor that holds the lock; ``None`` if there is none to be had."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(handle)
        return None
    return handle


def _is_at(handle: int, path: Path) -> bool:
    """Return whether a name still stands for what is open."""
    about = os.fstat(handle)
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return (about.st_dev, about.st_ino) == (found.st_dev, found.st_ino)


def _is_ours(about: os.stat_result) -> bool:
    kind = stat.S_IFMT(about.st_mode)
    return kind in (stat.S_IFDIR, stat.S_IFREG) and about.st_uid == os.geteuid()
