"""Which rows are equal, found by hashing: milliseconds where all are different."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from n2d_framework.types import AnyArray, IntArray

__all__ = ["DistinctRows", "distinct_rows", "hash_rows"]

#: Values hashed at once.
_CHUNK = 1 << 20
#: Rows wider than twice as much are first compared by about so many of their values.
_SOME_VALUES = 32
_MIX_A, _MIX_B = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@attrs.frozen(eq=False)
class DistinctRows:
    """The distinct rows among some rows.

    Attributes
    ----------
    first : int64 array of shape (m,)
        Where each distinct row occurs first; ascending.
    inverse : int64 array of shape (n,)
        Number of the distinct row that each row equals: ``x[first][inverse]`` equals `x`.
    counts : int64 array of shape (m,)
        How many rows equal each distinct row.
    """

    first: IntArray
    inverse: IntArray
    counts: IntArray

    def __len__(self) -> int:
        return len(self.first)

    @property
    def repeated(self) -> bool:
        """Return whether some row occurs more than once."""
        return len(self.first) < len(self.inverse)


def distinct_rows(x: AnyArray) -> DistinctRows:
    """Find the distinct rows: those whose values all are equal, where -0 equals 0.

    Parameters
    ----------
    x : array of shape (n, ...)
        Numbers, without NaN.

    Returns
    -------
    DistinctRows
        In the order in which they occur first, so that rows that are all different keep theirs.
    """
    n, step = len(x), x[:1].size // _SOME_VALUES
    if step > 1 and _all_differ(hash_rows(x.reshape(n, -1)[:, ::step])):
        return _all_distinct(n)
    hashes = hash_rows(x)
    if _all_differ(hashes):
        return _all_distinct(n)
    order = np.argsort(hashes, kind="stable")
    again = np.concatenate([[False], hashes[order[1:]] == hashes[order[:-1]]])
    at = np.flatnonzero(again)
    if not (x[order[at]] == x[order[at - 1]]).all():  # two different rows with one hash
        rows = x.reshape(n, -1) + np.zeros((), dtype=x.dtype)
        _, found, group = np.unique(rows, axis=0, return_index=True, return_inverse=True)
        return _in_order(found, group.reshape(-1))
    group = np.empty(n, dtype=np.int64)
    group[order] = np.cumsum(~again) - 1
    return _in_order(order[~again], group)


def _all_differ(hashes: AnyArray) -> bool:
    ascending = np.sort(hashes)
    return not (ascending[1:] == ascending[:-1]).any()


def _all_distinct(n: int) -> DistinctRows:
    own = np.arange(n)
    return DistinctRows(own, own, np.ones(n, dtype=np.int64))


def _in_order(first: IntArray, group: IntArray) -> DistinctRows:
    """Groups numbered by their first row."""
    order = np.argsort(first)
    number = np.empty(len(first), dtype=np.int64)
    number[order] = np.arange(len(first))
    inverse = number[group]
    return DistinctRows(first[order], inverse, np.bincount(inverse, minlength=len(first)))


def hash_rows(x: AnyArray, seed: int = 0) -> NDArray[np.uint64]:
    """Hash the values of each row; the same in every process and on every platform.

    Parameters
    ----------
    x : array of shape (n, ...)
        Numbers; -0 is hashed as 0.
    seed : int, default 0
        Chooses the hash function. The hashes of rows that differ are as good as independent and
        uniform: the rows with the smallest are a random sample, which depends on neither their
        order nor how often they occur.

    Returns
    -------
    uint64 array of shape (n,)
        Not fit for secrets.
    """
    rows = x.reshape(len(x), -1)
    size = min(rows.dtype.itemsize, 4)
    words = rows.shape[1] * rows.dtype.itemsize // size
    draws = np.random.SeedSequence(seed).generate_state(words + 1, np.uint64)
    factors, hashes = draws[1:] | np.uint64(1), np.empty(len(rows), dtype=np.uint64)
    chunk = max(1, _CHUNK // max(1, words))
    for start in range(0, len(rows), chunk):
        part = rows[start : start + chunk]
        # Adding zero makes -0 and 0 the same.
        plain = np.ascontiguousarray(part + np.zeros((), dtype=part.dtype))
        little = plain.astype(plain.dtype.newbyteorder("<"), copy=False)
        parts = little.view(f"<u{size}").reshape(len(part), words)
        hashes[start : start + chunk] = parts.astype(np.uint64) @ factors + draws[0]
    hashes = (hashes ^ (hashes >> np.uint64(30))) * _MIX_A
    hashes = (hashes ^ (hashes >> np.uint64(27))) * _MIX_B
    return hashes ^ (hashes >> np.uint64(31))
