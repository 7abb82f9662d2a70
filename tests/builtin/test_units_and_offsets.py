"""Built-in components: results do not depend on the units or the offset of the rows."""

from __future__ import annotations

import warnings

import attrs
import numpy as np
import pytest
import sklearn.decomposition
import sklearn.manifold
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.metrics import adjusted_rand_score

from n2d_builtin.gmm.gmm import GaussianMixture
from n2d_builtin.hdbscan.hdbscan import Hdbscan
from n2d_builtin.isomap.isomap import Isomap
from n2d_builtin.kmeans.kmeans import KMeans
from n2d_builtin.linear.linear import PCAEmbedder, PCAManifolder
from n2d_builtin.neighbors.neighbors import ExactNeighbors
from n2d_builtin.tsne.tsne import Tsne
from n2d_builtin.umap.umap import Umap
from n2d_framework.plugin import FitContext

CONTEXT = FitContext(seed=0, n_jobs=1)
#: Exact in float32, so that the rows are the same up to the unit.
UNITS = [2.0**-100, 2.0**-40, 1.0, 2.0**20, 2.0**100]

SCIPY = {"euclidean": "euclidean", "manhattan": "cityblock", "chebyshev": "chebyshev"}


def uneven(n=300, seed=0):
    spread = np.array([5.0, 2.0, 1.0, 0.25])
    return np.random.default_rng(seed).normal(size=(n, 4)) * spread


def far_groups(far, seed=0, n=40):
    """Two groups, so far apart, of four clusters each."""
    rng = np.random.default_rng(seed)
    corners = np.vstack([np.zeros(3), 5 * np.eye(3)])
    rows = [corners[i % 4] + rng.normal(size=(n, 3)) * 0.3 + far * (i // 4) for i in range(8)]
    return np.vstack(rows).astype(np.float32), np.repeat(np.arange(8), n)


@given(
    exponent=st.integers(-100, 100),
    offset=st.sampled_from([0.0, 1e2, 1e4, 1e6]),
    component=st.sampled_from([PCAEmbedder, PCAManifolder]),
    solver=st.sampled_from(["auto", "full", "covariance_eigh", "randomized"]),
)
@settings(max_examples=40, deadline=None)
def test_pca_of_float32_rows_is_that_of_float64(exponent, offset, component, solver):
    width = "latent_dim" if component is PCAEmbedder else "n_components"
    x = np.ldexp((uneven() + offset).astype(np.float32), exponent)
    model = component(**{width: 3}, whiten=True, solver=solver).fit(x, context=CONTEXT)
    centred = np.ldexp(x.astype(np.float64), -exponent)
    expected = sklearn.decomposition.PCA(3, svd_solver="full").fit(centred)
    np.testing.assert_allclose(model.components_, expected.components_, atol=1e-7)
    found = np.ldexp(model.explained_variance_, -2 * exponent)
    np.testing.assert_allclose(found, expected.explained_variance_, rtol=1e-8)
    np.testing.assert_allclose(model.transform(x).std(axis=0, ddof=1), 1.0, rtol=1e-5)


@pytest.mark.parametrize("column", [0, 3])
@pytest.mark.parametrize("solver", ["auto", "full"])
def test_pca_finds_every_axis_of_a_table_with_dates_as_seconds(column, solver):
    rng = np.random.default_rng(0)
    x = uneven(600)
    x[:, column] = 1.7e9 + rng.integers(0, 30_000_000, 600)
    model = PCAEmbedder(latent_dim=4, solver=solver).fit(x.astype(np.float32), context=CONTEXT)
    assert abs(model.components_[0, column]) == pytest.approx(1)
    others = np.delete(x, column, axis=1)
    expected = sklearn.decomposition.PCA(3).fit(others).explained_variance_
    np.testing.assert_allclose(model.explained_variance_[1:], expected, rtol=0.02)


def test_pca_says_zero_where_nothing_varies_and_whitens_what_does():
    x = np.column_stack([1e6 * uneven()[:, 0], 1e-6 * uneven(seed=1)[:, 1], np.full(300, 7e5)])
    model = PCAEmbedder(latent_dim=3, whiten=True).fit(x.astype(np.float32), context=CONTEXT)
    assert model.explained_variance_[2] == 0
    np.testing.assert_allclose(
        model.transform(x.astype(np.float32)).std(axis=0, ddof=1), [1, 1, 0], atol=1e-4
    )


def test_older_states_of_pca_whiten_as_they_did():
    model = PCAEmbedder(latent_dim=3, whiten=True).fit(uneven().astype(np.float32), context=CONTEXT)
    old = dict(model.get_state()) | {"explained_variance": np.array([4.0, 1.0, 1e-15])}
    again = PCAEmbedder(latent_dim=3, whiten=True)
    again.set_state(PCAEmbedder.upgrade_state(old, 1))
    np.testing.assert_array_equal(again._scale(), [2, 1, 1])


@pytest.mark.parametrize("far", [1e3, 1e4, 1e5, 1e6])
@pytest.mark.parametrize("solver", ["arpack", "dense"])
def test_isomap_finds_what_is_small_beside_the_distance_of_groups(far, solver):
    x, y = far_groups(far)
    model = Isomap(n_components=5, eigen_solver=solver).fit(x, context=CONTEXT)
    placed = model.transform(x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = sklearn.manifold.Isomap(n_neighbors=10, n_components=5).fit_transform(
            x.astype(np.float64)
        )
    # scikit-learn takes variances below 1e-12 of the largest for rounding.
    known = expected.std(axis=0) > 0
    ratios = placed.std(axis=0)[known] / expected.std(axis=0)[known]
    np.testing.assert_allclose(ratios, 1.0, rtol=5e-3)
    labels = KMeans(n_clusters=8).fit(placed, context=CONTEXT).labels_
    assert adjusted_rand_score(y, labels) == 1.0


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("width", [3, 20])
@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev"])
def test_isomap_in_any_unit(unit, width, metric):
    rows = np.random.default_rng(0).normal(size=(230, width)).astype(np.float32)
    small = Isomap(n_components=3, metric=metric).fit(rows, context=CONTEXT)
    scaled = Isomap(n_components=3, metric=metric).fit(rows * np.float32(unit), context=CONTEXT)
    new = rows[:40] + np.float32(0.125)
    expected = small.transform(new) * np.float32(unit)
    placed = scaled.transform(new * np.float32(unit))
    np.testing.assert_allclose(placed, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_older_states_of_isomap_are_read_with_their_rounded_distances():
    rows = uneven(60).astype(np.float32)
    model = Isomap(n_components=2).fit(rows, context=CONTEXT)
    old = dict(model.get_state())
    old["geodesics"] = old["geodesics"].astype(np.float32)
    again = Isomap(n_components=2)
    again.set_state(Isomap.upgrade_state(old, 1))
    np.testing.assert_allclose(again.transform(rows), model.transform(rows), atol=1e-5)


@given(
    exponent=st.integers(-126, 126),
    offset=st.sampled_from([0.0, 1e3, 1e6]),
    width=st.sampled_from([3, 12, 40]),
    metric=st.sampled_from(["euclidean", "manhattan", "chebyshev"]),
    n_queries=st.sampled_from([5, 200]),
)
@settings(max_examples=60, deadline=None)
def test_neighbours_in_any_unit_and_at_any_offset(exponent, offset, width, metric, n_queries):
    rng = np.random.default_rng(2)
    rows = (rng.normal(size=(3000 + n_queries, width)) + offset).astype(np.float32)
    rows = np.ldexp(rows / np.abs(rows).max(), exponent)
    points, queries = rows[:3000], rows[3000:]
    indices, distances = ExactNeighbors(points, metric).query(queries, 7)
    every = cdist(*(x.astype(np.float64) for x in (queries, points)), SCIPY[metric])
    np.testing.assert_allclose(distances, np.sort(every, axis=1)[:, :7], rtol=2e-6)
    np.testing.assert_allclose(np.take_along_axis(every, indices, axis=1), distances, rtol=2e-6)


@pytest.mark.parametrize("width", [3, 40])
@pytest.mark.parametrize("small", [1e-44, 1e-30, 1e-21, 1e-12])
@pytest.mark.parametrize("large", [1.0, 1e12, 1e25, 1e38])
def test_neighbours_of_groups_of_very_different_size(width, small, large):
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(120, width))
    rows = np.concatenate([rows[:60] * small, rows[60:] / 8 * large]).astype(np.float32)
    search = ExactNeighbors(rows)
    every = np.sqrt(np.square(rows[:, None].astype(np.float64) - rows).sum(axis=2))
    for indices, distances in (search.query(rows, 5), search.query_self(5)):
        np.testing.assert_allclose(distances, np.sort(every, axis=1)[:, :5], rtol=2e-6)
        equal = (rows[indices] == rows[:, None]).all(axis=2)
        np.testing.assert_array_equal(distances == 0, equal)


def clusters(width, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(5, width)) * 12
    y = np.repeat(np.arange(5), 40)
    return (centres[y] + rng.normal(size=(200, width))).astype(np.float32), y


MANIFOLDERS = {
    "umap": Umap(n_neighbors=10, n_epochs=60),
    "umap, pca": Umap(n_neighbors=10, n_epochs=60, init="pca"),
    "umap of parts": Umap(n_neighbors=5, n_epochs=60, n_components=2),
    "tsne": Tsne(perplexity=12, n_iter=80, early_exaggeration_iter=50),
    "tsne, spectral": Tsne(
        perplexity=12, n_iter=80, early_exaggeration_iter=50, initialization="spectral"
    ),
}


@pytest.mark.parametrize("name", MANIFOLDERS)
@pytest.mark.parametrize("width", [4, 20])
def test_neighbour_embeddings_are_the_same_in_any_unit(name, width):
    x, _ = clusters(width)
    new = clusters(width, seed=0)[0][:50] * np.float32(1.01)
    fitted = {}
    for unit in UNITS:
        model = attrs.evolve(MANIFOLDERS[name])
        placed = model.fit_transform(x * np.float32(unit), context=CONTEXT)
        fitted[unit] = placed, model.transform(new * np.float32(unit))
    for placed, placed_new in fitted.values():
        np.testing.assert_array_equal(placed, fitted[1.0][0])
        moved = np.abs(placed_new - fitted[1.0][1]).max(axis=1) / np.ptp(placed)
        assert np.quantile(moved, 0.9) < 0.02


@pytest.mark.parametrize("name", MANIFOLDERS)
@pytest.mark.parametrize(("unit", "offset"), [(1e18, 0.0), (1e-30, 0.0), (1e30, 0.0), (1.0, 1e5)])
def test_neighbour_embeddings_keep_clusters_in_any_unit(name, unit, offset):
    x, y = clusters(20)
    rows = (x * unit + offset).astype(np.float32)
    placed = attrs.evolve(MANIFOLDERS[name]).fit_transform(rows, context=CONTEXT)
    labels = KMeans(n_clusters=5).fit(placed, context=CONTEXT).labels_
    assert adjusted_rand_score(y, labels) > 0.95


CLUSTERERS = {
    "kmeans": KMeans(n_clusters=5),
    **{
        f"gmm, {kind}": GaussianMixture(n_clusters=5, n_init=3, covariance_type=kind)
        for kind in ("full", "tied", "diag", "spherical")
    },
    "hdbscan": Hdbscan(min_cluster_size=10),
    "hdbscan, leaf": Hdbscan(min_cluster_size=8, cluster_selection_method="leaf", alpha=0.9),
}


@pytest.mark.parametrize("name", CLUSTERERS)
@pytest.mark.parametrize("width", [3, 15])
def test_clusterers_answer_the_same_in_any_unit(name, width):
    x, y = clusters(width)
    new = x * np.float32(1.25)
    found = {}
    for unit in UNITS:
        model = attrs.evolve(CLUSTERERS[name]).fit(x * np.float32(unit), context=CONTEXT)
        rows = new * np.float32(unit)
        found[unit] = model.labels_, model.predict(rows), model.predict_proba(rows)
    for labels, predicted, shares in found.values():
        np.testing.assert_array_equal(labels, found[1.0][0])
        np.testing.assert_array_equal(predicted, found[1.0][1])
        np.testing.assert_allclose(shares, found[1.0][2], rtol=1e-6, atol=1e-9)
        if not name.startswith("hdbscan"):
            np.testing.assert_array_equal(shares.argmax(axis=1), predicted)
    assert adjusted_rand_score(y, found[1.0][0]) > 0.7


@pytest.mark.parametrize("name", CLUSTERERS)
@pytest.mark.parametrize(
    ("unit", "offset"),
    [(1e-36, 0.0), (1e-9, 0.0), (1e9, 0.0), (1e36, 0.0), (1.0, 1e5), (1e-3, 1e2)],
)
def test_clusterers_find_clusters_in_any_unit_and_at_any_offset(name, unit, offset):
    x, y = clusters(6)
    rows = (x.astype(np.float64) * unit + offset).astype(np.float32)
    model = attrs.evolve(CLUSTERERS[name]).fit(rows, context=CONTEXT)
    clustered = model.labels_ >= 0
    assert clustered.mean() > 0.8
    assert adjusted_rand_score(y[clustered], model.labels_[clustered]) > 0.99


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
@pytest.mark.parametrize("far", [1e2, 1e4, 1e5])
@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e12])
def test_mixture_of_far_groups_keeps_the_clusters_within(kind, far, unit):
    x, y = far_groups(far)
    model = GaussianMixture(n_clusters=8, covariance_type=kind)
    labels = model.fit((x * unit).astype(np.float32), context=CONTEXT).labels_
    assert adjusted_rand_score(y, labels) > 0.99


@pytest.mark.parametrize("kind", ["full", "tied", "diag"])
def test_mixture_of_features_of_different_units_keeps_the_small_ones(kind):
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(300, 2)) * [1e4, 1e-1] + [0.0, 3.0]).astype(np.float32)
    model = GaussianMixture(n_clusters=1, covariance_type=kind).fit(x, context=CONTEXT)
    factor = model.precisions_cholesky_[-1] if kind == "tied" else model.precisions_cholesky_[0]
    small = np.ravel(factor)[-1]
    assert 1 / small == pytest.approx(x[:, 1].astype(np.float64).std(), rel=1e-3)


def test_mixture_reports_its_likelihood_in_the_unit_of_the_rows():
    x, _ = clusters(3)
    for unit in (1e-6, 1.0, 1e6):
        model = GaussianMixture(n_clusters=5).fit((x * unit).astype(np.float32), context=CONTEXT)
        mean = model.score_samples((x * unit).astype(np.float32)).mean()
        assert model.lower_bound_ == pytest.approx(mean, rel=1e-3)


@pytest.mark.parametrize("name", ["kmeans", "gmm, full", "gmm, diag"])
def test_piles_of_equal_rows_are_clusters_in_any_unit(name):
    piles = np.repeat(
        np.array([[0, 0], [1, 0], [0, 1], [5, 5], [9, 0]], dtype=np.float32), 12, axis=0
    )
    for unit in UNITS:
        model = attrs.evolve(CLUSTERERS[name]).fit(piles * np.float32(unit), context=CONTEXT)
        assert adjusted_rand_score(np.repeat(np.arange(5), 12), model.labels_) == 1.0
        np.testing.assert_allclose(model.predict_proba(piles * np.float32(unit)).sum(axis=1), 1.0)


def test_older_states_of_kmeans_and_hdbscan_answer_as_they_did():
    x, _ = clusters(3)
    kmeans = KMeans(n_clusters=5).fit(x, context=CONTEXT)
    old = {key: value for key, value in kmeans.get_state().items() if key != "scale"}
    again = KMeans(n_clusters=5)
    again.set_state(KMeans.upgrade_state(old, 1))
    squared = cdist(x, kmeans.cluster_centers_, "sqeuclidean")
    expected = 1 / (1 + squared)
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(again.predict_proba(x), expected, rtol=1e-9)
    hdbscan = Hdbscan(min_cluster_size=10).fit(x * np.float32(1e12), context=CONTEXT)
    old = {k: v for k, v in hdbscan.get_state().items() if k != "membership"}
    again = Hdbscan(min_cluster_size=10)
    again.set_state(Hdbscan.upgrade_state(old, 2))
    rows = x * np.float32(1e12)
    np.testing.assert_array_equal(again.predict(rows), hdbscan.predict(rows))
    assert np.abs(again.predict_proba(rows) - hdbscan.predict_proba(rows)).max() > 0.01
