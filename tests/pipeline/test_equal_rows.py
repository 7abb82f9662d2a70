"""Equal rows share their place and their label, when fitted and when predicted."""

import warnings

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.manifold import SpectralEmbedding

from n2d_builtin.gmm.gmm import GaussianMixture
from n2d_builtin.hdbscan.hdbscan import Hdbscan
from n2d_builtin.isomap.isomap import Isomap
from n2d_builtin.kmeans.kmeans import KMeans
from n2d_builtin.spectral.lle import LocallyLinear
from n2d_builtin.tsne.tsne import Tsne
from n2d_builtin.umap.umap import Umap
from n2d_framework import N2D, adapt
from n2d_framework.errors import CollapseWarning, DataError, NotInductiveWarning
from n2d_framework.plan.equal_rows import share_among_equal_rows
from n2d_framework.plugin import FitContext

MANIFOLDERS = {
    "identity": {},
    "pca": {},
    "umap": {"n_neighbors": 5, "n_epochs": 30, "init": "random"},
    "umap cosine": {"n_neighbors": 5, "n_epochs": 30, "init": "random", "metric": "cosine"},
    "umap landmarks": {"n_neighbors": 5, "n_epochs": 30, "init": "random", "max_landmarks": 25},
    "tsne": {"perplexity": 4, "early_exaggeration_iter": 20, "n_iter": 20},
    "isomap": {"n_neighbors": 4},
    "isomap landmarks": {"n_neighbors": 4, "max_landmarks": 25},
    "spectral": {"n_neighbors": 4},
    "lle landmarks": {"n_neighbors": 4, "max_landmarks": 25},
}
CLUSTERERS = {
    "kmeans": {"n_init": 2},
    "gmm": {"n_init": 2},
    "gmm landmarks": {"n_init": 2, "max_landmarks": 40},
    "bayesian_gmm": {"n_init": 1},
    "agglomerative": {},
    "agglomerative landmarks": {"max_landmarks": 40},
    "hdbscan": {"min_cluster_size": 5},
    "hdbscan landmarks": {"min_cluster_size": 5, "max_landmarks": 60},
}


def with_equal_rows(seed, fraction, n_repeated, n=110):
    """Blobs of which a fraction is replaced by few rows, some of them with zeros of both signs."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4)) + 8 * rng.integers(0, 3, (n, 1))
    repeated = np.concatenate([np.zeros((1, 4)), x[rng.permutation(n)[: n_repeated - 1]]])
    where = rng.permutation(n)[: round(fraction * n)]
    x[where] = repeated[rng.integers(0, n_repeated, len(where))]
    return np.where((x == 0) & (rng.random(x.shape) < 0.5), -0.0, x)


def model_of(manifolder, clusterer):
    options = MANIFOLDERS[manifolder], CLUSTERERS[clusterer]
    return N2D(
        "identity",
        {"name": manifolder.split()[0], **options[0]},
        {"name": clusterer.split()[0], **options[1]},
        n_clusters=None if clusterer.startswith("hdbscan") else 3,
        random_state=1,
        n_jobs=1,
    )


def check_shared(values, x):
    _, inverse = np.unique(np.asarray(x) + 0.0, axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)
    first = np.unique(inverse, return_index=True)[1]
    np.testing.assert_array_equal(values[first][inverse], values)


@given(
    st.sampled_from(sorted(MANIFOLDERS)),
    st.sampled_from(sorted(CLUSTERERS)),
    st.integers(0, 99),
    st.sampled_from([0.0, 0.1, 0.5, 0.7]),
    st.integers(1, 5),
)
@example("umap", "kmeans", 0, 0.5, 1)
@example("tsne", "hdbscan", 0, 0.5, 1)
@example("isomap landmarks", "gmm landmarks", 0, 0.7, 2)
@settings(max_examples=20, deadline=None)
def test_trios(manifolder, clusterer, seed, fraction, n_repeated):
    x = with_equal_rows(seed, fraction, n_repeated)
    model = model_of(manifolder, clusterer)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)
        model.fit(x)
    for values in (model.labels_, model.transform(x)):
        check_shared(values, x)
    np.testing.assert_array_equal(model.predict(x), model.labels_)
    np.testing.assert_array_equal(model.predict(x[::-1])[::-1], model.labels_)


@pytest.mark.parametrize("manifolder", sorted(MANIFOLDERS))
@pytest.mark.parametrize("clusterer", ["kmeans", "gmm", "hdbscan"])
def test_every_trio_on_rows_of_which_half_are_zero(manifolder, clusterer):
    x = with_equal_rows(3, 0.5, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)
        model = model_of(manifolder, clusterer).fit(x)
    check_shared(model.labels_, x)
    np.testing.assert_array_equal(model.predict(x), model.labels_)


def test_a_network_before():
    x = with_equal_rows(5, 0.5, 2)
    embedder = {"name": "dense_ae", "hidden": [8], "latent_dim": 4, "epochs": 3}
    umap = {"name": "umap", **MANIFOLDERS["umap"]}
    model = N2D(embedder, umap, "gmm", n_clusters=3, random_state=0).fit(x)
    for values in (model.labels_, model.latent_, model.manifold_):
        check_shared(values, x)
    np.testing.assert_array_equal(model.predict(x), model.labels_)


@pytest.mark.parametrize("manifolder", ["umap", "tsne", "isomap", "spectral"])
@pytest.mark.parametrize("n_distinct", [1, 2, 3])
def test_too_few_distinct_rows_for_neighbours(manifolder, n_distinct):
    x = np.repeat(np.eye(3)[:n_distinct], 40, axis=0)
    words = "all 40 rows are equal" if n_distinct == 1 else f"only {n_distinct} of the"
    with pytest.raises(DataError, match=words):
        model_of(manifolder, "kmeans").fit(x)


@pytest.mark.parametrize("manifolder", ["identity", "pca"])
@pytest.mark.parametrize("clusterer", ["kmeans", "gmm"])
def test_fewer_distinct_rows_than_clusters(manifolder, clusterer):
    x = np.repeat([[0.0, 0.0], [4.0, 1.0]], 30, axis=0)
    with pytest.warns(CollapseWarning, match="n_clusters=3, but only 2 of 60 rows are distinct"):
        model = model_of(manifolder, clusterer).fit(x)
    assert len(set(model.labels_)) == 2
    np.testing.assert_array_equal(model.predict(x), model.labels_)


@pytest.mark.parametrize(
    "model",
    [
        Umap(n_neighbors=5, n_epochs=20, max_landmarks=30),
        Tsne(perplexity=4, n_iter=20, early_exaggeration_iter=20, max_landmarks=30),
        Isomap(n_neighbors=4, max_landmarks=30),
        LocallyLinear(n_neighbors=4, max_landmarks=30),
    ],
    ids=["umap", "tsne", "isomap", "lle"],
)
def test_landmarks_depend_on_values_alone(model):
    """Neither on the order of the rows, nor on how often they occur."""
    x = with_equal_rows(7, 0.0, 1).astype(np.float32)
    kept = "landmarks_" if hasattr(model, "landmarks_") else "latent_"
    drawn = []
    for rows in (x, x[::-1], np.concatenate([x, np.repeat(x[:9], 50, axis=0)])):
        landmarks = getattr(model.fit(rows, context=FitContext(seed=4)), kept)
        drawn.append(landmarks[np.lexsort(landmarks.T)])
    np.testing.assert_array_equal(drawn[0], drawn[1])
    np.testing.assert_array_equal(drawn[0], drawn[2])
    other = getattr(model.fit(x, context=FitContext(seed=5)), kept)
    assert not np.array_equal(other[np.lexsort(other.T)], drawn[0])


def test_landmarks_of_clusterers_keep_shares():
    x = np.concatenate([np.zeros((900, 1)), np.arange(1, 101)[:, None]]).astype(np.float32)
    model = Hdbscan(min_cluster_size=5, max_landmarks=200).fit(x, context=FitContext(seed=1))
    data = model.get_state()["space"]["data"]
    assert 160 <= (data == 0).sum() <= 198


@pytest.mark.parametrize("copies", [2, 7])
@pytest.mark.parametrize(("cls", "options"), [(KMeans, {}), (GaussianMixture, {"tol": 1e-8})])
def test_copies_of_all_rows_change_no_centre(cls, options, copies):
    x = with_equal_rows(2, 0.0, 1).astype(np.float32)
    model = cls(n_clusters=3, n_init=5, **options)
    name = "cluster_centers_" if cls is KMeans else "means_"
    once = np.sort(getattr(model.fit(x, context=FitContext(seed=1)), name), axis=0)
    often = model.fit(np.tile(x, (copies, 1)), context=FitContext(seed=1))
    np.testing.assert_allclose(np.sort(getattr(often, name), axis=0), once, atol=1e-3)


def test_how_often_a_row_occurs_counts_for_kmeans():
    x = np.array([[0.0], [1.0], [10.0]], np.float32)[[0] * 3 + [1] + [2] * 2]
    centers = KMeans(n_clusters=2).fit(x, context=FitContext()).cluster_centers_
    np.testing.assert_allclose(np.sort(centers.ravel()), [0.25, 10.0])


@pytest.mark.parametrize("min_samples", [None, 5, 40])
@pytest.mark.parametrize("method", ["eom", "leaf"])
@pytest.mark.parametrize("alpha", [1.0, 1.3])
@pytest.mark.parametrize("width", [2, 70])  # Boruvka's method and Prim's
def test_hdbscan_does_not_depend_on_the_order_of_equal_rows(min_samples, method, alpha, width):
    rng = np.random.default_rng(0)
    points = rng.integers(0, 6, size=(25, width)) + rng.normal(size=(25, width)) * 0.01
    x = np.repeat(points, rng.integers(1, 60, 25), axis=0).astype(np.float32)
    model = Hdbscan(min_samples=min_samples, cluster_selection_method=method, alpha=alpha)
    order = rng.permutation(len(x))
    one = model.fit(x, context=FitContext()).labels_[order]
    other = model.fit(x[order], context=FitContext()).labels_
    pairs = np.unique(np.stack([one, other]), axis=1)
    assert pairs.shape[1] == len(set(one)) == len(set(other))
    assert model.n_clusters_ > 5


def test_an_adapted_manifold_that_parts_equal_rows():
    x = with_equal_rows(1, 0.5, 2)
    manifolder = adapt("manifolder", SpectralEmbedding)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("ignore", NotInductiveWarning)
        model = N2D("identity", manifolder, "kmeans", n_clusters=3, random_state=0).fit(x)
    check_shared(model.labels_, x)
    check_shared(model.manifold_, x)


def test_the_most_frequent_label_is_shared():
    x = np.array([[0], [0], [0], [1], [1], [-0.0]], np.float32)
    labels = np.array([2, 1, 1, 5, -1, 2])
    np.testing.assert_array_equal(share_among_equal_rows(labels, x), [1, 1, 1, -1, -1, 1])
    places = np.arange(12.0).reshape(6, 2)
    found = share_among_equal_rows(places, x)
    np.testing.assert_array_equal(found, places[[0, 0, 0, 3, 3, 0]])
    assert share_among_equal_rows(places, np.arange(6.0)[:, None]) is places
