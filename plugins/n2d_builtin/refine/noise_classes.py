"""Clusters that noise belongs to by a classifier which learned them: Gaussians, or a vote."""

from __future__ import annotations

import numpy as np

from n2d_builtin.common.one_thread import one_blas_thread
from n2d_builtin.neighbors.neighbors import ExactNeighbors
from n2d_framework.plugin import NOISE, AnyArray, IntArray, in_blocks

__all__ = ["likeliest_labels", "voted_labels"]

#: Rows with a vote; numbers held at once; variance, as a share of all, that every direction has.
_VOTERS, _BUDGET, _FLOOR = 15, 4_000_000, 1e-6


def likeliest_labels(points: AnyArray, labels: IntArray, least: float = 0.0) -> IntArray:
    """Labels of points, where noise has that of the cluster it is likeliest drawn from.

    Each cluster is a Gaussian with its share of the points. Its covariance is drawn towards that
    within all clusters, with the weight of ``m + 2`` points, so that small clusters have one, too
    (Friedman 1989, Regularized Discriminant Analysis, JASA 84).

    Parameters
    ----------
    points : float32 array of shape (n, m)
        All different.
    labels : int64 array of shape (n,)
    least : float, default 0
        Posterior probability that the likeliest cluster must have; other noise stays noise.

    Returns
    -------
    int64 array of shape (n,)
    """
    noise, clustered = np.flatnonzero(labels == NOISE), np.flatnonzero(labels != NOISE)
    found = np.array(labels, dtype=np.int64)
    if not noise.size or not clustered.size:
        return found
    ids, codes = np.unique(labels[clustered], return_inverse=True)
    rows = points[clustered].astype(np.float64)
    centre = rows.mean(axis=0)
    unit = float(np.abs(rows - centre).max()) or 1.0
    rows = (rows - centre) / unit
    order = np.argsort(codes, kind="stable")
    members = np.split(rows[order], np.flatnonzero(np.diff(codes[order])) + 1)
    d = rows.shape[1]
    with one_blas_thread():
        scatters = [_scatter(group) for group in members]
        within = sum(scatters) / len(rows)
        spread = float(np.trace(_scatter(rows)) / (len(rows) * d))
        within = within + (_FLOOR * spread or 1.0) * np.eye(d)
        means = [group.mean(axis=0) for group in members]
        factors = [
            np.linalg.cholesky((scatter + (d + 2) * within) / (len(group) + d + 2))
            for group, scatter in zip(members, scatters, strict=True)
        ]
        shares = [np.log(len(group) / len(rows)) for group in members]

    def joint(block: AnyArray) -> AnyArray:
        from scipy.linalg import solve_triangular

        new = (block.astype(np.float64) - centre) / unit
        columns = []
        for mean, factor, share in zip(means, factors, shares, strict=True):
            apart = solve_triangular(factor, (new - mean).T, lower=True)
            columns.append(
                share - np.log(np.diag(factor)).sum() - 0.5 * np.einsum("ij,ij->j", apart, apart)
            )
        return np.stack(columns, axis=1)

    def best(block: AnyArray) -> AnyArray:
        logs = joint(block)
        top = logs.max(axis=1)
        probability = 1.0 / np.exp(logs - top[:, None]).sum(axis=1)
        return np.where(probability >= least, ids[logs.argmax(axis=1)], NOISE)

    with one_blas_thread():
        block = max(1, _BUDGET // (32 * max(d, len(ids)))) * 32
        found[noise] = in_blocks(best, points[noise], block=block)
    return found


def voted_labels(points: AnyArray, labels: IntArray, least: float = 0.0) -> IntArray:
    """Labels of points, where noise has that for which most of the clustered points near it vote.

    A vote counts the less, the farther away it is: ``1 / distance``, of the 15 nearest (Dudani
    1976, The Distance-Weighted k-Nearest-Neighbor Rule, IEEE Transactions on Systems, Man, and
    Cybernetics 6).

    Parameters
    ----------
    points : float32 array of shape (n, m)
        All different.
    labels : int64 array of shape (n,)
    least : float, default 0
        Share of the votes that a cluster must have; other noise stays noise.

    Returns
    -------
    int64 array of shape (n,)
    """
    noise, clustered = np.flatnonzero(labels == NOISE), np.flatnonzero(labels != NOISE)
    found = np.array(labels, dtype=np.int64)
    if not noise.size or not clustered.size:
        return found
    ids, codes = np.unique(labels[clustered], return_inverse=True)
    search = ExactNeighbors(np.ascontiguousarray(points[clustered]))
    number = min(_VOTERS, len(clustered))
    nearest, distances = search.query(np.ascontiguousarray(points[noise]), number)
    # Relative to the nearest: of rows far from all, no vote is lost to rounding.
    closest = distances[:, :1]
    votes = np.where(distances > 0, closest / np.where(distances > 0, distances, 1.0), 1.0)
    voters = codes[nearest]
    # Each voter has the votes of all that vote as it does.
    shares = ((voters[:, :, None] == voters[:, None, :]) * votes[:, None, :]).sum(axis=2)
    top = shares.argmax(axis=1)  # of equal shares that of the nearest
    here = np.arange(len(noise))
    sure = shares[here, top] >= least * votes.sum(axis=1)
    found[noise] = np.where(sure, ids[voters[here, top]], NOISE)
    return found


def _scatter(rows: AnyArray) -> AnyArray:
    apart = rows - rows.mean(axis=0)
    scatter: AnyArray = apart.T @ apart
    return scatter
