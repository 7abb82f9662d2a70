"""Files that are written, changed or removed, the network, and hooks, from audit events."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

import attrs

from n2d_framework.testing.heavy import heavy_loaded

__all__ = ["Audited", "for_a_cache"]

#: Whoever these modules write for is Python or a compiler's cache, not the component.
_CACHES = {"importlib._bootstrap", "importlib._bootstrap_external", "numba.core.caching"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
#: Events of what a file suffers, to what is said of it.
_SUFFERED = {
    "os.remove": "removed", "os.rmdir": "removed", "shutil.rmtree": "removed",
    "os.rename": "renamed", "os.truncate": "truncated", "os.chmod": "other permissions",
    "os.chown": "another owner", "os.utime": "another time",
}  # fmt: skip
#: File systems count time in steps.
_STEP = 50_000_000


@attrs.define
class Audited:
    """Events since :meth:`listen`, until :meth:`stop`.

    Attributes
    ----------
    written, folders : set of str
        Paths.
    suffered : mapping of str to str
        Paths of files and folders that were there before and not written meanwhile, and what was
        done to them.
    variables : mapping of str to int
        Environment variables that were set, and how many heavy libraries there were then.
    network : list of str
    hooks : int
        Audit hooks that were added.
    """

    network: list[str]
    written: set[str] = attrs.field(factory=set)
    folders: set[str] = attrs.field(factory=set)
    suffered: dict[str, str] = attrs.field(factory=dict)
    variables: dict[str, int] = attrs.field(factory=dict)
    hooks: int = 0
    _active: bool = False
    _since: int = 0
    _here: Path = attrs.field(factory=Path)
    _before: frozenset[str] = frozenset()

    def listen(self) -> None:
        """Begin, by an audit hook: it cannot be taken away again."""
        sys.addaudithook(self._hear)
        self._here = Path.cwd()
        self._before = frozenset(map(str, self._here.iterdir()))
        self._active, self._since = True, time.time_ns() - _STEP

    def stop(self) -> None:
        """End, and note what libraries of other languages and processes wrote into the folder."""
        if self._active:
            self._active = False
            self.written |= set(map(str, self._here.iterdir())) - self._before - self.folders

    def files(self, *, with_folders: bool) -> list[str]:
        """Files, and folders, that are there still, and what those of others suffered."""
        found = sorted(path for path in self.written if Path(path).is_file())
        if with_folders:
            found += sorted(path for path in self.folders if Path(path).is_dir())
        return found + sorted(f"{path} ({what})" for path, what in self.suffered.items())

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if not self._active:
            return
        if event == "open" and isinstance(args[0], (str, bytes, os.PathLike)):
            if _is_writing(args[1], args[2]) and not for_a_cache():
                self.written.add(_absolute(args[0]))
        elif event == "os.mkdir" and not for_a_cache():
            self.folders.add(_absolute(args[0]))
        elif event == "sqlite3.connect" and not str(args[0]).startswith(("file:", ":")):
            self.written.add(_absolute(args[0]))
        elif event == "os.putenv":
            self.variables.setdefault(os.fsdecode(args[0]), len(heavy_loaded()))
        elif event == "sys.addaudithook":
            self.hooks += 1
        elif event == "socket.getaddrinfo":
            self.network.append(f"looked up {args[0]}")
        elif event in _ADDRESSED and isinstance(args[1], tuple):
            self.network.append(f"{_ADDRESSED[event]} {args[1][0]}")
        if event in _SUFFERED:
            self._suffer(event, args)
        if event in ("os.rename", "os.symlink", "os.link") and not for_a_cache():
            self.written.add(_absolute(args[1]))
            self.folders.add(_absolute(args[1]))

    def _suffer(self, event: str, args: tuple[Any, ...]) -> None:
        """Note a file that was there before, which its last change of any kind shows."""
        if not isinstance(args[0], (str, bytes, os.PathLike)):
            return
        path = _absolute(args[0])
        if path in self.written or path in self.folders or for_a_cache():
            return
        try:
            old = os.lstat(path).st_ctime_ns < self._since
        except OSError:  # relative to a folder that is open, or not there
            return
        if old:
            self.suffered[path] = _SUFFERED[event]


#: Events of the network whose second argument is an address, to what is said of it.
_ADDRESSED = {
    "socket.connect": "connected to", "socket.sendto": "sent to", "socket.sendmsg": "sent to",
}  # fmt: skip


def _absolute(path: Any) -> str:
    return os.path.abspath(os.fsdecode(path))  # noqa: PTH100  # quick


def _is_writing(mode: Any, flags: Any) -> bool:
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return bool(isinstance(flags, int) and flags & _WRITING)


def for_a_cache() -> bool:
    """True if Python imports, or a compiler fills its cache, among the callers."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # the one way to the callers
    while frame is not None:
        if frame.f_globals.get("__name__") in _CACHES:
            return True
        frame = frame.f_back
    return False
