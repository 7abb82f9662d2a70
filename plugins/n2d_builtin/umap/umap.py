"""UMAP: umap-learn's graph of neighbours, laid out in parallel; rows placed one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.checked_rows import refuse, require_fitted
from n2d_builtin.common.threads import available_threads, in_threads
from n2d_builtin.neighbors.cells import Cells
from n2d_builtin.neighbors.landmarks import Landmarks, counted, reasons_out_of_core
from n2d_builtin.neighbors.neighbor_choice import (
    ALGORITHM_HELP,
    NeighborsAlgorithm,
    algorithm_problems,
    find_neighbors,
    recall_of,
    stored_search,
)
from n2d_builtin.neighbors.neighbors import ExactNeighbors
from n2d_builtin.neighbors.row_metrics import Metric, check_metric, shape_problems
from n2d_framework.plugin import (
    AnyArray,
    ConfigError,
    FitContext,
    FloatArray,
    Problem,
    State,
    component,
    derive_seed,
    learned,
    option,
)

if TYPE_CHECKING:
    from n2d_builtin.umap.umap_density import DensityOptions
    from n2d_builtin.umap.umap_placing import Placer

__all__ = ["Umap"]

#: Most steps of placing one row: some tenths of a second; the defaults take 12,000.
_MOST_STEPS = 20_000_000


@component
class Umap:
    """Uniform manifold approximation and projection.

    Graph and start are umap-learn's, on nearest neighbours that are exact up to 100,000 rows. The
    layout is our own: it samples the same edges with the same forces, on all threads, and gives the
    same result for any number of them; its quality is close to that of umap-learn. New rows are
    placed by our own implementation of its ``transform``, in which a row's coordinates depend on
    that row alone: bit-identical in any batch, order, process and with any number of threads,
    without umap-learn installed, and as accurate. A row equal to a training row gets the
    coordinates of that row; of equal training rows, one is embedded for all.

    With `densmap` the embedding follows the densities as well (densMAP). umap-learn places no new
    rows then; here a row gets the mean of its nearest training rows, weighted by their strengths,
    which is where placing begins without: the repelling rows would drive it out of a dense
    cluster, in which the training rows are held by their radii.

    Attributes
    ----------
    latent_ : float32 array of shape (n, d)
        The distinct training rows, or the landmarks drawn from them; for precomputed distances
        their columns, of shape (n, 1).
    embedding_ : float32 array of shape (n, m)
        Their coordinates.
    a_, b_ : float
        Shape of the similarity in the embedding, from `spread` and `min_dist`.

    References
    ----------
    McInnes, Healy and Melville 2018, UMAP, arXiv:1802.03426. The defaults of `n_neighbors`
    and `min_dist` are those of McConville et al. 2020 (N2D), for clustering. Narayan, Berger and
    Cho 2021, Assessing single-cell transcriptomic variability through density-preserving data
    visualization, Nature Biotechnology 39 (densMAP).
    """

    n_neighbors: int = option(
        20,
        ge=2,
        help="Nearest rows, counting the row itself, that make its neighbourhood. More gives "
        "a more global picture.",
    )
    n_components: int | None = option(
        None,
        ge=1,
        follows="n_clusters",
        follows_up_to=100,
        help="Dimension. Follows n_clusters, up to 100; else 2.",
    )
    min_dist: float = option(
        0.0,
        ge=0,
        help="Least distance between rows in the embedding; 0 packs clusters most tightly. "
        "At most spread.",
    )
    spread: float = option(1.0, gt=0, help="Scale of the embedding.")
    metric: Metric = option(
        "euclidean",
        help="Distance between latent rows. hamming takes codes, jaccard and dice 0 and 1, "
        "hellinger and braycurtis numbers of 0 or more, haversine latitude and longitude in "
        "radians, precomputed the distances of rows to all training rows.",
    )
    neighbors_algorithm: NeighborsAlgorithm = option("auto", help=ALGORITHM_HELP)
    n_epochs: int | None = option(
        None,
        ge=1,
        help="Epochs of training. None is umap's rule: 500 up to 10000 rows, else 200; 200 more "
        "with densmap.",
    )
    learning_rate: float = option(1.0, gt=0, help="Initial step size.")
    negative_sample_rate: int = option(
        5, ge=1, help="Repelling rows drawn for every attracting one."
    )
    repulsion_strength: float = option(1.0, ge=0, help="Weight of the repelling rows.")
    set_op_mix_ratio: float = option(
        1.0,
        ge=0,
        le=1,
        help="How two rows' views of their closeness are joined: 1 union, 0 intersection.",
    )
    local_connectivity: float = option(
        1.0, ge=1, help="Number of nearest rows that are connected in any case."
    )
    init: Literal["spectral", "pca", "random"] = option(
        "spectral",
        help="Start of the training. spectral is most faithful; pca is faster on many rows.",
    )
    densmap: bool = option(
        False,
        help="Whether distances within the embedding follow how dense the rows lie: sparse "
        "clusters come out wide (densMAP).",
    )
    dens_lambda: float = option(
        2.0, ge=0, help="Weight of the densities beside the neighbourhoods; needs densmap."
    )
    dens_frac: float = option(
        0.3, ge=0, le=1, help="Share of the epochs, at the end, in which densities count."
    )
    dens_var_shift: float = option(
        0.1, ge=0, help="Added to the variance of the embedding's local radii, for stability."
    )
    max_landmarks: int | None = option(
        None,
        ge=2,
        help="Most rows used for the fit, drawn at random; further rows are placed by them, like "
        "new ones. None uses all rows.",
    )
    transform_epochs: int = option(
        100,
        ge=0,
        help="Epochs in which a new row is placed; fewer are faster, less accurate. None are "
        "taken with densmap.",
    )
    latent_: NDArray[np.float32] | None = learned(shape=("n", "d"), dtype="float32")
    embedding_: NDArray[np.float32] | None = learned(shape=("n", "n_components_"), dtype="float32")
    a_: float | None = learned(dtype=float, gt=0)
    b_: float | None = learned(dtype=float, gt=0)
    transform_seed_: int | None = learned(dtype=int, ge=0, lt=2**31)
    #: How new rows are placed; 1: as states before version 2 were, by :mod:`umap_kernel`.
    _placing: int | None = learned(dtype=int, ge=1, le=2)
    _cells: Cells | None = learned(of=Cells, optional=True)
    _neighbors: ExactNeighbors | None = learned()
    _placer: Callable[..., None] | None = learned()

    def __attrs_post_init__(self) -> None:
        problems = algorithm_problems(self.neighbors_algorithm, self.metric)
        if self.min_dist > self.spread:
            text = f"must be at most spread ({self.spread:g}), got {self.min_dist:g}"
            problems.append(Problem("min_dist", text))
        if self.local_connectivity > self.n_neighbors - 1:
            text = (
                f"must be below n_neighbors ({self.n_neighbors}), got {self.local_connectivity:g}"
            )
            problems.append(Problem("local_connectivity", text))
        steps = self.transform_epochs * self.n_neighbors * (1 + self.negative_sample_rate)
        if steps > _MOST_STEPS:
            text = f"times n_neighbors, times (1 + negative_sample_rate) must be <= {_MOST_STEPS}"
            problems.append(Problem("transform_epochs", f"{text}, got {steps}"))
        if problems:
            raise ConfigError(problems)

    def check_out_of_core(self, n_rows: int) -> list[str]:
        """Reasons why rows in a file cannot be fitted."""
        del n_rows
        return reasons_out_of_core(self.max_landmarks, self.metric)

    def check_input(self, n_rows: int, row_shape: tuple[int, ...]) -> list[str]:
        """Reasons why data of that many rows, of that shape, cannot be fitted."""
        reasons, m = shape_problems(self.metric, row_shape), self.n_components_
        n_rows, rows = counted(n_rows, self.max_landmarks)
        if n_rows <= self.n_neighbors:
            reasons.append(
                f"umap: n_neighbors={self.n_neighbors} needs at least {self.n_neighbors + 1} "
                f"rows, got {rows}; lower n_neighbors"
            )
        least = {"spectral": 2 * m + 3, "pca": m, "random": 2}[self.init]
        if n_rows < least:
            reasons.append(
                f"umap: init={self.init!r} with n_components={m} needs at least {least} rows, "
                f"got {rows}; lower n_components or use init='random'"
            )
        if self.init == "pca" and len(row_shape) == 1 and row_shape[0] < m:
            reasons.append(
                f"umap: init='pca' cannot give n_components={m} from rows of {row_shape[0]} "
                "features; lower n_components or use another init"
            )
        return reasons

    def fit(self, x: AnyArray, *, context: FitContext) -> Self:
        """Embed latent rows.

        Parameters
        ----------
        x : float32 array of shape (n, d)
        context : FitContext

        Raises
        ------
        DataError
            If there are too few distinct rows for the options.
        StageError
            If umap leaves rows without a place.
        """
        self._fit(x, context)
        return self

    def fit_transform(self, x: AnyArray, *, context: FitContext) -> FloatArray:
        """Embed latent rows and return their coordinates, float32 of shape (n, m)."""
        landmarks = self._fit(x, context)
        return landmarks.spread(x, require_fitted(self.embedding_, "umap"), self.transform)

    def _fit(self, x: AnyArray, context: FitContext) -> Landmarks:
        from n2d_builtin.umap.umap_forces import Forces
        from n2d_builtin.umap.umap_library import curve, fit_embedding

        refuse(self.check_input(len(x), x.shape[1:]))
        check_metric(x, self.metric, "umap")
        seed = derive_seed(context.seed, "umap", "landmarks")
        landmarks = Landmarks.draw(x, self.max_landmarks, seed, self.metric)
        landmarks.check(self.check_input, x.shape[1:])
        latent = landmarks.rows
        found = find_neighbors(
            latent, self.metric, x, self.n_neighbors, context,
            algorithm=self.neighbors_algorithm, name="umap", leaves=True,
            chosen=landmarks.origin("umap"),
        )  # fmt: skip
        a, b = curve(self.spread, self.min_dist)
        weights = self.repulsion_strength, self.negative_sample_rate, self.learning_rate
        embedding = fit_embedding(
            found.search.features,
            found.indices,
            found.distances,
            Forces(a, b, *weights),
            n_components=self.n_components_,
            n_epochs=self.n_epochs,
            init=self.init,
            metric=self.metric,
            seed=context.seed,
            n_jobs=context.n_jobs,
            check=context.resources.check,
            density=self._density_options(),
            set_op_mix_ratio=self.set_op_mix_ratio,
            local_connectivity=self.local_connectivity,
        )
        self.latent_, self.embedding_, self.a_, self.b_ = latent, embedding, a, b
        self.transform_seed_ = derive_seed(context.seed, "umap", "transform")
        self._neighbors, self._cells = found.search, found.cells
        self._placer, self._placing = None, 2
        return landmarks

    def transform(self, x: AnyArray) -> FloatArray:
        """Place rows into the embedding, each on its own.

        Parameters
        ----------
        x : float32 array of shape (n, d)

        Returns
        -------
        float32 array of shape (n, m)

        Raises
        ------
        DataError
            If `x` has another number of features than the training rows.
        StateError
            If not fitted.
        """
        latent = require_fitted(self.latent_, "umap")
        embedding = require_fitted(self.embedding_, "umap")
        check_metric(x, self.metric, "umap", latent)
        neighbors = self._searcher()
        place = self._placer = self._placer or self._made_placer(embedding)
        placed = np.empty((len(x), embedding.shape[1]), dtype=np.float32)

        def work(start: int, stop: int) -> None:
            found = neighbors.query(x[start:stop], self.n_neighbors)
            place(*found, placed[start:stop])

        in_threads(work, len(x), n_jobs=available_threads(), chunk=256)
        return placed

    @classmethod
    def upgrade_state(cls, state: State, version: int) -> State:
        """Bring an older state up to date.

        Parameters
        ----------
        state : State
        version : int
            1: rows were placed in double precision, one after the other; they still are. 2: all
            searches of neighbours were exact.

        Returns
        -------
        State
        """
        return {**state, "placing": 1} if version == 1 else state

    def check_learned(self) -> list[str]:
        """Reasons why a state that was read cannot place rows."""
        latent = require_fitted(self.latent_, "umap")
        reasons = [] if self._cells is None else self._cells.problems(latent, self.metric)
        rows = len(latent)
        if rows < self.n_neighbors:
            reasons.append(
                f"state 'latent' has {rows} rows, fewer than n_neighbors={self.n_neighbors}"
            )
        return reasons

    @property
    def neighbor_recall_(self) -> float | None:
        """Share of the nearest rows that the fit found, 1.0 if it was exact."""
        return None if self.latent_ is None else recall_of(self._cells)

    @property
    def n_components_(self) -> int:
        """Dimension of the coordinates: `n_components`, or 2."""
        return 2 if self.n_components is None else self.n_components

    def _density_options(self) -> DensityOptions | None:
        if not self.densmap:
            return None
        from n2d_builtin.umap.umap_density import DensityOptions

        return DensityOptions(self.dens_lambda, self.dens_frac, self.dens_var_shift)

    def _searcher(self) -> ExactNeighbors:
        if self._neighbors is None:
            latent = require_fitted(self.latent_, "umap")
            leaves = self._placing != 1
            self._neighbors = stored_search(latent, self.metric, self._cells, leaves=leaves)
        return self._neighbors.prepare()

    def _made_placer(self, embedding: NDArray[np.float32]) -> Placer:
        from n2d_builtin.umap.umap_forces import Forces
        from n2d_builtin.umap.umap_placing import placer_of

        a, b = require_fitted(self.a_, "umap"), require_fitted(self.b_, "umap")
        weights = self.repulsion_strength, self.negative_sample_rate, self.learning_rate / 4.0
        return placer_of(
            require_fitted(self._placing, "umap"),
            embedding,
            Forces(a, b, *weights),
            n_epochs=0 if self.densmap else self.transform_epochs,
            connectivity=max(0.0, self.local_connectivity - 1.0),
            seed=require_fitted(self.transform_seed_, "umap"),
        )
