"""The process that reads files within limits, started by `n2d_framework.data.apart.limited`."""

from __future__ import annotations

import contextlib
import importlib
import json
import math
import os
import pickle
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import IO, Any

import numpy as np

from n2d_framework.core.rows.frames import NotDenseError
from n2d_framework.data.apart.limited import Part, Served
from n2d_framework.errors import DataError, DataWarning

__all__ = ["main"]

#: How long it waits for another file before it ends.
_IDLE = 10.0


class _Limits:
    """Memory and processor time of this process, where the system limits them."""

    def __init__(self) -> None:
        self.module: ModuleType | None = None
        with contextlib.suppress(ImportError):
            self.module = importlib.import_module("resource")
            self._set("RLIMIT_CORE", 0)
        self.used = _used_memory()
        self.spent = time.process_time()
        self.memory = 0

    def allow(self, memory: int, seconds: float) -> None:
        """Allow more time than so far, and so much memory more than so far if that is more."""
        self.spent += seconds
        self._set("RLIMIT_CPU", math.ceil(self.spent))
        if self.used:
            self._set("RLIMIT_AS", self.used + self.memory + memory)

    def begin(self, memory: int, seconds: float) -> None:
        """Begin with a file."""
        self.used, self.spent, self.memory = _used_memory(), time.process_time(), memory
        self.allow(0, seconds)

    def _set(self, name: str, value: int) -> None:
        if self.module is None:
            return
        kind, most = getattr(self.module, name), self.module.RLIM_INFINITY
        hard = self.module.getrlimit(kind)[1]
        wanted = value if hard == most else min(value, hard)
        with contextlib.suppress(ValueError, OSError):  # one that this system does not have
            self.module.setrlimit(kind, (wanted, hard))


def _used_memory() -> int:
    """Bytes of address space; 0 where it is not known."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGESIZE")


class _Server:
    """An object at a time, and what is asked of it."""

    def __init__(self) -> None:
        self.limits = _Limits()
        self.held: Served | None = None
        self.started: dict[int, Iterator[Part]] = {}

    def open(self, work: Any, limits: tuple[int, float]) -> Part:
        make, arguments, folder, filters = work
        if folder is not None:
            os.chdir(folder)
        for name in filters:
            importlib.import_module(name)
        self.limits.begin(*limits)
        self.held = make(*arguments)
        return self.held.about(), ()

    def start(self, work: Any, limits: tuple[int, float]) -> Part:
        del limits
        assert self.held is not None
        self.started[work[0]] = self.held.parts(*work[1])
        return None, ()

    def next(self, key: int, limits: tuple[int, float]) -> Part | None:
        self.limits.allow(*limits)
        return next(self.started[key], None)

    def close(self, work: Any, limits: tuple[int, float]) -> None:
        del work, limits
        for iterator in self.started.values():
            iterator.close()  # type: ignore[attr-defined]  # they are generators
        self.started.clear()
        if self.held is not None:
            self.held.close()
        self.held = None


def _answer(call: Callable[[], Part | None]) -> tuple[str, Any, Any, list[str]]:
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("ignore")  # what libraries remark to those who call them
        warnings.simplefilter("always", DataWarning)
        kind, value, arrays = "value", None, ()  # type: str, Any, Any
        try:
            found = call()
            if found is None:
                kind = "end"
            else:
                value, arrays = found
        except NotDenseError as error:
            kind, value = "not dense", str(error)
        except DataError as error:
            kind, value = "refused", str(error)
        except MemoryError:
            kind = "memory"
        except Exception:  # noqa: BLE001  # raised by the parent
            kind, value = "failed", traceback.format_exc()
    return kind, value, arrays, [str(note.message) for note in noted]


def _send(out: IO[bytes], answer: tuple[str, Any, Any, list[str]]) -> None:
    kind, value, arrays, noted = answer
    flat = [np.ascontiguousarray(array) for array in arrays]
    about = [(array.dtype.str, array.shape) for array in flat]
    text = json.dumps((kind, value, about, noted)).encode("ascii")
    out.write(len(text).to_bytes(8, "little") + text)
    for array in flat:
        if array.nbytes:
            out.write(array.reshape(-1).view(np.uint8).data)
    out.flush()


def _wait(server: _Server, stream: IO[bytes]) -> bool:
    """Wait for a request; false if none comes."""
    if server.held is None and os.name == "posix":
        import select

        return bool(select.select([stream], [], [], _IDLE)[0])
    return True


def main() -> None:
    """Answer requests until no one asks any more."""
    # What a library prints must not come between the answers.
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # Unbuffered, since select does not see what is in a buffer.
    stream = os.fdopen(sys.stdin.fileno(), "rb", buffering=0)
    server = _Server()
    while _wait(server, stream):
        head = _exactly(stream, 8)
        request = _exactly(stream, int.from_bytes(head, "little"))
        if not request:
            break
        what, value, limits = pickle.loads(request)  # noqa: S301  # from our parent
        _send(out, _answer(lambda: getattr(server, what)(value, limits)))  # noqa: B023  # called now
    os._exit(0)  # at once, so that no one who finds the stream closed waits for the rest


def _exactly(stream: IO[bytes], count: int) -> bytes:
    """So many bytes; fewer at the end of the stream."""
    found = b""
    while len(found) < count and (more := stream.read(count - len(found))):
        found += more
    return found


if __name__ == "__main__":
    main()
