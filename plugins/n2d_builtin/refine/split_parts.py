"""The parts of a split cluster: by where rows are, or as a fit on its rows alone found them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import attrs
import numpy as np

from n2d_builtin.neighbors.neighbors import ExactNeighbors
from n2d_builtin.refine.cluster_parts import part_of
from n2d_framework.plugin import NOISE, AnyArray, DataError, IntArray, PartFits, UnsupportedError

__all__ = [
    "LinearParts", "NearestParts", "Parts", "linear_arrays", "nearest_arrays", "of_linear_arrays",
    "of_nearest_arrays", "reasons_against", "refitted_parts",
]  # fmt: skip


@attrs.frozen(eq=False)
class LinearParts:
    """Parts by where rows are among the coordinates that were clustered.

    Attributes
    ----------
    directions : float64 array of shape (number, m)
    offsets : float64 array of shape (number,)
        As :func:`~n2d_builtin.refine.cluster_parts.part_of` takes them.
    """

    directions: AnyArray
    offsets: AnyArray

    def of(self, m: AnyArray, latent: AnyArray | None) -> IntArray:
        """The part of each row of the cluster, by its coordinates."""
        del latent
        return part_of(m, self.directions, self.offsets)


@attrs.define(eq=False)
class NearestParts:
    """Parts that were found for the training rows; another row goes with the nearest of these.

    Attributes
    ----------
    rows : float32 array of shape (n, d)
        Latent coordinates of the training rows of the cluster.
    parts : int64 array of shape (n,)
    """

    rows: AnyArray
    parts: IntArray
    _search: Any = None

    def of(self, m: AnyArray, latent: AnyArray | None) -> IntArray:
        """The part of each row of the cluster: without `latent`, these are the training rows."""
        if latent is None:
            return self.parts
        if not len(m):
            return np.zeros(0, dtype=np.int64)
        if self._search is None:
            self._search = ExactNeighbors(self.rows)
        latent = np.ascontiguousarray(latent, dtype=np.float32)
        nearest = self._search.query(latent, 1)[0][:, 0]
        return np.asarray(self.parts[nearest], dtype=np.int64)


Parts: TypeAlias = LinearParts | NearestParts


def refitted_parts(part_fits: PartFits | None, rows: IntArray, number: int) -> NearestParts:
    """The parts of a cluster by a fit on its rows alone; the largest comes first.

    Rows that the fit takes for noise go with the nearest that is in a part.

    Parameters
    ----------
    part_fits : PartFits or None
    rows : int64 array of shape (n,)
        Positions of the training rows of the cluster.
    number : int
        Of parts.

    Raises
    ------
    DataError
        If the fit finds another number of parts.
    UnsupportedError
        If nothing can be fitted here.
    """
    if part_fits is None:
        raise UnsupportedError(
            "it is split by fitting again on its rows, and the steps before are not known here; "
            "fit the model by itself"
        )
    labels = part_fits.labels(rows, None if part_fits.finds_n_clusters else number)
    found, first, sizes = np.unique(labels[labels != NOISE], return_index=True, return_counts=True)
    if len(found) != number:
        raise DataError(f"the fit on its rows finds {len(found)} parts, not {number}")
    latent = part_fits.latent(rows)
    order = np.lexsort((first, -sizes))
    parts = np.full(len(rows), NOISE, dtype=np.int64)
    for part, place in enumerate(order.tolist()):
        parts[labels == found[place]] = part
    noise = parts == NOISE
    if noise.any():
        known = NearestParts(latent[~noise], parts[~noise])
        parts[noise] = known.of(latent[noise], latent[noise])
    return NearestParts(latent, parts)


def linear_arrays(made: Sequence[Parts | None]) -> tuple[AnyArray | None, AnyArray | None]:
    """Directions and offsets of all parts by where rows are; ``None`` if there are none."""
    known = [one for one in made if isinstance(one, LinearParts)]
    return _joined(one.directions for one in known), _joined(one.offsets for one in known)


def of_linear_arrays(
    directions: AnyArray | None, offsets: AnyArray | None, numbers: Sequence[int]
) -> Iterator[LinearParts]:
    """The parts of each split whose :func:`linear_arrays` these are; `numbers` of parts."""
    if directions is None or offsets is None:
        return
    for end, number in zip(np.cumsum(numbers).tolist(), numbers, strict=True):
        yield LinearParts(directions[end - number : end], offsets[end - number : end])


def nearest_arrays(
    made: Sequence[Parts | None],
) -> tuple[AnyArray | None, IntArray | None, IntArray | None]:
    """Rows and parts of all splits by a refit, and how many rows each has."""
    known = [one for one in made if isinstance(one, NearestParts)]
    sizes = np.array([len(one.parts) for one in known], dtype=np.int64)
    rows, parts = _joined(one.rows for one in known), _joined(one.parts for one in known)
    return rows, parts, sizes if known else None


def of_nearest_arrays(
    rows: AnyArray | None, parts: IntArray | None, sizes: IntArray | None
) -> Iterator[NearestParts]:
    """The parts of each split whose :func:`nearest_arrays` these are."""
    if rows is None or parts is None or sizes is None:
        return
    for end, size in zip(np.cumsum(sizes).tolist(), sizes.tolist(), strict=True):
        yield NearestParts(rows[end - size : end], parts[end - size : end])


def reasons_against(
    rows: AnyArray | None, parts: IntArray | None, sizes: IntArray | None, numbers: Sequence[int]
) -> list[str]:
    """Reasons why arrays cannot be :func:`nearest_arrays` of splits into `numbers` of parts."""
    if rows is None and parts is None and sizes is None and not numbers:
        return []
    if rows is None or parts is None or sizes is None or len(sizes) != len(numbers):
        return [f"state 'split_sizes' must have {len(numbers)} values, one for each refit"]
    if sizes.sum() != len(rows) or (parts >= np.repeat(numbers, sizes)).any():
        return ["states 'split_rows', 'split_parts' and 'split_sizes' do not fit together"]
    return []


def _joined(arrays: Iterable[AnyArray]) -> AnyArray | None:
    given = list(arrays)
    return np.concatenate(given) if given else None
