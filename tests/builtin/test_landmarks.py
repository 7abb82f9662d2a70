"""Components fitted on a part of the rows, which give the others a place or a label."""

from __future__ import annotations

import numpy as np
import pytest

import n2d_framework as n2d
from n2d_builtin.gmm.gmm import GaussianMixture
from n2d_builtin.hdbscan.hdbscan import Hdbscan
from n2d_builtin.tsne.tsne import Tsne
from n2d_framework.errors import CompositionError
from n2d_framework.plugin import FitContext


@pytest.fixture(scope="module")
def blobs():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 600)
    rows = rng.normal(size=(600, 5)) + 12 * rng.normal(size=(4, 5))[y]
    return rows.astype(np.float32), y


def agreement(labels, y):
    from n2d_framework.metrics import assess

    return assess(y, labels)["acc"]


@pytest.mark.parametrize(
    "clusterer",
    [
        GaussianMixture(n_clusters=4, n_init=2, max_landmarks=200),
        Hdbscan(min_cluster_size=10, max_landmarks=200),
    ],
    ids=["gmm", "hdbscan"],
)
def test_clusterers_label_rows_beyond_the_landmarks(blobs, clusterer):
    rows, y = blobs
    clusterer.fit(rows, context=FitContext(seed=1))
    assert clusterer.labels_.shape == (600,)
    np.testing.assert_array_equal(clusterer.labels_, clusterer.predict(rows))
    assert agreement(clusterer.labels_, y) > 0.95


def test_hdbscan_keeps_the_landmarks_only(blobs):
    model = Hdbscan(min_cluster_size=10, max_landmarks=200).fit(blobs[0], context=FitContext())
    assert model.get_state()["space"]["data"].shape == (200, 5)
    assert model.probabilities_.shape == (600,)
    np.testing.assert_allclose(model.probabilities_, model.strengths(blobs[0]))


def test_tsne_places_rows_beyond_the_landmarks(blobs):
    rows, _ = blobs
    model = Tsne(max_landmarks=150, perplexity=10, n_iter=60, early_exaggeration_iter=60)
    placed = model.fit_transform(rows, context=FitContext(seed=1))
    assert placed.shape == (600, 2)
    assert model.latent_.shape == (150, 5)
    np.testing.assert_array_equal(placed, model.transform(rows))


@pytest.mark.parametrize(
    "component",
    [
        Tsne(max_landmarks=20),
        Hdbscan(min_cluster_size=30, max_landmarks=20),
        GaussianMixture(n_clusters=30, max_landmarks=20),
    ],
    ids=["tsne", "hdbscan", "gmm"],
)
def test_too_few_landmarks_are_a_reason_before_anything_is_fitted(component):
    (reason,) = component.check_input(1000, (5,))
    assert "got 20" in reason


def test_a_trio_on_landmarks_predicts_its_own_labels(blobs):
    rows, y = blobs
    model = n2d.N2D(
        "identity",
        {"name": "umap", "n_neighbors": 10, "n_epochs": 40, "max_landmarks": 250},
        {"name": "gmm", "n_init": 2},
        n_clusters=4,
        random_state=0,
    ).fit(rows)
    assert model.manifold_.shape == (600, 4)
    np.testing.assert_array_equal(model.predict(rows), model.labels_)
    assert agreement(model.labels_, y) > 0.95


def test_too_few_landmarks_are_refused_by_a_trio(blobs):
    model = n2d.N2D("identity", {"name": "umap", "max_landmarks": 12}, "gmm", n_clusters=4)
    with pytest.raises(CompositionError, match=r"12 \(max_landmarks\)"):
        model.fit(blobs[0])
