"""Make the archives: one bundle for each of a few trios that cover every built-in component.

    python tests/archives/make.py FOLDER [NAME...]

An archive is made once per version of the format and never again; see README.md. The same
script makes the bundles that two environments exchange (``exchange.py``).
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

#: Embedder, manifolder and clusterer; every built-in component and type of state occurs.
TRIOS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "dense_ae-umap-gmm": (
        {"name": "dense_ae", "hidden": [24], "latent_dim": 5, "epochs": 4},
        {"name": "umap", "n_neighbors": 10, "n_epochs": 60, "n_components": 2},
        {"name": "gmm", "n_init": 2},
    ),
    "conv_ae-isomap-hdbscan": (
        {"name": "conv_ae", "filters": [4, 8], "latent_dim": 5, "epochs": 3},
        {"name": "isomap", "n_neighbors": 8, "n_components": 2},
        {"name": "hdbscan", "min_cluster_size": 8},
    ),
    "denoising_ae-tsne-kmeans": (
        {"name": "denoising_ae", "hidden": [24], "latent_dim": 5, "epochs": 4, "loss": "bce"},
        {"name": "tsne", "perplexity": 10.0, "n_iter": 120, "early_exaggeration_iter": 60},
        {"name": "kmeans", "n_init": 3},
    ),
    "keras-pca-gmm": (
        {"name": "keras", "epochs": 3},
        {"name": "pca", "n_components": 3, "whiten": True},
        {"name": "gmm", "covariance_type": "diag", "n_init": 2},
    ),
    "pca-umap-hdbscan": (
        {"name": "pca", "latent_dim": 8},
        {"name": "umap", "n_neighbors": 12, "n_epochs": 60, "metric": "cosine"},
        {"name": "hdbscan", "min_cluster_size": 8, "cluster_selection_method": "leaf"},
    ),
    "identity-identity-kmeans": ({"name": "identity"}, {"name": "identity"}, {"name": "kmeans"}),
    "identity-tsne-gmm": (
        {"name": "identity"},
        {"name": "tsne", "n_components": 1, "perplexity": 8.0, "n_iter": 100},
        {"name": "gmm", "covariance_type": "tied", "n_init": 2},
    ),
    "truncated_svd-identity-kmeans": (
        {"name": "truncated_svd", "latent_dim": 6}, {"name": "identity"}, {"name": "kmeans"},
    ),
    "nmf-pca-hdbscan": (
        {"name": "nmf", "latent_dim": 6}, {"name": "pca", "n_components": 3},
        {"name": "hdbscan", "min_cluster_size": 8},
    ),
    "identity-spectral-bayesian_gmm": (
        {"name": "identity"}, {"name": "spectral", "n_components": 2},
        {"name": "bayesian_gmm", "n_init": 1},
    ),
    "identity-lle-agglomerative": (
        {"name": "identity"}, {"name": "lle", "n_components": 2}, {"name": "agglomerative"},
    ),
    "random_projection-identity-kmeans": (
        {"name": "random_projection", "latent_dim": 6}, {"name": "identity"}, {"name": "kmeans"},
    ),
}  # fmt: skip
N_TRAIN, N_NEW = 220, 40
ASKED = ("embed", "transform", "predict", "predict_proba", "strengths", "reconstruct")


def images() -> np.ndarray:
    """scikit-learn's digits, 8 x 8 grey values from 0 to 16."""
    from sklearn.datasets import load_digits

    return load_digits().images.astype(np.uint8)


def answers(model: Any, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Everything a fitted model says about rows."""
    from n2d_framework.errors import UnsupportedError

    found = {}
    for name in ASKED:
        try:
            found[name] = np.asarray(getattr(model, name)(rows))
        except UnsupportedError:
            continue
    return found


def main(folder: Path, names: Sequence[str] = tuple(TRIOS)) -> None:
    """Fit, save, load again, and write down what the loaded models answer."""
    import n2d_framework as n2d
    from n2d_framework.registry import default_catalogue

    folder.mkdir(parents=True, exist_ok=True)
    rows = images()
    new = np.concatenate([rows[:5], rows[N_TRAIN : N_TRAIN + N_NEW]])
    np.savez_compressed(folder / "rows.npz", rows=new)
    for name in names:
        embedder, manifolder, clusterer = TRIOS[name]
        if embedder["name"] == "keras":
            small = default_catalogue().get("embedder", "keras").spec.small_options
            embedder = {**small, **embedder}
        model = n2d.N2D(embedder, manifolder, clusterer, n_clusters=4, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(rows[:N_TRAIN]).save(folder / f"{name}.n2d")
        found = answers(n2d.load(folder / f"{name}.n2d"), new)
        np.savez_compressed(folder / f"{name}.npz", **found)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or tuple(TRIOS))
