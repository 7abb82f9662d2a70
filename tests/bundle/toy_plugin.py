"""A small plugin of numpy-only components, and fitted models made of them."""

from __future__ import annotations

import importlib.metadata
from types import SimpleNamespace
from typing import Any

import numpy as np

from n2d_framework.pipeline import N2D
from n2d_framework.pipeline.snapshot import Snapshot
from n2d_framework.plugin import (
    ComponentSpec,
    StateError,
    component,
    hookimpl,
    learned,
    need,
    option,
    trusted_types,
)
from n2d_framework.registry import Catalogue
from n2d_framework.registry.entry_points import installed_entry_points


def _matrix(state: Any, key: str, columns: int | None = None) -> np.ndarray:
    array = need(state, key, np.ndarray)
    if array.ndim != 2 or array.dtype != np.float32 or columns not in (None, array.shape[1]):
        raise StateError(f"{key} must be float32 of two dimensions, not {array.shape}")
    return array


@component
class ToyEmbedder:
    """Multiplies rows by a matrix."""

    width: int = option(2, help="Columns.", ge=1)
    weights_: Any = learned()

    def fit(self, x, *, context):
        rng = np.random.default_rng(context.seed)
        self.weights_ = rng.normal(size=(x.shape[1], self.width)).astype(np.float32)
        return self

    def transform(self, x):
        return np.einsum("ij,jk->ik", x, self.weights_)

    def get_state(self):
        return {"weights": self.weights_, "history": {"loss": [1.0, 0.5]}}

    def set_state(self, state):
        self.weights_ = _matrix(state, "weights", self.width)


@component
class ToyManifolder:
    """Multiplies coordinates by a factor; version 1 of its state kept the inverse."""

    factor_: Any = learned()

    def fit(self, x, *, context):
        self.factor_ = 2.0
        return self

    def transform(self, x):
        return x * np.float32(self.factor_)

    def get_state(self):
        return {"factor": self.factor_}

    def set_state(self, state):
        self.factor_ = need(state, "factor", float)

    @classmethod
    def upgrade_state(cls, state, version):
        if version != 1:
            raise StateError(f"version {version} was never written")
        return {"factor": 1 / need(state, "inverse", float)}


@component
class ToyClusterer:
    """Nearest of the centres."""

    n_clusters: int = option(3, help="Number of clusters.", ge=1)
    centres_: Any = learned()

    def fit(self, m, *, context):
        rows = np.random.default_rng(context.seed).choice(len(m), self.n_clusters, replace=False)
        self.centres_ = np.array(m[rows])
        return self

    def predict(self, m):
        distances = ((m[:, None, :] - self.centres_[None]) ** 2).sum(axis=2)
        return distances.argmin(axis=1).astype(np.int64)

    def get_state(self):
        return {"centres": self.centres_}

    def set_state(self, state):
        self.centres_ = _matrix(state, "centres")
        if len(self.centres_) != self.n_clusters:
            raise StateError(f"{len(self.centres_)} centres for {self.n_clusters} clusters")


@component
class ToyForeign(ToyClusterer):
    """Needs a type to be trusted."""

    def set_state(self, state):
        if "toy.Foreign" not in trusted_types():
            raise StateError("the type toy.Foreign is not trusted")
        super().set_state(state)


@hookimpl
def n2d_components():
    """Announce the toys."""
    yield ComponentSpec(
        role="embedder", name="toy", factory="toy_plugin:ToyEmbedder", summary="Toy"
    )
    yield ComponentSpec(
        role="manifolder",
        name="toy",
        factory="toy_plugin:ToyManifolder",
        summary="Toy",
        state_version=2,
    )
    yield ComponentSpec(
        role="clusterer", name="toy", factory="toy_plugin:ToyClusterer", summary="Toy"
    )
    yield ComponentSpec(
        role="clusterer", name="toy_foreign", factory="toy_plugin:ToyForeign", summary="Toy"
    )


def catalogue() -> Catalogue:
    """A catalogue of the toys and the built-in components, which have the scalers."""
    point = importlib.metadata.EntryPoint("toy", "toy_plugin", "n2d_framework")
    vars(point).update(dist=SimpleNamespace(metadata={"Name": "n2d-toys", "Version": "3.1"}))
    built_in = [found for found in installed_entry_points() if found.name == "builtin"]
    return Catalogue.from_entry_points([point, *built_in])


def _about(name: str, state_version: int, options: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "distribution": "n2d-toys",
        "version": "3.1",
        "state_version": state_version,
        "options": options,
    }


def snapshot(*, clusterer: str = "toy") -> Snapshot:
    """A fitted model of toys, as plain values."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(8, 5)).astype(np.float32)
    weights = rng.normal(size=(5, 2)).astype(np.float32)
    latent = np.einsum("ij,jk->ik", x, weights)
    manifold = latent * np.float32(2)
    centres = manifold[:3].copy()
    labels = ((manifold[:, None] - centres[None]) ** 2).sum(axis=2).argmin(axis=1)
    roles = ("embedder", "manifolder", "clusterer")
    manifest = {
        "created": "2026-11-21T06:00:00+00:00",
        "framework_version": "0.1.0",
        "composition": {
            "scaler": {"name": "none", "per": "auto"},
            "n_clusters": 3,
            "embedder": _about("toy", 1, {"width": 2}),
            "manifolder": _about("toy", 2, {}),
            "clusterer": _about(clusterer, 1, {"n_clusters": 3}),
        },
        "random_state": 0,
        "n_clusters_found": 3,
        "data": {"row_shape": [5], "n_rows": 8, "fingerprint": "f", "feature_names": None},
        "training": {
            "seconds": dict.fromkeys(roles, 0.5),
            "keys": dict.fromkeys(roles, "k"),
            "agreement": {"equal": 1.0},
        },
        "environment": {"python": "3.11", "libraries": {"numpy": np.__version__}},
    }
    parts = {
        "embedder": {"weights": weights, "history": {"loss": [1.0, 0.5]}},
        "manifolder": {"factor": 2.0},
        "clusterer": {"centres": centres},
        "scaler": {"shift": np.zeros(()), "factor": np.ones(()), "per": "array"},
        "training": {"labels": labels.astype(np.int64)},
        "golden": {"x": x, "latent": latent, "manifold": manifold, "labels": labels},
    }
    return Snapshot(manifest, parts)


def model() -> N2D:
    """A fitted model of toys."""
    return N2D.from_snapshot(snapshot(), catalogue())
