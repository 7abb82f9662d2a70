"""The two distributions, term by term as in the paper, and the clusterer made of them."""

from __future__ import annotations

import numpy as np
import pytest
from n2d_deep.assignment import soft_assignment, target_distribution
from n2d_deep.soft_assignment import SoftAssignment

from n2d_framework.plugin import DataError, FitContext, StateError

RNG = np.random.default_rng(4)
Z, CENTERS = RNG.normal(size=(30, 3)), RNG.normal(size=(4, 3)).astype(np.float32)


def student(z, centers, alpha):
    z, centers = z.astype(np.float64), centers.astype(np.float64)
    q = np.zeros((len(z), len(centers)))
    for i, row in enumerate(z):
        for j, center in enumerate(centers):
            q[i, j] = (1 + sum((row - center) ** 2) / alpha) ** (-(alpha + 1) / 2)
        q[i] /= q[i].sum()
    return q


@pytest.mark.parametrize("alpha", [0.5, 1.0, 9.0])
def test_the_assignment_is_equation_1(alpha):
    np.testing.assert_allclose(soft_assignment(Z, CENTERS, alpha), student(Z, CENTERS, alpha))


def test_rows_far_from_all_centres_belong_somewhere():
    q = soft_assignment(1e6 * Z, CENTERS, 50.0)
    assert np.isfinite(q).all()
    np.testing.assert_allclose(q.sum(axis=1), 1)


@pytest.mark.parametrize("counted", [None, np.arange(30) < 20])
def test_the_target_is_equation_3(counted):
    q = student(Z, CENTERS, 1.0)
    frequency = q.sum(axis=0) if counted is None else q[:20].sum(axis=0)
    expected = q**2 / frequency
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(target_distribution(q, counted), expected)


def test_the_target_is_sharper():
    q = student(Z, CENTERS, 1.0)
    assert target_distribution(q).max(axis=1).mean() > q.max(axis=1).mean() + 0.05


def fitted(z=Z, centers=CENTERS, **options):
    context = FitContext(upstream={"cluster_centers": centers, "alpha": 2.0})
    return SoftAssignment(**options).fit(z.astype(np.float32), context=context)


def test_probabilities_are_the_assignment_and_labels_its_largest():
    clusterer = fitted()
    z = Z.astype(np.float32)
    used = np.unique(student(z, CENTERS, 2.0).argmax(axis=1))
    assert len(used) == 4
    np.testing.assert_allclose(clusterer.predict_proba(z), student(z, CENTERS, 2.0))
    assert np.array_equal(clusterer.labels_, student(z, CENTERS, 2.0).argmax(axis=1))


def test_alpha_may_be_set_and_changes_no_label():
    soft, sharp = fitted(alpha=0.5), fitted(alpha=50.0)
    assert np.array_equal(soft.labels_, sharp.labels_)
    z = Z.astype(np.float32)
    assert sharp.predict_proba(z).max(axis=1).mean() > soft.predict_proba(z).max(axis=1).mean()


def test_a_centre_without_rows_is_left_out():
    far = np.insert(CENTERS, 1, 1e3, axis=0)
    clusterer = fitted(centers=far)
    assert np.array_equal(clusterer.cluster_centers_, CENTERS)
    assert np.array_equal(clusterer.predict(np.full((2, 3), 1e3, np.float32)) < 4, [True, True])


@pytest.mark.parametrize("upstream", [{}, {"cluster_centers": "none"}])
def test_without_centres_it_says_what_it_needs(upstream):
    with pytest.raises(DataError, match="dec, idec or dcec, with the manifolder identity"):
        SoftAssignment().fit(Z, context=FitContext(upstream=upstream))


def test_centres_of_another_width_are_refused():
    with pytest.raises(DataError):
        fitted(centers=CENTERS[:, :2])


@pytest.mark.parametrize(
    "changes",
    [
        {"alpha": 0.0},
        {"alpha": float("inf")},
        {"cluster_centers": np.full((2, 3), np.nan, np.float32)},
        {"cluster_centers": np.zeros((0, 3), np.float32)},
        {"cluster_centers": np.zeros((2, 3))},
    ],
)
def test_states_of_others_are_checked(changes):
    state = {**fitted().get_state(), **changes}
    with pytest.raises(StateError):
        SoftAssignment().set_state(state)
    with pytest.raises(StateError, match="alpha"):
        SoftAssignment(alpha=3.0).set_state(fitted().get_state())
