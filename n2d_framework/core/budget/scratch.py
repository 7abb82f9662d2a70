"""Arrays of all rows in files, for fits of more rows than memory holds."""

from __future__ import annotations

import errno
import math
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from n2d_framework.errors import OutputError
from n2d_framework.types import AnyArray

__all__ = ["Scratch", "is_mapped", "scratch_folder"]

#: Rows that are worked on at once, however narrow.
_MOST_ROWS = 1 << 16


def scratch_folder() -> Path:
    """The folder for temporary files: that of the environment variable ``TMPDIR``."""
    return Path(tempfile.gettempdir())


def is_mapped(x: Any) -> bool:
    """Return whether an array is a part of a file, whose pages are read when they are used."""
    while isinstance(x, np.ndarray):
        if isinstance(x, np.memmap):
            return True
        x = x.base
    return False


@attrs.frozen
class Scratch:
    """Makes arrays in files that have no name and go with the last use of the array.

    Their pages are written and read by the operating system, as memory allows; a process that is
    killed leaves nothing behind.

    Attributes
    ----------
    block_bytes : int
        Bytes of rows that are worked on at once.
    folder : Path
        Where the files are, on a disk.
    """

    block_bytes: int = 1 << 24
    folder: Path = attrs.field(factory=scratch_folder)

    def empty(self, shape: tuple[int, ...], dtype: Any) -> AnyArray:
        """A new array in a file of its own.

        Parameters
        ----------
        shape : tuple of int
        dtype : data type

        Raises
        ------
        OutputError
            If the disk has not enough room, which is taken at once.
        """
        kind = np.dtype(dtype)
        size = max(1, math.prod(shape) * kind.itemsize)
        try:
            with tempfile.TemporaryFile(dir=self.folder) as file:
                _reserve(file.fileno(), size)
                found = np.memmap(file, dtype=kind, mode="r+", shape=shape)
        except OSError as error:
            raise OutputError(
                f"{self.folder}: {size} bytes for rows that do not fit into memory cannot be "
                f"written there ({error.strerror}); free some space, or set TMPDIR to a folder of "
                "another disk"
            ) from error
        return np.asarray(found)

    def block_rows(self, row_bytes: int) -> int:
        """Number of rows that are worked on at once.

        Parameters
        ----------
        row_bytes : int
            Bytes of a row.
        """
        return max(64, min(_MOST_ROWS, self.block_bytes // max(row_bytes, 1)) // 64 * 64)

    def slices(self, x: AnyArray) -> Iterator[slice]:
        """Slices of an array's rows, from the first on.

        Parameters
        ----------
        x : array of shape (n, ...)
        """
        size = self.block_rows(8 * math.prod(x.shape[1:]))
        for start in range(0, len(x), size):
            yield slice(start, min(start + size, len(x)))


def _reserve(descriptor: int, size: int) -> None:
    """Give a file its size, with room on the disk for all of it: a later write cannot fail."""
    if not hasattr(os, "posix_fallocate"):  # macOS, Windows
        os.ftruncate(descriptor, size)
        return
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise
        os.ftruncate(descriptor, size)  # a file system that cannot reserve
