"""The best one-to-one matching of clusters with classes, and the accuracy it gives."""

from __future__ import annotations

from typing import Any

import numpy as np

from n2d_framework.errors import DataError
from n2d_framework.metrics.coding import Coded, code_pair
from n2d_framework.types import NOISE, AnyArray, IntArray

__all__ = ["accuracy", "coded_accuracy", "match_clusters", "match_labels"]

#: Largest table of classes by clusters.
_MAX_CELLS = 10**8


def accuracy(y: Any, labels: Any) -> float:
    """Fraction of rows that lie in the cluster matched to their class (ACC).

    Parameters
    ----------
    y : array-like of shape (n,)
        True classes, of any type.
    labels : array-like of shape (n,)
        Clusters, of any type; noise (-1) is a cluster like any other here.

    Returns
    -------
    float
        In (0, 1]. Each cluster is matched to one class at most and the other way round, so
        that surplus clusters, or classes, count as errors.

    Raises
    ------
    DataError

    References
    ----------
    Xie, Girshick and Farhadi 2016, Unsupervised Deep Embedding for Clustering Analysis,
    eq. 10; the matching is an assignment problem (Kuhn 1955).
    """
    truth, found = code_pair(y, labels)
    return coded_accuracy(truth.codes, found.codes)


def coded_accuracy(truth: IntArray, found: IntArray) -> float:
    """The accuracy of codes."""
    table = _contingency(truth, found)
    rows, columns = _assign(table)
    return float(table[rows, columns].sum() / len(truth))


def match_clusters(y: Any, labels: Any) -> dict[Any, Any]:
    """Which class each cluster stands for.

    Parameters
    ----------
    y, labels : array-like of shape (n,)

    Returns
    -------
    dict
        Cluster to class, for the clusters that have one. Noise (-1) stands for no class and
        takes no part; the matching is the best for the other rows.

    Raises
    ------
    DataError
    """
    truth, found = code_pair(y, labels)
    inside = ~found.is_noise
    if not inside.any():
        return {}
    table = _contingency(truth.codes[inside], found.codes[inside])
    pairs = zip(*_assign(table), strict=True)
    matched = {found.values[c]: truth.values[r] for r, c in pairs if table[r, c]}
    return {value: matched[value] for value in found.values if value in matched}


def match_labels(y: Any, labels: Any) -> AnyArray:
    """Labels in the values of the classes, for pictures whose colours shall agree.

    Parameters
    ----------
    y, labels : array-like of shape (n,)

    Returns
    -------
    array of shape (n,)
        For each row, the class its cluster stands for (:func:`match_clusters`); -1 for
        noise. A cluster without a class gets a value that no class has: the integers after
        the greatest class where classes are numbers, else ``"cluster <label>"``. Of the type
        int64 or float64 where all values are such numbers, else objects.

    Raises
    ------
    DataError
    """
    truth, found = code_pair(y, labels)
    matched = match_clusters(y, labels)
    spare = [v for v in found.values if v not in matched and v != NOISE]
    names = dict(zip(spare, _spare_values(truth, spare), strict=True))
    values = [matched.get(v, names.get(v, NOISE)) for v in found.values]
    table = np.empty(len(values), dtype=_dtype_of(values))
    table[:] = values
    return table[found.codes]


def _dtype_of(values: list[Any]) -> type[Any]:
    kinds = {type(value) for value in values}
    if kinds == {int}:
        return np.int64
    return np.float64 if kinds <= {int, float} else object


def _spare_values(truth: Coded, spare: list[Any]) -> list[Any]:
    numeric = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in truth.values)
    if not numeric:
        return [f"cluster {value}" for value in spare]
    first = int(np.floor(max(truth.values))) + 1
    return list(range(max(first, 0), max(first, 0) + len(spare)))


def _contingency(truth: IntArray, found: IntArray) -> IntArray:
    n_classes, n_clusters = int(truth.max()) + 1, int(found.max()) + 1
    if n_classes * n_clusters > _MAX_CELLS:
        raise DataError(
            f"{n_classes} classes and {n_clusters} clusters are too many to be matched; "
            "are the true classes really classes?"
        )
    counts = np.bincount(truth * n_clusters + found, minlength=n_classes * n_clusters)
    return counts.reshape(n_classes, n_clusters)


def _assign(table: IntArray) -> tuple[IntArray, IntArray]:
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(table, maximize=True)
    return rows, columns
