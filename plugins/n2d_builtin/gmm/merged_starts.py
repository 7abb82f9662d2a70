"""Starts of a mixture from many small clusters, merged along the edges of the neighbour graph."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.gmm.graph_modularity import NeighborGraph
from n2d_framework.plugin import AnyArray

__all__ = ["LEAST_MERGED", "MOST_MERGED", "merged_labels", "parameters_of"]

#: Fewest clusters for which there are merged starts: of two or three classes of unequal size,
#: modularity prefers equal parts, and starts of k-means miss none.
LEAST_MERGED = 4
#: Most clusters for which there are merged starts: each step looks at all pairs of parts.
MOST_MERGED = 500
#: Parts per cluster.
_PARTS = 2


def merged_labels(rows: AnyArray, graph: NeighborGraph, n_clusters: int, seed: int) -> AnyArray:
    """Clusters of rows: k-means finds twice as many parts, of which pairs are merged.

    The pair that is merged next is that which raises the modularity of the graph most (Newman
    2004, Fast algorithm for detecting community structure in networks, Physical Review E 69,
    from parts instead of single rows).

    Parameters
    ----------
    rows : float64 array of shape (n, d)
    graph : NeighborGraph
        Of these rows, or of some of them.
    n_clusters : int
        At most the number of distinct rows.
    seed : int
        Of k-means.

    Returns
    -------
    int array of shape (n,)
        From 0; `n_clusters` different ones, unless fewer parts have rows.
    """
    import sklearn.cluster

    count = min(_PARTS * n_clusters, len(graph.rows))
    parts = sklearn.cluster.KMeans(count, n_init=1, random_state=seed).fit(rows)
    shares = graph.shares(parts.predict(graph.rows.astype(np.float64)), count)
    return np.asarray(_merged(shares, n_clusters)[parts.labels_])


def _merged(shares: NDArray[np.float64], count: int) -> AnyArray:
    """Number of the group of each part, for `count` groups."""
    shares, group = shares.copy(), np.arange(len(shares))
    ends, alive = shares.sum(axis=1), np.ones(len(shares), dtype=bool)
    gains = shares - np.outer(ends, ends)
    np.fill_diagonal(gains, -np.inf)
    for _ in range(len(shares) - count):
        one, other = sorted(np.unravel_index(gains.argmax(), gains.shape))
        shares[one] += shares[other]
        shares[:, one] += shares[:, other]
        ends[one] += ends[other]
        group[group == other] = one
        alive[other] = False
        gain = np.where(alive, shares[one] - ends[one] * ends, -np.inf)
        gain[one] = -np.inf
        gains[one] = gains[:, one] = gain
        gains[other] = gains[:, other] = -np.inf
    return np.unique(group, return_inverse=True)[1]


def parameters_of(
    rows: AnyArray, labels: AnyArray, covariance_type: str, reg_covar: float
) -> dict[str, Any]:
    """Parameters of the mixture whose components are the clusters, as scikit-learn takes them.

    Parameters
    ----------
    rows : float64 array of shape (n, d)
    labels : int array of shape (n,)
        From 0, each with a row.
    covariance_type : {"full", "tied", "diag", "spherical"}
    reg_covar : float
        Added to the diagonal of covariances.

    Returns
    -------
    dict
        ``weights_init``, ``means_init`` and ``precisions_init`` of ``GaussianMixture``.
    """
    counts = np.bincount(labels)
    members = [rows[labels == one] for one in range(len(counts))]
    means = np.stack([some.mean(axis=0) for some in members])
    within = np.stack(
        [
            (some - mean).T @ (some - mean) / len(some)
            for some, mean in zip(members, means, strict=True)
        ]
    )
    weights = counts / counts.sum()
    precisions: AnyArray
    if covariance_type in ("full", "tied"):
        if covariance_type == "tied":
            within = np.einsum("k,kij->ij", weights, within)
        precisions = np.linalg.inv(within + reg_covar * np.eye(rows.shape[1]))
        precisions = (precisions + np.swapaxes(precisions, -1, -2)) / 2
    else:
        variances = np.diagonal(within, axis1=1, axis2=2) + reg_covar
        precisions = 1 / (variances if covariance_type == "diag" else variances.mean(axis=1))
    return {"weights_init": weights, "means_init": means, "precisions_init": precisions}
