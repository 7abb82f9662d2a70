"""Files, read whole within a limit and written all or nothing."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal

from n2d_framework.errors import BundleError, N2DError, OutputError
from n2d_framework.storage.header import ALTERED, HEADER_SIZE, check_length, check_start
from n2d_framework.storage.limits import DEFAULT_MAX_BYTES, MiB
from n2d_framework.storage.permissions import hand_on
from n2d_framework.storage.unfinished import abandoned, remove, unfinished

__all__ = ["check_target", "read_file", "read_image", "replacing", "write_atomic"]

#: From this size on a digest is checked before the content is kept.
_STREAMED = 64 * MiB

#: Opening a pipe must not wait for somebody to write.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

#: What file systems answer that cannot flush a folder.
_NO_FOLDER_SYNC = frozenset((errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES))


def read_file(path: str | os.PathLike[str], *, max_bytes: int = DEFAULT_MAX_BYTES) -> bytes:
    """Read a file whole; nothing of it is opened, locked or mapped any longer.

    No lock is asked for and none is waited for: what other processes hold does not matter. If
    another one replaces the file meanwhile (:func:`write_atomic`), the old or the new one is
    read.

    Parameters
    ----------
    path : path-like
        A regular file.
    max_bytes : int
        Largest size.

    Returns
    -------
    bytes

    Raises
    ------
    BundleError
        If it is missing, no regular file, unreadable or too large.
    """
    with _reading(path) as (file, size):
        return _whole(file, size, max_bytes, path)


def read_image(
    path: str | os.PathLike[str],
    *,
    kind: str | None = "bundle",
    max_bytes: int = DEFAULT_MAX_BYTES,
) -> bytes:
    """Read a bundle, or a file of that format, whole; as :func:`read_file` otherwise.

    What the first 512 bytes say is checked before more is read, and the digest of a large file
    before any of it is kept: a file that only looks large takes no memory.

    Parameters
    ----------
    path : path-like
        A regular file.
    kind : str or None, default "bundle"
        What it must be for; ``None`` accepts any.
    max_bytes : int
        Largest size.

    Returns
    -------
    bytes

    Raises
    ------
    BundleError
        If it cannot be read, is another file, too large, truncated or altered.
    """
    with _reading(path) as (file, size):
        found = check_start(file.read(HEADER_SIZE), kind)
        check_length(found, size)
        if _STREAMED < size <= max_bytes:
            digest = hashlib.sha256()
            while block := file.read(1 << 20):
                digest.update(block)
            if digest.hexdigest() != found.digest:
                raise BundleError(ALTERED)
        file.seek(0)
        return _whole(file, size, max_bytes, path)


@contextmanager
def _reading(path: str | os.PathLike[str]) -> Iterator[tuple[BinaryIO, int]]:
    """A regular file, open, and its size."""
    try:
        with os.fdopen(os.open(path, _READ), "rb") as file:
            # Of what is open, not of what has the name by now.
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                what = "a folder" if stat.S_ISDIR(found.st_mode) else "not a regular file"
                raise BundleError(f"cannot read {path}: it is {what}")
            yield file, found.st_size
    except IsADirectoryError as error:
        raise BundleError(f"cannot read {path}: it is a folder") from error
    except FileNotFoundError as error:
        raise BundleError(f"cannot read {path}: there is no such file") from error
    except (OSError, ValueError) as error:
        if isinstance(error, BundleError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise BundleError(f"cannot read {path}: {reason}") from error


def _whole(file: BinaryIO, size: int, max_bytes: int, path: str | os.PathLike[str]) -> bytes:
    # As many bytes as are asked for are allocated at once.
    data = file.read(min(size, max_bytes) + 1)
    if len(data) > max_bytes:
        raise BundleError(f"cannot read {path}: larger than {max_bytes} bytes; raise max_bytes")
    return data


def write_atomic(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file so that its name always stands for a whole file: the old or the new one.

    Permissions, symbolic links and errors are those of :func:`replacing`.

    Parameters
    ----------
    path : path-like
        The file; its directory must exist.
    data : bytes

    Raises
    ------
    OutputError
        If it cannot be written. What was there before is unchanged.
    """
    with replacing(path) as temporary, _opened(temporary, os.O_WRONLY, "wb") as file:
        file.write(data)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary file that takes the place of `path` when the block ends without error.

    It is flushed to the disk and renamed in one step. A process that is killed may leave it
    (``.NAME.*.tmp``), never a damaged file under the name; the next one that writes the same file
    removes it.

    - A new file gets the permissions that the umask and the directory give to any new file.
    - A file that is replaced hands on its group, its access control list and its permissions;
      to root also its owner. Until the new file is complete, only the process's own user can
      read it. What cannot be handed on is withheld: without the group, the group gets
      no more than everybody, without the list, it and everybody get nothing. Setuid, setgid and
      sticky bits are not handed on.
    - A symbolic link stays, and what it points to is replaced, in the directory where that is.
    - A file that is write-protected, a directory, or anything but a regular file is refused.

    Parameters
    ----------
    path : path-like
        The file; its directory must exist.

    Yields
    ------
    Path
        An empty file in the same directory, to be written by its name.

    Raises
    ------
    OutputError
        If it cannot be written. What was there before is unchanged.
    """
    place = Path(os.path.realpath(path))
    try:
        old = _replaced(place)
        for left in abandoned(place, "tmp"):
            remove(left)
        make = partial(_make, permissions=0o666 if old is None else 0o600)
        with unfinished(place, "tmp", make) as temporary:
            yield temporary
            with _opened(temporary, os.O_RDWR, "rb") as file:
                os.fsync(file.fileno())
            if old is not None:
                hand_on(place, old, temporary)
            temporary.replace(place)
        _sync_folder(place.parent)
    except OSError as error:
        if isinstance(error, N2DError):
            raise
        raise OutputError(
            f"cannot write {place}: {error.strerror or error}; what was there before is unchanged"
        ) from error


def _make(path: Path, permissions: int) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, permissions))


def check_target(path: str | os.PathLike[str]) -> None:
    """Refuse a file that could not be written, before the work whose result it is to hold.

    Parameters
    ----------
    path : path-like

    Raises
    ------
    OutputError
        If it is a directory, write-protected or not a regular file, or if its directory is
        missing or may not be written.
    """
    place = Path(os.path.realpath(path))
    try:
        _replaced(place)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"cannot write {place}: {error.strerror or error}") from error
    if not place.parent.is_dir():
        raise OutputError(f"cannot write {place}: there is no folder {place.parent}; make it first")
    if not os.access(place.parent, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write {place}: its folder may not be written")


def _replaced(place: Path) -> os.stat_result | None:
    """About the file to be replaced; ``None`` if there is none."""
    try:
        about = place.stat()
    except FileNotFoundError:
        return None
    mode = about.st_mode
    if stat.S_ISDIR(mode):
        raise OutputError(f"cannot write {place}: it is a folder; give the name of a file")
    if not stat.S_ISREG(mode):
        raise OutputError(f"cannot write {place}: it is not a regular file")
    if not mode & 0o222 or not os.access(place, os.W_OK):
        raise OutputError(f"cannot write {place}: it is write-protected and stays as it is")
    return about


def _opened(path: Path, flags: int, mode: Literal["rb", "wb"]) -> BinaryIO:
    return os.fdopen(os.open(path, flags | getattr(os, "O_BINARY", 0)), mode)


def _sync_folder(folder: Path) -> None:
    """Make the new name survive a power failure, where the system can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(handle)
