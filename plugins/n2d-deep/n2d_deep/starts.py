"""Where the centres start: clusters of the latent rows of the autoencoder trained alone."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from n2d_builtin import GaussianMixture, KMeans, Umap
from n2d_framework.plugin import AnyArray, FitContext

__all__ = ["Start", "first_centers", "start_complaints"]

Start: TypeAlias = Literal["kmeans", "gmm", "umap"]


def start_complaints(start: Start, n_clusters: int | None, n_rows: int) -> list[str]:
    """Why so many rows cannot start that way, as a list of sentences."""
    if start == "gmm" and n_rows < 2:
        return [f"init='gmm' needs at least 2 rows to train on, got {n_rows}"]
    if start == "umap":
        reasons = Umap(n_components=n_clusters).check_input(n_rows, ())
        return [f"init='umap': {reason}" for reason in reasons]
    return []


def first_centers(
    latent: AnyArray, start: Start, n_clusters: int, n_init: int, context: FitContext
) -> NDArray[np.float32]:
    """Find the first centres.

    Parameters
    ----------
    latent : float32 array of shape (n, d)
        Latent rows.
    start : {"kmeans", "gmm", "umap"}
        ``umap`` finds the clusters as ``umap -> gmm`` does by default, and takes the means of the
        latent rows by how much they belong to each.
    n_clusters : int
    n_init : int
        Starts of k-means or of the mixture.
    context : FitContext

    Returns
    -------
    float32 array of shape (n_clusters, d)
    """
    found: Any
    if start == "kmeans":
        model = KMeans(n_clusters=n_clusters, n_init=n_init)
        found = model.fit(latent, context=context).cluster_centers_
    else:
        mixture = GaussianMixture(
            n_clusters=n_clusters, n_init=n_init, init="kmeans", selection="likelihood"
        )
        if start == "gmm":
            found = mixture.fit(latent, context=context).means_
        else:
            manifold = Umap(n_components=n_clusters).fit_transform(latent, context=context)
            shares = mixture.fit(manifold, context=context).predict_proba(manifold)
            found = (shares / shares.sum(axis=0)).T @ latent.astype(np.float64)
    return np.asarray(found, dtype=np.float32)
