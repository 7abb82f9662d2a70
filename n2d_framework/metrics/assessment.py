"""Everything there is to say about a clustering, in one mapping."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from n2d_framework.metrics.agreement import score
from n2d_framework.metrics.coding import code
from n2d_framework.metrics.density import dbcv
from n2d_framework.metrics.geometry import calinski_harabasz, davies_bouldin, silhouette
from n2d_framework.metrics.of_plugins import AnyMetric, scores_of_plugins

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
    extra: Iterable[AnyMetric] = (),
) -> dict[str, float]:
    """Score a clustering against true classes, and by itself.

    Parameters
    ----------
    y : array-like of shape (n,) or None
        True classes, of any type; ``None`` if they are not known.
    labels : array-like of shape (n,)
        Clusters; the number -1 is noise.
    coordinates : array-like of shape (n, d), optional
        The space that was clustered; of more than a million rows, a sample of a million is scored.
    density : bool, default False
        Whether the clusterer works by density: then DBCV is computed too.
    random_state : int, default 0
        Seed of the samples on which the costly scores are computed.
    extra : iterable of Entry or MetricSpec
        Metrics of plugins, such as ``default_catalogue().metrics()``. Those that need what is not
        given are left out.

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

    Warns
    -----
    MetricWarning
        For each metric of `extra` that raises, returns no number, or has the name of another
        score: it has none, all others stand.
    """
    found = _with_truth(y, labels)
    if coordinates is not None:
        found["silhouette"] = silhouette(coordinates, labels, random_state=random_state)
        found["calinski_harabasz"] = calinski_harabasz(coordinates, labels)
        found["davies_bouldin"] = davies_bouldin(coordinates, labels)
        if density:
            found["dbcv"] = dbcv(coordinates, labels, random_state=random_state)
    return found | scores_of_plugins(extra, y, labels, coordinates)


def _with_truth(y: Any, labels: Any) -> dict[str, float]:
    if y is not None:
        return score(y, labels)
    coded = code(labels, "labels")
    return {"coverage": float((~coded.is_noise).mean()), "n_clusters": coded.n_clusters}
