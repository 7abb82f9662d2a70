"""Compile a function with numba, keeping the machine code on disk where that is possible."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar, cast

__all__ = ["compiled"]

F = TypeVar("F", bound=Callable[..., Any])

log = logging.getLogger(__name__)


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
