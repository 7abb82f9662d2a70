"""Compile a function with numba, keeping the machine code on disk where that is possible."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any, TypeVar, cast

__all__ = ["compiled", "compiling_pays"]

F = TypeVar("F", bound=Callable[..., Any])

log = logging.getLogger(__name__)

#: Rows of a process, those of each step, that take less time than the compiler takes to load.
_FEW_ROWS = 16
_asked = 0


def compiled(**flags: Any) -> Callable[[F], F]:
    """Compile on the first call, without the GIL and without reordering of rows.

    Parameters
    ----------
    **flags
        Further flags of :func:`numba.njit`.

    Returns
    -------
    callable
        A decorator. The machine code is kept on disk; where no folder can be written (a
        read-only installation), it is compiled once per process.
    """
    import numba

    def decorate(function: F) -> F:
        dispatcher = numba.njit(nogil=True, error_model="numpy", **flags)(function)
        try:
            dispatcher.enable_caching()
        except RuntimeError as error:
            log.debug("machine code is not kept on disk: %s", error)
        return cast(F, dispatcher)

    return decorate


def compiling_pays(rows: int) -> bool:
    """Say whether compiled code shall answer, and not NumPy, which gives the same bits.

    Parameters
    ----------
    rows : int
        Asked for now. Those of all calls so far count.

    Returns
    -------
    bool
        False only for the first few rows of a process that has not loaded numba.
    """
    global _asked
    _asked = min(_asked + rows, _FEW_ROWS + 1)
    return _asked > _FEW_ROWS or "numba" in sys.modules
