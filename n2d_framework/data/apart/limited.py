"""Objects that read files in a process with limits, for libraries that damaged files break.

libhdf5 and Arrow's Parquet reader are large libraries of C and C++: on a damaged file they may
loop without end, or end the process. Here that is the end of a process of its own, which is
given memory and computing time in proportion to the bytes that are there.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Protocol, Self

import numpy as np

from n2d_framework.core.rows.frames import NotDenseError
from n2d_framework.errors import DataError, DataWarning
from n2d_framework.processes import import_path, module_command
from n2d_framework.types import AnyArray

__all__ = ["LimitedReader", "Part", "Served", "stored_bytes"]

#: What a part is: a JSON value, and arrays.
Part = tuple[Any, Sequence[AnyArray]]

#: Memory and computing time beyond what the bytes of a file explain.
_MEMORY, _SECONDS = 1 << 30, 3.0
#: Slowest reading of stored bytes, with all their structure, and of the values that they stand for.
_STORED_PER_SECOND, _VALUES_PER_SECOND = 2e6, 1e7
#: Copies of what is read that may be in memory at once.
_COPIES = 4

_DAMAGED = "it is damaged or made to do harm"

#: How an idle process ends: by itself, or because the system or somebody wants its memory.
_ENDS = (0, -getattr(signal, "SIGKILL", 0))

#: One thread, and no allocator that reserves a GiB at once.
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}  # fmt: skip
#: Further filters of HDF5 are there once their package is imported.
_FILTERS = ("hdf5plugin",)


class Served(Protocol):
    """Interface of an object in the other process."""

    def about(self) -> Any:
        """Facts that are known before anything is read, as a JSON value."""

    def parts(self, *arguments: Any) -> Iterator[Part]:
        """Yield what is read."""

    def close(self) -> None:
        """Close the files."""


class LimitedReader:
    """An object of another process; a context manager.

    The processes are started with the paths that this one imports from, and serve one object after
    the other. One that waits for some seconds ends itself, as all do when this process ends.

    Parameters
    ----------
    path : Path
        The file or folder, for messages.
    stored : int
        Bytes that it has, by :func:`stored_bytes`, which set the limits.
    make : callable
        A function or class of a module, which makes the object.
    *arguments
        Its arguments; they and `make` are pickled.
    remedy : str, default "write it again"
        What to do if the file is damaged, for messages.

    Attributes
    ----------
    about : JSON value
        What the object's ``about`` returned.

    Raises
    ------
    DataError
        What `make` raised; or that the process ended, or cannot be started.

    Notes
    -----
    Where the system has no limits for processes (Windows), only crashes are contained.
    """

    def __init__(
        self,
        path: Path,
        stored: int,
        make: Callable[..., Served],
        *arguments: Any,
        remedy: str = "write it again",
    ) -> None:
        self._path, self._remedy = path, remedy
        filters = [name for name in _FILTERS if name in sys.modules]
        work = (make, arguments, _current_folder(), filters)
        limits = (_MEMORY + _COPIES * stored, _SECONDS + stored / _STORED_PER_SECOND)
        self._started = 0
        self._process: _Process | None = _idle_process() or _new_process(path)
        try:
            try:
                self.about = self._ask("open", work, limits)[0]
            except _Gone:  # it had waited long enough just then
                self._process = _new_process(path)
                self.about = self._ask("open", work, limits)[0]
        except BaseException:  # whatever stopped us: the process does not stay
            self.close()
            raise

    def parts(self, *arguments: Any, size: int) -> Iterator[Part]:
        """Yield what the object's ``parts`` yields; may be called repeatedly.

        Parameters
        ----------
        *arguments
        size : int
            Bytes of a part, for which memory and time are added to the limits.

        Raises
        ------
        DataError
        """
        limits = (_COPIES * size, size / _VALUES_PER_SECOND)
        self._started += 1
        key = self._started
        self._ask("start", (key, arguments), (0, 0.0))
        while (part := self._ask("next", key, limits)) is not None:
            yield part

    def close(self) -> None:
        """Close the object's files; may be called more than once."""
        process, self._process = self._process, None
        if process is not None:
            _give_back(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, what: str, value: Any, limits: tuple[int, float]) -> Any:
        """An answer; ``None`` at the end of what is yielded."""
        process = self._process
        if process is None:
            raise DataError(f"{self._path}: it is closed; open it again")
        try:
            kind, found, arrays, noted = process.ask(what, value, limits)
        except EOFError:
            code = process.end()
            self._process = None
            if what == "open" and process.used and code in _ENDS:
                raise _Gone from None
            raise DataError(f"{self._path}: {self._reason(code)}") from None
        except BaseException:  # an interrupt too leaves an answer behind that no one reads
            self._process = None
            process.end()
            raise
        process.used = True
        for message in noted:
            warnings.warn(message, DataWarning, stacklevel=4)
        if kind in ("refused", "not dense"):
            raise (DataError if kind == "refused" else NotDenseError)(found)
        if kind == "value":
            return found, arrays
        if kind == "end":
            return None
        self._process = None
        process.end()
        if kind == "memory":
            raise DataError(
                f"{self._path}: reading it takes far more memory than its size explains; "
                f"{_DAMAGED}; {self._remedy}"
            )
        raise RuntimeError(f"a reader failed: {found}")

    def _reason(self, code: int) -> str:
        """Why there is no answer."""
        damaged = f"{_DAMAGED}; {self._remedy}"
        if code == -getattr(signal, "SIGXCPU", 0):
            return f"reading it takes far more time than its size explains; {damaged}"
        if code == -getattr(signal, "SIGKILL", 0):
            return "the process that reads it was killed, as systems do that lack memory; try again"
        if code < 0:
            name = signal.Signals(-code).name
            return f"the library of its format crashed on it ({name}); {damaged}"
        return f"the process that reads it ended with exit code {code}; try again"


class _Gone(Exception):  # noqa: N818  # no error: another process is asked
    """A process ended while it was idle."""


class _Process:
    """A process of :mod:`n2d_framework.data.apart.serving`."""

    def __init__(self) -> None:
        self.path = import_path()
        self.used = False
        self.lock = threading.Lock()
        self.popen = subprocess.Popen(  # noqa: S603  # our own module, by our own interpreter
            module_command("n2d_framework.data.apart.serving", path=self.path),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | _ENVIRONMENT,
            start_new_session=True,  # an interrupt is for us: we end it
        )

    def ask(self, *request: Any) -> tuple[str, Any, list[AnyArray], list[str]]:
        """Send a request and read the answer.

        Raises
        ------
        EOFError
            If the process ended.
        """
        assert self.popen.stdin is not None
        assert self.popen.stdout is not None
        data = pickle.dumps(request)
        with self.lock:
            with contextlib.suppress(BrokenPipeError):  # its exit code says more
                self.popen.stdin.write(len(data).to_bytes(8, "little") + data)
                self.popen.stdin.flush()
            head = bytearray(8)
            _fill(self.popen.stdout, memoryview(head))
            text = bytearray(int.from_bytes(head, "little"))
            _fill(self.popen.stdout, memoryview(text))
            kind, value, arrays, noted = json.loads(text)
            return kind, value, [_array(self.popen.stdout, *about) for about in arrays], noted

    def end(self) -> int:
        """End the process; its exit code."""
        for stream in (self.popen.stdin, self.popen.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        if self.popen.poll() is None:
            # One that has closed its end is ending by itself, with a code that is worth knowing.
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self.popen.wait(1)
            self.popen.kill()
        return self.popen.wait()


def _fill(stream: IO[bytes], view: memoryview) -> None:
    while view:
        count = stream.readinto(view)  # type: ignore[attr-defined]  # of every buffered reader
        if not count:
            raise EOFError
        view = view[count:]


def _array(stream: IO[bytes], dtype: str, shape: Sequence[int]) -> AnyArray:
    found: AnyArray = np.empty(shape, dtype=np.dtype(dtype))
    if found.nbytes:
        _fill(stream, found.reshape(-1).view(np.uint8).data)
    return found


def stored_bytes(path: Path) -> int:
    """Bytes of a file that take room on the disk: holes in it count for nothing.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OSError
    """
    about = path.stat()
    blocks: int | None = getattr(about, "st_blocks", None)
    return about.st_size if blocks is None else min(about.st_size, 512 * blocks)


def _new_process(path: Path) -> _Process:
    try:
        return _Process()
    except OSError as error:
        raise DataError(
            f"{path}: the process that reads such files cannot be started ({error.strerror}); "
            "close other files and programs, or raise the limits of this one (ulimit)"
        ) from error


def _current_folder() -> str | None:
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return None


_idle: list[_Process] = []


def _idle_process() -> _Process | None:
    """A process that waits for work and imports from where this one does."""
    path = import_path()
    while _idle:
        with contextlib.suppress(IndexError):  # another thread was faster
            process = _idle.pop()
            if process.popen.poll() is None and process.path == path:
                return process
            process.end()
    return None


def _give_back(process: _Process) -> None:
    """Keep one process for the next file, and end the others."""
    try:
        closed = not _idle and process.ask("close", None, (0, 0.0))[0] == "end"
    except EOFError:
        closed = False
    if closed:
        _idle.append(process)
    else:
        process.end()


@atexit.register
def _end_idle() -> None:
    while _idle:
        _idle.pop().end()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)
