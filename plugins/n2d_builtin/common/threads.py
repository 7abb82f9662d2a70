"""Rows cut in pieces that threads work on."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

__all__ = ["available_threads", "in_threads"]


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
    # Compiling looks away from warnings, which two threads at once would leave that way.
    with warnings.catch_warnings(), ThreadPoolExecutor(min(n_jobs, len(starts))) as pool:
        for done in [pool.submit(work, start, min(start + chunk, n)) for start in starts]:
            done.result()
