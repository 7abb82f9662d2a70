"""Random projection: linear coordinates that nothing of the rows decides but their width."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.checked_rows import check_features, refuse, require_fitted
from n2d_builtin.linear.factors import along_axes
from n2d_framework.plugin import (
    ConfigError,
    FitContext,
    FloatArray,
    OnnxGraph,
    Problem,
    component,
    learned,
    option,
)

__all__ = ["RandomProjectionEmbedder"]


@component
class RandomProjectionEmbedder:
    """Coordinates along random axes, which keep distances of rows up to a factor.

    The least costly way to fewer columns: nothing is learned but how many columns there are, and
    fitting takes as long for a million rows as for one. Distances are kept to within a factor of
    about ``sqrt(8 ln(n) / latent_dim)``, whatever the rows are; where these have structure, ``pca``
    and ``truncated_svd`` keep more of it in as many columns. Axes are drawn by scikit-learn's
    ``GaussianRandomProjection`` and ``SparseRandomProjection``, and rounded to float32.

    Attributes
    ----------
    components_ : float32 array of shape (m, d)
        The random axes.

    References
    ----------
    Johnson and Lindenstrauss 1984, Contemporary Mathematics 26; Li, Hastie and Church 2006, Very
    sparse random projections, KDD.
    """

    latent_dim: int = option(
        50,
        ge=1,
        help="Number of axes (n_components in scikit-learn); never more than there are features.",
    )
    kind: Literal["gaussian", "sparse"] = option(
        "gaussian",
        help="Axes of normal numbers, or of few equal ones with random signs among zeros.",
    )
    density: float | None = option(
        None,
        gt=0,
        le=1,
        help="Share of a sparse axis that is not zero. None: 1 / sqrt(number of features).",
    )
    components_: NDArray[np.float32] | None = learned(shape=("m", "d"), dtype="float32")

    def __attrs_post_init__(self) -> None:
        if self.density is not None and self.kind == "gaussian":
            text = "is a property of sparse axes, but kind is gaussian; leave it out"
            raise ConfigError([Problem("density", text)])

    def check_input(self, n_rows: int, row_shape: tuple[int, ...]) -> list[str]:
        """Reasons why data of that shape cannot be fitted."""
        del row_shape
        return [] if n_rows >= 1 else ["random_projection needs at least 1 row, got 0"]

    def fit(self, x: Any, *, context: FitContext) -> Self:
        """Draw axes for rows as wide as `x`, a float32 array or CSR array of shape (n, d).

        Raises
        ------
        DataError
            If there is no row.
        """
        from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection

        refuse(self.check_input(x.shape[0], x.shape[1:]))
        width = x.shape[1]
        about: dict[str, Any] = {
            "n_components": min(self.latent_dim, width), "random_state": context.seed,
        }  # fmt: skip
        # What is drawn depends on the width alone: one row of zeros stands for all.
        stand_in = np.zeros((1, width), dtype=np.float32)
        if self.kind == "gaussian":
            axes = GaussianRandomProjection(**about).fit(stand_in).components_
        else:
            density = "auto" if self.density is None else self.density
            found = SparseRandomProjection(density=density, **about).fit(stand_in).components_
            axes = found if isinstance(found, np.ndarray) else found.toarray()
        self.components_ = np.ascontiguousarray(axes, dtype=np.float32)
        return self

    def transform(self, x: Any) -> FloatArray:
        """Coordinates of rows along the axes.

        Parameters
        ----------
        x : float32 array or CSR array of shape (n, d)

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
        components = require_fitted(self.components_, "random_projection")
        check_features(x, components.shape[1], "random_projection")
        axes = np.ascontiguousarray(components.T, dtype=np.float64)
        return along_axes(x, axes).astype(np.float32)

    def to_onnx(self, graph: OnnxGraph, rows: str) -> str:
        """Add the projection to a graph, in float64 as here; `rows` and result by their names."""
        components = require_fitted(self.components_, "random_projection")
        axes = graph.constant(np.ascontiguousarray(components.T, dtype=np.float64))
        return graph.cast(graph.apply("MatMul", graph.cast(rows, "float64"), axes), "float32")

    def check_learned(self) -> list[str]:
        """Reasons why a state that was read does not belong to the options."""
        components = require_fitted(self.components_, "random_projection")
        wanted = min(self.latent_dim, components.shape[1])
        if len(components) == wanted:
            return []
        return [f"state 'components' has {len(components)} rows, wanted are {wanted}"]
