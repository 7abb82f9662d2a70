"""States that fit together and are hostile all the same: several values changed at once.

Each attack gets the manifest and the parts of a small fitted model and changes them in place.
What they try: work that grows with something a file declares cheaply.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["ATTACKS", "BASE_OF"]


def _options(manifest: Any, role: str) -> dict[str, Any]:
    return manifest["composition"][role]["options"]


def chain_of_segments(manifest: Any, parts: Any) -> None:
    """A condensed tree that is one chain: as many steps up as there are segments."""
    n, s = 50_000, 200_000
    parts["clusterer"] = {
        "space": {
            "data": np.arange(4 * n, dtype=np.float32).reshape(n, 4),
            "core_distances": np.ones(n),
            "min_samples": 1,
        },
        "tree": {
            "row_segment": np.full(n, s - 1),
            "row_lambda": np.ones(n),
            "parent": np.arange(-1, s - 1),
            "birth": np.r_[0.0, np.full(s - 1, 0.9)],
            "label": np.r_[np.full(s - 1, -1), 0],
            "cut": -np.inf,
        },
    }


def star_of_segments(manifest: Any, parts: Any) -> None:
    """As many clusters as rows."""
    n = 20_000
    parts["clusterer"] = {
        "space": {
            "data": np.arange(4 * n, dtype=np.float32).reshape(n, 4),
            "core_distances": np.ones(n),
            "min_samples": 1,
        },
        "tree": {
            "row_segment": np.arange(1, n + 1),
            "row_lambda": np.ones(n),
            "parent": np.r_[-1, np.zeros(n, dtype=np.int64)],
            "birth": np.r_[0.0, np.full(n, 0.5)],
            "label": np.arange(-1, n),
            "cut": -np.inf,
        },
    }


def many_gaussians(manifest: Any, parts: Any, k: int = 10_000) -> None:
    """As many components as are read, one product each."""
    _options(manifest, "clusterer").update(n_clusters=k, covariance_type="spherical")
    parts["clusterer"] = dict(parts["clusterer"]) | {
        "weights": np.full(k, 1 / k),
        "means": np.zeros((k, 4)),
        "precisions_cholesky": np.ones(k),
    }


def too_many_gaussians(manifest: Any, parts: Any) -> None:
    """More than are read."""
    many_gaussians(manifest, parts, 1_000_000)


def many_centres(manifest: Any, parts: Any) -> None:
    """Distances to a million centres."""
    _options(manifest, "clusterer")["n_clusters"] = 1_000_000
    parts["clusterer"] = dict(parts["clusterer"]) | {"cluster_centers": np.zeros((1_000_000, 4))}


def wide_embedding(manifest: Any, parts: Any) -> None:
    """A grid of unit cells over a map of a million units."""
    embedding = parts["manifolder"]["embedding"] * np.float32(1e4)
    parts["manifolder"] = dict(parts["manifolder"]) | {"embedding": embedding}


def collapsed_embedding(manifest: Any, parts: Any) -> None:
    """A grid with cells of no width."""
    embedding = np.full_like(parts["manifolder"]["embedding"], 1e8)
    parts["manifolder"] = dict(parts["manifolder"]) | {"embedding": embedding}


def endless_placing(manifest: Any, parts: Any) -> None:
    """A new row is moved for hours."""
    _options(manifest, "manifolder").update(transform_epochs=10**9, negative_sample_rate=10**9)


def endless_steps(manifest: Any, parts: Any) -> None:
    """A new row is moved for hours."""
    _options(manifest, "manifolder")["transform_iter"] = 10**9


def all_neighbours(manifest: Any, parts: Any) -> None:
    """As many landmarks and neighbours as a small file can declare."""
    n = 3000
    _options(manifest, "manifolder").update(n_neighbors=n - 1, max_landmarks=n)
    parts["manifolder"] = {
        "landmarks": np.zeros((n, 4), np.float32),
        "geodesics": np.ones(n * (n - 1) // 2, np.float32),
        "row_means": np.zeros(n),
        "eigenvalues": np.ones(4),
        "eigenvectors": np.ones((n, 4)),
    }


def huge_kernels(manifest: Any, parts: Any) -> None:
    """Windows of a thousand pixels around every pixel of a small image."""
    side = 1000
    _options(manifest, "embedder").update(kernel_sizes=[side, 1], strides=1)
    state = dict(parts["embedder"])
    kernel = np.zeros((side, side, 1, 4), np.float32)
    state["encoder"] = state["encoder"] | {
        "conv_0": state["encoder"]["conv_0"] | {"kernel": kernel}
    }
    parts["embedder"] = state


def wide_layers(manifest: Any, parts: Any) -> None:
    """Widths that nobody has the memory for."""
    _options(manifest, "embedder")["hidden"] = [10**9, 10**9]


def endless_layers(manifest: Any, parts: Any) -> None:
    """As many layers as a manifest can hold."""
    _options(manifest, "embedder")["hidden"] = [1] * 2_000_000


def unknown_names(manifest: Any, parts: Any) -> None:
    """Each might be compared with all that is known."""
    _options(manifest, "embedder").update({f"hiden{number}": 1 for number in range(200_000)})


#: Name of each attack, and the attack.
ATTACKS = {
    attack.__name__: attack
    for attack in (
        chain_of_segments, star_of_segments, many_gaussians, too_many_gaussians, many_centres,
        wide_embedding, collapsed_embedding, endless_placing, endless_steps, all_neighbours,
        huge_kernels, wide_layers, endless_layers, unknown_names,
    )
}  # fmt: skip
#: The component that each attack is made for.
BASE_OF = {
    "chain_of_segments": "clusterer-hdbscan",
    "star_of_segments": "clusterer-hdbscan",
    "many_gaussians": "clusterer-gmm",
    "too_many_gaussians": "clusterer-gmm",
    "many_centres": "clusterer-kmeans",
    "wide_embedding": "manifolder-tsne",
    "collapsed_embedding": "manifolder-tsne",
    "endless_placing": "manifolder-umap",
    "endless_steps": "manifolder-tsne",
    "all_neighbours": "manifolder-isomap",
    "huge_kernels": "embedder-conv_ae",
    "wide_layers": "embedder-dense_ae",
    "endless_layers": "embedder-dense_ae",
    "unknown_names": "embedder-dense_ae",
}
