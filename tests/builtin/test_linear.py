"""Principal components and the identity."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from n2d_builtin.linear.linear import Identity, PCAEmbedder, PCAManifolder
from n2d_framework.plugin import DataError, FitContext, StateError

CONTEXT = FitContext(seed=1)


@pytest.fixture(scope="module")
def digits():
    return load_digits().data.astype(np.float32)


@pytest.mark.parametrize("solver", ["auto", "full", "randomized", "covariance_eigh"])
@pytest.mark.parametrize("whiten", [False, True])
def test_agrees_with_scikit_learn(digits, solver, whiten):
    model = PCAEmbedder(latent_dim=6, solver=solver, whiten=whiten).fit(digits, context=CONTEXT)
    reference = PCA(6, svd_solver=solver, whiten=whiten, random_state=1).fit(digits)
    np.testing.assert_allclose(model.transform(digits), reference.transform(digits), atol=1e-3)
    np.testing.assert_allclose(
        model.explained_variance_ratio_, reference.explained_variance_ratio_, rtol=1e-5
    )


@pytest.mark.parametrize("whiten", [False, True])
def test_reconstruction_is_the_nearest_in_the_subspace(digits, whiten):
    model = PCAEmbedder(latent_dim=64, whiten=whiten).fit(digits, context=CONTEXT)
    back = model.reconstruct(model.transform(digits))
    np.testing.assert_allclose(back, digits, atol=1e-3)
    small = PCAEmbedder(latent_dim=8, whiten=whiten).fit(digits, context=CONTEXT)
    error = np.mean((small.reconstruct(small.transform(digits)) - digits) ** 2) * 64
    lost = (1 - small.explained_variance_ratio_.sum()) * digits.var(axis=0).sum()
    assert error == pytest.approx(lost, rel=1e-3)
    with pytest.raises(DataError, match="8 features"):
        small.reconstruct(digits)


def test_defaults_and_the_most_that_data_allow(digits):
    assert PCAEmbedder().fit(digits, context=CONTEXT).transform(digits).shape == (1797, 10)
    assert PCAManifolder().fit(digits, context=CONTEXT).transform(digits).shape == (1797, 2)
    few = PCAManifolder(n_components=10).fit(digits[:, 20:24], context=CONTEXT)
    assert few.transform(digits[:, 20:24]).shape == (1797, 4)
    tiny = PCAEmbedder(solver="randomized").fit(digits[:3], context=CONTEXT)
    assert tiny.transform(digits).shape == (1797, 3)


def test_whitened_rows_have_unit_variance_and_constant_ones_none(digits):
    model = PCAManifolder(n_components=5, whiten=True).fit(digits, context=CONTEXT)
    np.testing.assert_allclose(model.transform(digits).std(axis=0, ddof=1), 1, rtol=1e-4)
    flat = np.full((20, 3), 4, dtype=np.float32)
    model = PCAManifolder(whiten=True).fit(flat, context=CONTEXT)
    np.testing.assert_array_equal(model.explained_variance_ratio_, 0)
    assert np.abs(model.transform(flat)).max() < 1e-5


def test_one_row_is_refused(digits):
    assert PCAEmbedder().check_input(1, (64,)) == ["pca needs at least 2 rows, got 1"]
    with pytest.raises(DataError, match="at least 2 rows"):
        PCAEmbedder().fit(digits[:1], context=CONTEXT)


def test_negative_variances_in_a_state_are_refused(digits):
    state = dict(PCAEmbedder().fit(digits, context=CONTEXT).get_state())
    with pytest.raises(StateError, match="'explained_variance' must be >= 0"):
        PCAEmbedder().set_state(state | {"explained_variance": -state["explained_variance"]})


def test_identity_copies_and_remembers_the_features(digits):
    model = Identity().fit(digits, context=CONTEXT)
    rows = model.transform(digits)
    np.testing.assert_array_equal(rows, digits)
    assert not np.shares_memory(rows, digits)
    np.testing.assert_array_equal(model.reconstruct(rows), digits)
    with pytest.raises(StateError, match="'n_features' must be >= 1, got 0"):
        Identity().set_state({"n_features": 0})
    with pytest.raises(DataError, match="got 0"):
        Identity().fit(digits[:0], context=CONTEXT)
