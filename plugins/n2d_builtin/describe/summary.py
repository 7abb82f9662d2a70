"""A summary of each cluster in the units of the input, with the features that set it apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from n2d_framework.plugin import AnyArray, ClusteredRows, component, feature_contrasts, option

__all__ = ["Summary"]

#: Features described at once, so that memory stays bounded.
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
        found = feature_contrasts(x, rows.labels)
        members = [np.flatnonzero(rows.labels == label) for label in found.labels]
        names = rows.feature_names
        medians = _medians(x, members) if len(names) <= self.max_features else None
        clusters = []
        for i, label in enumerate(found.labels.tolist()):
            order = np.lexsort((np.arange(len(names)), -np.abs(found.effects[i])))
            about: dict[str, Any] = {
                "label": label,
                "size": int(found.sizes[i]),
                "share": float(found.sizes[i] / len(x)),
                "distinctive": [
                    {
                        "feature": names[j],
                        "effect": float(found.effects[i, j]),
                        "mean": float(found.means[i, j]),
                        "mean_of_others": float(found.others[i, j]),
                    }
                    for j in order[: self.n_features].tolist()
                    if found.effects[i, j] != 0
                ],
            }
            if medians is not None:
                about["features"] = [
                    {
                        "feature": name,
                        "mean": float(found.means[i, j]),
                        "median": float(medians[i, j]),
                        "std": float(found.deviations[i, j]),
                    }
                    for j, name in enumerate(names)
                ]
            clusters.append(about)
        return {"clusters": clusters}


def _medians(x: AnyArray, members: list[AnyArray]) -> AnyArray:
    found = np.empty((len(members), x.shape[1]))
    for i, own in enumerate(members):
        for start in range(0, x.shape[1], _COLUMNS):
            part = slice(start, start + _COLUMNS)
            found[i, part] = np.median(x[own, part].astype(np.float64), axis=0)
    return found
