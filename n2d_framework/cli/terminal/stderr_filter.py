"""Start-up chatter of native libraries, kept off the terminal."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from n2d_framework.cli.terminal.streams import Stream

__all__ = ["without_chatter"]

#: What Abseil's logger (in TensorFlow) writes before it can be silenced: information and
#: warnings; errors are let through.
_CHATTER = re.compile(rb"WARNING: All log messages before absl::|[IW]\d{4} \d\d:\d\d")


@contextmanager
def without_chatter() -> Iterator[None]:
    """Drop lines of chatter that native code writes to file descriptor 2; pass on the rest.

    Python's own ``sys.stderr`` goes straight to where it went before.
    """
    python = sys.stderr
    python.flush()
    real = os.dup(2)
    read, write = os.pipe()
    os.dup2(write, 2)
    os.close(write)
    reader = threading.Thread(target=_pass_on, args=(read, real), daemon=True)
    reader.start()
    try:
        with Stream(os.dup(real), python) as stream:
            stream.reconfigure(line_buffering=True)
            sys.stderr = stream
            yield
    finally:
        sys.stderr = python
        os.dup2(real, 2)
        # Ends when the last writer has closed the pipe; a child process may outlive this one.
        reader.join(timeout=1)


def _pass_on(read: int, real: int) -> None:
    with os.fdopen(read, "rb") as lines:
        for line in lines:
            if not _CHATTER.match(line):
                with suppress(BrokenPipeError):  # no one reads it any more; the writers continue
                    os.write(real, line)
