"""Modularity of clusterings on the graph of neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import make_blobs

from n2d_framework.errors import DataError
from n2d_framework.metrics.neighbor_graph import NeighborGraph


@pytest.fixture(scope="module")
def blobs():
    return make_blobs(240, 5, centers=4, cluster_std=0.5, random_state=0)


def test_it_is_what_the_definition_says(blobs):
    x, y = blobs
    graph = NeighborGraph.of(x)
    adjacent = np.zeros((240, 240))
    adjacent[graph.first, graph.second] = 1
    np.testing.assert_array_equal(adjacent, adjacent.T)
    degrees, edges = adjacent.sum(axis=0), adjacent.sum()
    surplus = adjacent / edges - np.outer(degrees, degrees) / edges**2
    for labels in (y, np.arange(240) % 3):
        expected = surplus[labels[:, None] == labels].sum()
        assert graph.modularity(labels) == pytest.approx(expected)


def test_true_clusters_are_better_than_merged_split_and_random_ones(blobs):
    x, y = blobs
    graph, rng = NeighborGraph.of(x), np.random.default_rng(0)
    true = graph.modularity(y)
    assert true > 0.7
    assert true > graph.modularity(np.minimum(y, 2))
    assert true > graph.modularity(y * 2 + rng.integers(2, size=240))
    assert abs(graph.modularity(rng.integers(4, size=240))) < 0.05


def test_names_of_clusters_and_storage_of_rows_do_not_count(blobs):
    x, y = blobs
    graph = NeighborGraph.of(x)
    assert graph.modularity(np.array(["a", "b", "c", "d"])[y]) == graph.modularity(3 - y)
    for same in (csr_array(x), x.reshape(240, 5, 1), x.tolist()):
        assert NeighborGraph.of(same).modularity(y) == pytest.approx(graph.modularity(y))


def test_noise_lowers_it(blobs):
    x, y = blobs
    graph, noisy = NeighborGraph.of(x), y.copy()
    noisy[::3] = -1
    assert graph.modularity(noisy) < graph.modularity(y) - 0.1


@pytest.mark.parametrize("labels", [[0] * 240, [-1] * 240, [0] * 200 + [-1] * 40])
def test_fewer_than_two_clusters_have_none(blobs, labels):
    assert np.isnan(NeighborGraph.of(blobs[0]).modularity(labels))


def test_few_and_equal_rows_are_taken():
    assert np.isnan(NeighborGraph.of([[0.0]]).modularity([0]))
    assert NeighborGraph.of([[0.0], [1.0]]).modularity([0, 1]) == -0.5
    assert np.isfinite(NeighborGraph.of(np.zeros((30, 2))).modularity([0, 1] * 15))


def test_of_many_rows_a_part_is_drawn():
    x = np.random.default_rng(0).normal(size=(5_200, 2))
    graph = NeighborGraph.of(x)
    assert len(graph.chosen) == 5_000
    assert graph.modularity(x[:, 0] > 0) > 0.4


def test_wrong_rows_and_labels_are_refused(blobs):
    with pytest.raises(DataError, match="rows have no neighbours"):
        NeighborGraph.of([[0.0], [np.nan]])
    with pytest.raises(DataError, match="240"):
        NeighborGraph.of(blobs[0]).modularity([0, 1])
