"""The calls into openTSNE: fitted on exact neighbours, and a reference that stays in place."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.one_thread import one_blas_thread
from n2d_framework.plugin import AnyArray, IntArray, StageError

__all__ = ["Reference", "collapsed", "fit_embedding", "place", "reference"]

#: Nearest rows whose median is the start of a new row, as in openTSNE.
_START_NEIGHBORS = 25
#: openTSNE's grid reads and writes beyond its memory when its cells have no width.
_LEAST_SPAN = 1e-30
#: Beyond them, the search for the bandwidth that belongs to a perplexity may find none.
_NEAR, _FAR = 1e-6, 1e6
#: Of the grid, in one and in two dimensions; they are one unit wide, as in openTSNE, unless the
#: embedding is wider than that many units. Seconds and memory grow with their number.
_ROWS_PER_THREAD = 1000
_MOST_INTERVALS = {1: 50_000, 2: 128}


def fit_embedding(
    x: AnyArray,
    indices: IntArray,
    distances: AnyArray,
    *,
    perplexity: float,
    n_jobs: int,
    initialization: str,
    **options: Any,
) -> tuple[NDArray[np.float32], float]:
    """Fit openTSNE on given neighbours.

    Parameters
    ----------
    x : float32 array of shape (n, d)
        Rows that differ.
    indices, distances : arrays of shape (n, k)
        Nearest rows of each row, without itself.
    perplexity : float
    n_jobs : int
        Threads; the result is the same for any number.
    initialization : {"pca", "spectral", "random"}
    **options
        Options of ``openTSNE.TSNE``.

    Returns
    -------
    embedding : float32 array of shape (n, n_components)
        Centred: in each dimension the least and the largest value are opposite.
    kl_divergence : float

    Raises
    ------
    StageError
        If the optimization diverged.
    """
    from openTSNE import TSNE
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    # Threads wait for each other a thousand times: of few rows, and beside other processes, that
    # takes longer than the work.
    n_jobs = max(1, min(n_jobs, len(x) // _ROWS_PER_THREAD))
    start: Any = initialization
    if initialization == "pca":
        start = _principal_start(x, options["n_components"], options["random_state"])
    # A perplexity does not depend on the unit of a row's distances; the search for it begins at 1.
    _, exponents = np.frexp(distances[:, -1:])
    distances = np.ldexp(distances, -exponents)
    with one_blas_thread(look_again=True):
        affinities = PerplexityBasedNN(
            knn_index=PrecomputedNeighbors(indices, distances),
            perplexity=perplexity,
            n_jobs=n_jobs,
        )
        model = TSNE(initialization=start, n_jobs=n_jobs, **options)
        found = model.fit(x, affinities=affinities)
    embedding = np.array(found, dtype=np.float64)
    if not np.isfinite(embedding).all():
        raise StageError("tsne diverged; lower learning_rate or exaggeration")
    embedding -= (embedding.max(axis=0) + embedding.min(axis=0)) / 2
    placed = embedding.astype(np.float32, order="C")
    if collapsed(placed):
        raise StageError("tsne put all rows in one place; lower learning_rate, or raise n_iter")
    return placed, float(found.kl_divergence)


def _principal_start(x: AnyArray, n_components: int, seed: int) -> NDArray[np.float64]:
    """OpenTSNE's start by principal axes, found in float64."""
    from openTSNE.initialization import jitter, rescale

    from n2d_builtin.common.principal_axes import principal_coordinates

    start = principal_coordinates(x, n_components, seed=seed)
    rescale(start, inplace=True)
    jitter(start, inplace=True, random_state=seed)
    return start


def collapsed(embedding: NDArray[np.float32]) -> bool:
    """Return whether all rows are in one place, so that no grid can be laid over them."""
    return bool(np.ptp(embedding.astype(np.float64), axis=0).max() < _LEAST_SPAN)


@attrs.frozen
class Reference:
    """The training embedding as openTSNE needs it to place rows; has its own copies.

    Attributes
    ----------
    fixed : openTSNE.TSNEEmbedding
        The embedding alone.
    grid : openTSNE.TSNEEmbedding
        The same with the grid on which its repelling forces are interpolated.
    lowest, highest : float
        Ends of the grid in every dimension.
    """

    fixed: Any
    grid: Any
    lowest: float
    highest: float

    def forces(
        self, embedding: AnyArray, P: Any, **settings: Any
    ) -> tuple[float, NDArray[np.float64]]:
        """Divergence and its gradient for new rows, by openTSNE's interpolation.

        openTSNE itself keeps new rows inside the grid in a way that sets the gains of all
        others to zero in every step, so that they hardly move. Here a row that left the
        grid feels the forces at its edge.
        """
        from openTSNE.tsne import kl_divergence_fft

        inside = np.clip(np.asarray(embedding), self.lowest, self.highest)
        # The library takes a coordinate as an index into its memory.
        inside = np.nan_to_num(inside, nan=self.lowest)
        settings["reference_embedding"] = self.grid
        divergence, gradient = kl_divergence_fft(inside, P, **settings)
        return divergence, gradient


def reference(embedding: NDArray[np.float32]) -> Reference:
    """Prepare the placing of new rows.

    Parameters
    ----------
    embedding : float32 array of shape (n, m)

    Returns
    -------
    Reference
    """
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import Affinities
    from scipy.sparse import csr_matrix

    known = Affinities()
    # Only the number of rows matters: affinities of new rows are computed by `place`.
    known.P = csr_matrix((len(embedding), len(embedding)))
    span = float(np.ptp(embedding.astype(np.float64), axis=0).max())
    interval = max(1.0, span / _MOST_INTERVALS[embedding.shape[1]])
    fixed, grid = (
        TSNEEmbedding(embedding.astype(np.float64), known, n_jobs=1, ints_in_interval=interval)
        for _ in range(2)
    )
    grid.prepare_interpolation_grid()
    bounds = grid.box_x_lower_bounds
    return Reference(fixed, grid, float(bounds[0]), float(bounds[-1]))


def _near(distances: AnyArray) -> NDArray[np.float64]:
    """Distances that the search for a perplexity can square; it does not depend on their scale."""
    largest = distances[:, -1:]
    usual = np.where(largest > _FAR, distances / np.maximum(largest, 1.0) * _FAR, distances)
    tiny = (largest < _NEAR) & (largest > 0)
    return np.where(tiny, distances / np.where(tiny, largest, 1.0), usual)


def place(
    known: Reference, indices: IntArray, distances: AnyArray, *, perplexity: float, n_iter: int
) -> NDArray[np.float64]:
    """Optimize new rows against the fixed embedding, with the settings of openTSNE.

    Parameters
    ----------
    known : Reference
        From :func:`reference`; not changed.
    indices, distances : arrays of shape (m, k)
        Nearest training rows of each new row.
    perplexity : float
    n_iter : int

    Returns
    -------
    float64 array of shape (m, n_components)
    """
    from openTSNE.affinity import joint_probabilities_nn
    from openTSNE.tsne import PartialTSNEEmbedding

    affinities = joint_probabilities_nn(
        indices,
        _near(distances),
        [min(perplexity, indices.shape[1] / 3)],
        symmetrize=False,
        normalization="point-wise",
        n_reference_samples=len(known.fixed),
    )
    start = np.median(np.asarray(known.fixed)[indices[:, :_START_NEIGHBORS]], axis=1)
    settings = known.fixed.gradient_descent_params | {"negative_gradient_method": known.forces}
    new = PartialTSNEEmbedding(start, known.fixed, P=affinities, **settings)
    new.optimize(
        n_iter=n_iter,
        learning_rate=0.1,
        exaggeration=1.5,
        momentum=0.8,
        inplace=True,
        propagate_exception=True,
        max_grad_norm=0.25,
        max_step_norm=None,
    )
    return np.array(new, dtype=np.float64)
