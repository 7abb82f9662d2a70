"""Statistics that are summed over blocks of rows: those of scikit-learn on all rows at once."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

import n2d_framework as n2d
from n2d_builtin.common import principal_axes
from n2d_builtin.common.principal_axes import PrincipalAxes
from n2d_builtin.gmm import gmm
from n2d_builtin.gmm.mixture_blocks import BlockMixture
from n2d_builtin.kmeans import kmeans
from n2d_builtin.kmeans.lloyd_blocks import lloyd
from n2d_framework.core.budget import scratch
from n2d_framework.errors import StageError
from n2d_framework.plan import out_of_core


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    rng = np.random.default_rng(3)
    centres = 5 * rng.normal(size=(5, 6))
    parts = [c + rng.normal(size=(800, 6)) * rng.uniform(0.3, 2, 6) for c in centres]
    found = np.concatenate(parts) + 100  # in the order of the clusters, far from zero
    return found.astype(np.float32)


@pytest.mark.parametrize("solver", ["auto", "full", "covariance_eigh"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("narrow", [False, True])
def test_principal_axes(rows, monkeypatch, solver, weighted, narrow):
    weights = np.random.default_rng(0).integers(0, 4, len(rows)).astype(float) * weighted
    given = {"solver": solver, "seed": 0, "weights": weights if weighted else None}
    x = rows.copy()
    if narrow:  # beside what the others vary by, hardly
        x[:, 5] = 1e-6 * x[:, 5] + 1e-9 * x[:, 0]
    whole = PrincipalAxes.of(x, 4 + 2 * narrow, **given)
    monkeypatch.setattr(principal_axes, "_MANY", 1000)
    found = PrincipalAxes.of(x, 4 + 2 * narrow, **given)
    np.testing.assert_allclose(found.mean, whole.mean, rtol=1e-12)
    kept = slice(4 if narrow and solver == "covariance_eigh" else None)
    for name in ("components", "variance", "ratio"):
        a, b = getattr(found, name)[kept], getattr(whole, name)[kept]
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9 if name == "components" else 0)


def test_lloyd_moves_centres_as_scikit_learn_does(rows):
    start = rows[::800].astype(np.float64) + 1
    whole = KMeans(5, init=start, n_init=1, tol=1e-6, algorithm="lloyd").fit(rows.astype(float))

    def nearest(block: np.ndarray, centres: np.ndarray) -> np.ndarray:
        return np.square(block[:, None] - centres).sum(axis=2).argmin(axis=1)

    found, _ = lloyd(rows, start, nearest, tol=1e-6, max_iter=300, check=lambda: None)
    np.testing.assert_allclose(found, whole.cluster_centers_, rtol=1e-9)


def test_a_centre_without_rows_stays(rows):
    start = np.concatenate([rows[:1], np.full((1, 6), 1e6)]).astype(np.float64)

    def first(block: np.ndarray, _: np.ndarray) -> np.ndarray:
        return np.zeros(len(block), dtype=np.int64)

    found, _ = lloyd(rows, start, first, tol=0, max_iter=5, check=lambda: None)
    assert (found[1] == 1e6).all()


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_expectation_maximisation_is_that_of_scikit_learn(rows, covariance_type):
    x = rows.astype(np.float64) - 100
    some = GaussianMixture(5, covariance_type=covariance_type, max_iter=1, random_state=0)
    with pytest.warns(match="did not converge"):
        some.fit(x[::7])
    settings = {"covariance_type": covariance_type, "reg_covar": 1e-6, "tol": 1e-6}
    found = BlockMixture.of(some).fit(
        rows,
        lambda block: block.astype(np.float64) - 100,
        max_iter=60,
        check=lambda: None,
        **settings,
    )
    whole = GaussianMixture(
        5, max_iter=60, weights_init=some.weights_, means_init=some.means_,
        precisions_init=some.precisions_, **settings,
    ).fit(x)  # fmt: skip
    assert found.converged_
    np.testing.assert_allclose(found.lower_bound_, whole.lower_bound_, rtol=1e-7)
    np.testing.assert_allclose(found.means_, whole.means_, atol=1e-3)
    np.testing.assert_allclose(found.weights_, whole.weights_, atol=1e-4)
    factors = found.precisions_cholesky_
    np.testing.assert_allclose(factors, whole.precisions_cholesky_, atol=1e-2)


def test_a_covariance_that_collapses_is_an_error(rows):
    flat = np.concatenate([rows[:, :1]] * 2, axis=1)
    start = GaussianMixture(2, reg_covar=1e-3, random_state=0).fit(flat)
    with pytest.raises(StageError, match="raise reg_covar"):
        BlockMixture.of(start).fit(
            flat, lambda block: block.astype(np.float64), covariance_type="full",
            reg_covar=0.0, tol=0.0, max_iter=5, check=lambda: None,
        )  # fmt: skip


@pytest.mark.parametrize(
    "clusterer", [{"name": "kmeans", "n_init": 2}, {"name": "gmm", "n_init": 2}]
)
def test_starts_on_some_rows_end_where_starts_on_all_do(rows, monkeypatch, clusterer):
    monkeypatch.setattr(out_of_core, "_BASE", 8 << 30)

    def fit(**memory: str) -> n2d.N2D:
        return n2d.N2D(
            "identity", "identity", clusterer, n_clusters=5, random_state=0, scaler="none", **memory
        ).fit(rows)

    whole, few = fit(), fit(memory="8193MiB")
    assert (few.labels_ == whole.labels_).all()  # all rows are few: the same to the bit
    states = [model.clusterer_.get_state() for model in (whole, few)]
    assert all(np.array_equal(states[0][name], states[1][name]) for name in states[0])
    monkeypatch.setattr(kmeans, "MANY", 900)
    monkeypatch.setattr(gmm, "MANY", 900)
    found = []
    for most in (64, 1 << 16):
        monkeypatch.setattr(scratch, "_MOST_ROWS", most)
        found.append(fit(memory="8193MiB"))
    first, second = (model.clusterer_.get_state() for model in found)
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert adjusted_rand_score(found[0].labels_, whole.labels_) > 0.99
    assert (found[0].predict(rows) == found[0].labels_).all()
    if clusterer["name"] == "kmeans":
        assert found[0].clusterer_.inertia_ < 1.001 * whole.clusterer_.inertia_
    else:
        assert found[0].clusterer_.bic_ < whole.clusterer_.bic_ * 1.001
