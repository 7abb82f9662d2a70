"""The calls into umap-learn, imported without TensorFlow; its fit, with our own layout."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.compiled import keep_on_disk
from n2d_builtin.common.one_thread import one_blas_thread
from n2d_builtin.neighbors.row_metrics import LINEAR
from n2d_framework.plugin import AnyArray, IntArray, StageError

if TYPE_CHECKING:
    from n2d_builtin.umap.umap_layout import Forces

__all__ = ["curve", "fit_embedding", "import_umap", "neighbor_graph", "pruned"]

#: umap's rules: rows up to which a fit takes 500 epochs, else 200; so few epochs prune no edges.
_FEW_ROWS, _FEW_EPOCHS = 10_000, 10

#: umap's compiled functions hold the GIL or use numba's thread pool, which is not made for
#: two callers at once: fits in one process go one after the other.
_lock = threading.RLock()

_EXPECTED = (
    "Graph is not fully connected",
    "Spectral initialisation failed",  # said by our own log
)


def import_umap() -> Any:
    """Import umap-learn without its TensorFlow part.

    ``import umap`` imports TensorFlow for its parametric variant wherever that is installed
    (seconds, and hundreds of megabytes). The variant stays importable afterwards by
    ``from umap.parametric_umap import ParametricUMAP``.

    Returns
    -------
    module
    """
    with _lock:
        if "umap" in sys.modules:
            return sys.modules["umap"]
        blocked = "umap.parametric_umap"
        sys.modules[blocked] = None  # type: ignore[assignment]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ImportWarning)
                import umap
        finally:
            sys.modules.pop(blocked, None)
        _keep_machine_code()
        return umap


def _keep_machine_code() -> None:
    """Keep on disk what umap compiles again in every process: some seconds."""
    from umap import umap_

    for name in ("smooth_knn_dist", "compute_membership_strengths"):
        dispatcher = getattr(umap_, name, None)
        if hasattr(dispatcher, "enable_caching"):
            keep_on_disk(dispatcher)


def curve(spread: float, min_dist: float) -> tuple[float, float]:
    """The two numbers of ``1 / (1 + a d^(2b))`` that umap fits to `spread` and `min_dist`."""
    import_umap()
    from umap.umap_ import find_ab_params

    a, b = find_ab_params(spread, min_dist)
    return float(a), float(b)


def neighbor_graph(
    x: AnyArray,
    indices: IntArray,
    distances: AnyArray,
    *,
    set_op_mix_ratio: float,
    local_connectivity: float,
) -> Any:
    """Strengths with which rows are neighbours, by umap.

    Parameters
    ----------
    x : float32 array of shape (n, d)
    indices, distances : arrays of shape (n, k)
        Nearest rows of each row, itself first.
    set_op_mix_ratio, local_connectivity : float

    Returns
    -------
    scipy sparse array of shape (n, n), in coordinate format
        Symmetric.
    """
    import_umap()
    from umap.umap_ import fuzzy_simplicial_set

    # Strengths do not depend on the unit of a row's distances; umap's search for it begins at 1,
    # and float32 has no squares to spare.
    _, exponents = np.frexp(distances[:, -1:])
    distances = np.ldexp(distances, -exponents)
    with _lock:
        graph, *_ = fuzzy_simplicial_set(
            x,
            indices.shape[1],
            np.random.RandomState(0),  # not used: the neighbours are given
            "euclidean",
            knn_indices=indices.astype(np.int32),
            knn_dists=distances.astype(np.float32),
            set_op_mix_ratio=set_op_mix_ratio,
            local_connectivity=local_connectivity,
        )
    return graph


def fit_embedding(
    x: AnyArray,
    indices: IntArray,
    distances: AnyArray,
    forces: Forces,
    *,
    n_components: int,
    n_epochs: int | None,
    init: str,
    metric: str,
    seed: int,
    n_jobs: int,
    check: Callable[[], None] = lambda: None,
    **graph_options: float,
) -> NDArray[np.float32]:
    """Fit umap on given neighbours: its graph and its start, and our own layout.

    Parameters
    ----------
    x : float32 array of shape (n, d)
    indices, distances : arrays of shape (n, k)
        Nearest rows of each row, itself first.
    forces : Forces
    n_components : int
    n_epochs : int or None
        None is umap's rule.
    init : {"spectral", "pca", "random"}
        "spectral" falls back to random positions where the eigenvectors cannot be found,
        as in umap.
    metric : str
    seed : int
    n_jobs : int
    check : callable, optional
        Called before each epoch of the layout; an error that it raises ends the work.
    **graph_options
        Of :func:`neighbor_graph`.

    Returns
    -------
    float32 array of shape (n, n_components)

    Raises
    ------
    StageError
        If there are rows without any edge, or the layout diverged.
    """
    from n2d_builtin.umap.umap_layout import lay_out
    from n2d_builtin.umap.umap_start import begin

    default = 500 if len(x) <= _FEW_ROWS else 200
    epochs = default if n_epochs is None else n_epochs
    graph = neighbor_graph(x, indices, distances, **graph_options)
    alone = np.asarray(graph.sum(axis=1)).ravel() == 0
    graph = pruned(graph, epochs if epochs > _FEW_EPOCHS else default)
    with one_blas_thread(look_again=True), warnings.catch_warnings():
        for message in _EXPECTED:
            warnings.filterwarnings("ignore", message=f"(?s).*{message}")
        with _lock:
            by = metric if metric in LINEAR else "euclidean"
            start = begin(init, _unit_rows(x, by), graph, n_components, seed, by)
    placed = lay_out(start, graph, forces, n_epochs=epochs, seed=seed, n_jobs=n_jobs, check=check)
    lost = int((alone | ~np.isfinite(placed).all(axis=1)).sum())
    if lost:
        raise StageError(
            f"umap found no place for {lost} of {len(placed)} rows; raise set_op_mix_ratio "
            f"({graph_options['set_op_mix_ratio']:g}) or n_neighbors, or lower learning_rate"
        )
    return placed


def _unit_rows(x: AnyArray, metric: str) -> AnyArray:
    """Centred rows of mean square 1, as far as the metric allows: umap lays out the parts of a
    graph by a Gaussian of the distance of their means.
    """
    if metric == "cosine":
        return x
    rows = x - x.mean(axis=0, dtype=np.float64)
    rows = np.ldexp(rows, -np.frexp(np.abs(rows).max())[1])
    return np.asarray(rows / (np.sqrt(np.square(rows).sum(axis=1).mean()) or 1.0))


def pruned(graph: Any, epochs: int) -> Any:
    """A graph without the edges so weak that they would not be sampled in so many epochs."""
    graph = graph.tocoo()
    graph.sum_duplicates()
    graph.data[graph.data < graph.data.max(initial=0.0) / epochs] = 0.0
    graph.eliminate_zeros()
    return graph
