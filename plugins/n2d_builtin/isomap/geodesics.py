"""Shortest paths along a neighbour graph, and the coordinates that reproduce them."""

from __future__ import annotations

from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.one_thread import one_blas_thread
from n2d_builtin.common.principal_axes import signed
from n2d_framework.plugin import AnyArray, IntArray

__all__ = ["centred_kernel", "classical_scaling", "edge_lengths", "geodesic_distances"]

#: scipy's names of the metrics.
_SCIPY = {"euclidean": "euclidean", "manhattan": "cityblock", "chebyshev": "chebyshev"}
#: A sparse graph forgets edges of length 0, which join equal rows.
_LEAST = 1e-300
#: Numbers held at once while edges are measured.
_BUDGET = 4_000_000


def edge_lengths(points: AnyArray, indices: IntArray, metric: str) -> NDArray[np.float64]:
    """Distances of points to their neighbours in float64, which a search in float32 has not.

    Parameters
    ----------
    points : float32 array of shape (n, d)
    indices : int64 array of shape (n, k)
    metric : {"euclidean", "manhattan", "chebyshev"}

    Returns
    -------
    float64 array of shape (n, k)
        The same bits from either end of an edge.
    """
    order = {"euclidean": 2, "manhattan": 1, "chebyshev": np.inf}[metric]
    lengths = np.empty(indices.shape)
    step = max(1, _BUDGET // (indices.shape[1] * points.shape[1]))
    for start in range(0, len(points), step):
        part = slice(start, start + step)
        between = points[part, None].astype(np.float64) - points[indices[part]]
        lengths[part] = np.linalg.norm(between, ord=order, axis=2)
    return lengths


def geodesic_distances(
    points: AnyArray, indices: IntArray, distances: AnyArray, *, metric: str, method: str
) -> NDArray[np.float64]:
    """Lengths of the shortest paths between all points.

    Parts of the graph that are not connected are joined by the shortest edge between each
    two of them.

    Parameters
    ----------
    points : array of shape (n, d)
    indices, distances : arrays of shape (n, k)
        Neighbours of each point, itself first.
    metric : {"euclidean", "manhattan", "chebyshev"}
        Metric of the joining edges.
    method : {"auto", "FW", "D"}
        Method of :func:`scipy.sparse.csgraph.shortest_path`.

    Returns
    -------
    float64 array of shape (n, n)
        Symmetric bit by bit.
    """
    from scipy.sparse.csgraph import connected_components, shortest_path

    n, k = indices.shape
    starts = np.repeat(np.arange(n, dtype=np.int32), k - 1)
    edges = distances[:, 1:].ravel(), starts, indices[:, 1:].ravel().astype(np.int32)
    graph = _graph(n, *edges)
    count, part = connected_components(graph, directed=False)
    if count > 1:
        bridges = _bridges(points, part, count, _SCIPY[metric])
        together = (np.concatenate(pair) for pair in zip(edges, bridges, strict=True))
        graph = _graph(n, *together)
    found = shortest_path(graph, method=method, directed=False)
    symmetric: NDArray[np.float64] = np.minimum(found, found.T)
    return symmetric


def _graph(n: int, lengths: AnyArray, starts: AnyArray, stops: AnyArray) -> Any:
    from scipy.sparse import csr_array

    return csr_array((np.maximum(lengths, _LEAST), (starts, stops)), shape=(n, n))


def _bridges(
    points: AnyArray, part: AnyArray, count: int, metric: str
) -> tuple[AnyArray, AnyArray, AnyArray]:
    """The shortest edge between each two parts: lengths, starts, stops."""
    from scipy.spatial.distance import cdist

    members = [np.flatnonzero(part == label) for label in range(count)]
    found = []
    for one, other in combinations(members, 2):
        between = cdist(points[one], points[other], metric)
        at, to = np.unravel_index(int(between.argmin()), between.shape)
        found.append((between[at, to], one[at], other[to]))
    lengths, starts, stops = zip(*found, strict=True)
    return np.array(lengths), np.array(starts, np.int32), np.array(stops, np.int32)


def centred_kernel(
    geodesics: AnyArray, row_means: AnyArray, total_mean: float
) -> NDArray[np.float64]:
    """Inner products that belong to distances from the training rows.

    Parameters
    ----------
    geodesics : array of shape (m, n)
        Distances of `m` rows to the training rows.
    row_means : array of shape (n,)
        Mean of ``-d**2 / 2`` of each training row.
    total_mean : float
        Mean of `row_means`.

    Returns
    -------
    float64 array of shape (m, n)
    """
    kernel = geodesics.astype(np.float64)
    kernel *= kernel
    kernel *= -0.5
    own_means = kernel.mean(axis=1, keepdims=True)
    kernel -= own_means
    kernel -= row_means
    kernel += total_mean
    return kernel


def classical_scaling(
    kernel: NDArray[np.float64],
    n_components: int,
    *,
    solver: Literal["auto", "arpack", "dense"],
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Leading eigenvectors of a centred kernel.

    Parameters
    ----------
    kernel : float64 array of shape (n, n)
    n_components : int
        How many, below `n`.
    solver : {"auto", "arpack", "dense"}
        auto takes ARPACK for less than 10 of more than 200 dimensions, as scikit-learn.
    seed : int
        Seed of ARPACK's first vector.

    Returns
    -------
    eigenvalues : float64 array of shape (n_components,)
        Falling. Where the kernel has no further positive one, up to rounding, 0.
    eigenvectors : float64 array of shape (n, n_components)
        The largest entry of each is positive.
    """
    from scipy.linalg import eigh
    from scipy.sparse.linalg import eigsh

    n = len(kernel)
    kernel = (kernel + kernel.T) / 2
    # Near 1, since ARPACK compares with absolute numbers; by a power of two, which is exact.
    exponent = int(np.frexp(np.abs(kernel).max())[1])
    kernel = np.ldexp(kernel, -exponent)
    if solver == "auto":
        solver = "arpack" if n > 200 and n_components < 10 else "dense"
    with one_blas_thread(look_again=True):
        if solver == "arpack" and kernel.any():
            first = np.random.default_rng(seed).uniform(-1, 1, n)
            values, vectors = eigsh(kernel, k=n_components, which="LA", v0=first)
        else:
            values, vectors = eigh(kernel, subset_by_index=(n - n_components, n - 1))
    order = np.argsort(values)[::-1]
    values, vectors = values[order], signed(vectors[:, order])
    least = max(float(values[0]), 0.0) * n * np.finfo(np.float64).eps
    return np.where(values > least, np.ldexp(values, exponent), 0.0), vectors
