"""PaCMAP, fitted by the package of its authors; places new rows without it."""

from __future__ import annotations

import logging
import threading
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from n2d_builtin import ExactNeighbors
from n2d_framework.plugin import (
    AnyArray,
    ConfigError,
    DataError,
    FitContext,
    FloatArray,
    IntArray,
    Problem,
    StageError,
    check_features,
    component,
    derive_seed,
    distinct_rows,
    learned,
    option,
    require_fitted,
)

__all__ = ["Pacmap"]

#: The package chooses neighbours among so many more than it takes, by distances over the mean of
#: those to the fourth to sixth.
_MORE, _SCALE = 50, slice(3, 6)
#: So many rows are drawn for a mid-near pair.
_DRAWN = 6
_PHASES = 3
_LEAST_SCALE = 1e-10
#: Of the attraction d / (10 + d), where d is 1 and the squared distance.
_REACH = 10.0
#: The package keeps seeds for the whole process, and logs that it does.
_one_fit = threading.Lock()


@component
class Pacmap:
    """Pairwise controlled manifold approximation: near, mid-near and further pairs of rows.

    Fitted by the package ``pacmap`` on exact nearest neighbours, which this component hands to it.
    A new row is placed where the package's own ``transform`` leads: where the attraction of its
    nearest training rows, ``d / (10 + d)`` of each with ``d`` one and the squared distance in the
    embedding, is least, found from the place of the nearest by a number of mean shifts, in which
    each step lessens it. So its coordinates depend on nothing but the row, and the package is not
    needed. A row equal to a training row gets that row's coordinates; of equal training rows, one
    is embedded for all.

    Attributes
    ----------
    latent_ : float32 array of shape (n, d)
        The distinct training rows.
    embedding_ : float32 array of shape (n, m)
        Their coordinates.

    References
    ----------
    Wang, Huang, Rudin and Shaposhnik 2021, Understanding How Dimension Reduction Tools Work: An
    Empirical Approach to Deciphering t-SNE, UMAP, TriMap, and PaCMAP for Data Visualization, JMLR
    22(201).
    """

    n_neighbors: int = option(10, ge=1, help="Near pairs of each row, and neighbours of a new row.")
    n_components: int | None = option(
        None, ge=1, follows="n_clusters", help="Dimension. Follows n_clusters, else 2."
    )
    mn_ratio: float = option(
        0.5, ge=0, help="Mid-near pairs for each near pair; they hold the global structure."
    )
    fp_ratio: float = option(2.0, gt=0, help="Further pairs for each near pair; they repel.")
    learning_rate: float = option(1.0, gt=0, help="Step size of Adam.")
    n_iter: tuple[int, ...] = option(
        (100, 100, 250),
        ge=1,
        min_len=3,
        help="Steps of the three phases: mid-near pairs count less and less, little, not at all.",
    )
    metric: Literal["euclidean", "manhattan"] = option(
        "euclidean", help="Distance between latent rows."
    )
    init: Literal["pca", "random"] = option("pca", help="Start of the optimization.")
    transform_iter: int = option(100, ge=0, help="Mean shifts by which a new row is placed.")
    latent_: NDArray[np.float32] | None = learned(shape=("n", "d"), dtype="float32")
    embedding_: NDArray[np.float32] | None = learned(shape=("n", "n_components_"), dtype="float32")
    _search: ExactNeighbors | None = learned()

    def __attrs_post_init__(self) -> None:
        if len(self.n_iter) != _PHASES:
            text = f"must have three numbers, got {len(self.n_iter)}"
            raise ConfigError([Problem("n_iter", text)])

    def check_input(self, n_rows: int, row_shape: tuple[int, ...]) -> list[str]:
        """Reasons why data of that many rows, of that shape, cannot be fitted."""
        reasons = []
        near, middle, further = self._pairs()
        least = max(near + middle + further + 1, middle + _DRAWN + 1, _SCALE.stop + 1)
        if n_rows < least:
            reasons.append(
                f"pacmap: n_neighbors={self.n_neighbors} with these ratios needs at least {least} "
                f"rows, got {n_rows}; lower n_neighbors"
            )
        m = self.n_components_
        if self.init == "pca" and len(row_shape) == 1 and min(row_shape[0], n_rows) < m:
            reasons.append(
                f"pacmap: init='pca' cannot give n_components={m} from {n_rows} rows of "
                f"{row_shape[0]} features; lower n_components or use init='random'"
            )
        return reasons

    @property
    def n_components_(self) -> int:
        """Dimension of the coordinates: `n_components`, or 2."""
        return 2 if self.n_components is None else self.n_components

    def fit(self, x: AnyArray, *, context: FitContext) -> Self:
        """Embed latent rows, float32 of shape (n, d).

        Raises
        ------
        DataError
            If there are too few distinct rows for the options.
        StageError
            If the optimization diverged.
        """
        self.fit_transform(x, context=context)
        return self

    def fit_transform(self, x: AnyArray, *, context: FitContext) -> FloatArray:
        """Embed latent rows and return their coordinates, float32 of shape (n, m)."""
        groups = distinct_rows(x)
        latent = np.array(x[groups.first], dtype=np.float32, order="C")
        reasons = self.check_input(len(latent), latent.shape[1:])
        if reasons:
            of_all = f" ({len(x)} rows, {len(latent)} of them distinct)"
            raise DataError("; ".join(reasons) + of_all)
        search = ExactNeighbors(latent, self.metric)
        pairs = self._near_pairs(search, context.n_jobs)
        context.resources.check()
        embedding = self._laid_out(latent, pairs, context)
        if not np.isfinite(embedding).all():
            raise StageError(
                f"pacmap: the embedding diverged; lower learning_rate ({self.learning_rate:g})"
            )
        self.latent_, self.embedding_, self._search = latent, embedding, search
        return np.asarray(embedding[groups.inverse])

    def transform(self, x: AnyArray) -> FloatArray:
        """Place rows into the embedding, each on its own: float32 of shape (n, m).

        Raises
        ------
        DataError
            If `x` has another number of features than the training rows.
        StateError
            If not fitted.
        """
        latent = require_fitted(self.latent_, "pacmap")
        embedding = require_fitted(self.embedding_, "pacmap")
        check_features(x, latent.shape[1], "pacmap")
        if self._search is None:
            self._search = ExactNeighbors(latent, self.metric)
        k = min(self.n_neighbors, len(latent))
        near, distances = self._search.query(np.ascontiguousarray(x, dtype=np.float32), k)
        places = embedding.astype(np.float64)
        at = places[near[:, 0]]
        # One neighbour after the other: the order of the sums is that of a row alone.
        for _ in range(self.transform_iter):
            total, sums = np.zeros((len(x), 1)), np.zeros_like(at)
            for j in range(k):
                there = places[near[:, j]]
                squares = np.ones(len(x))
                for column in range(at.shape[1]):
                    squares += (at[:, column] - there[:, column]) ** 2
                weights = (1.0 / (_REACH + squares) ** 2)[:, None]
                total += weights
                sums += weights * there
            at = sums / total
        known = distances[:, 0] == 0
        at[known] = places[near[known, 0]]
        return at.astype(np.float32)

    def check_learned(self) -> list[str]:
        """Reasons why a state that was read cannot place rows."""
        if np.isfinite(require_fitted(self.embedding_, "pacmap")).all():
            return []
        return ["state 'embedding' has values that are not finite"]

    def _pairs(self) -> tuple[int, int, int]:
        """Near, mid-near and further pairs of each row."""
        near = self.n_neighbors
        return near, round(near * self.mn_ratio), max(1, round(near * self.fp_ratio))

    def _near_pairs(self, search: ExactNeighbors, n_jobs: int) -> IntArray:
        """The nearest rows of each, by distances over the scales of both, as the package does."""
        n = len(search.features)
        k = min(n, self.n_neighbors + _MORE + 1)
        indices, distances = search.query_self(k, n_jobs=n_jobs)
        indices, distances = indices[:, 1:], distances[:, 1:]
        scales = np.maximum(distances[:, _SCALE].mean(axis=1), _LEAST_SCALE)
        scaled = distances**2 / scales[:, None] / scales[indices]
        order = np.argsort(scaled, axis=1, kind="stable")[:, : self.n_neighbors]
        near = np.take_along_axis(indices, order, axis=1)
        pairs = np.stack([np.repeat(np.arange(n), self.n_neighbors), near.ravel()], axis=1)
        return np.ascontiguousarray(pairs, dtype=np.int32)

    def _laid_out(
        self, latent: NDArray[np.float32], pairs: IntArray, context: FitContext
    ) -> NDArray[np.float32]:
        """Coordinates of the rows by the package, on one thread of BLAS."""
        import threadpoolctl
        from pacmap import PaCMAP

        seed = derive_seed(context.seed, "pacmap") % 2**30
        start: Any = None
        if self.init == "random":
            start = np.random.default_rng(seed).normal(size=(len(latent), self.n_components_))
        log = logging.getLogger("pacmap.pacmap")
        with _one_fit, threadpoolctl.threadpool_limits(limits=1):
            level = log.level
            log.setLevel(logging.ERROR)
            try:
                model = PaCMAP(
                    n_components=self.n_components_,
                    n_neighbors=self.n_neighbors,
                    MN_ratio=self.mn_ratio,
                    FP_ratio=self.fp_ratio,
                    pair_neighbors=pairs,
                    distance=self.metric,
                    lr=self.learning_rate,
                    num_iters=tuple(self.n_iter),
                    apply_pca=False,
                    random_state=seed,
                )
                found = model.fit_transform(latent, init=start, save_pairs=False)
            finally:
                log.setLevel(level)
        return np.ascontiguousarray(found, dtype=np.float32)
