"""States that fit together and are hostile all the same: several values changed at once.

Each attack gets the manifest and the parts of a small fitted model and changes them in place.
What they try: work that grows with something a file declares cheaply.
"""

from __future__ import annotations

import json
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
            "alpha": 1.0,
            "min_samples": 1,
            "leaves": True,
        },
        "tree": {
            "row_segment": np.full(n, s - 1),
            "row_lambda": np.ones(n),
            "parent": np.arange(-1, s - 1),
            "birth": np.r_[0.0, np.full(s - 1, 0.9)],
            "label": np.r_[np.full(s - 1, -1), 0],
            "cut": -np.inf,
        },
        "membership": {"relative": True},
    }


def star_of_segments(manifest: Any, parts: Any) -> None:
    """As many clusters as rows."""
    n = 20_000
    parts["clusterer"] = {
        "space": {
            "data": np.arange(4 * n, dtype=np.float32).reshape(n, 4),
            "core_distances": np.ones(n),
            "alpha": 1.0,
            "min_samples": 1,
            "leaves": True,
        },
        "tree": {
            "row_segment": np.arange(1, n + 1),
            "row_lambda": np.ones(n),
            "parent": np.r_[-1, np.zeros(n, dtype=np.int64)],
            "birth": np.r_[0.0, np.full(n, 0.5)],
            "label": np.arange(-1, n),
            "cut": -np.inf,
        },
        "membership": {"relative": True},
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
        "geodesics": np.ones(n * (n - 1) // 2),
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
    """Widths that no one has the memory for."""
    _options(manifest, "embedder")["hidden"] = [10**9, 10**9]


def endless_layers(manifest: Any, parts: Any) -> None:
    """As many layers as a manifest can hold."""
    _options(manifest, "embedder")["hidden"] = [1] * 2_000_000


def unknown_names(manifest: Any, parts: Any) -> None:
    """Each might be compared with all that is known."""
    _options(manifest, "embedder").update({f"hiden{number}": 1 for number in range(200_000)})


def _network(*layers: tuple[str, dict[str, Any]], name: str = "sly") -> str:
    """Keras JSON of a chain of layers, from rows of 64 values."""
    said = [("InputLayer", {"batch_shape": [None, 64]}), *layers]
    made = []
    for place, (kind, config) in enumerate(said):
        history = [f"layer_{place - 1}", 0, 0]
        source = {"class_name": "__keras_tensor__", "config": {
            "shape": [None, 1], "dtype": "float32", "keras_history": history}}  # fmt: skip
        made.append({
            "module": "keras.layers", "class_name": kind, "registered_name": None,
            "config": {**config, "name": f"layer_{place}"}, "name": f"layer_{place}",
            "inbound_nodes": [{"args": [source], "kwargs": {}}] if place else [],
        })  # fmt: skip
    config = {
        "name": name, "trainable": True, "layers": made,
        "input_layers": [["layer_0", 0, 0]], "output_layers": [[f"layer_{len(made) - 1}", 0, 0]],
    }  # fmt: skip
    top = {"module": "keras.src.models.functional", "class_name": "Functional"}
    return json.dumps({**top, "config": config, "registered_name": "Functional"})


def _use_network(manifest: Any, parts: Any, *layers: tuple[str, dict[str, Any]]) -> None:
    """Let an encoder of these layers and one Dense(k) behind them take the fitted one's place."""
    state = dict(parts["embedder"])
    k = int(state["latent_dim"])
    _options(manifest, "embedder")["encoder"] = _network(*layers, ("Dense", {"units": k}))
    weights = {"weight_0": np.ones((1, k), np.float32), "weight_1": np.zeros(k, np.float32)}
    parts["embedder"] = state | {"encoder": weights}


_IMAGE = ("Reshape", {"target_shape": [8, 8, 1]})
_ONE_VALUE = ("GlobalMaxPooling2D", {})


def heavy_network(manifest: Any, parts: Any) -> None:
    """Ten million numbers for each row, which is allowed."""
    _use_network(manifest, parts, _IMAGE, ("UpSampling2D", {"size": [400, 400]}), _ONE_VALUE)


def wide_network(manifest: Any, parts: Any) -> None:
    """As many as memory was once allowed to hold for 64 rows: 16 GiB."""
    _use_network(manifest, parts, _IMAGE, ("UpSampling2D", {"size": [1000, 1000]}), _ONE_VALUE)


def wide_branches(manifest: Any, parts: Any) -> None:
    """Forty layers, none of which is too wide alone."""
    wide = [("UpSampling2D", {"size": [150, 150]}), *[("ReLU", {})] * 40]
    _use_network(manifest, parts, _IMAGE, *wide, _ONE_VALUE)


def endless_pooling(manifest: Any, parts: Any) -> None:
    """Few numbers and no weights, but a window of a million for each."""
    pool = {"pool_size": [1000, 1000], "strides": [1, 1], "padding": "same"}
    up = ("UpSampling2D", {"size": [100, 100]})
    _use_network(manifest, parts, _IMAGE, up, ("MaxPooling2D", pool), _ONE_VALUE)


def endless_attention(manifest: Any, parts: Any) -> None:
    """Two hundred thousand places that attend to each other."""
    line = [("RepeatVector", {"n": 200_000}), ("Dense", {"units": 1})]
    _use_network(manifest, parts, *line, ("Attention", {}), ("GlobalMaxPooling1D", {}))
    state = parts["embedder"]["encoder"]
    first = {"weight_0": np.ones((64, 1), np.float32), "weight_1": np.zeros(1, np.float32)}
    last = {f"weight_{number + 2}": array for number, array in enumerate(state.values())}
    parts["embedder"]["encoder"] = first | last


def unrolled_loop(manifest: Any, parts: Any) -> None:
    """A loop of a million turns that would be written out while the network is built."""
    line = ("Reshape", {"target_shape": [64, 1]})
    loop = ("SimpleRNN", {"units": 1, "unroll": True})
    repeat = ("UpSampling1D", {"size": 20_000})
    _use_network(manifest, parts, line, repeat, loop)


def deep_network(manifest: Any, parts: Any) -> None:
    """As many layers as fit into a text."""
    _use_network(manifest, parts, _IMAGE, *[("LayerNormalization", {})] * 900, _ONE_VALUE)


#: Name of each attack, and the attack.
ATTACKS = {
    attack.__name__: attack
    for attack in (
        chain_of_segments, star_of_segments, many_gaussians, too_many_gaussians, many_centres,
        wide_embedding, collapsed_embedding, endless_placing, endless_steps, all_neighbours,
        huge_kernels, wide_layers, endless_layers, unknown_names, heavy_network, wide_network,
        wide_branches, endless_pooling, endless_attention, unrolled_loop, deep_network,
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
    "heavy_network": "embedder-keras",
    "wide_network": "embedder-keras",
    "wide_branches": "embedder-keras",
    "endless_pooling": "embedder-keras",
    "endless_attention": "embedder-keras",
    "unrolled_loop": "embedder-keras",
    "deep_network": "embedder-keras",
}
