"""Equal rows share what a stage gives them."""

from __future__ import annotations

import logging

import numpy as np

from n2d_framework.core.arrays.distinct import DistinctRows, distinct_rows
from n2d_framework.types import AnyArray, IntArray

__all__ = ["share_among_equal_rows"]

logger = logging.getLogger(__name__)


def share_among_equal_rows(output: AnyArray, x: AnyArray) -> AnyArray:
    """Give rows that are equal the same coordinates, or the same label.

    Components that treat each row on its own, as the built-in ones do, are not concerned.
    Others may distinguish equal rows by their position, such as a t-SNE that is not aware of them.

    Parameters
    ----------
    output : array of shape (n, d) or (n,)
        Coordinates, or integer labels.
    x : array of shape (n, ...)
        What they were found for.

    Returns
    -------
    array
        `output`; or a copy in which equal rows have the coordinates of the first of them, or
        the label that most of them have (of several, the lowest).
    """
    rows = distinct_rows(x)
    if not rows.repeated or np.array_equal(output[rows.first][rows.inverse], output):
        return output
    found = output[rows.first] if output.ndim > 1 else _most_frequent(output, rows)
    shared = found[rows.inverse]
    changed = (shared != output).reshape(len(output), -1).any(axis=1).sum()
    logger.info("%d of %d rows take over what an equal row has", changed, len(output))
    return np.asarray(shared)


def _most_frequent(labels: IntArray, rows: DistinctRows) -> IntArray:
    """The most frequent label of each distinct row."""
    pairs, counts = np.unique(np.stack([rows.inverse, labels], axis=1), axis=0, return_counts=True)
    group, label = pairs.T
    by_count = np.lexsort((label, -counts, group))
    _, first = np.unique(group[by_count], return_index=True)
    found: IntArray = label[by_count][first]
    return found
