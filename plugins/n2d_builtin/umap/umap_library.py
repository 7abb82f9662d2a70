"""A fit as umap-learn makes it, with its graph and start, and our own layout."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.one_thread import one_blas_thread
from n2d_builtin.common.threads import available_threads, in_threads
from n2d_builtin.neighbors.row_metrics import LINEAR
from n2d_framework.plugin import AnyArray, IntArray, StageError

if TYPE_CHECKING:
    from n2d_builtin.umap.umap_density import DensityOptions
    from n2d_builtin.umap.umap_forces import Forces

__all__ = ["curve", "fit_embedding", "neighbor_graph", "pruned"]

#: umap's rules: rows up to which a fit takes 500 epochs, else 200; so few epochs prune no edges.
_FEW_ROWS, _FEW_EPOCHS = 10_000, 10


def curve(spread: float, min_dist: float) -> tuple[float, float]:
    """The two numbers of ``1 / (1 + a d^(2b))`` that umap fits to `spread` and `min_dist`."""
    from scipy.optimize import curve_fit

    def similarity(distance: AnyArray, a: float, b: float) -> AnyArray:
        return np.asarray(1.0 / (1.0 + a * distance ** (2 * b)))

    distances = np.linspace(0, spread * 3, 300)
    wanted = np.where(distances < min_dist, 1.0, np.exp((min_dist - distances) / spread))
    (a, b), _ = curve_fit(similarity, distances, wanted)
    return float(a), float(b)


def neighbor_graph(
    indices: IntArray,
    distances: AnyArray,
    *,
    set_op_mix_ratio: float,
    local_connectivity: float,
) -> Any:
    """Strengths with which rows are neighbours, as in umap.

    Parameters
    ----------
    indices, distances : arrays of shape (n, k)
        Nearest rows of each row, itself first.
    set_op_mix_ratio, local_connectivity : float

    Returns
    -------
    scipy sparse array of shape (n, n), in coordinate format
        Symmetric.
    """
    from scipy.sparse import csr_array

    from n2d_builtin.umap.umap_kernel import all_strengths

    # Strengths do not depend on the unit of a row's distances; the search for it begins at 1.
    _, exponents = np.frexp(distances[:, -1:])
    distances = np.ldexp(distances, -exponents)
    weights = np.empty(distances.shape)

    def work(start: int, stop: int) -> None:
        part = slice(start, stop)
        all_strengths(indices[part], distances[part], start, local_connectivity, weights[part])

    n, k = indices.shape
    in_threads(work, n, n_jobs=available_threads())
    begins = np.arange(0, n * k + 1, k)
    one = csr_array((weights.astype(np.float32).ravel(), indices.ravel(), begins), shape=(n, n))
    other = one.T.tocsr()
    both = one.multiply(other)
    graph = set_op_mix_ratio * (one + other - both) + (1.0 - set_op_mix_ratio) * both
    graph = graph.astype(np.float32).tocsr()
    graph.eliminate_zeros()
    return graph.tocoo()


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
    density: DensityOptions | None = None,
    **graph_options: float,
) -> NDArray[np.float32]:
    """Fit umap on given neighbours: the graph and the start of umap-learn, and our own layout.

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
    density : DensityOptions, optional
        How local radii of the layout follow those in the data; None leaves them as they come.
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
    if density is not None:
        from n2d_builtin.umap.umap_density import MORE_EPOCHS, Density, radii_in_the_data

        default += MORE_EPOCHS
    epochs = default if n_epochs is None else n_epochs
    graph = neighbor_graph(indices, distances, **graph_options)
    alone = np.asarray(graph.sum(axis=1)).ravel() == 0
    graph = pruned(graph, epochs if epochs > _FEW_EPOCHS else default)
    with one_blas_thread(look_again=True):
        by = metric if metric in LINEAR else "euclidean"
        start = begin(init, _unit_rows(x, by), graph, n_components, seed, by)
    followed = None
    if density is not None:
        followed = Density(density, radii_in_the_data(graph, indices, distances))
    placed = lay_out(
        start, graph, forces, n_epochs=epochs, seed=seed, n_jobs=n_jobs, check=check,
        density=followed,
    )  # fmt: skip
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
