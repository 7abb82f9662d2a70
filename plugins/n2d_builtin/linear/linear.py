"""Principal components as embedder and manifolder, and the identity as both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.checked_rows import (
    FLOAT32_MAX,
    check_features,
    refuse,
    require_fitted,
)
from n2d_builtin.common.principal_axes import PrincipalAxes
from n2d_builtin.common.same_products import with_same_products
from n2d_framework.plugin import (
    AnyArray,
    FitContext,
    FloatArray,
    OnnxGraph,
    State,
    component,
    learned,
    need,
    option,
)

__all__ = ["Identity", "PCAEmbedder", "PCAManifolder"]

Solver: TypeAlias = Literal["auto", "full", "randomized", "covariance_eigh"]

_SOLVER_HELP = (
    "How the decomposition is computed: by singular values of all data (full), of a random "
    "projection (randomized, fast for few components of wide data), or from the covariance "
    "matrix (covariance_eigh, fast for many narrow rows). auto chooses by size."
)
_WHITEN_HELP = "Scale every component to unit variance on the training rows."
#: Largest entry of a row of length 1, up to rounding.
_UNIT = 1.001


@component
class _PCA:
    """Base of both principal-component classes; they add their options.

    Attributes
    ----------
    mean_ : float64 array of shape (d,)
    components_ : float64 array of shape (m, d)
        Orthonormal rows, by falling variance.
    explained_variance_, explained_variance_ratio_ : float64 array of shape (m,)
        Variance along each component, and as a share of the whole (for scree plots); in float64
        about the mean, and 0 where nothing but rounding is left.
    """

    if TYPE_CHECKING:
        whiten: bool
        solver: Solver

    mean_: NDArray[np.float64] | None = learned(shape=("d",), dtype="float64", largest=FLOAT32_MAX)
    components_: NDArray[np.float64] | None = learned(
        shape=("m", "d"), dtype="float64", largest=_UNIT
    )
    explained_variance_: NDArray[np.float64] | None = learned(shape=("m",), dtype="float64", ge=0)
    explained_variance_ratio_: NDArray[np.float64] | None = learned(shape=("m",), dtype="float64")

    def _wanted(self) -> int:
        raise NotImplementedError

    def check_input(self, n_rows: int, row_shape: tuple[int, ...]) -> list[str]:
        """Reasons why data of that shape cannot be fitted."""
        if n_rows < 2:
            return [f"pca needs at least 2 rows, got {n_rows}"]
        return []

    def check_out_of_core(self, n_rows: int) -> list[str]:
        """Reasons why rows in a file cannot be fitted."""
        del n_rows
        if self.solver != "randomized":
            return []
        return ["solver 'randomized' needs all rows in memory; use auto"]

    def fit(self, x: AnyArray, *, context: FitContext) -> Self:
        """Find the principal components of `x`, float32 of shape (n, d).

        Raises
        ------
        DataError
            If there are fewer than two rows.
        """
        refuse(self.check_input(len(x), x.shape[1:]))
        count = min(self._wanted(), *x.shape)
        axes = PrincipalAxes.of(
            x,
            count,
            solver=self.solver,
            seed=context.seed,
            weights=context.weights,
            in_file=context.resources.scratch is not None,
        )
        self.mean_, self.components_ = axes.mean, axes.components
        self.explained_variance_, self.explained_variance_ratio_ = axes.variance, axes.ratio
        return self

    def transform(self, x: AnyArray) -> FloatArray:
        """Coordinates of rows along the components.

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
        components = require_fitted(self.components_, "pca")
        check_features(x, components.shape[1], "pca")
        mean, axes = require_fitted(self.mean_, "pca"), self._axes()

        def place(rows: AnyArray) -> AnyArray:
            return ((rows - mean) @ axes).astype(np.float32)

        return with_same_products(place, x)

    def _axes(self) -> NDArray[np.float64]:
        """Factors of centred rows: (d, m)."""
        components = require_fitted(self.components_, "pca")
        return np.ascontiguousarray(components.T / self._scale())

    def _scale(self) -> NDArray[np.float64]:
        """Standard deviation of each component when whitening; 1 where nothing varies."""
        variance = require_fitted(self.explained_variance_, "pca")
        if not self.whiten:
            return np.ones_like(variance)
        return np.sqrt(np.where(variance > 0, variance, 1.0))

    @classmethod
    def upgrade_state(cls, state: State, version: int) -> State:
        """Bring an older state up to date.

        Parameters
        ----------
        state : State
        version : int
            1: variances below a share of the largest were not whitened; now those that are 0
            are not.

        Returns
        -------
        State
        """
        del version
        variance = need(state, "explained_variance", np.ndarray)
        largest = float(variance.max(initial=1e-300)) if variance.dtype.kind == "f" else np.nan
        least = np.finfo(np.float32).eps ** 2 * largest
        return {**state, "explained_variance": np.where(variance <= least, 0.0, variance)}

    def check_learned(self) -> list[str]:
        """Reasons why a state that was read does not belong to the options."""
        m = len(require_fitted(self.components_, "pca"))
        if m <= self._wanted():
            return []
        return [f"state 'components' has {m} rows, wanted are {self._wanted()}"]


@component
class PCAEmbedder(_PCA):
    """Principal components of the rows, which can be mapped back.

    References
    ----------
    Tipping and Bishop 1999, Mixtures of probabilistic principal component analysers, Neural
    Computation 11.
    """

    latent_dim: int | None = option(
        None,
        ge=1,
        follows="n_clusters",
        follows_up_to=100,
        help="Number of components. Follows n_clusters, up to 100; else 10; never more than there "
        "are rows or features.",
    )
    whiten: bool = option(False, help=_WHITEN_HELP)
    solver: Solver = option("auto", help=_SOLVER_HELP)

    def _wanted(self) -> int:
        return 10 if self.latent_dim is None else self.latent_dim

    def to_onnx(self, graph: OnnxGraph, rows: str) -> str:
        """Add the projection to a graph, in float64 as here; `rows` and result by their names."""
        mean = graph.constant(require_fitted(self.mean_, "pca"))
        centred = graph.apply("Sub", graph.cast(rows, "float64"), mean)
        product = graph.apply("MatMul", centred, graph.constant(self._axes()))
        return graph.cast(product, "float32")

    def reconstruct(self, z: AnyArray) -> FloatArray:
        """Map latent rows back to the space of the data.

        Parameters
        ----------
        z : float32 array of shape (n, m)

        Returns
        -------
        float32 array of shape (n, d)
        """
        components = require_fitted(self.components_, "pca")
        check_features(z, len(components), "the reconstruction of pca")
        mean = require_fitted(self.mean_, "pca")
        axes = np.ascontiguousarray(components * self._scale()[:, None])

        def back(rows: AnyArray) -> AnyArray:
            return (rows.astype(np.float64) @ axes + mean).astype(np.float32)

        return with_same_products(back, z)


@component
class PCAManifolder(_PCA):
    """Principal components of latent rows.

    References
    ----------
    Tipping and Bishop 1999, Mixtures of probabilistic principal component analysers,
    Neural Computation 11.
    """

    n_components: int | None = option(
        None,
        ge=1,
        follows="n_clusters",
        follows_up_to=100,
        help="Number of components. Follows n_clusters, up to 100; else 2; never more than there "
        "are rows or features.",
    )
    whiten: bool = option(False, help=_WHITEN_HELP)
    solver: Solver = option("auto", help=_SOLVER_HELP)

    def _wanted(self) -> int:
        return 2 if self.n_components is None else self.n_components


@component
class Identity:
    """Passes rows on unchanged, as embedder or as manifolder.

    Attributes
    ----------
    n_features_ : int
        Number of features of the training rows.
    """

    n_features_: int | None = learned(dtype=int, ge=1)

    def check_input(self, n_rows: int, row_shape: tuple[int, ...]) -> list[str]:
        """Reasons why data of that shape cannot be fitted: none but emptiness."""
        return [] if n_rows >= 1 else ["identity needs at least 1 row, got 0"]

    def fit(self, x: AnyArray, *, context: FitContext) -> Self:
        """Remember the number of features of `x`, float32 of shape (n, d)."""
        refuse(self.check_input(len(x), x.shape[1:]))
        self.n_features_ = int(x.shape[1])
        return self

    def transform(self, x: AnyArray) -> FloatArray:
        """A float32 copy of the rows.

        Raises
        ------
        DataError
            If `x` has another number of features than the training rows.
        StateError
            If not fitted.
        """
        check_features(x, require_fitted(self.n_features_, "identity"), "identity")
        return np.array(x, dtype=np.float32, order="C")

    def to_onnx(self, graph: OnnxGraph, rows: str) -> str:
        """The same rows, by their name."""
        return rows

    def reconstruct(self, z: AnyArray) -> FloatArray:
        """The same rows again."""
        return self.transform(z)
