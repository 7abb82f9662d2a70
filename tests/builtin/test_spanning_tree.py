"""The spanning tree of many rows: exact, and the same with any number of threads."""

from __future__ import annotations

import numpy as np
import pytest
from hdbscan.hdbscan_ import label
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import cdist
from sklearn.metrics import adjusted_rand_score

from n2d_builtin.hdbscan import hdbscan_library
from n2d_builtin.hdbscan.hdbscan import Hdbscan
from n2d_builtin.hdbscan.spanning_tree import spanning_tree
from n2d_builtin.hdbscan.spanning_tree_kernel import single_linkage
from n2d_builtin.neighbors.neighbors import ExactNeighbors
from n2d_framework.errors import DeadlineError
from n2d_framework.plugin import FitContext, Resources


def blobs(n: int, width: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    scales = random.choice([0.2, 1.0, 3.0], n)[:, None]
    centres = random.integers(0, 4, (n, 1)) * 9
    return (centres + random.normal(size=(n, width)) * scales).astype(np.float32)


def reach_of(x: np.ndarray, core: np.ndarray, alpha: float) -> np.ndarray:
    apart = cdist(x.astype(float), x.astype(float)) / alpha
    return np.maximum(np.maximum(apart, core[:, None]), core[None])


@pytest.mark.parametrize(
    ("n", "width", "alpha"),
    [(2, 1, 1.0), (40, 12, 1.0), (600, 2, 1.0), (1200, 5, 1.4), (1200, 3, 0.6), (700, 70, 1.0)],
)
def test_it_is_least_and_the_same_with_any_threads(n, width, alpha):
    x = blobs(n, width)
    known = ExactNeighbors(x).query_self(min(n, 7))
    edges = spanning_tree(x, *known, alpha=alpha, n_jobs=1)
    reach = reach_of(x, known[1][:, -1], alpha)
    ends = edges[:, :2].astype(int)
    np.testing.assert_allclose(edges[:, 2], reach[ends[:, 0], ends[:, 1]], rtol=1e-6)
    # Zeros would be no edges.
    wanted = minimum_spanning_tree(np.where(np.eye(n) == 1, 0, reach)).data
    np.testing.assert_allclose(np.sort(edges[:, 2]), np.sort(wanted), rtol=1e-6)
    for n_jobs in (2, 4):
        again = spanning_tree(x, *known, alpha=alpha, n_jobs=n_jobs)
        np.testing.assert_array_equal(edges, again)


@pytest.mark.parametrize("shape", ["chain", "star", "random", "one edge"])
def test_single_linkage_is_that_of_the_package(shape):
    random = np.random.default_rng(3)
    n = 2 if shape == "one edge" else 500
    ends = np.arange(1, n)
    others = {"chain": ends - 1, "star": 0 * ends}.get(shape, random.integers(0, ends))
    numbers = random.permutation(n)
    edges = np.column_stack(
        [numbers[ends], numbers[others], np.sort(random.integers(0, 50, n - 1))]
    )
    edges = edges.astype(np.float64)
    if shape == "random":
        edges[:, :2] = edges[random.permutation(n - 1), :2]
    found = np.empty((n - 1, 4))
    single_linkage(edges, found)
    np.testing.assert_array_equal(found, label(edges))


def test_rows_on_a_grid_whose_distances_are_all_ties():
    x = np.stack(np.meshgrid(np.arange(30.0), np.arange(30.0)), axis=-1).reshape(-1, 2)
    x = x.astype(np.float32)
    known = ExactNeighbors(x).query_self(5)
    edges = [spanning_tree(x, *known, alpha=1.0, n_jobs=n_jobs) for n_jobs in (1, 3)]
    np.testing.assert_array_equal(*edges)
    reach = reach_of(x, known[1][:, -1], 1.0)
    np.fill_diagonal(reach, 0)
    assert edges[0][:, 2].sum() == pytest.approx(minimum_spanning_tree(reach).sum())


def test_neighbours_that_are_wrong_do_not_make_the_tree_wrong():
    x = blobs(800, 3)
    indices, distances = ExactNeighbors(x).query_self(6)
    lonely = np.repeat(np.arange(len(x))[:, None], 6, axis=1)
    edges = spanning_tree(x, lonely, distances, alpha=1.0, n_jobs=2)
    known = spanning_tree(x, indices, distances, alpha=1.0, n_jobs=2)
    np.testing.assert_allclose(np.sort(edges[:, 2]), np.sort(known[:, 2]), rtol=1e-6)


@pytest.mark.parametrize("options", [{}, {"alpha": 1.3}, {"cluster_selection_method": "leaf"}])
@pytest.mark.parametrize("unit", [2.0**-40, 1.0, 2.0**40])
def test_hdbscan_gives_the_labels_of_the_library(monkeypatch, options, unit):
    x = blobs(1500, 3, seed=2)
    x = np.concatenate([x, x[:200], x[:40]]) * np.float32(unit)
    by_library = Hdbscan(approx_min_span_tree=False, **options).fit(x, context=FitContext())
    monkeypatch.setattr(hdbscan_library, "MANY_ROWS", 100)
    ours = Hdbscan(**options).fit(x, context=FitContext(n_jobs=2))
    assert ours.n_clusters_ == by_library.n_clusters_ > 1
    assert adjusted_rand_score(ours.labels_, by_library.labels_) > 0.99
    np.testing.assert_array_equal(ours.predict(x), ours.labels_)


def test_it_ends_at_the_deadline(monkeypatch):
    monkeypatch.setattr(hdbscan_library, "MANY_ROWS", 100)
    context = FitContext(resources=Resources(deadline=0.0))
    with pytest.raises(DeadlineError):
        Hdbscan().fit(blobs(500, 3), context=context)
