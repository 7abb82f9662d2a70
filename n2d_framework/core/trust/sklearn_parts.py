"""Parts of scikit-learn's estimators that are stored as arrays instead of objects.

Each such part leaves a mark in the object, a mapping ``{"n2d_framework": index}``, and its values
in a list beside it. The kinds of parts are fixed here; a file chooses among them by name and
gives values, which are checked. Nothing of a file is called or looked up by a name outside of
the tables of this module.

- Search trees (``KDTree``, ``BallTree``) are built again from their rows: the indices inside them
  are followed by compiled code that does not check them.
- Distance metrics are made again from their names and parameters.
- Sparse matrices are checked whole, for the same reason as search trees.
- Functions are those of a short table.
- ``Birch`` holds a tree with links in all directions; it is stored as arrays of its nodes.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np

from n2d_framework.core.state import need
from n2d_framework.errors import StateError

__all__ = ["put_back", "take_out"]

_MARK, _REST = "n2d_framework", "rest"
_LEAVES = (str, bytes, int, float, complex, bool, type(None), type, FunctionType, ModuleType)


def take_out(thing: Any) -> tuple[Any, list[dict[str, Any]]]:
    """A copy of an object with marks in the place of special parts, and their values.

    Parameters
    ----------
    thing : object
        Stays as it is. Arrays are shared with the copy.

    Returns
    -------
    (copy, parts)

    Raises
    ------
    StateError
        If a special part cannot be stored, such as a metric that is a function.
    """
    known: dict[int, Any] = {}
    found: list[tuple[Any, str]] = []
    for item in _everything(thing, _without_tree):
        kind = _kind(item)
        if _is_mark(item):
            raise StateError(f"it holds a mapping with the reserved name {_MARK!r}")
        if kind is not None:
            found.append((item, kind))
        elif isinstance(item, np.ndarray) and not item.dtype.hasobject:
            known[id(item)] = item
    parts: list[dict[str, Any]] = [{} for _ in found]
    for index in reversed(range(len(found))):  # what is inside of a part comes after it
        item, kind = found[index]
        parts[index] = {"kind": kind, **_KINDS[kind].take(item)}
        mark: dict[str, Any] = {_MARK: index}
        if kind == "birch":
            mark[_REST] = copy.deepcopy(_without_tree(item), known)
        known[id(item)] = mark
    return (copy.deepcopy(thing, known), parts) if found else (thing, parts)


def put_back(thing: Any, parts: list[Any]) -> Any:
    """The object with its special parts where the marks were.

    Raises
    ------
    StateError
        If marks and parts do not belong together, or values of a part are wrong.
    """
    marks: dict[Any, Any] = {}
    for item in _everything(thing):
        if _is_mark(item):
            marks[item[_MARK]] = item
        elif _kind(item) == "sparse":  # of a state of the first version
            _check_sparse(item)
    if sorted(marks) != list(range(len(parts))):
        raise StateError("its parts and the marks for them do not belong together")
    known: dict[int, Any] = {}
    for index in reversed(range(len(parts))):
        mark, part = marks[index], parts[index]
        kind = need(part, "kind", str) if isinstance(part, Mapping) else ""
        if kind not in _KINDS:
            raise StateError(f"a part is of the unknown kind {kind!r}; upgrade n2d_framework")
        rest = copy.deepcopy(mark.get(_REST, {}), known)
        known[id(mark)] = _KINDS[kind].make(part, rest)
    return copy.deepcopy(thing, known) if parts else thing


def _is_mark(item: Any) -> bool:
    return isinstance(item, dict) and _MARK in item


def _everything(thing: Any, inside: Callable[[Any], Any] | None = None) -> Iterator[Any]:
    """The object and all that it holds, each once, what holds before what is held."""
    seen: dict[int, Any] = {}
    waiting = [thing]
    while waiting:
        item = waiting.pop()
        if isinstance(item, _LEAVES) and not callable(item):
            continue
        if id(item) in seen:
            continue
        seen[id(item)] = item
        yield item
        waiting.extend(reversed(list(_held(item, inside))))


def _held(item: Any, inside: Callable[[Any], Any] | None) -> Iterator[Any]:
    if isinstance(item, dict):
        yield from item.values()
    elif isinstance(item, (list, tuple, set, frozenset)):
        yield from item
    elif isinstance(item, np.ndarray):
        yield from item.flat if item.dtype.hasobject else ()
    elif inside is not None and _kind(item) is not None:
        if _kind(item) == "birch":
            yield from inside(item).values()
    elif not isinstance(item, (type, ModuleType, FunctionType)):
        yield from getattr(item, "__dict__", {}).values()


def _kind(item: Any) -> str | None:
    """Which kind of special part an object is, if it is one; exactly, not a subclass."""
    if isinstance(item, (FunctionType, BuiltinFunctionType)) or callable(item):
        return "function" if _name_of(item) is not None else None
    cls = type(item)
    if cls.__module__.startswith("scipy.sparse"):
        from scipy.sparse import issparse

        return "sparse" if issparse(item) else None
    if cls.__module__.startswith("sklearn."):
        if cls.__name__.rstrip("0123456789") in ("KDTree", "BallTree"):
            return "search_tree"
        if cls.__module__ == "sklearn.metrics._dist_metrics":
            return "metric"
        if cls.__module__ == "sklearn.cluster._birch" and cls.__name__ == "Birch":
            return "birch" if hasattr(item, "root_") else None
    return None


# Functions


@cache
def _functions() -> Mapping[str, Any]:
    from sklearn.cluster import _kmeans

    names = ("_kmeans_single_lloyd", "_kmeans_single_elkan")
    reductions = ("mean", "median", "max", "min", "sum")
    return {
        **{f"numpy.{name}": getattr(np, name) for name in reductions},
        **{f"sklearn.cluster._kmeans.{name}": getattr(_kmeans, name) for name in names},
    }


def _name_of(function: Any) -> str | None:
    return next((name for name, known in _functions().items() if known is function), None)


def _take_function(function: Any) -> dict[str, Any]:
    return {"name": _name_of(function)}


def _make_function(state: Mapping[str, Any], _rest: Mapping[str, Any]) -> Any:
    name = need(state, "name", str)
    if name not in _functions():
        raise StateError(f"the function {name!r} is not one of {', '.join(_functions())}")
    return _functions()[name]


# Sparse matrices


def _take_sparse(matrix: Any) -> dict[str, Any]:
    from scipy.sparse import isspmatrix

    stored = matrix if matrix.format in _OWN_ARRAYS else matrix.tocsr()
    return {
        "format": str(matrix.format),
        "is_matrix": bool(isspmatrix(matrix)),
        "shape": [int(extent) for extent in stored.shape],
        **{name: np.asarray(getattr(stored, name)) for name in _arrays_of(matrix.format)},
    }


#: Formats whose own arrays are stored: made from rows they could be far larger than these.
_OWN_ARRAYS = {"csc": ("data", "indices", "indptr"), "dia": ("data", "offsets")}
_FORMATS = ("csr", "csc", "coo", "lil", "dok", "bsr", "dia")


def _arrays_of(form: str) -> tuple[str, ...]:
    return _OWN_ARRAYS.get(form, ("data", "indices", "indptr"))


def _make_sparse(state: Mapping[str, Any], _rest: Mapping[str, Any]) -> Any:
    from scipy import sparse

    wanted = need(state, "format", str)
    if wanted not in _FORMATS:
        raise StateError(f"the format {wanted!r} of a sparse matrix is unknown")
    arrays = [need(state, name, np.ndarray) for name in _arrays_of(wanted)]
    if any(array.dtype.kind not in "iu" for array in arrays[1:]):
        raise StateError("a sparse matrix has indices that are not integers")
    shape = tuple(need(state, "shape", list))
    if len(shape) != 2 or not all(type(extent) is int and extent >= 0 for extent in shape):
        raise StateError(f"a sparse matrix cannot have the shape {shape}")
    stored = wanted if wanted in _OWN_ARRAYS else "csr"
    kind = "matrix" if need(state, "is_matrix", bool) else "array"
    matrix = getattr(sparse, f"{stored}_{kind}")(tuple(arrays), shape=shape)
    _check_sparse(matrix)
    return matrix.asformat(wanted)


def _check_sparse(matrix: Any) -> None:
    """Refuse indices that lead out of the matrix; compiled code follows them unchecked."""
    if hasattr(matrix, "check_format"):
        matrix.check_format(full_check=True)


# Distance metrics and search trees


def _take_metric(metric: Any) -> dict[str, Any]:
    name = type(metric).__name__
    kind, bits = name[: -len("Distance64")].lower(), name[-2:]
    if kind == "pyfunc":
        raise StateError("a metric that is a function cannot be stored; give the name of one")
    power, vector, matrix = metric.__getstate__()[:3]
    options: dict[str, Any] = {}
    if kind == "minkowski":
        options = {"p": float(power)}
        if np.size(vector):
            options["w"] = np.array(vector)
    elif kind == "seuclidean":
        options = {"V": np.array(vector)}
    elif kind == "mahalanobis":
        options = {"VI": np.array(matrix)}
    return {"name": kind, "bits": int(bits), "options": options}


def _make_metric(state: Mapping[str, Any], _rest: Mapping[str, Any]) -> Any:
    from sklearn.metrics import DistanceMetric

    bits = need(state, "bits", int)
    if bits not in (32, 64):
        raise StateError(f"a metric works with 32 or 64 bits, not {bits}")
    name, options = need(state, "name", str), dict(need(state, "options", Mapping))
    if name == "pyfunc" or set(options) - {"p", "w", "V", "VI"}:
        raise StateError(f"the metric {name!r} cannot be made with {', '.join(options)}")
    return DistanceMetric.get_metric(
        name, dtype=np.float64 if bits == 64 else np.float32, **options
    )


def _take_search_tree(tree: Any) -> dict[str, Any]:
    content = tree.__getstate__()
    state: dict[str, Any] = {
        "name": type(tree).__name__,
        "rows": np.asarray(tree.data),
        "leaf_size": int(content[4]),
        "metric": _take_metric(content[11]),
    }
    weights = content[12] if len(content) > 12 else None
    if weights is not None:
        state["weights"] = np.asarray(weights)
    same = _make_search_tree(state, {}).__getstate__()
    if not all(_equal(a, b) for a, b in zip(content[:4], same[:4], strict=True)):
        raise StateError(f"a {type(tree).__name__} with another order than its rows give")
    return state


def _equal(a: Any, b: Any) -> bool:
    return bool(np.asarray(a).tobytes() == np.asarray(b).tobytes())


def _make_search_tree(state: Mapping[str, Any], _rest: Mapping[str, Any]) -> Any:
    from sklearn.neighbors import _ball_tree, _kd_tree

    name, metric = need(state, "name", str), need(state, "metric", Mapping)
    kinds = {
        found: getattr(module, found)
        for module in (_kd_tree, _ball_tree)
        for found in ("KDTree", "KDTree64", "KDTree32", "BallTree", "BallTree64", "BallTree32")
        if hasattr(module, found)
    }
    if name not in kinds:
        raise StateError(f"{name!r} is not one of scikit-learn's search trees")
    rows = need(state, "rows", np.ndarray)
    weights = need(state, "weights", np.ndarray) if "weights" in state else None
    return kinds[name](
        rows,
        leaf_size=need(state, "leaf_size", int),
        metric=_make_metric(metric, {}),
        sample_weight=weights,
    )


# Birch

_LINKS = ("root_", "dummy_leaf_")


def _without_tree(model: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(model).items() if name not in _LINKS}


def _take_birch(model: Any) -> dict[str, Any]:
    """Nodes in the order of their levels; of all their subclusters, one after the other."""
    nodes = [model.root_]
    number = {id(model.root_): 0}
    children: list[int] = []
    for node in nodes:  # grows
        for subcluster in node.subclusters_:
            child = subcluster.child_
            children.append(-1 if child is None else len(nodes))
            if child is not None:
                number[id(child)] = len(nodes)
                nodes.append(child)
    subclusters = [subcluster for node in nodes for subcluster in node.subclusters_]
    chain, leaf = [], model.dummy_leaf_.next_leaf_
    while leaf is not None:
        chain.append(number[id(leaf)])
        leaf = leaf.next_leaf_
    return {
        "threshold": float(model.root_.threshold),
        "branching_factor": int(model.root_.branching_factor),
        "is_leaf": np.array([node.is_leaf for node in nodes], dtype=bool),
        "sizes": np.array([len(node.subclusters_) for node in nodes], dtype=np.int64),
        "centres": np.stack([node.init_centroids_ for node in nodes]),
        "norms": np.stack([node.init_sq_norm_ for node in nodes]),
        "children": np.array(children, dtype=np.int64),
        "chain": np.array(chain, dtype=np.int64),
        "n_samples": np.array([item.n_samples_ for item in subclusters], dtype=np.int64),
        "linear_sums": np.stack([item.linear_sum_ for item in subclusters]),
        "squared_sums": np.array([item.squared_sum_ for item in subclusters]),
        "subcluster_centres": np.stack([item.centroid_ for item in subclusters]),
        "subcluster_norms": np.array([item.sq_norm_ for item in subclusters]),
    }


def _make_birch(state: Mapping[str, Any], rest: Mapping[str, Any]) -> Any:
    from sklearn.cluster import Birch
    from sklearn.cluster._birch import _CFNode, _CFSubcluster

    _check_birch(state)
    centres, norms = state["centres"], state["norms"]
    about = {
        "threshold": state["threshold"],
        "branching_factor": state["branching_factor"],
        "n_features": centres.shape[2],
        "dtype": centres.dtype,
    }
    nodes = [_CFNode(is_leaf=bool(leaf), **about) for leaf in state["is_leaf"]]
    row = 0
    for index, node in enumerate(nodes):
        size = int(state["sizes"][index])
        node.init_centroids_[:], node.init_sq_norm_[:] = centres[index], norms[index]
        node.centroids_, node.squared_norm_ = node.init_centroids_[:size], node.init_sq_norm_[:size]
        for position in range(row, row + size):
            subcluster, child = _CFSubcluster(), int(state["children"][position])
            subcluster.n_samples_ = int(state["n_samples"][position])
            subcluster.linear_sum_ = state["linear_sums"][position].copy()
            subcluster.squared_sum_ = state["squared_sums"][position]
            subcluster.centroid_ = state["subcluster_centres"][position].copy()
            subcluster.sq_norm_ = state["subcluster_norms"][position]
            subcluster.child_ = nodes[child] if child >= 0 else None
            node.subclusters_.append(subcluster)
        row += size
    first = _CFNode(is_leaf=True, **about)
    before = first
    for index in state["chain"]:
        leaf = nodes[int(index)]
        before.next_leaf_, leaf.prev_leaf_ = leaf, before
        before = leaf
    made = Birch.__new__(Birch)
    made.__dict__.update(rest)
    made.root_, made.dummy_leaf_ = nodes[0], first
    return made


_BIRCH_ARRAYS = {
    "is_leaf": ("b", 1), "sizes": ("i", 1), "centres": ("f", 3), "norms": ("f", 2),
    "children": ("i", 1), "chain": ("i", 1), "n_samples": ("i", 1), "linear_sums": ("f", 2),
    "squared_sums": ("f", 1), "subcluster_centres": ("f", 2), "subcluster_norms": ("f", 1),
}  # fmt: skip


def _check_birch(state: Mapping[str, Any]) -> None:
    """Refuse a tree that does not hang together, or is larger than its arrays."""
    arrays = {name: need(state, name, np.ndarray) for name in _BIRCH_ARRAYS}
    need(state, "threshold", float)
    rows = need(state, "branching_factor", int) + 1
    sizes, children, chain = arrays["sizes"], arrays["children"], arrays["chain"]
    n_nodes, n_subclusters = len(sizes), len(children)
    below = children[children >= 0]
    expected = {
        "is_leaf": (n_nodes,), "centres": (n_nodes, rows, arrays["centres"].shape[-1]),
        "norms": (n_nodes, rows), "n_samples": (n_subclusters,), "squared_sums": (n_subclusters,),
        "linear_sums": (n_subclusters, arrays["centres"].shape[-1]),
        "subcluster_centres": (n_subclusters, arrays["centres"].shape[-1]),
        "subcluster_norms": (n_subclusters,),
    }  # fmt: skip
    fits = (
        all(
            (arrays[name].dtype.kind, arrays[name].ndim) == about
            for name, about in _BIRCH_ARRAYS.items()
        )
        and all(arrays[name].shape == shape for name, shape in expected.items())
        and n_nodes > 0
        and bool((sizes > 0).all() and (sizes <= rows).all())
        and int(sizes.sum()) == n_subclusters
        # Each node but the first is the child of one subcluster, in the order of levels.
        and np.array_equal(below, np.arange(1, n_nodes))
        and bool((np.repeat(np.arange(n_nodes), sizes)[children >= 0] < below).all())
        and bool(((children < 0) == np.repeat(arrays["is_leaf"], sizes)).all())
        and np.array_equal(np.sort(chain), np.flatnonzero(arrays["is_leaf"]))
    )
    if not fits:
        raise StateError("the tree of a Birch does not hang together")


class _Kind:
    """Conversion of a kind of part to values, and back."""

    def __init__(
        self,
        take: Callable[[Any], dict[str, Any]],
        make: Callable[[Mapping[str, Any], Mapping[str, Any]], Any],
    ) -> None:
        self.take, self.make = take, make


_KINDS = {
    "birch": _Kind(_take_birch, _make_birch),
    "function": _Kind(_take_function, _make_function),
    "metric": _Kind(_take_metric, _make_metric),
    "search_tree": _Kind(_take_search_tree, _make_search_tree),
    "sparse": _Kind(_take_sparse, _make_sparse),
}
