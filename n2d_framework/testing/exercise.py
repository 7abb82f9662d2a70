"""Fits and answers of a component of each role, in the shape that checks take."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from n2d_framework.core.protocols import ClusteredRows, FitContext
from n2d_framework.core.roles import role_info
from n2d_framework.core.rows import Rows, is_sparse
from n2d_framework.core.spec import ComponentSpec
from n2d_framework.plan.run_step import fit_component
from n2d_framework.testing.sample_rows import rows_of
from n2d_framework.types import NOISE, AnyArray, IntArray, Role

__all__ = ["as_array", "ask", "exercise", "questions"]


def exercise(component: Any, role: Role, x: AnyArray, context: FitContext) -> Any:
    """Fit a component, and return what came out for its training rows.

    Parameters
    ----------
    component : object
        Fresh.
    role : str
    x : array of shape (n, ...)
        Rows, or coordinates. Components that take labels get :func:`_labels` of them.
    context : FitContext

    Returns
    -------
    array
        Descriptions are given as the bytes of their JSON.
    """
    info = role_info(role)
    if info.takes != "labels":
        return fit_component(component, role, x, context=context)
    if "fit" in info.methods:
        component.fit(x, _labels(x), context=context)
    return ask(role, component, info.verb, x)


def ask(role: Role, component: Any, verb: str, x: Any) -> Any:
    """Call a method of a component with rows, and with labels where it takes them."""
    info = role_info(role)
    if info.takes != "labels":
        return getattr(component, verb)(x)
    if info.gives_labels:
        return getattr(component, verb)(x, _labels(x))
    if not hasattr(component, verb):
        found = getattr(component, info.instead[verb])(_descriptions(_labels(x)))
        return np.frombuffer(json.dumps(found, allow_nan=False).encode(), dtype=np.uint8)
    rows = rows_of(x)
    names = rows.schema.names or tuple(map(str, range(int(np.prod(rows.row_shape)))))
    flat = _flat(x)
    found = getattr(component, verb)(ClusteredRows(x, _labels(x), flat, names))
    return np.frombuffer(json.dumps(found, allow_nan=False).encode(), dtype=np.uint8)


def _descriptions(labels: AnyArray) -> dict[str, Any]:
    """Descriptions as another component could have made them."""
    clusters = [
        {"label": int(label), "size": int(size), "words": ["one", "another"]}
        for label, size in zip(*np.unique(labels, return_counts=True), strict=True)
    ]
    return {"other": {"clusters": clusters}}


def questions(spec: ComponentSpec, component: Any, x: Any) -> Mapping[str, AnyArray]:
    """Everything a fitted component says about rows, by the names of its methods."""
    info = role_info(spec.role)
    if not (spec.inductive and info.places_rows):
        return {}
    found = {info.verb: ask(spec.role, component, info.verb, x)}
    if "predict_proba" in info.optional and spec.soft:
        found["predict_proba"] = component.predict_proba(x)
    if "strengths" in info.optional and hasattr(component, "strengths"):
        found["strengths"] = component.strengths(x)
    for back in ("reconstruct", "inverse_transform"):
        if back in info.optional and hasattr(component, back):
            found[back] = getattr(component, back)(found[info.verb])
    return {name: as_array(values) for name, values in found.items()}


def as_array(values: Any) -> AnyArray:
    """An output as an array, to be compared: sparse rows of a component become dense."""
    if isinstance(values, Rows):
        return values.identity()
    return np.asarray(values.toarray() if is_sparse(values) else values)


def _labels(x: Any) -> IntArray:
    """Two clusters, and noise; each row's label depends on that row only."""
    flat = _flat(x).astype(np.float64)
    labels = (flat[:, 0] > np.float64(0.5)).astype(np.int64)
    labels[np.floor(8 * flat[:, -1]) % 5 == 0] = NOISE
    return labels


def _flat(x: Any) -> AnyArray:
    """Numbers of rows of any kind, each from its own row: of texts and columns hashes."""
    if isinstance(x, np.ndarray) and x.dtype != object:
        return x.reshape(len(x), -1)
    rows = rows_of(x)
    hashes = [int(rows.take([row]).fingerprint()[:8], 16) for row in range(len(rows))]
    return np.array(hashes, dtype=np.float32)[:, None] / 2**32
