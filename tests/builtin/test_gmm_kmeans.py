"""gmm and kmeans: scikit-learn's fit, our own row-wise prediction."""

from __future__ import annotations

import itertools
import subprocess
import sys
import warnings

import numpy as np
import pytest
import sklearn.cluster
import sklearn.mixture
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_info, threadpool_limits

from n2d_builtin.gmm.bayesian_gmm import BayesianGaussianMixture
from n2d_builtin.gmm.gmm import GaussianMixture
from n2d_builtin.gmm.graph_modularity import NeighborGraph
from n2d_builtin.gmm.merged_starts import merged_labels, parameters_of
from n2d_builtin.kmeans.kmeans import KMeans
from n2d_framework import N2D
from n2d_framework.metrics import accuracy
from n2d_framework.plugin import (
    CollapseWarning,
    ConfigError,
    FitContext,
    StageError,
    StateError,
    options_dict,
)

COVARIANCES = ("full", "tied", "diag", "spherical")
MODELS = [
    *(GaussianMixture(n_clusters=10, n_init=2, covariance_type=kind) for kind in COVARIANCES),
    KMeans(n_clusters=10, n_init=4),
    KMeans(n_clusters=10, n_init=2, algorithm="elkan", init="random", alpha=3.0),
]


@pytest.fixture(scope="module")
def rows():
    return PCA(9, random_state=0).fit_transform(load_digits().data).astype(np.float32)


@pytest.fixture(scope="module", params=MODELS, ids=lambda m: f"{type(m).__name__}")
def model(request, rows):
    return request.param.fit(rows, context=FitContext(seed=3))


def fresh(model):
    return type(model)(**options_dict(model))


def assert_same_state(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert np.asarray(value).tobytes() == np.asarray(other[name]).tobytes(), name


def test_training_rows_get_their_labels(model, rows):
    assert model.labels_.dtype == np.int64
    assert model.labels_.shape == (len(rows),)
    np.testing.assert_array_equal(model.predict(rows), model.labels_)
    assert accuracy(load_digits().target, model.labels_) > 0.6


def test_probabilities_sum_to_one_and_agree_with_labels(model, rows):
    proba = model.predict_proba(rows)
    assert proba.shape == (len(rows), 10)
    assert (proba >= 0).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_array_equal(proba.argmax(axis=1), model.predict(rows))


def test_a_row_does_not_depend_on_its_company(model, rows):
    rows = rows[:1100]
    whole, labels = model.predict_proba(rows), model.predict(rows)
    for order in (slice(None, None, -1), slice(0, 1), slice(3, 10), slice(0, 1000)):
        np.testing.assert_array_equal(model.predict_proba(rows[order]), whole[order])
        np.testing.assert_array_equal(model.predict(rows[order]), labels[order])
    one_by_one = np.concatenate([model.predict_proba(rows[i : i + 1]) for i in range(100)])
    np.testing.assert_array_equal(one_by_one, whole[:100])


def test_prediction_does_not_depend_on_threads(model, rows):
    with threadpool_limits(2):
        two = model.predict_proba(rows)
    with threadpool_limits(1):
        np.testing.assert_array_equal(model.predict_proba(rows), two)


def test_state_gives_the_same_answers(model, rows):
    other = fresh(model)
    other.set_state(model.get_state())
    assert_same_state(other.get_state(), model.get_state())
    np.testing.assert_array_equal(other.predict(rows), model.predict(rows))
    np.testing.assert_array_equal(other.predict_proba(rows), model.predict_proba(rows))


def test_same_seed_same_fit_with_one_thread_or_two(model, rows):
    again = fresh(model).fit(rows, context=FitContext(seed=3, n_jobs=2))
    assert_same_state(again.get_state(), model.get_state())


def test_fit_again_forgets_and_leaves_its_input_alone(model, rows):
    half = rows[::2].copy()
    half.flags.writeable = False
    again = fresh(model).fit(rows[:50], context=FitContext(seed=9))
    again.fit(half, context=FitContext(seed=1))
    assert len(again.labels_) == len(half)
    once = fresh(model).fit(half, context=FitContext(seed=1))
    assert_same_state(once.get_state(), again.get_state())


def test_threads_are_given_back(rows):
    before = [(info["filepath"], info["num_threads"]) for info in threadpool_info()]
    GaussianMixture(n_clusters=2, n_init=2).fit(rows[:100], context=FitContext(n_jobs=2))
    after = {info["filepath"]: info["num_threads"] for info in threadpool_info()}
    assert all(after[path] == threads for path, threads in before)


def test_extreme_rows_have_finite_probabilities(model):
    far = np.full((2, 9), 1e15, dtype=np.float32)
    proba = model.predict_proba(far)
    assert np.isfinite(proba).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)


def test_no_rows_no_answers(model):
    assert model.predict(np.empty((0, 9), np.float32)).shape == (0,)
    assert model.predict_proba(np.empty((0, 9), np.float32)).shape == (0, 10)


@pytest.mark.parametrize("kind", COVARIANCES)
def test_gmm_agrees_with_scikit_learn(rows, kind):
    ours = GaussianMixture(n_clusters=7, covariance_type=kind, n_init=1)
    ours.fit(rows, context=FitContext(seed=5))
    theirs = sklearn.mixture.GaussianMixture(7, covariance_type=kind)
    theirs.weights_, theirs.means_ = ours.weights_, ours.means_
    theirs.precisions_cholesky_ = ours.precisions_cholesky_
    x = rows.astype(float)
    np.testing.assert_array_equal(ours.predict(rows), theirs.predict(x))
    np.testing.assert_allclose(ours.predict_proba(rows), theirs.predict_proba(x), atol=1e-10)
    np.testing.assert_allclose(ours.score_samples(rows), theirs.score_samples(x), rtol=1e-10)
    assert ours.bic_ == pytest.approx(theirs.bic(x), rel=1e-12)
    assert ours.aic_ == pytest.approx(theirs.aic(x), rel=1e-12)


def test_gmm_keeps_the_likeliest_start_if_asked(rows):
    def fitted(seed=0, **options):
        options = {"n_clusters": 10, "init": "kmeans", "selection": "likelihood"} | options
        return GaussianMixture(**options).fit(rows, context=FitContext(seed=seed)).lower_bound_

    ten = fitted(n_init=10)
    assert ten >= np.mean([fitted(s, n_init=1) for s in range(3)])
    assert ten >= fitted(n_init=3)


@pytest.mark.parametrize("kind", COVARIANCES)
def test_merged_starts_begin_at_their_clusters(kind, rows):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, len(rows))
    x = rows.astype(np.float64)
    start = parameters_of(x, labels, kind, 1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = sklearn.mixture.GaussianMixture(3, covariance_type=kind, max_iter=1, **start)
        theirs.fit(x)
    np.testing.assert_allclose(start["weights_init"], np.bincount(labels) / len(x))
    of_one = x[labels == 1]
    np.testing.assert_allclose(start["means_init"][1], of_one.mean(axis=0))
    expected = np.cov(of_one.T, bias=True) + 1e-3 * np.eye(x.shape[1])
    if kind == "full":
        np.testing.assert_allclose(np.linalg.inv(start["precisions_init"][1]), expected, rtol=1e-6)
    elif kind == "diag":
        np.testing.assert_allclose(1 / start["precisions_init"][1], np.diag(expected))
    elif kind == "spherical":
        np.testing.assert_allclose(1 / start["precisions_init"][1], np.diag(expected).mean())


def test_parts_merge_along_the_graph_whatever_their_number():
    rng = np.random.default_rng(0)
    arc = np.linspace(0, np.pi, 300)
    moons = np.stack([np.cos(arc), np.sin(arc)], axis=1)
    x = np.concatenate([moons, [1.0, 0.4] - moons]) + rng.normal(0, 0.05, (600, 2))
    graph = NeighborGraph.of(x.astype(np.float32), 5, seed=0, n_jobs=1)
    for count in (2, 3, 5):
        merged = merged_labels(x, graph, count, seed=0)
        parts = sklearn.cluster.KMeans(2 * count, n_init=1, random_state=0).fit(x).labels_
        assert len(np.unique(merged)) == count
        assert all(len(np.unique(merged[parts == part])) == 1 for part in range(2 * count))
        slowly = parts.astype(np.int64)
        while len(np.unique(slowly)) > count:
            pairs = itertools.combinations(np.unique(slowly), 2)
            options = [np.where(slowly == other, one, slowly) for one, other in pairs]
            slowly = max(options, key=graph.modularity)
        assert accuracy(slowly, merged) == 1
    equal = np.repeat(x[:3], 5, axis=0)
    few = NeighborGraph.of(equal.astype(np.float32), 3, seed=0, n_jobs=1)
    assert len(np.unique(merged_labels(equal, few, 3, seed=0))) == 3


def test_merged_starts_find_classes_that_starts_from_kmeans_do_not():
    # Two classes of two parts each, one part dense and small, beside two that touch.
    rng = np.random.default_rng(1)
    centres = np.array([[0, 0], [2.6, 0], [9, 0], [9, 3.2]])
    sizes, widths = [150, 150, 130, 20], [1.0, 1.0, 0.7, 0.05]
    x = np.concatenate(
        [rng.normal(c, w, (n, 2)) for c, n, w in zip(centres, sizes, widths, strict=True)]
    )
    y = np.repeat([0, 1, 2, 2], sizes)
    graph = NeighborGraph.of(x.astype(np.float32), 3, seed=0, n_jobs=1)
    merged = max((merged_labels(x, graph, 3, seed=seed) for seed in range(5)), key=graph.modularity)
    assert accuracy(y, merged) > 0.8
    assert graph.modularity(merged) > 0.9 * graph.modularity(y)


@pytest.mark.parametrize("seed", [2, 3])
def test_of_few_clusters_a_large_and_long_one_is_not_parted(seed):
    """Modularity would prefer two halves of it to the small ones beside."""
    rng = np.random.default_rng(seed)
    long = np.column_stack([rng.uniform(0, 12, 400), rng.normal(0, 0.5, 400)])
    small = [rng.normal([at, 2.6], 0.4, (70, 2)) for at in (3, 9)]
    x, y = np.concatenate([long, *small]).astype(np.float32), np.repeat([0, 1, 2], [400, 70, 70])
    found = GaussianMixture(n_clusters=3).fit(x, context=FitContext()).labels_
    assert accuracy(y, found) > 0.9


def test_starts_are_merged_from_four_clusters_on(rows, monkeypatch):
    counts = []

    def recorded(x, graph, n_clusters, seed):
        counts.append(n_clusters)
        return merged_labels(x, graph, n_clusters, seed)

    monkeypatch.setattr("n2d_builtin.gmm.gmm.merged_labels", recorded)
    for n_clusters in (2, 3, 4):
        GaussianMixture(n_clusters=n_clusters, n_init=6).fit(rows, context=FitContext())
    assert counts == [4, 4]


def test_bic_finds_the_number_of_blobs():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(c, 0.3, (100, 2)) for c in (0, 3, 6)]).astype(np.float32)
    bic = {k: GaussianMixture(n_clusters=k).fit(x, context=FitContext()).bic_ for k in range(1, 6)}
    assert min(bic, key=bic.get) == 3


def test_gmm_options_reach_the_fit(rows, caplog):
    short = GaussianMixture(n_clusters=10, n_init=1, max_iter=1)
    short.fit(rows, context=FitContext())
    assert not short.converged_
    assert short.n_iter_ == 1
    assert "not converged" in caplog.text
    wide = GaussianMixture(n_clusters=2, n_init=1, reg_covar=1e6).fit(rows, context=FitContext())
    assert np.linalg.norm(wide.precisions_cholesky_) < 1e-2
    starts = {
        init: GaussianMixture(n_clusters=10, n_init=1, init=init, max_iter=1)
        .fit(rows, context=FitContext())
        .lower_bound_
        for init in ("kmeans", "k-means++", "random", "random_from_data")
    }
    assert len(set(starts.values())) == 4
    loose = GaussianMixture(n_clusters=10, n_init=1, tol=10.0).fit(rows, context=FitContext())
    assert loose.n_iter_ < 5


def test_gmm_says_what_to_do_when_every_start_collapses():
    x = np.repeat(np.eye(3, dtype=np.float32), 5, axis=0)
    with pytest.raises(StageError, match=r"all 2 starts failed.*raise reg_covar"):
        GaussianMixture(n_clusters=3, n_init=2, reg_covar=0.0).fit(x, context=FitContext())


def test_kmeans_agrees_with_scikit_learn(rows):
    ours = KMeans(n_clusters=10).fit(rows, context=FitContext(seed=2))
    theirs = sklearn.cluster.KMeans(10, n_init=20, random_state=0).fit(rows.astype(float))
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=5e-3)
    nearest = sklearn.cluster.KMeans(10, n_init=1, init=ours.cluster_centers_, max_iter=1)
    nearest.fit(rows.astype(float))
    np.testing.assert_array_equal(ours.labels_, nearest.labels_)
    squared = ((rows - ours.cluster_centers_[ours.labels_]) ** 2).sum()
    assert ours.inertia_ == pytest.approx(squared, rel=1e-6)


def test_kmeans_soft_assignment_is_that_of_xie(rows):
    ours = KMeans(n_clusters=4, n_init=1, alpha=2.5).fit(rows, context=FitContext())
    squared = ((rows[:, None] - ours.cluster_centers_) ** 2).sum(axis=2)
    assert ours.scale_ == pytest.approx(squared.min(axis=1).mean())
    q = (1 + squared / ours.scale_ / 2.5) ** (-(2.5 + 1) / 2)
    np.testing.assert_allclose(ours.predict_proba(rows), q / q.sum(1, keepdims=True), rtol=1e-6)


def test_kmeans_ties_go_to_the_first_centre():
    ours = KMeans(n_clusters=2)
    ours.set_state(
        {"cluster_centers": np.array([[1.0], [-1.0]]), "inertia": 0.0, "n_iter": 1, "scale": 1.0}
    )
    assert ours.predict(np.zeros((3, 1), np.float32)).tolist() == [0, 0, 0]


def test_kmeans_options_reach_the_fit(rows, caplog):
    short = KMeans(n_clusters=10, n_init=1, max_iter=1).fit(rows, context=FitContext())
    assert short.n_iter_ == 1
    assert "max_iter=1" in caplog.text
    long = KMeans(n_clusters=10, n_init=1, tol=0.0).fit(rows, context=FitContext())
    loose = KMeans(n_clusters=10, n_init=1, tol=0.5).fit(rows, context=FitContext())
    assert loose.n_iter_ < long.n_iter_
    spread = KMeans(n_clusters=10, n_init=1, max_iter=1).fit(rows, context=FitContext())
    anyhow = KMeans(n_clusters=10, n_init=1, max_iter=1, init="random")
    assert spread.inertia_ != anyhow.fit(rows, context=FitContext()).inertia_


@pytest.mark.parametrize("cls", [KMeans, GaussianMixture])
def test_number_of_clusters(cls, rows):
    assert cls(n_clusters=None, n_init=1).fit(rows, context=FitContext()).labels_.max() == 7
    assert set(cls(n_init=1).fit(rows[:3], context=FitContext()).labels_) <= {0, 1, 2}
    assert not cls(n_clusters=5).check_input(5, ())
    assert cls(n_clusters=5).fit(rows[:5], context=FitContext()).labels_.shape == (5,)
    (reason,) = cls(n_clusters=5).check_input(4, (9,))
    assert "n_clusters=5 needs at least 5 rows, got 4" in reason


@pytest.mark.parametrize("cls", [KMeans, GaussianMixture])
def test_duplicates_and_constant_columns_work(cls, rows):
    x = np.zeros((40, 3), dtype=np.float32)
    x[20:, 0] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cls(n_clusters=2, n_init=2).fit(x, context=FitContext())
        cls(n_init=2).fit(x, context=FitContext())
    with pytest.warns(CollapseWarning, match="only 2 of 40 rows are distinct"):
        model = cls(n_clusters=4, n_init=2).fit(x, context=FitContext())
    assert len(set(model.labels_[:20])) == len(set(model.labels_[20:])) == 1
    assert model.labels_[0] != model.labels_[-1]


@pytest.mark.parametrize(
    ("cls", "options", "name"),
    [
        (KMeans, {"alpha": 0.0}, "alpha"),
        (KMeans, {"n_init": 0}, "n_init"),
        (GaussianMixture, {"n_clusters": 0}, "n_clusters"),
        (GaussianMixture, {"reg_covar": -1.0}, "reg_covar"),
    ],
)
def test_options_out_of_range(cls, options, name):
    with pytest.raises(ConfigError, match=name):
        cls(**options)


def spoil(name, value):
    return lambda state: {**state, name: value}


@pytest.mark.parametrize(
    ("spoiled", "message"),
    [
        (lambda s: {k: v for k, v in s.items() if k != "cluster_centers"}, "no 'cluster_centers'"),
        (spoil("cluster_centers", np.zeros(3)), "shape"),
        (spoil("cluster_centers", np.zeros((0, 3))), "shape"),
        (spoil("cluster_centers", np.zeros((2, 3), np.float32)), "float32"),
        (spoil("cluster_centers", np.full((2, 3), np.nan)), "not finite"),
        (spoil("inertia", "1"), "'inertia'"),
        (spoil("n_iter", 1.5), "'n_iter'"),
    ],
)
def test_malformed_kmeans_state(rows, spoiled, message):
    state = KMeans(n_clusters=2, n_init=1).fit(rows[:50], context=FitContext()).get_state()
    with pytest.raises(StateError, match=message):
        KMeans().set_state(spoiled(state))


@pytest.mark.parametrize(
    ("spoiled", "message"),
    [
        (spoil("means", np.zeros(3)), "'means' has the shape"),
        (spoil("means", np.zeros((2, 4))), "'precisions_cholesky'"),
        (spoil("weights", np.ones(3)), "'means'.*n_clusters=3"),
        (spoil("weights", np.zeros(2)), "add up to one"),
        (spoil("weights", np.array([0.5, np.inf])), "not finite"),
        (spoil("precisions_cholesky", np.ones((2, 9))), r"expected \(2, 9, 9\)"),
        (spoil("precisions_cholesky", np.zeros((2, 9, 9))), "not positive"),
        (spoil("converged", 1), "'converged'"),
        (spoil("bic", None), "'bic'"),
    ],
)
def test_malformed_gmm_state(rows, spoiled, message):
    state = GaussianMixture(n_clusters=2, n_init=1).fit(rows, context=FitContext()).get_state()
    with pytest.raises(StateError, match=message):
        GaussianMixture().set_state(spoiled(state))


FRESH = """
import sys
import numpy as np
from n2d_framework.plugin import FitContext
from n2d_builtin.gmm.bayesian_gmm import BayesianGaussianMixture
from n2d_builtin.gmm.gmm import GaussianMixture
from n2d_builtin.gmm.graph_modularity import NeighborGraph
from n2d_builtin.gmm.merged_starts import merged_labels, parameters_of
from n2d_builtin.kmeans.kmeans import KMeans
given = np.load(sys.argv[1])
rows = given["rows"]
found = {}
for name, cls, arrays in (
    ("gmm", GaussianMixture, ["weights", "means", "precisions_cholesky"]),
    ("kmeans", KMeans, ["cluster_centers"]),
):
    model = cls(n_clusters=10, n_init=2)
    state = {key: given[f"{name}_{key}"] for key in arrays}
    if name == "gmm":
        state |= dict(lower_bound=0.0, bic=0.0, aic=0.0, converged=True, n_iter=1)
    else:
        state |= dict(inertia=0.0, n_iter=1, scale=float(given["kmeans_scale"]))
    model.set_state(state)
    found[f"{name}_proba"] = model.predict_proba(rows)
    found[f"{name}_predict"] = model.predict(rows)
assert not [m for m in sys.modules if m.split(".")[0] == "sklearn"]
for name, cls in (("gmm", GaussianMixture), ("kmeans", KMeans)):
    model = cls(n_clusters=10, n_init=2).fit(rows, context=FitContext(seed=3, n_jobs=2))
    found[f"{name}_labels"] = model.labels_
    found[f"{name}_refit"] = model.predict_proba(rows)
np.savez(sys.argv[2], **found)
"""


def test_another_process_gives_the_same_bits_and_predicts_without_scikit_learn(rows, tmp_path):
    models = {
        "gmm": GaussianMixture(n_clusters=10, n_init=2).fit(rows, context=FitContext(seed=3)),
        "kmeans": KMeans(n_clusters=10, n_init=2).fit(rows, context=FitContext(seed=3)),
    }
    arrays = {
        f"{name}_{key}": value
        for name, model in models.items()
        for key, value in model.get_state().items()
    }
    np.savez(tmp_path / "given.npz", rows=rows, **arrays)
    command = [sys.executable, "-c", FRESH, tmp_path / "given.npz", tmp_path / "found.npz"]
    subprocess.run(command, check=True)
    found = np.load(tmp_path / "found.npz")
    for name, model in models.items():
        proba = model.predict_proba(rows)
        np.testing.assert_array_equal(found[f"{name}_proba"], proba)
        np.testing.assert_array_equal(found[f"{name}_refit"], proba)
        np.testing.assert_array_equal(found[f"{name}_predict"], model.labels_)
        np.testing.assert_array_equal(found[f"{name}_labels"], model.labels_)


def test_the_start_that_cuts_fewest_edges_parts_classes_rather_than_a_dense_group():
    rng = np.random.default_rng(0)
    group = rng.normal(np.array([3, 10]), 0.05, size=(20, 2))
    classes = rng.normal(size=(300, 2)) + np.repeat([[0, 0], [6, 0]], 150, axis=0)
    x = np.concatenate([classes, group]).astype(np.float32)
    likely, modular = (
        GaussianMixture(n_clusters=2, selection=selection).fit(x, context=FitContext(seed=0))
        for selection in ("likelihood", "modularity")
    )
    assert likely.lower_bound_ > modular.lower_bound_
    assert sorted(np.bincount(likely.labels_)) == [20, 300]
    assert accuracy(np.repeat([0, 1], 150), modular.labels_[:300]) > 0.99
    graph = NeighborGraph.of(x, 2, seed=0, n_jobs=1)
    assert graph.modularity(modular.labels_) > 0.45 > graph.modularity(likely.labels_)
    assert graph.modularity(np.zeros(320, np.int64)) == pytest.approx(0)


@pytest.mark.parametrize(
    ("kind", "prior"),
    [*((kind, "dirichlet_process") for kind in COVARIANCES), ("diag", "dirichlet_distribution")],
)
def test_a_bayesian_mixture_has_scikit_learns_posterior(kind, prior, rows, monkeypatch):
    fitted = []
    usual = BayesianGaussianMixture._weights

    def weights(self, model):
        fitted.append(model)
        return usual(self, model)

    monkeypatch.setattr(BayesianGaussianMixture, "_weights", weights)
    some = rows[:300, :3]
    model = BayesianGaussianMixture(n_clusters=6, n_init=1, covariance_type=kind, prior=prior)
    model.fit(some, context=FitContext(seed=3))
    # Their unit is another, by a power of two and a shift, which posteriors do not depend on.
    reference = fitted[0]
    scale = np.sqrt(reference.means_.var(axis=0) / model.means_.var(axis=0)).mean()
    unit = 2.0 ** np.round(np.log2(scale))
    expected = reference.predict_proba((some - some.mean(axis=0, dtype=np.float64)) * unit)
    assert model.n_clusters_ == reference.n_components
    np.testing.assert_allclose(model.predict_proba(some), expected, atol=1e-6)


def test_a_bayesian_mixture_finds_how_many_clusters_there_are():
    rng = np.random.default_rng(0)
    centres = np.array([[0, 0], [30, 0], [0, 30], [30, 30]])
    x = (np.repeat(centres, 60, axis=0) + rng.normal(size=(240, 2))).astype(np.float32)
    model = BayesianGaussianMixture(n_init=2, concentration=1e-3).fit(x, context=FitContext(seed=1))
    assert model.n_clusters_ == 4 == len(model.weights_)
    assert accuracy(np.repeat(np.arange(4), 60), model.labels_) == 1.0
    np.testing.assert_array_equal(model.predict(x), model.labels_)
    again = BayesianGaussianMixture(concentration=1e-3)
    again.set_state(model.get_state())
    np.testing.assert_array_equal(again.predict_proba(x), model.predict_proba(x))


@pytest.mark.parametrize("name", ["gmm", "bayesian_gmm"])
@pytest.mark.parametrize(("n_clusters", "d"), [(10_000, 100), (60, 1000)])
def test_covariances_beyond_memory_are_refused(name, n_clusters, d):
    x = np.random.default_rng(0).normal(size=(n_clusters, d)).astype("f4")
    with pytest.raises(StageError, match=r"covariances of .* use covariance_type: diag"):
        N2D("identity", "identity", name, n_clusters=n_clusters).fit(x)


def test_many_clusters_are_looked_for_from_fewer_starts():
    rows = np.random.default_rng(0).normal(size=(1100, 2)).astype("f4")

    def inertia(n_clusters, **options):
        model = KMeans(n_clusters=n_clusters, **options)
        return model.fit(rows, context=FitContext()).inertia_

    assert inertia(1001) == inertia(1001, n_init=1) > inertia(1001, n_init=12)
    assert inertia(400) == inertia(400, n_init=5)
    assert inertia(100) == inertia(100, n_init=20)
