"""Neighbours of the training rows, found once for all components that ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.neighbors.neighbors import ExactNeighbors
from n2d_framework.plugin import FitContext, IntArray, State, StateError, need

__all__ = ["shared_neighbors"]

#: Rows up to which a search is faster than reading its result from a store.
_FEW = 10_000
#: Neighbours are found in multiples of it, so that components that want somewhat more or
#: fewer of them share one search. Where all points are looked at, more cost hardly anything:
#: umap and tsne with their defaults share one.
_TIER, _WIDE_TIER = 32, 96
#: Neighbours up to which they are remembered; more would fill the store.
_MOST = 128


def shared_neighbors(
    search: ExactNeighbors, k: int, context: FitContext, **chosen: Any
) -> tuple[IntArray, NDArray[np.float64]]:
    """The `k` nearest of all points of each of them, itself first.

    Of many rows they are remembered in the stage store: another fit of the same rows with
    the same metric, of this or another component, does not search again. (Unless it asks for
    far more neighbours than manifolds need.)

    Parameters
    ----------
    search : ExactNeighbors
        Its points are the rows of the stage, or chosen from them.
    k : int
        Number of neighbours, counting the point itself.
    context : FitContext
    **chosen
        How the points were chosen from the rows of the stage; nothing if they are all.

    Returns
    -------
    indices : int64 array of shape (n, k)
    distances : float64 array of shape (n, k)
    """
    n = len(search)
    if n <= _FEW or k > _MOST:
        return search.query_self(k, n_jobs=context.n_jobs)
    tier = _WIDE_TIER if search.exhaustive else _TIER
    kept = min(n, -(-k // tier) * tier)

    def compute() -> State:
        indices, distances = search.query_self(kept, n_jobs=context.n_jobs)
        return {"indices": indices.astype(np.int32), "distances": distances}

    options: Mapping[str, Any] = {"metric": search.metric, "n_neighbors": kept, **chosen}
    found = context.remember("neighbors", options, compute)
    indices, distances = (need(found, name, np.ndarray) for name in ("indices", "distances"))
    for array, dtype in ((indices, np.int32), (distances, np.float64)):
        if array.shape != (n, kept) or array.dtype != dtype or not np.isfinite(array).all():
            raise StateError(f"remembered neighbors are not finite {dtype.__name__} ({n}, {kept})")
    return indices[:, :k].astype(np.int64), np.ascontiguousarray(distances[:, :k])
