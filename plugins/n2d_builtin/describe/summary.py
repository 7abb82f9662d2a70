"""A summary of each cluster in the units of the input, with the features that set it apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from n2d_framework.plugin import AnyArray, ClusteredRows, component, option

__all__ = ["Summary"]

#: Rows summed at once, and features described at once, so that memory stays bounded.
_BLOCK = 4096
_COLUMNS = 512


@component
class Summary:
    """Size, share, and mean, median and spread of each feature, cluster by cluster.

    The features that set a cluster apart are those with the largest effect size: the difference
    between the mean of the cluster and that of all other rows, divided by their pooled standard
    deviation (Cohen's d). Rows of any shape are described value by value.

    Notes
    -----
    Values are in the units of the input, in float64. A feature that is constant has the effect 0.
    """

    n_features: int = option(
        5, ge=1, help="How many of the features that set a cluster apart are named."
    )
    max_features: int = option(
        1000,
        ge=1,
        help="Rows with more features than this are described by sizes and by the features that "
        "set clusters apart only, so that descriptions stay small.",
    )

    def describe(self, rows: ClusteredRows) -> Mapping[str, Any]:
        """Describe clusters and, as label -1, noise.

        Parameters
        ----------
        rows : ClusteredRows

        Returns
        -------
        mapping
            ``clusters``: a list with one mapping for each label, in ascending order: ``label``,
            ``size``, ``share``, ``distinctive`` (a list of ``feature``, ``effect``, ``mean``,
            ``mean_of_others``, by descending absolute effect) and, for rows of not too many
            features, ``features`` (a list of ``feature``, ``mean``, ``median``, ``std``).
        """
        x = rows.x.reshape(len(rows.x), -1)
        labels, sizes = np.unique(rows.labels, return_counts=True)
        members = [np.flatnonzero(rows.labels == label) for label in labels]
        means, deviations = _moments(x, members)
        effects, others = _effects(sizes, means, deviations)
        names = rows.feature_names
        medians = _medians(x, members) if len(names) <= self.max_features else None
        clusters = []
        for i, label in enumerate(labels.tolist()):
            order = np.lexsort((np.arange(len(names)), -np.abs(effects[i])))
            about: dict[str, Any] = {
                "label": label,
                "size": int(sizes[i]),
                "share": float(sizes[i] / len(x)),
                "distinctive": [
                    {
                        "feature": names[j],
                        "effect": float(effects[i, j]),
                        "mean": float(means[i, j]),
                        "mean_of_others": float(others[i, j]),
                    }
                    for j in order[: self.n_features].tolist()
                    if effects[i, j] != 0
                ],
            }
            if medians is not None:
                about["features"] = [
                    {
                        "feature": name,
                        "mean": float(means[i, j]),
                        "median": float(medians[i, j]),
                        "std": float(deviations[i, j]),
                    }
                    for j, name in enumerate(names)
                ]
            clusters.append(about)
        return {"clusters": clusters}


def _moments(x: AnyArray, members: list[AnyArray]) -> tuple[AnyArray, AnyArray]:
    """Mean and standard deviation of each feature in each cluster: (k, d) float64.

    The second moment is taken about the mean, and values are brought near 1 by a power of two,
    which is exact: offsets and extreme units do no harm.
    """
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


def _medians(x: AnyArray, members: list[AnyArray]) -> AnyArray:
    found = np.empty((len(members), x.shape[1]))
    for i, own in enumerate(members):
        for start in range(0, x.shape[1], _COLUMNS):
            part = slice(start, start + _COLUMNS)
            found[i, part] = np.median(x[own, part].astype(np.float64), axis=0)
    return found


def _effects(sizes: AnyArray, means: AnyArray, deviations: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Cohen's d of each cluster against all other rows, and the means of the others."""
    effects, others = np.zeros_like(means), np.array(means)
    # Divided by the scale of each feature, no square overflows or underflows.
    scale = np.abs(means).max(axis=0, initial=0.0) + deviations.max(axis=0, initial=0.0)
    scale = np.where(scale > 0, scale, 1.0)
    centres, spreads = means / scale, deviations / scale
    for i, size in enumerate(sizes):
        rest = np.arange(len(sizes)) != i
        n = sizes[rest].sum()
        if n == 0:
            continue
        weights = (sizes[rest] / n)[:, None]
        mean = (weights * centres[rest]).sum(axis=0)
        inner = (weights * spreads[rest] ** 2).sum(axis=0)
        between = (weights * (centres[rest] - mean) ** 2).sum(axis=0)
        pooled = np.sqrt((size * spreads[i] ** 2 + n * (inner + between)) / (size + n))
        difference = centres[i] - mean
        # What rounding alone makes different is not an effect.
        real = np.abs(difference) > 16 * np.finfo(np.float64).eps
        ratio = np.divide(difference, pooled, out=np.sign(difference) * _LARGEST, where=pooled > 0)
        effects[i] = np.where(real, np.clip(ratio, -_LARGEST, _LARGEST), 0.0)
        others[i] = mean * scale
    return effects, others


#: Effect of a feature that does not vary within clusters, and so separates them for certain.
_LARGEST = 1e6
