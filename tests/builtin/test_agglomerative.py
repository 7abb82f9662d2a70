"""Agglomerative clustering: scikit-learn's clusters; the nearest row decides for others."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.cluster
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from n2d_builtin.agglomerative.agglomerative import Agglomerative
from n2d_framework.metrics import accuracy
from n2d_framework.plugin import CollapseWarning, ConfigError, DataError, FitContext, StateError

CONTEXT = FitContext(seed=1)


@pytest.fixture(scope="module")
def rows():
    return PCA(9, random_state=0).fit_transform(load_digits().data[:700]).astype(np.float32)


@pytest.mark.parametrize(
    ("linkage", "metric"),
    [("ward", "euclidean"), ("average", "manhattan"), ("complete", "chebyshev")],
)
def test_agrees_with_scikit_learn(rows, linkage, metric):
    model = Agglomerative(n_clusters=7, linkage=linkage, metric=metric).fit(rows, context=CONTEXT)
    reference = sklearn.cluster.AgglomerativeClustering(7, linkage=linkage, metric=metric)
    assert accuracy(reference.fit_predict(rows.astype(float)), model.labels_) == 1.0
    assert list(np.bincount(model.labels_)) == sorted(np.bincount(model.labels_), reverse=True)
    np.testing.assert_array_equal(model.predict(rows), model.labels_)


def test_rows_beyond_the_landmarks_get_the_label_of_the_nearest(rows):
    model = Agglomerative(n_clusters=5, max_landmarks=200).fit(rows, context=CONTEXT)
    distances = np.square(rows[:, None] - model.landmarks_[None]).sum(axis=2)
    np.testing.assert_array_equal(model.labels_, model.landmark_labels_[distances.argmin(axis=1)])
    assert len(model.landmarks_) == 200


def test_more_clusters_than_rows_or_than_distinct_rows():
    few = np.arange(6, dtype=np.float32)[:, None]
    with pytest.raises(DataError, match="n_clusters=7 needs at least 7 rows, got 6"):
        Agglomerative(n_clusters=7).fit(few, context=CONTEXT)
    with pytest.warns(CollapseWarning, match="only 2 of 6 rows are distinct"):
        model = Agglomerative(n_clusters=3).fit(few % 2, context=CONTEXT)
    assert list(model.labels_) == [0, 1] * 3
    assert (
        list(Agglomerative().fit(np.ones((4, 2), np.float32), context=CONTEXT).labels_) == [0] * 4
    )


def test_wrong_options_and_states_are_refused(rows):
    with pytest.raises(ConfigError, match="must be euclidean with linkage='ward'"):
        Agglomerative(metric="manhattan")
    model = Agglomerative(n_clusters=3).fit(rows[:40], context=CONTEXT)
    state = dict(model.get_state())
    with pytest.raises(StateError, match="leaves out a label"):
        Agglomerative().set_state(state | {"landmark_labels": state["landmark_labels"] * 2})
