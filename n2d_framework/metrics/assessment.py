"""Everything there is to say about a clustering, in one mapping."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from n2d_framework.core.metric import MetricSpec
from n2d_framework.errors import PluginError
from n2d_framework.metrics.agreement import score
from n2d_framework.metrics.coding import code
from n2d_framework.metrics.density import dbcv
from n2d_framework.metrics.geometry import calinski_harabasz, davies_bouldin, silhouette

__all__ = ["LESS_IS_BETTER", "assess"]

#: The scores of :func:`assess` of which less is better; of all others, greater is.
LESS_IS_BETTER = frozenset({"davies_bouldin"})


def assess(
    y: Any,
    labels: Any,
    coordinates: Any = None,
    *,
    density: bool = False,
    random_state: int = 0,
    extra: Iterable[MetricSpec] = (),
) -> dict[str, float]:
    """Score a clustering against true classes, and by itself.

    Parameters
    ----------
    y : array-like of shape (n,) or None
        True classes, of any type; ``None`` if they are not known.
    labels : array-like of shape (n,)
        Clusters; the number -1 is noise.
    coordinates : array-like of shape (n, d), optional
        The space that was clustered.
    density : bool, default False
        Whether the clusterer works by density: then DBCV is computed too.
    random_state : int, default 0
        Seed of the samples on which the costly scores are computed.
    extra : iterable of MetricSpec
        Metrics of plugins. Those that need what is not given are left out.

    Returns
    -------
    dict of str to float
        With `y`: everything :func:`score` returns; without: ``coverage`` and
        ``n_clusters``. With `coordinates`: ``silhouette``, ``calinski_harabasz``,
        ``davies_bouldin`` (noise excluded) and, with `density`, ``dbcv`` (noise counted);
        ``nan`` where a score is not defined. Then those of `extra`.

    Raises
    ------
    DataError
        If lengths differ, a value is missing, or there are no rows.
    PluginError
        If a metric of a plugin fails, or has the name of another.
    """
    found = _with_truth(y, labels)
    if coordinates is not None:
        found["silhouette"] = silhouette(coordinates, labels, random_state=random_state)
        found["calinski_harabasz"] = calinski_harabasz(coordinates, labels)
        found["davies_bouldin"] = davies_bouldin(coordinates, labels)
        if density:
            found["dbcv"] = dbcv(coordinates, labels, random_state=random_state)
    for spec in extra:
        first = y if spec.needs_truth else coordinates
        if first is None:
            continue
        if spec.name in found:
            raise PluginError(f"metric {spec.name!r} ({spec.function}) has the name of another")
        found[spec.name] = _by_plugin(spec, np.asarray(first), np.asarray(labels))
    return found


def _with_truth(y: Any, labels: Any) -> dict[str, float]:
    if y is not None:
        return score(y, labels)
    coded = code(labels, "labels")
    return {"coverage": float((~coded.is_noise).mean()), "n_clusters": coded.n_clusters}


def _by_plugin(spec: MetricSpec, first: Any, labels: Any) -> float:
    function = spec.load()
    try:
        return float(function(first, labels))
    except Exception as error:
        raise PluginError(
            f"metric {spec.name!r} ({spec.function}) failed: {type(error).__name__}: {error}"
        ) from error
