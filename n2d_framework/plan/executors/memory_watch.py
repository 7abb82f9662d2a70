"""Memory that a piece of work takes."""

from __future__ import annotations

import contextlib
import threading
from typing import Self

__all__ = ["MIB", "MemoryWatch"]

MIB = 1 << 20
_PERIOD = 0.02


class MemoryWatch:
    """Samples the resident memory of this process while a block runs.

    Attributes
    ----------
    peak : float
        Most resident memory seen, in MiB; of the whole process, libraries included.
    """

    def __init__(self) -> None:
        import psutil

        self._process = psutil.Process()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak = 0.0

    def __enter__(self) -> Self:
        self.sample()
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._done.set()
        self._thread.join()
        self._look()

    def sample(self) -> float:
        """Look now; returns the peak so far."""
        self.peak = max(self.peak, self._process.memory_info().rss / MIB)
        return self.peak

    def _watch(self) -> None:
        while not self._done.wait(_PERIOD):
            self._look()

    def _look(self) -> None:
        """Sample; without a free file descriptor this one is left out, and the work continues."""
        with contextlib.suppress(OSError):
            self.sample()
