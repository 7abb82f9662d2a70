"""The streams of a command: results on stdout alone, everything else on stderr.

What plugins and native libraries print must not get between the labels or into the JSON; a
terminal that lacks a character, and a reader that has seen enough, must not fail a run that has
done its work.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from n2d_framework.errors import OutputError

__all__ = ["Stream", "is_utf8", "own_streams", "results", "results_apart", "stdout_is_closed"]

_STDIN, _STDOUT, _STDERR = 0, 1, 2


class Stream(io.TextIOWrapper):
    r"""Text to a file descriptor, whoever reads it.

    Characters that the encoding lacks are written as escapes (``\u2265``). When the reader goes
    away, the rest is dropped.

    Attributes
    ----------
    abandoned : bool
        Whether the reader has gone away.
    """

    abandoned = False

    def __init__(self, descriptor: int, like: Any) -> None:
        raw = os.fdopen(descriptor, "wb")
        encoding = getattr(like, "encoding", None) or "utf-8"
        super().__init__(raw, encoding, "backslashreplace", line_buffering=raw.isatty())

    def write(self, text: str) -> int:
        """Write, unless there is no one left to read."""
        try:
            return super().write(text)
        except BrokenPipeError:
            self._abandon()
            return len(text)

    def flush(self) -> None:
        """Flush, unless there is no one left to read."""
        try:
            super().flush()
        except BrokenPipeError:
            self._abandon()

    def _abandon(self) -> None:
        self.abandoned = True
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, self.fileno())
        os.close(nothing)


class _State:
    """Where results go while a command runs."""

    results: Any = None
    closed = False


def results() -> Any:
    """The stream of results."""
    return _State.results or sys.stdout


def stdout_is_closed() -> bool:
    """Return whether the command was started without a stdout (``>&-``)."""
    return _State.closed


def is_utf8(stream: Any) -> bool:
    """Return whether a stream can take every character."""
    return (stream.encoding or "").lower().replace("_", "-") in ("utf-8", "utf8")


@contextmanager
def results_apart() -> Iterator[None]:
    """Within the block, what anybody else prints to ``sys.stdout`` goes to stderr."""
    before, real = _State.results, sys.stdout
    if isinstance(real, io.TextIOWrapper):
        real.reconfigure(errors="backslashreplace")
    _State.results, sys.stdout = real, sys.stderr
    try:
        yield
    finally:
        _State.results, sys.stdout = before, real


@contextmanager
def own_streams() -> Iterator[None]:
    """Streams of a process that does nothing but run a command.

    File descriptor 1 becomes stderr, for native code and child processes too; results go where it
    pointed to. Descriptors that were closed lead nowhere, so that no file can take their numbers.

    Raises
    ------
    OutputError
        In the end, if stdout could not take the results (its disk is full, for example).
    """
    _State.closed = not _is_open(_STDOUT)
    for descriptor in (_STDIN, _STDOUT, _STDERR):
        if not _is_open(descriptor):
            os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)
    sys.stdout = Stream(os.dup(_STDOUT), sys.__stdout__)
    sys.stderr = Stream(os.dup(_STDERR), sys.__stderr__)
    os.dup2(_STDERR, _STDOUT)
    try:
        yield
    finally:
        sys.stderr.flush()
        try:
            sys.stdout.flush()
        except OSError as error:
            sys.stdout = sys.stderr
            raise OutputError(f"stdout: {error.strerror}; the results are not complete") from error


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
