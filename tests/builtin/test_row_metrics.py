"""Metrics of rows: exact, the same in any company, and refused by name where values do not fit."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.cluster import DBSCAN, OPTICS
from sklearn.manifold import Isomap
from sklearn.metrics.pairwise import haversine_distances

import n2d_framework as n2d
from n2d_builtin.hdbscan.hdbscan import Hdbscan
from n2d_builtin.neighbors.neighbors import ExactNeighbors
from n2d_builtin.neighbors.row_metrics import Metric, check_metric
from n2d_builtin.spectral.spectral import Spectral
from n2d_builtin.tsne.tsne import Tsne
from n2d_builtin.umap.umap import Umap
from n2d_framework.plugin import DataError, DataWarning, FitContext

METRICS = get_args(Metric)
FIRST = ("euclidean", "manhattan", "chebyshev", "cosine")
LATER = tuple(metric for metric in METRICS if metric not in (*FIRST, "precomputed"))


def rows_for(metric: str, n: int, width: int, seed: int = 0) -> np.ndarray:
    """Random rows that a metric takes; small integers, so that there are ties and zeros."""
    rng = np.random.default_rng(seed)
    if metric == "haversine":
        return rng.uniform(-1.5, 1.5, (n, 2)).astype(np.float32)
    if metric in ("jaccard", "dice"):
        return rng.integers(0, 2, (n, width)).astype(np.float32)
    x = rng.integers(-3, 4, (n, width)) + (0 if metric == "hamming" else rng.random((n, width)))
    return (np.abs(x) if metric in ("hellinger", "braycurtis") else x).astype(np.float32)


def by_scipy(metric: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    x, y = x.astype(float), y.astype(float)
    if metric == "haversine":
        return haversine_distances(x, y)
    if metric == "hellinger":
        x, y = (np.sqrt(rows / rows.sum(axis=1, keepdims=True)) for rows in (x, y))
        return cdist(x, y) / np.sqrt(2)
    if metric in ("jaccard", "dice"):
        return cdist(x > 0, y > 0, metric)
    return cdist(x, y, {"manhattan": "cityblock"}.get(metric, metric))


@pytest.mark.parametrize("width", [7, 64])
@pytest.mark.parametrize("metric", LATER)
def test_agrees_with_all_distances(metric, width):
    x = rows_for(metric, 200, width)
    search = ExactNeighbors(x[:150], metric)
    every = by_scipy(metric, x[150:], x[:150])
    indices, distances = search.query(x[150:], 9)
    close = {"rtol": 2e-6, "atol": 1e-8}
    np.testing.assert_allclose(distances, np.sort(every, axis=1)[:, :9], **close)
    np.testing.assert_allclose(np.take_along_axis(every, indices, axis=1), distances, **close)
    np.testing.assert_allclose(search.distances(x[150:]), every, **close)
    np.testing.assert_allclose(search.distances_from(4), search.distances(x[4:5])[0], **close)


@pytest.mark.parametrize("metric", [m for m in LATER if m != "haversine"])
def test_agrees_with_umap_learn(metric):
    from n2d_builtin.umap.umap_start import import_umap

    import_umap()
    from umap.distances import named_distances

    x = rows_for(metric, 30, 12)
    distance = named_distances[metric]
    theirs = [[distance(a, b) for b in x] for a in x]
    np.testing.assert_allclose(ExactNeighbors(x, metric).distances(x), theirs, rtol=1e-4, atol=1e-3)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(LATER), st.integers(2, 12), st.integers(1, 12), st.integers(0, 999), st.data()
)
def test_rows_alone_decide(metric, n, width, seed, data):
    """Zeros, equal rows and rows of equal values included."""
    x = rows_for(metric, n, width, seed)
    x[data.draw(st.integers(0, n - 1))] = data.draw(st.sampled_from([0.0, 1.0]))
    search = ExactNeighbors(x, metric)
    indices, distances = search.query(x, n)
    assert np.isfinite(distances).all()
    assert (distances >= 0).all()
    assert (search.query_self(n)[1][:, 0] == 0).all()
    for row in range(n):
        alone = search.query(x[row : row + 1], n)
        np.testing.assert_array_equal(alone[0][0], indices[row])
        np.testing.assert_array_equal(alone[1][0], distances[row])


@pytest.mark.parametrize("metric", LATER)
def test_same_bits_with_any_number_of_threads(metric):
    x = rows_for(metric, 700, 20)
    search = ExactNeighbors(x[:300], metric)
    one, four = (search.query(x[150:], 9, n_jobs=jobs) for jobs in (1, 4))
    for a, b in zip(one, four, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("cls", [Umap, Hdbscan, Tsne])
def test_components_give_new_rows_what_training_rows_got(cls, metric):
    x = rows_for(metric, 90, 9)
    if metric == "precomputed":
        x = by_scipy("canberra", x, x).astype(np.float32)
    small = {
        Umap: {"n_neighbors": 8, "n_epochs": 20},
        Hdbscan: {"min_cluster_size": 4, "min_samples": 2},
        Tsne: {"perplexity": 8.0, "n_iter": 20, "early_exaggeration_iter": 10},
    }[cls]
    fitted = cls(metric=metric, **small)
    again = cls(metric=metric, **small)
    if cls is Hdbscan:
        labels = fitted.fit(x, context=FitContext(seed=1, n_jobs=2)).labels_
        again.set_state(fitted.get_state())
        np.testing.assert_array_equal(again.predict(x), labels)
        shares = again.predict_proba(x)
        np.testing.assert_allclose(shares.sum(axis=1), 1)
        np.testing.assert_array_equal(again.predict_proba(x[7:8])[0], shares[7])
        return
    fitted.fit(x, context=FitContext(seed=1, n_jobs=2))
    again.set_state(fitted.get_state())
    every = again.transform(x)
    np.testing.assert_array_equal(every, fitted.transform(x))
    np.testing.assert_array_equal(again.transform(x[7:8])[0], every[7])


@pytest.mark.parametrize("metric", [m for m in METRICS if m not in FIRST[:3]])
def test_hdbscan_gives_the_clusters_of_its_package(metric):
    """Of distances that all differ: among ties, the package takes any."""
    import hdbscan

    rng = np.random.default_rng(3)
    centres = np.abs(rng.normal(size=(4, 6))) * 4
    x = np.abs(centres[rng.integers(0, 4, 120)] + rng.normal(size=(120, 6)) * 0.4)
    if metric in ("hamming", "jaccard", "dice"):
        x = (x > np.median(x)) * 1.0
        x = np.hstack([x, rng.integers(0, 2, (120, 400))])
    if metric == "haversine":
        x = x[:, :2] / 8
    x = x.astype(np.float32)
    between = by_scipy("canberra" if metric == "precomputed" else metric, x, x)
    between = np.minimum(between, between.T)
    np.fill_diagonal(between, 0)
    ours = Hdbscan(metric=metric, min_cluster_size=6, min_samples=4)
    ours.fit(
        between.astype(np.float32) if metric == "precomputed" else x, context=FitContext(seed=0)
    )
    theirs = hdbscan.HDBSCAN(metric="precomputed", min_cluster_size=6, min_samples=4)
    np.testing.assert_array_equal(ours.labels_, theirs.fit(between).labels_)


@pytest.mark.parametrize(("role", "made"), [
    ("manifolder", {"name": "umap", "n_neighbors": 8, "n_epochs": 5}),
    ("manifolder", {"name": "tsne", "perplexity": 6, "n_iter": 9, "early_exaggeration_iter": 9}),
    ("manifolder", {"name": "spectral", "n_neighbors": 8}),
    ("clusterer", {"name": "hdbscan", "min_cluster_size": 5}),
], ids=lambda value: value["name"] if isinstance(value, dict) else "")  # fmt: skip
@pytest.mark.parametrize("metric", [metric for metric in METRICS if metric != "precomputed"])
def test_models_take_each_metric(role, made, metric):
    """Not only components: a model is checked before the width of latent rows is known."""
    x = rows_for(metric, 60, 6)
    parts = {"manifolder": "identity", "clusterer": "kmeans", "n_clusters": 2}
    if role == "clusterer":
        parts["n_clusters"] = None
    parts[role] = {**made, "metric": metric}
    model = n2d.N2D("identity", **parts, scaler="none", random_state=0).fit(x)
    np.testing.assert_array_equal(model.predict(x[:7]), model.predict(x)[:7])


@pytest.mark.parametrize("made", [Umap, Hdbscan, Tsne, Spectral])
@pytest.mark.parametrize("metric", ["hamming", "jaccard", "dice"])
def test_metrics_of_codes_refuse_continuous_rows(made, metric):
    x = np.random.default_rng(1).normal(size=(60, 4)).astype(np.float32)
    x[30:] = x[:30]  # equal rows do not make codes of their values
    with pytest.raises(DataError, match=f"metric '{metric}' .*column 0"):
        made(metric=metric).fit(x, context=FitContext(seed=0))


@pytest.mark.parametrize("metric", ["hamming", "jaccard", "russellrao", "yule"])
@pytest.mark.parametrize(("role", "cls"), [
    ("clusterer", DBSCAN), ("clusterer", OPTICS), ("manifolder", Isomap),
])  # fmt: skip
def test_adapted_classes_refuse_what_ours_refuse(role, cls, metric):
    """SciPy takes every number but 0 for 1, and clusters that."""
    x = np.random.default_rng(1).normal(size=(60, 4)).astype(np.float32)
    parts = {"manifolder": "identity", "clusterer": "kmeans"}
    parts[role] = n2d.adapt(role, cls, metric=metric)
    with pytest.raises(DataError, match=f"{cls.__name__}: metric '{metric}' .*column 0"):
        n2d.N2D("identity", **parts, n_clusters=3).fit(x)


@pytest.mark.parametrize("metric", ["hamming", "jaccard", "russellrao"])
def test_adapted_classes_take_codes(metric, tmp_path):
    codes = np.random.default_rng(1).integers(0, 2, (80, 5)).astype(np.float32)
    made = n2d.adapt("clusterer", OPTICS, metric=metric, min_samples=3)
    model = n2d.N2D("identity", "identity", made).fit(codes)
    model.save(tmp_path / "m.n2d")
    assert len(model.labels_) == 80


def test_hamming_warns_of_some_continuous_columns_and_takes_scaled_codes():
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 3, (60, 4)) / np.float32(7)
    check_metric(codes, "hamming", "umap")
    codes[:, 2] = rng.normal(size=60)
    with pytest.warns(DataWarning, match="in 1 of 4 columns, first in column 2"):
        check_metric(codes, "hamming", "umap")


def test_precomputed_distances_lay_out_as_their_rows_do():
    """Duplicates and landmarks included; new rows come as distances to all training rows."""
    x = np.repeat(rows_for("hamming", 60, 8), 2, axis=0)
    between = by_scipy("hamming", x, x).astype(np.float32)
    options = {"n_neighbors": 6, "n_epochs": 20, "init": "random"}
    direct = Umap(metric="hamming", **options).fit_transform(x, context=FitContext(seed=2))
    given_ = Umap(metric="precomputed", **options)
    found = given_.fit_transform(between, context=FitContext(seed=2))
    np.testing.assert_array_equal(found, direct)
    np.testing.assert_array_equal(found[::2], found[1::2])
    assert given_.get_state()["latent"].shape == (60, 1)
    some = Umap(metric="precomputed", max_landmarks=30, **options)
    some.fit(between, context=FitContext(seed=2))
    assert some.transform(between[:9]).shape == (9, 2)
    few = Hdbscan(metric="precomputed", min_cluster_size=4, max_landmarks=50)
    few.fit(between, context=FitContext(seed=2))
    np.testing.assert_array_equal(few.predict(between), few.labels_)


def test_a_model_of_precomputed_distances_predicts_and_reloads(tmp_path):
    x = rows_for("canberra", 80, 5)
    between = by_scipy("canberra", x, x)
    model = n2d.N2D(
        "identity",
        {"name": "umap", "metric": "precomputed", "n_neighbors": 8, "n_epochs": 20},
        "kmeans",
        n_clusters=3,
        scaler="none",
        random_state=0,
    )
    labels = model.fit_predict(between)
    np.testing.assert_array_equal(model.predict(between[:20]), labels[:20])
    model.save(tmp_path / "m.n2d")
    np.testing.assert_array_equal(n2d.load(tmp_path / "m.n2d").predict(between), labels)


@pytest.mark.parametrize("cls", [Umap, Hdbscan, Tsne])
@pytest.mark.parametrize(
    ("metric", "value", "message"),
    [
        ("hellinger", -0.5, "'hellinger' takes numbers of 0 or more; row 3, column 2 is -0.5"),
        ("braycurtis", -1, "'braycurtis' takes numbers of 0 or more; row 3, column 2 is -1"),
        ("jaccard", 0.5, "'jaccard' takes 0 and 1; row 3, column 2 is 0.5"),
        ("dice", 2, "'dice' takes 0 and 1; row 3, column 2 is 2"),
        ("precomputed", 1, "are 0 from a row to itself|in both directions"),
        ("precomputed", -1, "in both directions|0 or more"),
    ],
)  # fmt: skip
def test_values_that_a_metric_does_not_take_are_refused(cls, metric, value, message):
    x = rows_for(metric, 40, 40)
    if metric == "precomputed":
        x = by_scipy("canberra", x, x).astype(np.float32)
    x[3, 2] = value
    with pytest.raises(DataError, match=message):
        cls(metric=metric).fit(x, context=FitContext())


@pytest.mark.parametrize("cls", [Umap, Hdbscan, Tsne])
def test_shapes_that_a_metric_does_not_take_are_refused(cls):
    with pytest.raises(DataError, match="'haversine' takes rows of latitude and longitude"):
        cls(metric="haversine").fit(np.zeros((60, 3), np.float32), context=FitContext())
    degrees = np.full((60, 2), 50, np.float32)
    with pytest.raises(DataError, match="latitude and longitude in radians"):
        cls(metric="haversine").fit(degrees, context=FitContext())
    with pytest.raises(DataError, match=r"array of shape \(n, n\), got \(60, 3\)"):
        cls(metric="precomputed").fit(np.zeros((60, 3), np.float32), context=FitContext())


def test_new_rows_are_checked_too():
    x = rows_for("jaccard", 60, 8)
    fitted = Umap(metric="jaccard", n_neighbors=5, n_epochs=5, init="random")
    fitted.fit(x, context=FitContext())
    with pytest.raises(DataError, match="'jaccard' takes 0 and 1; row 1, column 0 is 3"):
        fitted.transform(np.array([x[0], x[1] * 0 + 3]))
    between = by_scipy("canberra", x, x).astype(np.float32)
    fitted = Hdbscan(metric="precomputed").fit(between, context=FitContext())
    with pytest.raises(DataError, match="distances of each new row to all rows of the fit"):
        fitted.predict(between[:, :30])
