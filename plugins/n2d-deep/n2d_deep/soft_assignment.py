"""Clusters around the centres that the embedder was trained with."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from n2d_deep.assignment import soft_assignment
from n2d_framework.plugin import (
    AnyArray,
    DataError,
    FitContext,
    FloatArray,
    IntArray,
    check_features,
    component,
    in_blocks,
    learned,
    option,
    require_fitted,
)

__all__ = ["SoftAssignment"]

_BLOCK = 4096


@component
class SoftAssignment:
    """Student-t soft assignment to the embedder's own cluster centres.

    Nothing is searched for: the centres are those that ``dec``, ``idec`` or ``dcec`` learned,
    which reach this clusterer through a manifolder that passes rows on (``identity``).
    Centres that no training row is nearest to are left out, so that labels are 0, 1, 2, …
    and every label is one that training knew.

    Attributes
    ----------
    labels_ : array of shape (n,), int64
        Labels of the training rows; not kept in the state.
    cluster_centers_ : float32 array of shape (n_clusters, d)
    alpha_ : float
        Degrees of freedom of the kernel.

    References
    ----------
    Xie, Girshick and Farhadi 2016, "Unsupervised Deep Embedding for Clustering Analysis",
    ICML, eq. 1.
    """

    alpha: float | None = option(
        None,
        gt=0,
        help="Degrees of freedom of the Student-t kernel, which sharpens or softens "
        "probabilities and changes no label. None: what the embedder was trained with.",
    )

    labels_: Any = learned()
    cluster_centers_: Any = learned(shape=("k", "d"), dtype="float32")
    alpha_: Any = learned(dtype=float, gt=0)

    def fit(self, m: AnyArray, *, context: FitContext) -> Self:
        """Take the centres over, and label rows `m`, float32 of shape (n, d).

        Raises
        ------
        DataError
            If no stage before has published centres of that width.
        """
        centers, alpha = self._published(context, m.shape[1])
        nearest = _assign(m, centers, alpha).argmax(axis=1)
        self.cluster_centers_ = np.ascontiguousarray(centers[np.unique(nearest)])
        self.alpha_ = alpha
        self.labels_ = self.predict(m)
        return self

    def _published(self, context: FitContext, width: int) -> tuple[AnyArray, float]:
        centers: Any = context.upstream.get("cluster_centers")
        if not isinstance(centers, np.ndarray) or centers.ndim != 2:
            raise DataError(
                "soft_assignment needs the centres of an embedder that learns some: dec, idec or "
                "dcec, with the manifolder identity"
            )
        check_features(centers, width, "soft_assignment")
        trained: Any = context.upstream.get("alpha", 1.0)
        return centers.astype(np.float32), float(trained if self.alpha is None else self.alpha)

    def predict(self, m: AnyArray) -> IntArray:
        """Number of the centre to which each row belongs most: (n,) int64."""
        found: IntArray = self.predict_proba(m).argmax(axis=1).astype(np.int64)
        return found

    def predict_proba(self, m: AnyArray) -> FloatArray:
        """Soft assignment of rows `m`, (n, d): float64 of shape (n, n_clusters)."""
        centers = require_fitted(self.cluster_centers_, "soft_assignment")
        check_features(m, centers.shape[1], "soft_assignment")
        return _assign(m, centers, self.alpha_)

    def check_learned(self) -> list[str]:
        """Reasons why a state that was read does not belong to the options."""
        if self.alpha in (None, self.alpha_):
            return []
        return [f"state 'alpha' is {self.alpha_}, the option {self.alpha}"]


def _assign(m: AnyArray, centers: AnyArray, alpha: float) -> FloatArray:
    found: FloatArray = in_blocks(
        lambda rows: soft_assignment(rows, centers, alpha), m, block=_BLOCK, least=1
    )
    return found
