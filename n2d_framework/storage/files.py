"""Files, read whole within a limit and written all or nothing."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from pathlib import Path

from n2d_framework.errors import BundleError, OutputError
from n2d_framework.storage.limits import DEFAULT_MAX_BYTES

__all__ = ["read_file", "write_atomic"]

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
    place = Path(path)
    try:
        with os.fdopen(os.open(place, _READ), "rb") as file:
            # Of what is open, not of what has the name by now.
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise BundleError(f"cannot read {place}: it is not a regular file")
            # As many bytes as are asked for are allocated at once.
            data = file.read(min(found.st_size, max_bytes) + 1)
    except IsADirectoryError as error:
        raise BundleError(f"cannot read {place}: it is a folder") from error
    except FileNotFoundError as error:
        raise BundleError(f"cannot read {place}: there is no such file") from error
    except (OSError, ValueError) as error:
        if isinstance(error, BundleError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise BundleError(f"cannot read {place}: {reason}") from error
    if len(data) > max_bytes:
        raise BundleError(f"cannot read {place}: larger than {max_bytes} bytes; raise max_bytes")
    return data


def write_atomic(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file so that its name always stands for a whole file: the old or the new one.

    The data go to a temporary name in the same folder, are flushed to the disk, and take the
    name in one step. A process that is killed may leave the temporary file
    (``.NAME.*.tmp``), never a damaged one under the name. A symbolic link stays, and what it
    points to is replaced.

    Parameters
    ----------
    path : path-like
        The file; its folder must exist.
    data : bytes

    Raises
    ------
    OutputError
        If it cannot be written. What was there before is unchanged.
    """
    place = Path(os.path.realpath(path))
    temporary = place.with_name(f".{place.name[:80]}.{secrets.token_hex(6)}.tmp")
    try:
        mode = _old_mode(place)
        try:
            _write(temporary, data, mode)
            temporary.replace(place)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(place.parent)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(
            f"cannot write {place}: {error.strerror or error}; what was there before is unchanged"
        ) from error


def _old_mode(place: Path) -> int | None:
    """Permissions of the file to be replaced; ``None`` if there is none."""
    try:
        mode = place.stat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise OutputError(f"cannot write {place}: it is a folder; give the name of a file")
    if not stat.S_ISREG(mode):
        raise OutputError(f"cannot write {place}: it is not a regular file")
    if not mode & 0o222 or not os.access(place, os.W_OK):
        raise OutputError(f"cannot write {place}: it is write-protected and stays as it is")
    return stat.S_IMODE(mode)


def _write(temporary: Path, data: bytes, mode: int | None) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(temporary, flags, 0o666), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    if mode is not None:
        temporary.chmod(mode)


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
