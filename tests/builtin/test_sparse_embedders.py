"""Truncated singular values and non-negative factors, of sparse and of dense rows."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.sparse import csr_array, random_array
from sklearn.datasets import load_digits
from sklearn.decomposition import NMF, TruncatedSVD

from n2d_builtin.linear.nmf import NMFEmbedder
from n2d_builtin.linear.truncated_svd import TruncatedSVDEmbedder
from n2d_builtin.prepare.counts import NormalizeCounts
from n2d_builtin.prepare.scalers import MaxAbs, Unscaled
from n2d_framework.plugin import DataError, FitContext, StateError

CONTEXT = FitContext(seed=1)
EMBEDDERS = [TruncatedSVDEmbedder, NMFEmbedder]


def counts(n=300, d=200, density=0.1, seed=0):
    rng = np.random.default_rng(seed)
    made = random_array((n, d), density=density, rng=rng, format="csr", dtype=np.float32)
    made.data = rng.poisson(3, made.nnz).astype(np.float32) + 1
    return csr_array(made)


@pytest.mark.parametrize("make", EMBEDDERS)
def test_sparse_and_dense_rows_give_the_same_coordinates(make):
    x = counts()
    sparse = make(latent_dim=5).fit(x, context=CONTEXT)
    dense = make(latent_dim=5).fit(x.toarray(), context=CONTEXT)
    np.testing.assert_allclose(sparse.components_, dense.components_, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(sparse.transform(x), sparse.transform(x.toarray()), rtol=1e-5)


@pytest.mark.parametrize("make", EMBEDDERS)
@pytest.mark.parametrize("storage", [csr_array, np.asarray])
def test_a_row_does_not_depend_on_its_company(make, storage):
    x = counts().toarray()
    model = make(latent_dim=5).fit(storage(x), context=CONTEXT)
    whole = model.transform(storage(x))
    for rows in (slice(7, 8), slice(3, 70), slice(None, None, -1)):
        np.testing.assert_array_equal(model.transform(storage(x[rows])), whole[rows])
    again = make(latent_dim=5)
    again.set_state(model.get_state())
    np.testing.assert_array_equal(again.transform(storage(x)), whole)


@pytest.mark.parametrize("make", EMBEDDERS)
@pytest.mark.parametrize("power", [-80, 80])
def test_the_unit_of_the_rows_does_not_matter(make, power):
    x = counts()
    model = make(latent_dim=5).fit(x, context=CONTEXT)
    other = csr_array((np.ldexp(x.data, power), x.indices, x.indptr), shape=x.shape)
    moved = make(latent_dim=5).fit(other, context=CONTEXT)
    found, expected = moved.transform(other), model.transform(x)
    if make is TruncatedSVDEmbedder:
        found = np.ldexp(found, -power)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("make", EMBEDDERS)
def test_sparse_rows_are_never_made_dense(make):
    x = counts(3000, 20_000, 0.001)
    model = make(latent_dim=5)
    tracemalloc.start()
    try:
        model.fit(x, context=CONTEXT).transform(x)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3000 * 20_000 * 4 / 4


@pytest.mark.parametrize("algorithm", ["randomized", "arpack"])
def test_singular_values_are_those_of_scikit_learn(algorithm):
    x = load_digits().data.astype(np.float32)
    model = TruncatedSVDEmbedder(latent_dim=6, algorithm=algorithm).fit(x, context=CONTEXT)
    reference = TruncatedSVD(6, algorithm=algorithm, random_state=1).fit(x.astype(np.float64))
    np.testing.assert_allclose(model.singular_values_, reference.singular_values_)
    np.testing.assert_allclose(
        model.explained_variance_ratio_, reference.explained_variance_ratio_, rtol=1e-6
    )
    exact = np.linalg.svd(x.astype(np.float64), compute_uv=False)[:6]
    np.testing.assert_allclose(model.singular_values_, exact, rtol=2e-3)


@pytest.mark.parametrize("algorithm", ["randomized", "arpack"])
def test_all_components_give_the_rows_back(algorithm):
    x = load_digits().data[:, 16:48].astype(np.float32)
    model = TruncatedSVDEmbedder(latent_dim=99, algorithm=algorithm).fit(x, context=CONTEXT)
    np.testing.assert_allclose(model.reconstruct(model.transform(x)), x, atol=1e-4)
    nothing = csr_array((5, 4), dtype=np.float32)
    empty = TruncatedSVDEmbedder(algorithm=algorithm).fit(nothing, context=CONTEXT)
    np.testing.assert_array_equal(empty.transform(nothing), 0)


def test_the_parts_are_those_of_scikit_learn():
    x = load_digits().data.astype(np.float32)
    options = {"init": "nndsvd", "max_iter": 500, "alpha_W": 1e-4, "alpha_H": 1e-3, "l1_ratio": 0.5}
    model = NMFEmbedder(latent_dim=6, **options).fit(x, context=CONTEXT)
    reference = NMF(6, random_state=1, **options).fit(x.astype(np.float64) / 16)
    np.testing.assert_allclose(model.components_, 16 * reference.components_, rtol=1e-6)
    assert model.n_iter_ == reference.n_iter_


@pytest.mark.parametrize(("alpha", "l1_ratio"), [(0.0, 0.0), (1e-3, 0.0), (1e-3, 1.0), (0.01, 0.3)])
def test_shares_solve_the_problem_of_their_row(alpha, l1_ratio):
    x = load_digits().data[:60].astype(np.float32) / 16
    model = NMFEmbedder(latent_dim=4, alpha_W=alpha, alpha_H=0.0, l1_ratio=l1_ratio)
    model.fit(x, context=CONTEXT)
    h, l1, l2 = model.components_, 64 * alpha * l1_ratio, 64 * alpha * (1 - l1_ratio)
    for row, w in zip(x[:8], model.transform(x[:8]), strict=True):

        def cost(w, row=row):
            return ((row - w @ h) ** 2).sum() / 2 + l1 * w.sum() + l2 * (w @ w) / 2

        best = minimize(cost, np.ones(4), bounds=[(0, None)] * 4, tol=1e-12)
        assert cost(w.astype(np.float64)) <= best.fun * (1 + 1e-6)


def test_columns_that_repeat_are_solved_too():
    x = np.repeat(counts(20, 3, 0.9).toarray(), 2, axis=1)
    model = NMFEmbedder(latent_dim=6).fit(x, context=CONTEXT)
    np.testing.assert_allclose(model.reconstruct(model.transform(x)), x, atol=0.2)
    assert model.transform(x).min() >= 0


@pytest.mark.parametrize("storage", [csr_array, np.asarray])
def test_negative_values_are_refused_with_their_place(storage):
    x = np.eye(4, 5, dtype=np.float32)
    x[2, 3] = -7
    with pytest.raises(DataError, match=r"row 2, column 3 has -7: use prepare: \[minmax\]"):
        NMFEmbedder().fit(storage(x), context=CONTEXT)


@pytest.mark.parametrize("make", EMBEDDERS)
def test_what_cannot_be_fitted_or_read_is_refused(make):
    x = counts(20, 30)
    with pytest.raises(DataError, match="at least 2 rows"):
        make().fit(x[:1], context=CONTEXT)
    model = make(latent_dim=5).fit(x, context=CONTEXT)
    with pytest.raises(DataError, match="30 features"):
        model.transform(x[:, :20])
    with pytest.raises(StateError, match="'components' has 5 rows, wanted are 4"):
        make(latent_dim=4).set_state(model.get_state())


@pytest.mark.parametrize("make", [MaxAbs, lambda: MaxAbs(per="array"), Unscaled, NormalizeCounts])
def test_prepare_components_treat_sparse_rows_as_dense_ones(make):
    x = counts(5000, 30, 0.2)
    x.data[::7] *= -1 if "Counts" not in str(make) else 1
    model = make()
    model.fit(x, context=CONTEXT)
    found = model.transform(x)
    other = make()
    other.fit(x.toarray(), context=CONTEXT)
    np.testing.assert_allclose(found.toarray(), other.transform(x.toarray()), rtol=1e-14)
    assert found.nnz == x.nnz
    np.testing.assert_array_equal(
        model.transform(x[4000:4003]).toarray(), found[4000:4003].toarray()
    )


def test_counts_are_normalized_as_by_scanpy():
    x = np.array([[1, 3], [0, 0], [10, 10]])
    model = NormalizeCounts().fit(x, context=CONTEXT)
    assert model.target_sum_ == 12  # the median of 4 and 20
    expected = np.log1p([[3.0, 9.0], [0, 0], [6, 6]])
    np.testing.assert_allclose(model.transform(x), expected)
    plain = NormalizeCounts(target_sum=1.0, log=False).fit(x, context=CONTEXT)
    np.testing.assert_allclose(plain.transform(csr_array(x)).toarray().sum(axis=1), [1, 0, 1])
    with pytest.raises(DataError, match=r"row 1, column 0 has -2"):
        model.transform(np.array([[1, 1], [-2, 1]]))
    with pytest.raises(DataError, match="no row has any count"):
        NormalizeCounts().fit(x * 0, context=CONTEXT)
