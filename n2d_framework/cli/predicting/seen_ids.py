"""Ids that came before, counted in memory that does not grow with the rows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from contextlib import suppress
from typing import IO, Any

import numpy as np

__all__ = ["SeenIds"]

#: Ids in memory, eight bytes each; and files into which more of them go, by their lowest bits.
_HELD, _FILES = 1 << 20, 64


class SeenIds:
    """Counts ids that are repeated.

    Eight bytes of each id are enough to see that it comes again. A million of them are held; more
    go to temporary files that have no name, of which one at a time is read at the end: 10⁹ rows
    take 8 GB of disk and 125 MB of memory.

    Attributes
    ----------
    without : int
        Rows that have no id.
    no_room : bool
        Whether ids were given up, since the folder for temporary files has no room for them.
    """

    def __init__(self) -> None:
        self.without, self.no_room = 0, False
        self._held: list[Any] = []
        self._number = 0
        self._files: list[IO[bytes]] = []

    def add(self, ids: Iterable[Any]) -> None:
        """Count the ids of some rows.

        Parameters
        ----------
        ids : iterable
            Empty where a row has none.
        """
        given = list(ids)
        known = np.array([hash(key) for key in given if key], dtype=np.int64)
        self.without += len(given) - len(known)
        if self.no_room:
            return
        self._held.append(known)
        self._number += len(known)
        if self._number > _HELD:
            self._write()

    def repeated(self) -> int:
        """Number of rows with an id that came before."""
        if self._files and self._held:
            self._write()
        if not self._files:
            return _again(np.concatenate([np.empty(0, dtype=np.int64), *self._held]))
        found = 0
        for file in self._files:
            file.seek(0)
            found += _again(np.frombuffer(file.read(), dtype=np.int64))
        return found

    def close(self) -> None:
        """Give the files back."""
        for file in self._files:
            with suppress(OSError):  # of what was not written yet
                file.close()
        self._files, self._held, self._number = [], [], 0

    def _write(self) -> None:
        keys = np.concatenate(self._held)
        self._held, self._number = [], 0
        place = keys & (_FILES - 1)
        keys = keys[np.argsort(place, kind="stable")]
        ends = np.cumsum(np.bincount(place, minlength=_FILES))
        try:
            for _ in range(_FILES - len(self._files)):
                self._files.append(tempfile.TemporaryFile(prefix="n2d-ids-"))  # noqa: SIM115
            for file, part in zip(self._files, np.split(keys, ends[:-1]), strict=True):
                file.write(part.tobytes())
                file.flush()
        except OSError:
            # Labels do not depend on it; that it was given up is said at their end.
            self.close()
            self.no_room = True


def _again(keys: Any) -> int:
    return len(keys) - len(np.unique(keys))
