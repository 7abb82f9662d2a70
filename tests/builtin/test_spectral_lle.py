"""Spectral and locally linear embedding: as in scikit-learn, in parts, in any unit, bad input."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.manifold
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.neighbors import kneighbors_graph

from n2d_builtin.spectral.lle import LocallyLinear
from n2d_builtin.spectral.spectral import Spectral
from n2d_framework.plugin import CollapseWarning, DataError, FitContext, StateError

CONTEXT = FitContext(seed=1, n_jobs=2)
BOTH = pytest.mark.parametrize("cls", [Spectral, LocallyLinear])


@pytest.fixture(scope="module")
def digits():
    return PCA(10, random_state=0).fit_transform(load_digits().data).astype(np.float32)


def assert_same_axes(ours, theirs, atol):
    """Equal, up to sign and unit of each axis."""
    scale = (ours * theirs).sum(axis=0) / np.square(theirs).sum(axis=0)
    np.testing.assert_allclose(ours, theirs * scale, atol=atol)


def test_lle_agrees_with_scikit_learn(digits):
    train, new = digits[-500:], digits[:100]
    model = LocallyLinear(n_components=4).fit(train, context=CONTEXT)
    reference = sklearn.manifold.LocallyLinearEmbedding(
        n_neighbors=10, n_components=4, eigen_solver="dense"
    ).fit(train.astype(float))
    assert_same_axes(model.embedding_, reference.embedding_, 1e-3)
    assert_same_axes(model.transform(new), reference.transform(new.astype(float)), 1e-3)


@pytest.mark.parametrize("n_rows", [700, 1100])
def test_spectral_agrees_with_scikit_learn(digits, n_rows):
    """Where all eigenvectors are computed, and where the leading ones are searched for."""
    rows = digits[-n_rows:]
    model = Spectral(n_components=3, affinity="connectivity").fit(rows, context=CONTEXT)
    graph = kneighbors_graph(rows, 11, include_self=True)
    theirs = sklearn.manifold.SpectralEmbedding(
        n_components=3, affinity="precomputed", eigen_solver="arpack", random_state=0
    ).fit_transform(graph.maximum(graph.T))
    assert_same_axes(model.embedding_, theirs, 0.05)


@BOTH
def test_new_rows_are_placed_among_their_kin(cls, digits):
    known, target = digits[-500:], load_digits().target
    model = cls(n_components=8)
    placed, new = model.fit_transform(known, context=CONTEXT), model.transform(digits[:200])
    nearest = np.square(new[:, None] - placed[None]).sum(axis=2).argmin(axis=1)
    assert (target[-500:][nearest] == target[:200]).mean() > 0.7
    np.testing.assert_array_equal(model.transform(known), placed)


@BOTH
def test_parts_of_the_graph_are_kept_apart(cls):
    rng = np.random.default_rng(0)
    sizes, centres = (30, 40, 50), 1000 * np.eye(3)
    rows = np.concatenate(
        [rng.normal(size=(n, 3)) + centre for n, centre in zip(sizes, centres, strict=True)]
    ).astype(np.float32)
    placed = cls(n_components=2).fit_transform(rows, context=CONTEXT)
    assert len(np.unique(placed, axis=0)) == 3
    with pytest.warns(CollapseWarning, match="3 parts, too many for n_components=1: .* raise"):
        cls(n_components=1).fit(rows, context=CONTEXT)
    deeper = cls(n_components=5).fit_transform(rows, context=CONTEXT)
    assert len(np.unique(deeper, axis=0)) > 40


@BOTH
@pytest.mark.parametrize("unit", [1e-30, 1e15])
def test_units_do_not_matter(cls, unit, digits):
    rows = digits[:300]
    usual = cls(n_components=3).fit_transform(rows, context=CONTEXT)
    other = cls(n_components=3).fit_transform(rows * np.float32(unit), context=CONTEXT)
    np.testing.assert_allclose(other, usual, atol=1e-4)


@BOTH
def test_reasons_come_before_any_work(cls):
    name = cls.name
    assert cls().check_input(8, (3,)) == [
        f"{name}: n_neighbors=10 needs at least 11 rows, got 8; lower n_neighbors"
    ]
    few = cls(max_landmarks=9, n_components=10).check_input(500, (3,))
    assert [reason.split(",")[1] for reason in few] == [" got 9 (max_landmarks); lower "
                                                        "n_neighbors", " got 9 (max_landmarks); "
                                                        "lower n_components"]  # fmt: skip
    with pytest.raises(DataError, match="lower n_neighbors"):
        cls().fit(np.zeros((8, 3), np.float32), context=CONTEXT)


@BOTH
def test_impossible_states_are_refused(cls, digits):
    state = dict(cls().fit(digits[:50], context=CONTEXT).get_state())
    with pytest.raises(StateError, match="too few for n_neighbors"):
        cls(n_neighbors=60).set_state(state)
    with pytest.raises(StateError, match="embedding"):
        cls().set_state(state | {"embedding": state["embedding"][:20]})
