"""Trees that clusterers know: overlap of components, the condensed tree; and edits of these."""

from __future__ import annotations

import numpy as np
import pytest

import n2d_framework as n2d

CENTRES = np.array([[0.0, 0], [8, 0], [50, 0], [50, 9], [120, 80]])


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return (CENTRES[np.repeat(np.arange(5), 40)] + rng.normal(size=(200, 2))).astype(np.float32)


@pytest.fixture(scope="module", params=["gmm", "hdbscan"])
def model(request, rows):
    options = {
        "gmm": {"name": "gmm", "n_init": 1},
        "hdbscan": {
            "name": "hdbscan", "min_cluster_size": 25, "cluster_selection_method": "leaf"
        },
    }[request.param]  # fmt: skip
    model = n2d.N2D(
        "identity", "identity", options, scaler="none", n_clusters=5, random_state=0
    ).fit(rows)
    assert model.n_clusters_ == 5
    return model


def blob_of(model, rows, blob: int) -> int:
    found = model.labels_[40 * blob : 40 * blob + 40]
    return int(np.bincount(found[found >= 0]).argmax())


def test_neighbours_join_first_and_the_tree_follows_the_bundle(model, rows, tmp_path):
    tree = model.hierarchy()
    first = [blob_of(model, rows, blob) for blob in range(5)]
    groups = {frozenset(group) for group in tree.groups(3)}
    assert groups == {frozenset(first[:2]), frozenset(first[2:4]), frozenset(first[4:])}
    assert (np.diff(tree.linkage[:, 2]) >= 0).all()
    assert tree.linkage[-1, 3] == 5
    joins = model.clusterer_.cluster_joins()
    assert joins.shape == (4, 3)
    model.save(tmp_path / "m.n2d")
    again = n2d.load(tmp_path / "m.n2d")
    np.testing.assert_array_equal(again.hierarchy().linkage, tree.linkage)
    coarse = again.predict(rows, level=3)
    assert len(np.unique(coarse[coarse >= 0])) == 3


def test_edits_join_or_leave_out_clusters_of_the_tree(model, rows, tmp_path):
    model.save(tmp_path / "m.n2d")
    edited = n2d.load(tmp_path / "m.n2d")
    first = [blob_of(model, rows, blob) for blob in range(5)]
    edited.edit().merge([first[0], first[4]]).delete([first[2]])
    tree = edited.hierarchy()
    assert set(tree.ids) == {first[0], first[1], first[3]}
    assert tree.linkage.shape == (2, 4)
    assert tree.linkage[-1, 3] == 3
    edited.edit(rows).split(first[3], 2)
    assert len(edited.hierarchy().ids) == 4
    assert edited.hierarchy().linkage.shape == (3, 4)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_joins_of_every_covariance_and_of_few_components(rows, covariance_type):
    for n_clusters in (1, 2, 5):
        options = {"name": "gmm", "n_init": 1, "covariance_type": covariance_type}
        model = n2d.N2D(
            "identity", "identity", options, scaler="none", n_clusters=n_clusters, random_state=0
        ).fit(rows)
        joins = model.clusterer_.cluster_joins()
        assert joins.shape == (n_clusters - 1, 3)
        assert np.isfinite(joins).all()
        assert (np.diff(joins[:, 0]) >= 0).all()
        assert model.hierarchy().linkage.shape == (n_clusters - 1, 4)
