"""Arrays of the store that are known by what they hold: rows, classes, ids."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from n2d_framework.core.rows import Rows, rows_of_state
from n2d_framework.core.state import need
from n2d_framework.errors import BundleError, DataError, StateError
from n2d_framework.plan.store.stage_store import StageStore
from n2d_framework.types import AnyArray

__all__ = ["KeyOf", "arrays_of", "read_rows", "rows_of", "weights_key", "weights_of"]

#: Gives the key that arrays of the store must have.
KeyOf: TypeAlias = Callable[..., str]


def arrays_of(store: StageStore, key: str, key_of: KeyOf, *names: str) -> list[AnyArray]:
    """Arrays of an entry of the store, of which `key_of` gives the key.

    Raises
    ------
    DataError
        If it is not there, or damaged.
    """
    try:
        found = store.read(key)
        if found is not None:
            data = need(found[1], "data", dict)
            arrays: list[AnyArray] = [need(data, name, np.ndarray) for name in names]
            if _stands_for(arrays, key_of) == key:
                return arrays
            raise StateError("its values are not those that the key stands for")
        reason = "is missing"
    except (BundleError, StateError) as error:
        reason = f"is damaged: {error}"
    raise DataError(f"{store}: the entry of the data {reason}; start the comparison again")


def _stands_for(arrays: list[AnyArray], key_of: KeyOf) -> str | None:
    """The key of arrays; ``None`` if they are not of the shape that has one."""
    try:
        return key_of(*arrays)
    except (TypeError, ValueError):
        return None


@lru_cache(maxsize=2)
def rows_of(location: str, key: str) -> Rows:
    """Rows as :func:`read_rows` gives them; the last ones are kept in memory."""
    return read_rows(location, key)


def read_rows(location: str, key: str) -> Rows:
    """Rows as they were loaded, from the store.

    Raises
    ------
    DataError
        If they are not there, or damaged.
    """
    store = StageStore(location)
    try:
        found = store.read(key)
        if found is None:
            raise StateError("it is missing")
        rows = rows_of_state(need(found[1], "data", dict))
        if rows.fingerprint() != key:
            raise StateError("its values are not those that the key stands for")
    except (BundleError, StateError, DataError) as error:
        raise DataError(
            f"{store}: the entry of the data cannot be read: {error}; start the comparison again"
        ) from error
    if rows.storage == "dense":
        rows.values.setflags(write=False)
    return rows


def weights_key(key: str) -> str:
    """Key of the weights of rows, by that of the rows."""
    return hashlib.sha256(f"weights {key}".encode()).hexdigest()


@lru_cache(maxsize=2)
def weights_of(location: str, key: str) -> AnyArray | None:
    """Weights of rows, from the store, without the rows; ``None`` if they have none."""
    store, own = StageStore(location), weights_key(key)
    if own not in store:
        return None
    (weights,) = arrays_of(store, own, lambda _: own, "values")
    return weights
