from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from n2d_framework.errors import DataError
from n2d_framework.metrics import accuracy, match_clusters, match_labels

pairs = st.integers(1, 30).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 3), min_size=n, max_size=n),
        st.lists(st.integers(-1, 3), min_size=n, max_size=n),
    )
)


def brute_force(y, labels):
    """Best accuracy over all one-to-one maps of clusters to classes (padded by dummies)."""
    y, labels = np.asarray(y), np.asarray(labels)
    clusters = sorted(set(labels.tolist()))
    classes = sorted(set(y.tolist())) + [None] * len(clusters)
    best = 0
    for chosen in permutations(range(len(classes)), len(clusters)):
        mapping = {c: classes[k] for c, k in zip(clusters, chosen, strict=True)}
        best = max(best, sum(mapping[c] == t for c, t in zip(labels.tolist(), y, strict=True)))
    return best / len(y)


@settings(max_examples=40, deadline=None)
@given(pairs)
def test_accuracy_is_the_best_over_all_matchings(pair):
    assert accuracy(*pair) == pytest.approx(brute_force(*pair))


@settings(max_examples=40, deadline=None)
@given(pairs, st.permutations(range(5)))
def test_accuracy_ignores_the_names_of_clusters_and_classes(pair, names):
    y, labels = pair
    renamed = [names[label + 1] for label in labels]
    assert accuracy(y, renamed) == accuracy(y, labels)
    assert accuracy([f"class {names[c]}" for c in y], labels) == accuracy(y, labels)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=50))
def test_relabelled_truth_is_perfect(y):
    assert accuracy(y, [(3 * c + 2) % 7 for c in y]) == 1.0


def test_surplus_clusters_and_classes_are_errors():
    assert accuracy([0, 0, 0, 0], [0, 0, 1, 2]) == 0.5
    assert accuracy([0, 0, 1, 2], [5, 5, 5, 5]) == 0.5


def test_noise_takes_part_as_a_cluster():
    assert accuracy([0, 0, 1, 1], [-1, -1, 0, 0]) == 1.0
    assert accuracy([0, 0, 1, 1], [0, -1, 1, -1]) == 0.5


@pytest.mark.parametrize(
    "y",
    [
        ["a", "a", "b", "b"],
        np.array([1.5, 1.5, 2.5, 2.5], dtype=np.float32),
        np.array([True, True, False, False]),
        np.array(["x", "x", 7, 7], dtype=object),
        pd.Series(["u", "u", "v", "v"], dtype="category"),
        pd.Series([1, 1, 2, 2], dtype="Int64"),
        pd.array(["p", "p", "q", "q"], dtype="string"),
        np.array(["2020-01-01", "2020-01-01", "2021-01-01", "2021-01-01"], dtype="datetime64[D]"),
        np.array([b"l", b"l", b"m", b"m"]),
    ],
    ids=lambda y: str(getattr(y, "dtype", type(y).__name__)),
)
def test_classes_of_any_type(y):
    assert accuracy(y, [3, 3, 0, 0]) == 1.0
    assert accuracy([3, 3, 0, 0], y) == 1.0
    matched = match_labels(y, [3, 3, 0, 0])
    assert len(matched) == 4
    assert matched[0] == matched[1] != matched[2] == matched[3]


def test_match_clusters_names_the_class_of_each_cluster():
    assert match_clusters(["a", "a", "b", "c"], [2, 2, 7, -1]) == {2: "a", 7: "b"}
    assert match_clusters([0, 1], [-1, -1]) == {}


def test_match_labels_keeps_noise_and_gives_spare_clusters_values_of_their_own():
    y = [0, 0, 0, 1, 1, 1]
    matched = match_labels(y, [4, 4, 6, 5, 5, -1])
    assert matched.dtype == np.int64
    assert matched.tolist() == [0, 0, 2, 1, 1, -1]
    words = match_labels(["a", "a", "a", "b", "b", "b"], [4, 4, 6, 5, 5, -1])
    assert words.tolist() == ["a", "a", "cluster 6", "b", "b", -1]
    floats = match_labels([0.5, 0.5, 2.5], [1, 1, 0])
    assert floats.dtype == np.float64
    assert floats.tolist() == [0.5, 0.5, 2.5]


@settings(max_examples=40, deadline=None)
@given(pairs)
def test_matched_labels_agree_with_the_classes_as_often_as_accuracy_says(pair):
    y, labels = (np.asarray(values) for values in pair)
    inside = labels >= 0
    if inside.any():
        agreement = (match_labels(y, labels)[inside] == y[inside]).mean()
        assert agreement == pytest.approx(accuracy(y[inside], labels[inside]))
    assert (match_labels(y, labels)[~inside] == -1).all()


def test_mismatched_lengths_are_refused():
    with pytest.raises(DataError, match="y has 5 rows, labels have 8"):
        accuracy([0] * 5, [0] * 8)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0.0, float("nan")], "missing value, first in row 1"),
        ([None, "a"], "missing value, first in row 0"),
        (pd.Series([1, pd.NA], dtype="Int64"), "missing value, first in row 1"),
        (np.array(["NaT", "2020-01-01"], dtype="datetime64[D]"), "missing value, first in row 0"),
        ([[0, 1], [1, 0]], "one-dimensional"),
        (np.array([{}, {}], dtype=object), "cannot be labels"),
    ],
)
def test_unusable_classes_are_refused(y, message):
    with pytest.raises(DataError, match=message):
        accuracy(y, [0, 1])


def test_no_rows_and_continuous_targets_are_refused():
    with pytest.raises(DataError, match="no rows"):
        accuracy([], [])
    many = np.arange(20_000)
    with pytest.raises(DataError, match="really classes"):
        accuracy(many, many)
