"""Isomap: agrees with scikit-learn, stays bounded by landmarks, joins separate parts."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.manifold import Isomap as Reference
from sklearn.manifold import trustworthiness

from n2d_builtin.isomap.isomap import Isomap
from n2d_framework.plugin import DataError, FitContext, StateError

CONTEXT = FitContext(seed=1, n_jobs=2)


@pytest.fixture(scope="module")
def digits():
    rows = PCA(10, random_state=0).fit_transform(load_digits().data)
    rows = rows.astype(np.float32, order="C")
    return rows[:400], rows[400:500]


@pytest.mark.filterwarnings("ignore:The number of connected")
@pytest.mark.filterwarnings("ignore:Changing the sparsity")
@pytest.mark.parametrize("eigen_solver", ["arpack", "dense", "auto"])
@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev"])
def test_agrees_with_scikit_learn(digits, eigen_solver, metric):
    train, new = digits
    model = Isomap(n_neighbors=8, n_components=4, eigen_solver=eigen_solver, metric=metric)
    model.fit(train, context=CONTEXT)
    reference = Reference(n_neighbors=8, n_components=4, metric=metric, eigen_solver="dense").fit(
        train.astype(float)
    )
    for rows in (train, new):
        ours, theirs = model.transform(rows), reference.transform(rows.astype(float))
        theirs = theirs * np.sign((ours * theirs).sum(axis=0))
        np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max())


@pytest.mark.parametrize("method", ["FW", "D"])
def test_paths_are_the_same_by_either_method(digits, method):
    found = Isomap(path_method=method).fit(digits[0], context=CONTEXT).transform(digits[1])
    usual = Isomap().fit(digits[0], context=CONTEXT).transform(digits[1])
    np.testing.assert_allclose(found, usual, atol=1e-3)


def test_landmarks_bound_the_state_and_keep_the_picture(digits):
    train, _ = digits
    model = Isomap(max_landmarks=150).fit(train, context=CONTEXT)
    assert model.geodesics_.shape == (150, 150)
    assert len(model.get_state()["geodesics"]) == 150 * 149 // 2
    placed = model.transform(train)
    assert placed.shape == (400, 2)
    whole = Isomap().fit(train, context=CONTEXT).transform(train)
    scores = [trustworthiness(train, found, n_neighbors=12) for found in (placed, whole)]
    assert scores[0] > scores[1] - 0.1
    again = Isomap(max_landmarks=150).fit(train, context=FitContext(seed=2))
    assert not np.array_equal(again.landmarks_, model.landmarks_)


def test_separate_parts_are_joined_without_a_warning():
    rng = np.random.default_rng(0)
    groups = [rng.normal(size=(30, 3)) + 1000 * centre for centre in np.eye(3)]
    rows = np.concatenate(groups).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        placed = Isomap(n_neighbors=5).fit(rows, context=CONTEXT).transform(rows)
    means = placed.reshape(3, 30, 2).mean(axis=1)
    spread = placed.reshape(3, 30, 2).std(axis=1).max()
    gaps = np.linalg.norm(means[:, None] - means[None], axis=-1)[np.triu_indices(3, 1)]
    assert gaps.min() > 100 * spread


def test_a_line_is_found_and_needless_dimensions_are_zero():
    line = np.linspace(0, 9, 50, dtype=np.float32)[:, None] * np.ones((1, 3), np.float32)
    placed = Isomap(n_neighbors=3, n_components=3).fit(line, context=CONTEXT).transform(line)
    steps = np.diff(placed[:, 0])
    np.testing.assert_allclose(np.abs(steps), np.sqrt(3) * 9 / 49, rtol=1e-3)
    np.testing.assert_array_equal(placed[:, 1:], 0)


def test_reasons_come_before_any_work():
    assert Isomap().check_input(8, ()) == [
        "isomap: n_neighbors=10 needs at least 11 rows, got 8 rows; lower n_neighbors"
    ]
    few = Isomap(max_landmarks=10).check_input(500, ())
    assert "got 10 rows (max_landmarks)" in few[0]
    assert "lower n_components" in Isomap(n_components=40).check_input(30, ())[0]
    with pytest.raises(DataError, match="lower n_neighbors"):
        Isomap().fit(np.zeros((8, 3), np.float32), context=CONTEXT)


def test_impossible_states_are_refused(digits):
    state = dict(Isomap().fit(digits[0][:50], context=CONTEXT).get_state())
    with pytest.raises(StateError, match="too few for n_neighbors"):
        Isomap(n_neighbors=60).set_state(state)
    with pytest.raises(StateError, match="'geodesics' must be >= 0"):
        Isomap().set_state(state | {"geodesics": -state["geodesics"]})
