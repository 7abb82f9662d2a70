"""Agreement of labels with true classes, and of clusterings with each other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from n2d_framework.errors import DataError
from n2d_framework.metrics.coding import code, code_pair, require_same_length
from n2d_framework.metrics.matching import coded_accuracy
from n2d_framework.types import IntArray

__all__ = ["score", "stability"]


def score(y: Any, labels: Any) -> dict[str, float]:
    """Compare labels with true classes, with both views of noise.

    Parameters
    ----------
    y : array-like of shape (n,)
        True classes, of any type.
    labels : array-like of shape (n,)
        Clusters, of any type; the number -1 is noise.

    Returns
    -------
    dict of str to float
        ``acc, nmi, ari, ami``
            Accuracy under the best matching, normalized and adjusted mutual information,
            adjusted Rand index. All rows; noise is one more cluster.
        ``coverage``
            Fraction of rows that are not noise.
        ``n_clusters``
            Number of clusters, noise not counted.
        ``acc_clustered, nmi_clustered, ari_clustered, ami_clustered``
            The same on the rows that are not noise; ``nan`` if there is none.

    Raises
    ------
    DataError
        If lengths differ, a value is missing, or there are no rows.
    """
    truth, found = code_pair(y, labels)
    inside = ~found.is_noise
    whole = _four(truth.codes, found.codes)
    clustered = dict.fromkeys(whole, float("nan"))
    if inside.any():
        clustered = _four(_recoded(truth.codes[inside]), _recoded(found.codes[inside]))
    return {
        **whole,
        "coverage": float(inside.mean()),
        "n_clusters": found.n_clusters,
        **{f"{name}_clustered": value for name, value in clustered.items()},
    }


def stability(labelings: Sequence[Any]) -> float:
    """Agreement of several clusterings of the same rows: mean adjusted Rand index of all pairs.

    Parameters
    ----------
    labelings : sequence of array-likes of shape (n,)
        At least two, for example from several seeds; noise is a cluster like any other.

    Returns
    -------
    float
        1 if all are the same up to the names of clusters; near 0 for unrelated ones.

    Raises
    ------
    DataError
    """
    from sklearn.metrics import adjusted_rand_score

    if len(labelings) < 2:
        raise DataError(f"stability compares at least two clusterings, got {len(labelings)}")
    coded = [code(labels, f"labelings[{index}]").codes for index, labels in enumerate(labelings)]
    for index, codes in enumerate(coded):
        require_same_length("labelings[0]", coded[0], f"labelings[{index}]", codes)
    return float(np.mean([adjusted_rand_score(a, b) for a, b in combinations(coded, 2)]))


def _recoded(codes: IntArray) -> IntArray:
    return np.unique(codes, return_inverse=True)[1].astype(np.int64)


def _four(truth: IntArray, found: IntArray) -> dict[str, float]:
    from sklearn.metrics import (
        adjusted_mutual_info_score,
        adjusted_rand_score,
        normalized_mutual_info_score,
    )

    return {
        "acc": coded_accuracy(truth, found),
        "nmi": float(normalized_mutual_info_score(truth, found)),
        "ari": float(adjusted_rand_score(truth, found)),
        "ami": float(adjusted_mutual_info_score(truth, found)),
    }
