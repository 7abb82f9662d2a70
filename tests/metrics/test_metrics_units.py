"""Scores of coordinates: the same in any unit and at any offset."""

from __future__ import annotations

import numpy as np
import pytest

from n2d_framework.metrics import calinski_harabasz, davies_bouldin, dbcv, silhouette

SCORES = {
    "silhouette": silhouette,
    "calinski_harabasz": calinski_harabasz,
    "davies_bouldin": davies_bouldin,
    "dbcv": dbcv,
}


@pytest.fixture(scope="module")
def clustered():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 25)
    return rng.normal(size=(100, 3)) + 4 * np.eye(4)[labels][:, :3], labels


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("exponent", [-300, -155, -30, -8, 8, 30, 155, 300])
def test_scores_are_the_same_in_any_unit(name, exponent, clustered):
    points, labels = clustered
    expected = SCORES[name](points, labels)
    assert SCORES[name](points * 10.0**exponent, labels) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("offset", [1e3, 1e6, 1e9])
def test_scores_are_the_same_at_any_offset(name, offset, clustered):
    points, labels = clustered
    expected = SCORES[name](points, labels)
    assert SCORES[name](points + offset, labels) == pytest.approx(expected, rel=1e-4)
