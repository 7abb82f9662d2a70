"""The types of foreign objects that the user trusts while a bundle is loaded.

A component that keeps a foreign library's own format inside its state (skops, for adapted
objects) asks here which types it may make besides the framework's own list. Nothing more is
trusted unless the user of ``load(..., trusted=...)`` says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["trusted_types", "trusting"]

_TRUSTED: ContextVar[tuple[str, ...]] = ContextVar("n2d_trusted_types", default=())


def trusted_types() -> tuple[str, ...]:
    """Full names of the types that may be constructed now; empty outside of a load."""
    return _TRUSTED.get()


@contextmanager
def trusting(names: Iterable[str]) -> Iterator[None]:
    """Trust types by their full names, within the block and its thread only.

    Parameters
    ----------
    names : iterable of str
        Such as ``"sklearn.cluster._birch.Birch"``.

    Raises
    ------
    TypeError
        If it is one string, or something in it is not a string.
    """
    found = (names,) if isinstance(names, str) else tuple(names)
    if isinstance(names, str) or not all(isinstance(name, str) for name in found):
        raise TypeError(f"trusted must be a list of full names of types, got {names!r}")
    token = _TRUSTED.set(found)
    try:
        yield
    finally:
        _TRUSTED.reset(token)
