"""Parts of one cluster: how many it falls into, and which part a row is in."""

from __future__ import annotations

from typing import Any

import numpy as np

from n2d_builtin.common.one_thread import one_blas_thread, one_openmp_thread
from n2d_framework.plugin import AnyArray, DataError, IntArray, distinct_rows

__all__ = ["number_of_parts", "part_of", "parts"]

#: Most parts that are looked for, and the fewest rows that a part must have to be found.
_MOST, _LEAST_ROWS = 8, 5
#: Rows of a cluster on which the number of parts is looked for.
_SAMPLED = 5000
#: What a further part must gain in the logarithm of the likelihood of each row: parts of rows that
#: are spread evenly gain nothing on average.
_LEAST_GAIN = 0.05
#: Share of the largest variance below which a direction is constant.
_CONSTANT = 1e-10


def part_of(m: AnyArray, directions: AnyArray, offsets: AnyArray) -> IntArray:
    """The part of each row: (n,) int64; a row's depends on that row only."""
    scores = np.repeat(offsets[None, :], len(m), axis=0)
    for j in range(m.shape[1]):  # value by value: sums have the same order in any batch
        scores += m[:, j : j + 1].astype(np.float64) * directions[:, j]
    return np.asarray(scores.argmax(axis=1), dtype=np.int64)


def parts(m: AnyArray, number: int) -> tuple[AnyArray, AnyArray]:
    """Split the rows of a cluster by k-means on whitened coordinates.

    Whitened, so that units and long shapes do not decide: it is a mixture of Gaussians of one
    covariance with hard assignments.

    Parameters
    ----------
    m : array of shape (n, d)
        Coordinates of the rows of one cluster.
    number : int
        Of parts.

    Returns
    -------
    directions : float64 array of shape (number, d)
    offsets : float64 array of shape (number,)
        For :func:`part_of`; the largest part comes first.

    Raises
    ------
    DataError
        If there are not so many different rows, or a part would be empty.
    """
    n_distinct = len(distinct_rows(np.ascontiguousarray(m, dtype=np.float32)))
    if n_distinct < number:
        raise DataError(f"it has {n_distinct} different rows, too few for {number} parts")
    centre, whitening = _whitening(m)
    directions, offsets = _discriminants(_whitened(m, centre, whitening), number, centre, whitening)
    found = part_of(m, directions, offsets)
    sizes = np.bincount(found, minlength=number)
    if not sizes.all():
        raise DataError(f"its rows make {np.count_nonzero(sizes)} parts, not {number}")
    first = np.array([int(np.flatnonzero(found == part)[0]) for part in range(number)])
    order = np.lexsort((first, -sizes))
    return np.ascontiguousarray(directions[order]), np.ascontiguousarray(offsets[order])


def number_of_parts(m: AnyArray) -> int:
    """Into how many parts the rows of a cluster fall: 1 if they do not.

    By the integrated classification likelihood of Gaussians of one covariance (Biernacki, Celeux
    and Govaert 2000, IEEE PAMI 22): rows of one Gaussian, or spread evenly, are one part. Parts of
    fewer than five rows do not count.

    Parameters
    ----------
    m : array of shape (n, d)

    Returns
    -------
    int
    """
    if len(m) > _SAMPLED:
        chosen = np.random.default_rng(0).choice(len(m), _SAMPLED, replace=False)
        m = m[np.sort(chosen)]
    if len(m) < 2 * _LEAST_ROWS:
        return 1
    z = _whitened(m, *_whitening(m))
    n, width = z.shape
    best, most = 1, 0.0
    for number in range(2, min(_MOST, n // _LEAST_ROWS, _distinct(z)) + 1):
        found = _k_means(z, number).labels_
        sizes = np.bincount(found, minlength=number)
        if sizes.min() < _LEAST_ROWS:
            continue
        means = np.stack([z[found == part].mean(axis=0) for part in range(number)])
        within = z - means[found]
        spread = np.linalg.eigvalsh(within.T @ within / n).clip(min=_CONSTANT)
        gain = -n / 2 * float(np.log(spread).sum())
        gain -= float((sizes * np.log(n / sizes)).sum())
        gain -= (number - 1) * ((width + 1) / 2 * float(np.log(n)) + _LEAST_GAIN * n)
        if gain > most:
            best, most = number, gain
    return best


def _distinct(z: AnyArray) -> int:
    return len(np.unique(z, axis=0))


def _whitening(m: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Mean, and a matrix after which the rows have the identity as covariance."""
    x = m.astype(np.float64)
    centre = x.mean(axis=0)
    with one_blas_thread():
        spread, axes = np.linalg.eigh(np.cov(x.T, bias=True).reshape(x.shape[1], x.shape[1]))
    kept = spread > _CONSTANT * max(float(spread[-1]), np.finfo(float).tiny)
    return centre, axes[:, kept] / np.sqrt(spread[kept])


def _whitened(m: AnyArray, centre: AnyArray, whitening: AnyArray) -> AnyArray:
    with one_blas_thread():
        return np.asarray((m.astype(np.float64) - centre) @ whitening)


def _discriminants(
    z: AnyArray, number: int, centre: AnyArray, whitening: AnyArray
) -> tuple[AnyArray, AnyArray]:
    """Squared distances to the centres of parts, as linear functions of the rows."""
    centres = _k_means(z, number).cluster_centers_
    with one_blas_thread():
        directions = centres @ whitening.T
        offsets = -directions @ centre - (centres**2).sum(axis=1) / 2
    return directions, offsets


def _k_means(z: AnyArray, number: int) -> Any:
    from sklearn.cluster import KMeans

    with one_blas_thread(look_again=True), one_openmp_thread():
        return KMeans(number, n_init=10, random_state=0).fit(z)
