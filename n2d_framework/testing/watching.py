"""Sees what code does to the process around it: prints, seeds, log handlers, files, network.

Used in a process of its own: an audit hook cannot be taken away again.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import random
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import attrs
import numpy as np

__all__ = ["Effects", "watched"]

#: Whoever these modules write for is Python or a compiler's cache, not the component.
_CACHES = {"importlib._bootstrap", "importlib._bootstrap_external", "numba.core.caching"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@attrs.define
class Effects:
    """What was seen; every list is empty if nothing was done.

    Attributes
    ----------
    printed, seeds, handlers, files, network : list of str
    """

    printed: list[str] = attrs.field(factory=list)
    seeds: list[str] = attrs.field(factory=list)
    handlers: list[str] = attrs.field(factory=list)
    files: list[str] = attrs.field(factory=list)
    network: list[str] = attrs.field(factory=list)


@contextlib.contextmanager
def watched() -> Iterator[Effects]:
    """Watch everything this process does until the end of the block."""
    effects = Effects()
    written: set[str] = set()
    active = [True]
    # Without it, Python itself prints log messages that nobody handles.
    logging.getLogger().addHandler(logging.NullHandler())
    sys.addaudithook(_listener(active, written, effects.network))
    handlers, seeds = _handlers(), _seeds()
    with warnings.catch_warnings(), _captured(effects.printed):
        warnings.simplefilter("ignore")
        yield effects
    active.clear()
    effects.handlers += sorted(_handlers() - handlers)
    effects.seeds += [name for name, state in _seeds().items() if state != seeds[name]]
    effects.files += sorted(path for path in written if Path(path).is_file())


def _listener(active: list[bool], written: set[str], network: list[str]) -> Any:
    def hear(event: str, args: tuple[Any, ...]) -> None:
        if not active:
            return
        if event == "open" and isinstance(args[0], (str, bytes, os.PathLike)):
            if _is_writing(args[1], args[2]) and not _for_a_cache():
                written.add(os.path.abspath(os.fsdecode(args[0])))  # noqa: PTH100  # quick
        elif event == "os.rename" and not _for_a_cache():
            written.add(os.path.abspath(os.fsdecode(args[1])))  # noqa: PTH100
        elif event == "socket.getaddrinfo":
            network.append(f"looked up {args[0]}")
        elif event == "socket.connect" and isinstance(args[1], tuple):
            network.append(f"connected to {args[1][0]}")

    return hear


def _is_writing(mode: Any, flags: Any) -> bool:
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return bool(isinstance(flags, int) and flags & _WRITING)


def _for_a_cache() -> bool:
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001  # the one way to the callers
    while frame is not None:
        if frame.f_globals.get("__name__") in _CACHES:
            return True
        frame = frame.f_back
    return False


def _handlers() -> set[str]:
    """Handlers of the root logger: those of everybody."""
    return {f"{handler!r} on the root logger" for handler in logging.getLogger().handlers}


def _seeds() -> dict[str, str]:
    kind, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002  # it is what is watched
    return {
        "random": repr(random.getstate()),
        "numpy.random": repr((kind, np.asarray(keys).tobytes(), rest)),
    }


@contextlib.contextmanager
def _captured(printed: list[str]) -> Iterator[None]:
    """Catch what is printed: by Python to both streams, by anything to standard output."""
    sys.stdout.flush()
    with tempfile.TemporaryFile() as native:
        kept = os.dup(1)
        os.dup2(native.fileno(), 1)
        text = _Shared()
        try:
            with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
                yield
        finally:
            os.dup2(kept, 1)
            os.close(kept)
            native.seek(0)
            said = native.read().decode(errors="replace") + text.getvalue()
            if said.strip():
                printed.append(said.strip()[:200])


class _Shared(io.StringIO):
    """Text that several threads may write."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def write(self, text: str) -> int:
        with self._lock:
            return super().write(text)
