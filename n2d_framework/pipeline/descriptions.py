"""Descriptions of clusters by describe components."""

from __future__ import annotations

import copy
import json
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from n2d_framework.config import Composition
from n2d_framework.core.protocols import ClusteredRows
from n2d_framework.core.roles import parts_of
from n2d_framework.core.rows import Rows, value_names
from n2d_framework.core.spec import ComponentSpec
from n2d_framework.core.state import State, need
from n2d_framework.errors import DescriptionWarning, StateError
from n2d_framework.pipeline.fitting import Fit
from n2d_framework.plan.compatibility import suits
from n2d_framework.plan.timing import StepTime
from n2d_framework.types import NOISE, AnyArray

__all__ = [
    "clustered_rows",
    "described",
    "descriptions_of_state",
    "names_given",
    "names_that_hold",
    "state_of_descriptions",
]


def clustered_rows(
    rows: Rows, fit: Fit, coordinates: AnyArray, spec: ComponentSpec | None = None
) -> ClusteredRows:
    """Rows with their clusters, for a component or a plot.

    Parameters
    ----------
    rows : Rows
        Of the fit.
    fit : Fit
    coordinates : array of shape (n, m)
    spec : ComponentSpec, optional
        Of a describe component. One that takes such rows gets them as they were given. Others, and
        plots, get those of numbers so, and in place of columns, texts and sparse rows what the
        prepare components made of them, with the names of its features.

    Returns
    -------
    ClusteredRows
    """
    if rows.storage == "dense" or (spec is not None and suits(spec, rows)):
        names = rows.schema.names if rows.storage == "columns" else ()
        x, names = rows.given, names or value_names(rows.schema, rows.row_shape)
    else:
        found = fit.fitted.prepared(rows)
        x, names = found.given, fit.fitted.feature_names(found.row_shape)
    labels, coordinates = fit.labels.view(), coordinates.view()
    labels.flags.writeable = coordinates.flags.writeable = False
    return ClusteredRows(x, labels, coordinates, names, rows.ids)


def described(
    composition: Composition,
    rows_for: Callable[[ComponentSpec], ClusteredRows],
    times: list[StepTime],
) -> dict[str, Any]:
    """Descriptions of all describe components, by name.

    Parameters
    ----------
    composition : Composition
    rows_for : callable
        Gives the rows that a component is asked about.
    times : list of StepTime
        Gets what each took.

    Returns
    -------
    dict

    Warns
    -----
    DescriptionWarning
        If a component fails or returns something else than plain values; the others count.
    """
    found: dict[str, Any] = {}
    for label, choice in parts_of("describe", composition.choices("describe")).items():
        start = time.perf_counter()
        try:
            component = choice.component
            if hasattr(component, "describe"):
                given = component.describe(rows_for(choice.spec))
            else:
                given = component.describe_from(copy.deepcopy(found))
            found[choice.name] = json.loads(json.dumps(given, allow_nan=False))
        except Exception as error:  # noqa: BLE001  # a component may raise anything
            warnings.warn(
                f"describe {choice.name!r} failed: {type(error).__name__}: {error}; the model is "
                "fitted without its description",
                DescriptionWarning,
                stacklevel=4,
            )
        times.append(StepTime(label, choice.spec.name, time.perf_counter() - start))
    return found


def names_that_hold(
    descriptions: Mapping[str, Any], before: AnyArray, after: AnyArray
) -> dict[str, Any]:
    """Part of descriptions that holds after labels have changed.

    Parameters
    ----------
    descriptions : mapping
        By the names of the describe components.
    before, after : int64 arrays of shape (n,)
        Labels of the training rows.

    Returns
    -------
    dict
        All of them if no label has changed. Else of each component the names that it gave to
        clusters whose rows are the same; what it said of clusters compares them with others.
    """
    if np.array_equal(before, after):
        return dict(descriptions)
    changed = before != after
    touched = {*np.unique(before[changed]).tolist(), *np.unique(after[changed]).tolist()}
    found: dict[str, Any] = {}
    for component, said in descriptions.items():
        clusters = said.get("clusters") if isinstance(said, Mapping) else None
        kept = [
            {"label": about["label"], "name": about["name"]}
            for about in (clusters if isinstance(clusters, list) else [])
            if isinstance(about, Mapping)
            and isinstance(about.get("name"), str)
            and isinstance(about.get("label"), int)
            and about["label"] not in touched
        ]
        if kept:
            found[component] = {"clusters": kept}
    return found


def state_of_descriptions(descriptions: dict[str, Any]) -> State:
    """Descriptions as a part of a bundle: JSON as bytes of UTF-8."""
    return {"json": np.frombuffer(json.dumps(descriptions).encode(), dtype=np.uint8)}


def descriptions_of_state(state: State) -> dict[str, Any]:
    """The descriptions in a part of a bundle.

    Raises
    ------
    StateError
        If it does not hold any.
    """
    try:
        found = json.loads(need(state, "json", np.ndarray).astype(np.uint8).tobytes())
    except (ValueError, RecursionError) as error:
        raise StateError(f"descriptions cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise StateError("descriptions must be a mapping")
    return found


def names_given(descriptions: Mapping[str, Any]) -> dict[int, str]:
    """Names that describe components give clusters: each a ``name`` next to a ``label``.

    The last component that names a cluster has its way.
    """
    found: dict[int, str] = {}
    for said in descriptions.values():
        clusters = said.get("clusters") if isinstance(said, Mapping) else None
        for about in clusters if isinstance(clusters, list) else []:
            if isinstance(about, Mapping) and isinstance(about.get("name"), str):
                label = about.get("label")
                if isinstance(label, int) and label != NOISE:
                    found[label] = about["name"]
    return found
