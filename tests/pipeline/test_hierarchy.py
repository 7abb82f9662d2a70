"""The tree over clusters: cut at any level, through edits and bundles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage

import n2d_framework as n2d
from n2d_framework.errors import DataError, StateError, UnsupportedError
from n2d_framework.metrics import hierarchy
from n2d_framework.metrics.hierarchy import ClusterMeans, Hierarchy, leaf_order


@pytest.fixture(scope="module")
def line():
    """Clusters of 10, 20, 30 and 40 rows at 0, 4, 20 and 27."""
    centre = np.repeat([0.0, 4.0, 20.0, 27.0], [10, 20, 30, 40])
    noise = np.random.default_rng(0).normal(size=(100, 2)) * 0.3
    return np.stack([centre, np.zeros(100)], axis=1) + noise


@pytest.fixture
def model(line):
    return n2d.N2D(
        "identity", "identity", "kmeans", scaler="none", n_clusters=4, random_state=0
    ).fit(line)


def sizes(labels: np.ndarray) -> list[int]:
    return sorted(np.unique(labels, return_counts=True)[1].tolist())


@settings(max_examples=25, deadline=None)
@given(k=st.integers(1, 25), m=st.integers(1, 4), seed=st.integers(0, 50))
def test_single_rows_join_as_scipy_joins_them(k, m, seed):
    x = np.random.default_rng(seed).normal(size=(k, m))
    tree = Hierarchy.of(ClusterMeans.of(x, np.arange(k)))
    assert sorted(leaf_order(tree)) == list(range(k))
    if k > 1:
        expected = linkage(x, "ward")
        np.testing.assert_allclose(tree.linkage, expected, atol=1e-9)
        for number in range(1, k + 1):
            ours = np.array(list(tree.cut(number).values()))
            theirs = fcluster(expected, number, "maxclust")
            assert ((ours[:, None] == ours) == (theirs[:, None] == theirs)).all()


def test_means_of_clusters_count_as_often_as_they_have_rows(line):
    labels = np.repeat([0, 1, 2, 3], [10, 20, 30, 40])
    ours = Hierarchy.of(ClusterMeans.of(line, labels))
    rows = np.concatenate([np.repeat(line[labels == k].mean(axis=0)[None], n, axis=0)
                           for k, n in enumerate((10, 20, 30, 40))])  # fmt: skip
    np.testing.assert_allclose(ours.linkage[:, 2], linkage(rows, "ward")[-3:, 2])


@settings(max_examples=25, deadline=None)
@given(k=st.integers(1, 12), seed=st.integers(0, 50), data=st.data())
def test_means_follow_merged_and_deleted_clusters(k, seed, data):
    rng = np.random.default_rng(seed)
    before = np.concatenate([np.arange(k), rng.integers(-1, k, size=30)])
    becomes = np.array([*data.draw(st.lists(st.integers(-1, k), min_size=k, max_size=k)), -1])
    x, after = rng.normal(size=(len(before), 3)), becomes[before]
    found = ClusterMeans.of(x, before).edited(before, after)
    expected = ClusterMeans.of(x, after)
    assert found.ids.tolist() == expected.ids.tolist()
    assert found.sizes.tolist() == expected.sizes.tolist()
    np.testing.assert_allclose(found.means, expected.means, atol=1e-12)
    ClusterMeans.of_state(found.as_state())


def test_a_tree_over_very_many_clusters_is_refused(model, line, tmp_path, monkeypatch):
    monkeypatch.setattr(hierarchy, "MOST_CLUSTERS", 3)
    with pytest.raises(UnsupportedError, match=r"4 clusters are too many for a tree .* at most 3"):
        model.hierarchy()
    with pytest.raises(UnsupportedError, match="fit fewer clusters"):
        model.predict(line, level=2)
    page = model.report(tmp_path / "r.html", line).read_text(encoding="utf-8")
    assert "cluster 3" in page
    model.edit().merge([0, 1])
    assert len(model.hierarchy().ids) == 3


def test_predictions_are_cut_at_any_level(model, line):
    assert sizes(model.predict(line, level=4)) == [10, 20, 30, 40]
    assert sizes(model.predict(line, level=3)) == [30, 30, 40]
    assert sizes(model.predict(line, level=2)) == [30, 70]
    large = int(model.predict(line[-1:])[0])
    model.edit().rename({large: "large"})
    whole = model.predict(line, level=1)
    assert {model.cluster_names_[label] for label in whole.tolist()} == {"large"}
    assert model.hierarchy().cut(4) == {k: k for k in range(4)}
    for wrong in (0, 5, True):
        with pytest.raises(DataError, match="the model has 4 clusters; give a number from 1 to 4"):
            model.predict(line, level=wrong)


def test_the_tree_follows_edits_and_is_in_the_bundle(model, line, tmp_path):
    before = model.hierarchy().linkage
    small = sorted({int(k) for k in model.predict(line[[0, 10]])})
    model.edit().merge(small)
    assert sorted(model.hierarchy().sizes) == [30, 30, 40]
    np.testing.assert_allclose(model.hierarchy().linkage[:, 2], before[1:, 2])
    model.save(tmp_path / "m.n2d")
    again = n2d.load(tmp_path / "m.n2d")
    np.testing.assert_array_equal(again.hierarchy().linkage, model.hierarchy().linkage)
    assert again.predict(line, level=2).tolist() == model.predict(line, level=2).tolist()
    model.edit().split(small[0], 2).delete([int(model.predict(line[-1:])[0])])
    model.save(tmp_path / "m.n2d")
    parted = n2d.load(tmp_path / "m.n2d")
    assert sorted(parted.hierarchy().sizes) == [10, 20, 30]
    assert (parted.predict(line[-1:], level=1) == -1).all()
    for edited in (again, parted):
        edited.edit().undo(len(edited.edit().journal))
        np.testing.assert_allclose(edited.hierarchy().linkage, before)


def test_all_noise_and_one_cluster():
    x = np.random.default_rng(0).normal(size=(30, 2))
    empty = Hierarchy.of(ClusterMeans.of(x, np.full(30, -1)))
    with pytest.raises(DataError, match="the model has 0 clusters; there is nothing to join"):
        empty.cut(1)
    assert Hierarchy.of(ClusterMeans.of(x, np.zeros(30, dtype=int))).cut(1) == {0: 0}


@pytest.mark.parametrize(
    "change",
    [
        {"ids": np.array([1, 0])}, {"ids": np.array([0])}, {"sizes": np.array([0, 5])},
        {"means": np.full((2, 2), np.nan)}, {"means": np.zeros(2)}, {"sizes": np.zeros(2)},
    ],
)  # fmt: skip
def test_a_damaged_part_is_refused(change):
    whole = {"ids": np.arange(2), "sizes": np.array([3, 4]), "means": np.zeros((2, 2))}
    assert ClusterMeans.of_state(whole).sizes.tolist() == [3, 4]
    with pytest.raises(StateError, match="do not fit together"):
        ClusterMeans.of_state(whole | change)
