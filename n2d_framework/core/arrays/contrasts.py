"""Contrasts of a group of rows with all others, feature by feature."""

from __future__ import annotations

from typing import Any, TypeAlias

import attrs
import numpy as np

from n2d_framework.types import AnyArray

__all__ = ["Contrasts", "feature_contrasts", "grouped"]

#: Rows summed at once, so that memory stays bounded.
_BLOCK = 4096
#: Effect of a feature that does not vary within groups, and so separates them for certain.
_LARGEST = 1e6
#: Number of rows, mean, and sum of squares about it.
_Moments: TypeAlias = tuple[int, AnyArray, AnyArray]


@attrs.frozen(eq=False)
class Contrasts:
    """Features of groups of rows.

    Attributes
    ----------
    labels : array of shape (k,)
        The groups, in ascending order.
    sizes : int64 array of shape (k,)
    means, deviations : float64 array of shape (k, d)
        Mean and standard deviation of each feature in each group.
    effects : float64 array of shape (k, d)
        The difference between the mean of the group and that of all other rows, divided by their
        pooled standard deviation (Cohen's d); 0 for a constant feature.
    others : float64 array of shape (k, d)
        Means of all other rows.
    """

    labels: AnyArray
    sizes: AnyArray
    means: AnyArray
    deviations: AnyArray
    effects: AnyArray
    others: AnyArray


def feature_contrasts(x: AnyArray, labels: AnyArray) -> Contrasts:
    """Compare each group of rows with all other rows, feature by feature.

    Parameters
    ----------
    x : array of shape (n, d)
        Real numbers, in any units.
    labels : array of shape (n,)
        The group of each row.

    Returns
    -------
    Contrasts

    Notes
    -----
    Sums are in float64 and taken about the mean, and values are brought near 1 by a power of two,
    which is exact: offsets and extreme units do no harm.
    """
    groups, sizes = np.unique(labels, return_counts=True)
    means, deviations = _moments(x, [rows for _, rows in grouped(labels)])
    effects, others = _effects(sizes, means, deviations)
    return Contrasts(groups, sizes, means, deviations, effects, others)


def grouped(labels: AnyArray) -> list[tuple[Any, AnyArray]]:
    """Each label with the numbers of its rows, both ascending; in one pass over the rows."""
    found, rows = np.unique(labels), np.argsort(labels, kind="stable")
    ends = np.searchsorted(labels[rows], found, side="right")
    return list(zip(found.tolist(), np.split(rows, ends[:-1]), strict=True))


def _moments(x: AnyArray, members: list[AnyArray]) -> tuple[AnyArray, AnyArray]:
    """Mean and standard deviation of each feature in each group: (k, d) float64."""
    means, deviations = (np.zeros((len(members), x.shape[1])) for _ in range(2))
    largest = np.maximum(np.abs(x.min(axis=0).astype(np.float64)), np.abs(x.max(axis=0)))
    _, exponent = np.frexp(largest)

    def mean(own: AnyArray, power: int, centre: AnyArray) -> AnyArray:
        total = np.zeros(x.shape[1])
        for start in range(0, len(own), _BLOCK):
            part = np.ldexp(x[own[start : start + _BLOCK]].astype(np.float64), -exponent)
            total += ((part - centre) ** power).sum(axis=0)
        return np.asarray(total / len(own))

    for i, own in enumerate(members):
        centre = mean(own, 1, np.zeros(x.shape[1]))
        centre = centre + mean(own, 1, centre)
        means[i] = np.ldexp(centre, exponent)
        deviations[i] = np.ldexp(np.sqrt(mean(own, 2, centre)), exponent)
    return means, deviations


def _effects(sizes: AnyArray, means: AnyArray, deviations: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Cohen's d of each group against all other rows, and the means of the others."""
    effects, others = np.zeros_like(means), np.array(means)
    # Divided by the scale of each feature, no square overflows or underflows.
    scale = np.abs(means).max(axis=0, initial=0.0) + deviations.max(axis=0, initial=0.0)
    scale = np.where(scale > 0, scale, 1.0)
    centres, spreads = means / scale, deviations / scale
    squares = sizes[:, None] * spreads**2
    before, after = (
        _running(sizes, centres, squares),
        _running(*(part[::-1] for part in (sizes, centres, squares)))[::-1],
    )
    for i, size in enumerate(sizes):
        n, mean, square = _joined(before[i], after[i])
        if n == 0:
            continue
        pooled = np.sqrt((squares[i] + square) / (size + n))
        difference = centres[i] - mean
        # What rounding alone makes different is not an effect.
        real = np.abs(difference) > 16 * np.finfo(np.float64).eps
        ratio = np.divide(difference, pooled, out=np.sign(difference) * _LARGEST, where=pooled > 0)
        effects[i] = np.where(real, np.clip(ratio, -_LARGEST, _LARGEST), 0.0)
        others[i] = mean * scale
    return effects, others


def _running(sizes: AnyArray, means: AnyArray, squares: AnyArray) -> list[_Moments]:
    """Moments of all groups in front of each."""
    found = [(0, np.zeros(means.shape[1]), np.zeros(means.shape[1]))]
    for group in zip(sizes[:-1].tolist(), means, squares, strict=False):
        found.append(_joined(found[-1], group))
    return found


def _joined(one: _Moments, other: _Moments) -> _Moments:
    """Number, mean, and squares about the mean of two groups as one (Chan, Golub, LeVeque 1979)."""
    (n, mean, square), (m, centre, inner) = one, other
    if n == 0 or m == 0:
        return other if n == 0 else one
    apart = centre - mean
    share = m / (n + m)
    return n + m, mean + apart * share, square + inner + apart**2 * (n * share)
