"""Linear algebra on one thread, so that sums are made in one order."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["one_blas_thread", "one_openmp_thread"]

_lock = threading.Lock()
_users = 0
_limit: Any = None
_controller: Any = None
_n_modules = 0


@contextmanager
def one_blas_thread(*, look_again: bool = False) -> Iterator[None]:
    """Run BLAS on one thread; what was set before comes back when the last user leaves.

    The setting belongs to the process. Users in several threads are counted, so that none
    takes it away from another.

    Parameters
    ----------
    look_again : bool, default False
        Search for BLAS libraries that were loaded since the last search, if any module was
        imported since; takes milliseconds.
    """
    global _users, _limit
    with _lock:
        if _users == 0:
            _limit = _found(look_again).limit(limits=1, user_api="blas")
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _limit.restore_original_limits()


@contextmanager
def one_openmp_thread() -> Iterator[None]:
    """Run OpenMP regions started by the calling thread on one thread."""
    with _found(look_again=True).limit(limits=1, user_api="openmp"):
        yield


def _found(look_again: bool) -> Any:
    """The libraries that are loaded; modules load them, so that only an import brings others."""
    global _controller, _n_modules
    found, n_modules = _controller, len(sys.modules)
    if found is None or (look_again and n_modules != _n_modules):
        from threadpoolctl import ThreadpoolController

        found = ThreadpoolController()
        _controller, _n_modules = found, n_modules
    return found
