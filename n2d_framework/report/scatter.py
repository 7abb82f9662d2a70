"""A cell's manifold as points for the page: where they lie, and what they can be coloured by."""

from __future__ import annotations

from typing import Any

import numpy as np

from n2d_framework.metrics import match_clusters
from n2d_framework.plots.palette import (
    COLOURS,
    MARKERS,
    NOISE_STYLE,
    cluster_styles,
    distinct,
    fifty_further_colours,
    is_noise,
    styles,
)
from n2d_framework.plots.row_sample import to_plane
from n2d_framework.report.fitted_stages import CellStages
from n2d_framework.types import AnyArray

__all__ = ["points"]

_GRID = 4095
_MARKER_NUMBERS = {marker: number for number, marker in enumerate(MARKERS)}


def points(stages: CellStages, chosen: AnyArray) -> dict[str, Any]:
    """Points of a cell.

    Parameters
    ----------
    stages : CellStages
    chosen : array of int
        Rows to be shown.

    Returns
    -------
    dict
        ``x, y`` (integers up to 4095, y downwards), ``axes``; ``truth`` and ``labels``,
        each with a ``legend`` and the place in it of each point (``truth`` is ``None`` where
        it is not known); ``confidence`` in percent, or ``None``.
    """
    manifold, labels, truth = stages.output("manifolder"), stages.output("clusterer"), stages.truth
    plane, axes = to_plane(np.asarray(manifold), rows=chosen)
    x, y = _on_grid(plane)
    classes, stands_for = stages.classes, {} if truth is None else match_clusters(truth, labels)
    class_look = {} if truth is None else styles(truth)
    meant = {label: classes[code] for label, code in stands_for.items()}
    called = {label: _cluster_name(label, meant.get(label)) for label in distinct(labels)}
    cluster_look = cluster_styles(class_look, labels, stands_for)
    return {
        "x": x,
        "y": y,
        "axes": list(axes),
        "total": len(labels),
        "truth": None if truth is None else _colouring(truth, chosen, classes, class_look),
        "labels": _colouring(labels, chosen, called, cluster_look),
        "confidence": _confidence(stages, manifold[chosen]),
    }


def _on_grid(plane: AnyArray) -> tuple[list[int], list[int]]:
    low, high = plane.min(axis=0), plane.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    place = ((plane - low) / span * _GRID).round().astype(int)
    return place[:, 0].tolist(), (_GRID - place[:, 1]).tolist()


def _cluster_name(label: Any, stands_for: str | None) -> str:
    if is_noise(label):
        return "noise"
    return f"cluster {label}" if stands_for is None else f"cluster {label} ≈ {stands_for}"


def _colouring(
    values: AnyArray, chosen: AnyArray, called: dict[Any, str], look: dict[Any, Any]
) -> dict[str, Any]:
    """Legend of all values, noise last, and the place of each chosen row in it."""
    order = sorted(distinct(values), key=is_noise)
    place = {value: number for number, value in enumerate(order)}
    colours = (*COLOURS, *fifty_further_colours())
    kinds, counts = np.unique(values, return_counts=True)
    size = dict(zip(kinds.tolist(), counts.tolist(), strict=True))
    legend = [
        {
            "name": called[value],
            "count": size[value],
            "colour": -1 if look[value] == NOISE_STYLE else colours.index(look[value].color),
            "marker": _MARKER_NUMBERS[look[value].marker],
        }
        for value in order
    ]
    return {"legend": legend, "of": [place[value] for value in values[chosen].tolist()]}


def _confidence(stages: CellStages, manifold: AnyArray) -> list[int] | None:
    """Certainty of membership, in percent: membership strength, or largest probability."""
    component = stages.component("clusterer")
    if hasattr(component, "strengths"):
        sure = np.asarray(component.strengths(manifold))
    elif hasattr(component, "predict_proba"):
        sure = np.asarray(component.predict_proba(manifold)).max(axis=1)
    else:
        return None
    found: list[int] = np.clip(sure * 100, 0, 100).round().astype(int).tolist()
    return found
