"""Random projection: axes of scikit-learn, distances, sparse rows, rows by themselves."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array
from scipy.spatial.distance import pdist
from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection

import n2d_framework as n2d
from n2d_builtin.linear.random_projection import RandomProjectionEmbedder
from n2d_framework.plugin import ConfigError, DataError, FitContext, StateError

CONTEXT = FitContext(seed=3)
KINDS = ["gaussian", "sparse"]


def rows(n=80, d=300, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_axes_are_those_of_scikit_learn(kind):
    x = rows()
    model = RandomProjectionEmbedder(latent_dim=20, kind=kind).fit(x, context=CONTEXT)
    library = GaussianRandomProjection if kind == "gaussian" else SparseRandomProjection
    expected = library(n_components=20, random_state=3).fit_transform(x.astype(np.float64))
    np.testing.assert_allclose(model.transform(x), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_distances_are_kept_up_to_a_factor(kind):
    x = rows(60, 2000)
    model = RandomProjectionEmbedder(latent_dim=500, kind=kind).fit(x, context=CONTEXT)
    ratio = pdist(model.transform(x)) / pdist(x)
    assert 0.8 < ratio.min() <= ratio.max() < 1.2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("storage", [csr_array, np.asarray])
def test_a_row_does_not_depend_on_its_company(kind, storage):
    x = rows()
    x[x < 0.5] = 0
    model = RandomProjectionEmbedder(latent_dim=7, kind=kind).fit(storage(x), context=CONTEXT)
    whole = model.transform(storage(x))
    for part in (slice(7, 8), slice(3, 70), slice(None, None, -1)):
        np.testing.assert_array_equal(model.transform(storage(x[part])), whole[part])
    again = RandomProjectionEmbedder(latent_dim=7, kind=kind)
    again.set_state(model.get_state())
    np.testing.assert_array_equal(again.transform(storage(x)), whole)


def test_sparse_and_dense_rows_give_the_same_coordinates():
    x = rows()
    x[x < 1] = 0
    model = RandomProjectionEmbedder(latent_dim=7).fit(csr_array(x), context=CONTEXT)
    np.testing.assert_allclose(
        model.transform(csr_array(x)), model.transform(x), rtol=1e-5, atol=1e-6
    )


def test_sparse_rows_are_never_made_dense():
    made = random_array((3000, 20_000), density=0.001, format="csr", dtype=np.float32, rng=0)
    model = RandomProjectionEmbedder(latent_dim=5)
    tracemalloc.start()
    try:
        model.fit(csr_array(made), context=CONTEXT).transform(csr_array(made))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3000 * 20_000 * 4 / 4


def test_what_is_drawn_depends_on_seed_and_width_alone():
    one = RandomProjectionEmbedder(latent_dim=5).fit(rows(), context=CONTEXT)
    other = RandomProjectionEmbedder(latent_dim=5).fit(rows(9, seed=4) * 1e30, context=CONTEXT)
    np.testing.assert_array_equal(one.components_, other.components_)
    third = RandomProjectionEmbedder(latent_dim=5).fit(rows(), context=FitContext(seed=4))
    assert (one.components_ != third.components_).any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [1, 4])
def test_there_are_never_more_axes_than_features(kind, width):
    x = rows(5, width)
    model = RandomProjectionEmbedder(latent_dim=50, kind=kind).fit(x, context=CONTEXT)
    assert model.transform(x).shape == (5, width)
    again = RandomProjectionEmbedder(latent_dim=50, kind=kind)
    again.set_state(model.get_state())


@pytest.mark.parametrize("density", [1.0, 0.25])
def test_density_is_the_share_of_what_is_not_zero(density):
    made = RandomProjectionEmbedder(latent_dim=50, kind="sparse", density=density)
    axes = made.fit(rows(2, 2000), context=CONTEXT).components_
    assert np.mean(axes != 0) == pytest.approx(density, abs=0.01)


def test_density_of_gaussian_axes_is_refused():
    with pytest.raises(ConfigError, match="density"):
        RandomProjectionEmbedder(density=0.5)


def test_other_widths_and_states_are_refused():
    model = RandomProjectionEmbedder(latent_dim=5).fit(rows(), context=CONTEXT)
    with pytest.raises(DataError, match="300"):
        model.transform(rows(2, 299))
    with pytest.raises(StateError):
        RandomProjectionEmbedder().transform(rows())
    with pytest.raises(StateError, match="5 rows, wanted are 6"):
        RandomProjectionEmbedder(latent_dim=6).set_state(model.get_state())
    with pytest.raises(DataError, match="at least 1 row"):
        model.fit(rows()[:0], context=CONTEXT)


def test_a_trio_finds_groups_and_is_saved(tmp_path):
    centres = rows(3, 400, seed=1) * 2
    x = np.repeat(centres, 40, axis=0) + rows(120, 400)
    embedder = {"name": "random_projection", "latent_dim": 20}
    model = n2d.N2D(embedder, "identity", "kmeans", n_clusters=3, random_state=0).fit(x)
    assert model.assess(np.repeat(range(3), 40))["acc"] == 1
    model.save(tmp_path / "m.n2d")
    np.testing.assert_array_equal(n2d.load(tmp_path / "m.n2d").predict(x), model.labels_)
