"""Threads of the built-in components: work cut in pieces, and a BLAS that stays with one thread."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

__all__ = ["available_threads", "in_threads", "single_threaded_blas"]

_lock = threading.Lock()
_users = 0
_limits: Any = None


def available_threads() -> int:
    """Number of processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def in_threads(
    work: Callable[[int, int], None], n: int, *, n_jobs: int = 1, chunk: int = 1024
) -> None:
    """Call ``work(start, stop)`` for consecutive pieces of ``range(n)``.

    Parameters
    ----------
    work : callable
        Writes its result for rows ``start:stop`` somewhere; must release the GIL in its
        heavy part for threads to help.
    n : int
        Number of rows.
    n_jobs : int, default 1
        Threads. The pieces are the same for any number of them.
    chunk : int, default 1024
        Rows per piece.
    """
    starts = range(0, n, chunk)
    if n_jobs <= 1 or len(starts) <= 1:
        for start in starts:
            work(start, min(start + chunk, n))
        return
    with ThreadPoolExecutor(min(n_jobs, len(starts))) as pool:
        for done in [pool.submit(work, start, min(start + chunk, n)) for start in starts]:
            done.result()


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Keep BLAS at one thread, so that sums are added in the same order on every machine.

    The limit belongs to the whole process. Several threads may be inside at once: the first
    one sets it and the last one restores what was there before.
    """
    global _users, _limits
    from threadpoolctl import threadpool_limits

    with _lock:
        if _users == 0:
            _limits = threadpool_limits(limits=1, user_api="blas")
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _limits.restore_original_limits()
                _limits = None
