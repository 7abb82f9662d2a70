"""Rows of which a model is least sure, and those that are far from all clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from n2d_framework.metrics.cluster_profile import Profile
from n2d_framework.pages.run_view import RunView
from n2d_framework.types import NOISE, AnyArray, IntArray

__all__ = ["odd_rows"]

#: Rows that are listed, and how many of them may be far ones where sureness is known.
_MOST, _FAR = 20, 10
#: Rows of noise whose nearest cluster is looked for, and how many at once.
_SAMPLED, _AT_ONCE = 5000, 8192


def odd_rows(view: RunView, ordered: Sequence[Profile]) -> list[dict[str, Any]]:
    """List up to twenty rows, the farthest from their clusters and the least sure.

    Parameters
    ----------
    view : RunView
    ordered : sequence of Profile
        Of all clusters, with typical rows, of which the first is the medoid.

    Returns
    -------
    list of dict
        ``name``, ``why``, ``cluster`` (of noise the nearest one), ``noise``, ``strength``,
        ``confidence`` and ``distance``: how many times as far from the medoid the row is as rows of
        that cluster in the median. Rows of noise come first, the farthest first; then those of
        clusters; then those of the lowest confidence (or strength, where there is none).
    """
    clusters = [profile for profile in ordered if profile.label != NOISE]
    if not view.keep_rows or not clusters:
        return []
    distance, nearest = _distances(view.coordinates, view.labels, clusters, view.random_state)
    sure = view.confidence if view.confidence is not None else view.strengths
    kind = "confidence" if view.confidence is not None else "strength"
    noise = view.labels == NOISE
    known = np.isfinite(distance) & (distance > 0)
    order = np.lexsort((np.arange(len(distance)), -np.where(known, distance, 0.0), ~noise))
    far = order[known[order]][: _MOST if sure is None else _FAR].tolist()
    chosen = [(row, "noise" if noise[row] else "far from its cluster") for row in far]
    if sure is not None:
        least = np.argsort(np.where(noise, np.inf, sure), kind="stable")
        more = [int(row) for row in least[:_MOST] if not noise[row] and row not in set(far)]
        chosen += [(row, f"low {kind}") for row in more[: _MOST - len(far)]]
    return [
        {
            "name": view.row_name(row),
            "why": why,
            "cluster": view.cluster_name(int(nearest[row])),
            "noise": bool(noise[row]),
            "strength": None if view.strengths is None else float(view.strengths[row]),
            "confidence": None if view.confidence is None else float(view.confidence[row]),
            "distance": float(distance[row]) if np.isfinite(distance[row]) else None,
        }
        for row, why in chosen
    ]


def _distances(
    coordinates: AnyArray, labels: IntArray, clusters: Sequence[Profile], seed: int
) -> tuple[AnyArray, IntArray]:
    """Distance of each row from the medoid, in units of its cluster, and that cluster.

    Of very many rows of noise, those that were not drawn have none (NaN).
    """
    from sklearn.metrics import euclidean_distances

    distance, nearest = np.full(len(labels), np.nan), labels.copy()
    medoids = np.asarray(coordinates[[profile.exemplars[0] for profile in clusters]], np.float64)
    place = np.full(int(labels.max()) + 1, -1)
    place[[profile.label for profile in clusters]] = np.arange(len(clusters))
    own = np.flatnonzero(labels != NOISE)
    codes, away = place[labels[own]], np.empty(len(own))
    for start in range(0, len(own), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        away[part] = np.linalg.norm(coordinates[own[part]] - medoids[codes[part]], axis=1)
    order = np.lexsort((away, codes))
    starts = np.searchsorted(codes[order], np.arange(len(clusters)))
    sizes = np.bincount(codes, minlength=len(clusters))
    units = away[order][starts + sizes // 2]
    units = np.where(units > 0, units, np.median(units[units > 0]) if (units > 0).any() else 1.0)
    distance[own] = away / units[codes]
    noise = np.flatnonzero(labels == NOISE)
    if len(noise) > _SAMPLED:
        noise = np.sort(np.random.default_rng(seed).choice(noise, _SAMPLED, replace=False))
    found = np.array([profile.label for profile in clusters])
    for start in range(0, len(noise), _AT_ONCE):
        some = noise[start : start + _AT_ONCE]
        points = np.asarray(coordinates[some], dtype=np.float64)
        apart = euclidean_distances(points, medoids) / units
        distance[some], nearest[some] = apart.min(axis=1), found[apart.argmin(axis=1)]
    return distance, nearest
