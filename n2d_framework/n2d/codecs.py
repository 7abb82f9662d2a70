"""Fitted stages as plain values: components, umap-learn, hdbscan, and what skops can store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from n2d_framework.core.state import State, need
from n2d_framework.core.trust import object_from_state, object_state
from n2d_framework.errors import StateError, UnsupportedError
from n2d_framework.n2d.old_verbs import Stage

__all__ = ["stage_from_state", "state_of_stage"]

_PLAIN = (bool, int, float, str, type(None))
#: What says nothing about the result.
_NO_OPTIONS = ("memory", "tqdm_kwds", "verbose")
_UMAP_SCALARS = {
    "_a": float,
    "_b": float,
    "_initial_alpha": float,
    "_n_neighbors": int,
    "_small_data": bool,
    "_disconnection_distance": float,
    "_input_hash": str,
}


def state_of_stage(stage: Any) -> State:
    """Take a fitted stage apart.

    Parameters
    ----------
    stage : Stage, umap.UMAP, hdbscan.HDBSCAN, or an estimator like scikit-learn's

    Returns
    -------
    State

    Raises
    ------
    UnsupportedError
        If it cannot be stored without pickle.
    """
    if isinstance(stage, Stage):
        return {"kind": "component", **stage.state()}
    package = type(stage).__module__.split(".")[0]
    if package == "umap" and type(stage).__name__ == "UMAP":
        return {"kind": "umap", **_umap_state(stage)}
    if package == "hdbscan" and type(stage).__name__ == "HDBSCAN":
        return {"kind": "hdbscan", **_hdbscan_state(stage)}
    try:
        return {"kind": "object", **object_state(stage, what=type(stage).__name__)}
    except StateError as error:
        raise UnsupportedError(
            f"{error}; compose a model of components, n2d_framework.N2D, and save that"
        ) from error


def stage_from_state(state: State, trusted: Collection[str] = ()) -> Any:
    """Put a stage together again.

    Parameters
    ----------
    state : State
        From :func:`state_of_stage`, perhaps by way of a file.
    trusted : collection of str
        Full names of types that may be made besides scikit-learn's own.

    Raises
    ------
    StateError
        If it is not such a state, or holds types that are not trusted.
    """
    kind = need(state, "kind", str)
    readers: dict[str, Callable[[State], Any]] = {
        "component": Stage.from_state,
        "umap": _umap_from,
        "hdbscan": _hdbscan_from,
        "object": lambda content: object_from_state(content, trusted, what="a stage"),
        # Of the first version, in which skops stored everything.
        "skops": lambda content: object_from_state(content, trusted, what="a stage"),
    }
    if kind not in readers:
        raise StateError(f"state 'kind' is {kind!r}, not one of {', '.join(readers)}")
    return readers[kind](state)


def _changed_options(stage: Any) -> dict[str, Any]:
    """Options that differ from the defaults; plain values all."""
    defaults = type(stage)().get_params()
    changed = {
        name: value
        for name, value in stage.get_params().items()
        if name not in _NO_OPTIONS and not _same(value, defaults.get(name))
    }
    for name, value in changed.items():
        if not isinstance(value, _PLAIN):
            raise UnsupportedError(
                f"{type(stage).__name__} with {name}={value!r} cannot be stored without pickle; "
                "give plain values"
            )
    return changed


def _same(value: Any, other: Any) -> bool:
    return type(value) is type(other) and repr(value) == repr(other)


def _umap_state(stage: Any) -> dict[str, Any]:
    if stage.densmap or stage.metric == "precomputed" or stage.output_metric != "euclidean":
        raise UnsupportedError(
            "UMAP with densmap, a precomputed metric or another output_metric cannot be stored"
        )
    return {
        "options": _changed_options(stage),
        "data": np.asarray(stage._raw_data, dtype=np.float32),
        "embedding": np.asarray(stage.embedding_, dtype=np.float32),
        **{name: kind(getattr(stage, name)) for name, kind in _UMAP_SCALARS.items()},
    }


def _umap_from(state: State) -> Any:
    import umap
    from umap.distances import named_distances

    made = _build(umap.UMAP, state)
    data, embedding = _table(state, "data"), _table(state, "embedding")
    if len(data) != len(embedding) or made.metric not in named_distances:
        raise StateError("state of umap does not hang together")
    made._raw_data, made.embedding_ = data, embedding
    made._sparse_data, made._metric_kwds = False, {}
    for name, kind in _UMAP_SCALARS.items():
        setattr(made, name, need(state, name, kind))
    if made._small_data:
        made._input_distance_func = named_distances[made.metric]
    else:
        made._knn_search_index = _search_index(made, data)
    return made


def _search_index(made: Any, data: Any) -> Any:
    """The index that umap's own fit would build for these rows."""
    from sklearn.utils import check_random_state
    from umap.umap_ import nearest_neighbors

    *_, index = nearest_neighbors(
        data,
        made._n_neighbors,
        made.metric,
        {},
        made.angular_rp_forest,
        check_random_state(made.random_state),
        made.low_memory,
        use_pynndescent=True,
        n_jobs=made.n_jobs,
        verbose=False,
    )
    return index


def _hdbscan_state(stage: Any) -> dict[str, Any]:
    tree = stage.condensed_tree_._raw_tree
    return {
        "options": _changed_options(stage),
        "data": np.asarray(stage._raw_data),
        "labels": np.asarray(stage.labels_, dtype=np.int64),
        "probabilities": np.asarray(stage.probabilities_, dtype=np.float64),
        "tree": {name: np.ascontiguousarray(tree[name]) for name in tree.dtype.names},
    }


def _hdbscan_from(state: State) -> Any:
    import hdbscan

    made = _build(hdbscan.HDBSCAN, state)
    data, labels = _table(state, "data"), need(state, "labels", np.ndarray)
    columns = need(state, "tree", Mapping)
    types = [
        ("parent", np.intp),
        ("child", np.intp),
        ("lambda_val", float),
        ("child_size", np.intp),
    ]
    arrays = {name: need(columns, name, np.ndarray) for name, _ in types}
    lengths = {array.shape for array in arrays.values()}
    if len(labels) != len(data) or len(lengths) != 1:
        raise StateError("state of hdbscan does not hang together")
    tree = np.empty(lengths.pop(), dtype=types)
    for name, array in arrays.items():
        tree[name] = array
    made._raw_data, made.labels_ = data, labels
    made._condensed_tree = tree
    made.probabilities_ = need(state, "probabilities", np.ndarray)
    try:
        made.generate_prediction_data()
    except (IndexError, ValueError, KeyError, TypeError) as error:
        raise StateError(f"state of hdbscan does not hang together: {error}") from error
    return made


def _build(cls: type[Any], state: State) -> Any:
    try:
        return cls(**need(state, "options", Mapping))
    except TypeError as error:
        raise StateError(f"{cls.__name__} refuses the stored options: {error}") from error


def _table(state: State, name: str) -> Any:
    found = need(state, name, np.ndarray)
    if found.ndim != 2 or found.dtype.kind != "f" or not np.isfinite(found).all():
        raise StateError(f"state {name!r} is not a table of finite floats")
    return found
