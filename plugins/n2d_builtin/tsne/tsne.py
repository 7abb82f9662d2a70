"""t-SNE by openTSNE, on neighbours of our own search; new rows placed one by one."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.checked_rows import refuse, require_fitted
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
    State,
    component,
    derive_seed,
    learned,
    option,
)

__all__ = ["Tsne"]

#: Rows placed at once, which bounds the memory.
_CHUNK = 4096


@component
class Tsne:
    """t-distributed stochastic neighbour embedding that places new rows.

    Fitting is openTSNE's, on nearest neighbours that are exact up to 100,000 rows. New rows are
    optimized against the fixed training embedding, each on its own. A row equal to a training row
    gets the coordinates of that row; of equal training rows, one is embedded for all.

    Options
    -------
    n_components, perplexity, learning_rate, ...
        See the help of each option.

    Attributes
    ----------
    latent_ : float32 array of shape (n, d)
        The distinct training rows, or the landmarks drawn from them.
    embedding_ : float32 array of shape (n, m)
        Their coordinates.
    kl_divergence_ : float
        What the fit minimized, after its last step.

    Notes
    -----
    The result does not depend on the number of threads. openTSNE chooses the method for the
    repelling forces by the number of rows *of the batch* that is placed, and moves the
    stored embedding when it places rows; here the method is fixed (interpolation) and the
    stored embedding is not touched.

    References
    ----------
    van der Maaten and Hinton 2008, JMLR 9. Policar, Strazar and Zupan 2024, openTSNE, JSS
    109. Placing of new rows: Policar, Strazar and Zupan 2021, Machine Learning.
    """

    n_components: int = option(
        2, ge=1, le=2, help="Dimension; t-SNE's approximations work in one and two."
    )
    perplexity: float = option(
        30.0, ge=1, help="Effective number of neighbours; up to three times as many are used."
    )
    learning_rate: float | Literal["auto"] = option(
        "auto", gt=0, help="Step size; auto is the number of rows over the exaggeration."
    )
    early_exaggeration: float | Literal["auto"] = option(
        "auto", ge=1, help="Factor on attraction in the first phase; auto is 12."
    )
    early_exaggeration_iter: int = option(250, ge=0, help="Steps of the first phase.")
    n_iter: int = option(500, ge=0, help="Steps of the second phase.")
    exaggeration: float | None = option(
        None, ge=1, help="Factor on attraction in the second phase; None is 1."
    )
    initialization: Literal["pca", "spectral", "random"] = option(
        "pca",
        help="Start of the optimization; pca keeps global order.",
    )
    metric: Metric = option(
        "euclidean",
        help="Distance between latent rows, as for umap.",
    )
    neighbors_algorithm: NeighborsAlgorithm = option("auto", help=ALGORITHM_HELP)
    negative_gradient_method: Literal["auto", "fft", "bh"] = option(
        "auto",
        help="Repelling forces of the fit by interpolation (fft) or Barnes-Hut (bh); auto is "
        "bh below 10000 rows.",
    )
    theta: float = option(0.5, ge=0, le=1, help="Trade-off of Barnes-Hut; 0 is exact and slow.")
    max_landmarks: int | None = option(
        None,
        ge=2,
        help="Most rows used for the fit, drawn at random; further rows are placed by them, like "
        "new ones. None uses all rows.",
    )
    transform_perplexity: float = option(
        5.0, ge=1, help="Perplexity with which new rows are placed."
    )
    transform_iter: int = option(250, ge=0, le=2000, help="Steps in which new rows are placed.")
    latent_: NDArray[np.float32] | None = learned(shape=("n", "d"), dtype="float32")
    embedding_: NDArray[np.float32] | None = learned(shape=("n", "n_components"), dtype="float32")
    kl_divergence_: float | None = learned(dtype=float, finite=False)
    _cells: Cells | None = learned(of=Cells, optional=True)
    _neighbors: ExactNeighbors | None = learned()
    _reference: Any = learned()

    def __attrs_post_init__(self) -> None:
        problems = algorithm_problems(self.neighbors_algorithm, self.metric)
        if problems:
            raise ConfigError(problems)

    def check_out_of_core(self, n_rows: int) -> list[str]:
        """Reasons why rows in a file cannot be fitted."""
        del n_rows
        return reasons_out_of_core(self.max_landmarks, self.metric)

    def check_input(self, n_rows: int, row_shape: tuple[int, ...]) -> list[str]:
        """Reasons why data of that many rows, of that shape, cannot be fitted."""
        reasons = shape_problems(self.metric, row_shape)
        n_rows, rows = counted(n_rows, self.max_landmarks)
        largest = max(self.perplexity, self.transform_perplexity)
        if n_rows - 1 <= largest:
            reasons.append(
                f"tsne: perplexity={largest:g} needs at least {int(largest) + 2} rows, "
                f"got {rows}; lower perplexity and transform_perplexity"
            )
        least = {"spectral": self.n_components + 3, "pca": 2, "random": 2}[self.initialization]
        if n_rows < least:
            reasons.append(
                f"tsne: initialization={self.initialization!r} needs at least {least} rows, "
                f"got {rows}; use 'random'"
            )
        narrow = len(row_shape) == 1 and row_shape[0] < self.n_components
        if self.initialization == "pca" and narrow:
            reasons.append(
                f"tsne: initialization='pca' cannot give n_components={self.n_components} "
                f"from rows of {row_shape[0]} features; use 'spectral' or 'random'"
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
            If the optimization diverged.
        """
        self._fit(x, context)
        return self

    def fit_transform(self, x: AnyArray, *, context: FitContext) -> FloatArray:
        """Embed latent rows and return their coordinates, float32 of shape (n, m)."""
        landmarks = self._fit(x, context)
        return landmarks.spread(x, require_fitted(self.embedding_, "tsne"), self.transform)

    def _fit(self, x: AnyArray, context: FitContext) -> Landmarks:
        from n2d_builtin.tsne.tsne_library import fit_embedding

        refuse(self.check_input(len(x), x.shape[1:]))
        check_metric(x, self.metric, "tsne")
        seed = derive_seed(context.seed, "tsne", "landmarks")
        landmarks = Landmarks.draw(x, self.max_landmarks, seed, self.metric)
        landmarks.check(self.check_input, x.shape[1:])
        latent = landmarks.rows
        k = min(len(latent) - 1, int(3 * self.perplexity))
        found = find_neighbors(
            latent, self.metric, x, k + 1, context,
            algorithm=self.neighbors_algorithm, name="tsne", chosen=landmarks.origin("tsne"),
        )  # fmt: skip
        embedding, divergence = fit_embedding(
            found.search.features,
            found.indices[:, 1:],
            found.distances[:, 1:],
            n_components=self.n_components,
            perplexity=self.perplexity,
            learning_rate=self.learning_rate,
            early_exaggeration=self.early_exaggeration,
            early_exaggeration_iter=self.early_exaggeration_iter,
            n_iter=self.n_iter,
            exaggeration=self.exaggeration,
            initialization=self.initialization,
            negative_gradient_method=self.negative_gradient_method,
            theta=self.theta,
            random_state=context.seed,
            n_jobs=context.n_jobs,
        )
        self.latent_, self.embedding_, self.kl_divergence_ = latent, embedding, divergence
        self._neighbors, self._cells, self._reference = found.search, found.cells, None
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
        latent = require_fitted(self.latent_, "tsne")
        embedding = require_fitted(self.embedding_, "tsne")
        check_metric(x, self.metric, "tsne", latent)
        placed = np.empty((len(x), embedding.shape[1]), dtype=np.float32)
        for start in range(0, len(x), _CHUNK):
            part = slice(start, start + _CHUNK)
            placed[part] = self._place(x[part], embedding)
        return placed

    @classmethod
    def upgrade_state(cls, state: State, version: int) -> State:
        """Bring an older state up to date.

        Parameters
        ----------
        state : State
        version : int
            1: all searches of neighbours were exact.

        Returns
        -------
        State
        """
        del version
        return state

    @property
    def neighbor_recall_(self) -> float | None:
        """Share of the nearest rows that the fit found, 1.0 if it was exact."""
        return None if self.latent_ is None else recall_of(self._cells)

    def check_learned(self) -> list[str]:
        """Reasons why a state that was read cannot place rows."""
        from n2d_builtin.tsne.tsne_library import collapsed

        rows = require_fitted(self.embedding_, "tsne")
        reasons = ["state 'embedding' has all rows in one place"] if collapsed(rows) else []
        if self._cells is not None:
            reasons += self._cells.problems(require_fitted(self.latent_, "tsne"), self.metric)
        if len(rows) - 1 <= self.transform_perplexity:
            reasons.append(
                f"state 'latent' has {len(rows)} rows, too few for "
                f"transform_perplexity={self.transform_perplexity:g}"
            )
        return reasons

    def _place(self, x: AnyArray, embedding: NDArray[np.float32]) -> AnyArray:
        from n2d_builtin.tsne.tsne_library import place, reference

        if self._neighbors is None:
            latent = require_fitted(self.latent_, "tsne")
            self._neighbors = stored_search(latent, self.metric, self._cells)
        k = min(len(embedding), int(3 * self.transform_perplexity))
        indices, distances = self._neighbors.query(x, k)
        known = distances[:, 0] == 0
        placed = embedding[indices[:, 0]]
        if not known.all():
            if self._reference is None:
                self._reference = reference(embedding)
            placed[~known] = place(
                self._reference,
                indices[~known],
                distances[~known],
                perplexity=self.transform_perplexity,
                n_iter=self.transform_iter,
            )
        return placed
