"""Exact neighbours: right, deterministic, and the same in any company."""

from __future__ import annotations

import threading
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits

from n2d_builtin.common.threads import in_threads
from n2d_builtin.neighbors import neighbors
from n2d_builtin.neighbors.neighbors import TREE_WIDTH, ExactNeighbors
from n2d_builtin.neighbors.products import Products

SCIPY = {
    "euclidean": "euclidean",
    "manhattan": "cityblock",
    "chebyshev": "chebyshev",
    "cosine": "cosine",
}


@pytest.fixture(scope="module")
def digits():
    return load_digits().data[:400].astype(np.float32)


@pytest.mark.parametrize("metric", SCIPY)
@pytest.mark.parametrize("width", [10, 64])
def test_agrees_with_all_distances(digits, metric, width):
    x = np.ascontiguousarray(digits[:, 20 : 20 + width] if width == 10 else digits)
    assert (width > TREE_WIDTH) == (width == 64), "both kinds of search are tested"
    points, queries = x[:300] + 1, x[300:] + 1
    _, distances = ExactNeighbors(points, metric).query(queries, 12)
    every = np.sort(cdist(queries.astype(float), points.astype(float), SCIPY[metric]), axis=1)
    np.testing.assert_allclose(distances, every[:, :12], rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("metric", SCIPY)
@pytest.mark.parametrize("width", [10, 64])
def test_same_in_any_company(digits, metric, width):
    x = np.ascontiguousarray(digits[:, 20:30] if width == 10 else digits)
    search = ExactNeighbors(x[:300], metric)
    queries = x[50:]
    indices, distances = search.query(queries, 9)
    for rows in (slice(None, None, -1), slice(3, 10), slice(5, 6)):
        other = search.query(np.ascontiguousarray(queries[rows]), 9, n_jobs=2)
        np.testing.assert_array_equal(other[0], indices[rows])
        np.testing.assert_array_equal(other[1], distances[rows])


@pytest.mark.parametrize("width", [3, 40])
def test_ties_come_in_ascending_index(width):
    x = np.zeros((6, width), dtype=np.float32)
    x[3:, 0] = 1
    indices, distances = ExactNeighbors(x).query(x[:1], 6)
    assert indices[0].tolist() == [0, 1, 2, 3, 4, 5]
    assert distances[0].tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("width", [3, 40])
def test_a_row_comes_first_among_its_own_duplicates(width):
    x = np.zeros((30, width), dtype=np.float32)
    x[25:] = np.arange(5)[:, None] + 1
    indices, distances = ExactNeighbors(x).query_self(4)
    assert indices[:, 0].tolist() == list(range(30))
    assert (distances[:, 0] == 0).all()
    assert all(len(set(row)) == 4 for row in indices.tolist())


def test_zero_has_no_direction():
    x = np.array([[0, 0], [0, 0], [1, 0], [5, 0], [-1, 0]], dtype=np.float32)
    indices, distances = ExactNeighbors(x, "cosine").query(x[[0, 2]], 5)
    np.testing.assert_allclose(distances, [[0, 0, 1, 1, 1], [0, 0, 1, 1, 2]], atol=1e-12)
    assert indices[0, :2].tolist() == [0, 1]


def test_rows_too_long_for_float32_squares_are_still_found():
    x = np.eye(40, dtype=np.float32)
    far = np.zeros((1, 40), dtype=np.float32)
    far[0, 7] = 1e30
    indices, distances = ExactNeighbors(x).query(far, 2)
    assert (indices >= 0).all()
    assert np.isfinite(distances).all()


@pytest.mark.parametrize("k", [0, 6])
def test_refuses_an_impossible_number_of_neighbours(k):
    with pytest.raises(ValueError, match=r"between 1 and 5, got"):
        ExactNeighbors(np.eye(5, dtype=np.float32)).query(np.eye(5, dtype=np.float32), k)


@settings(max_examples=30, deadline=None)
@given(
    arrays(np.float32, st.tuples(st.integers(2, 20), st.sampled_from([2, 35])),
           elements=st.integers(-3, 3)),
    st.data(),
)  # fmt: skip
def test_any_points_agree_with_all_distances(x, data):
    k = data.draw(st.integers(1, len(x)))
    metric = data.draw(st.sampled_from(["euclidean", "manhattan", "chebyshev"]))
    indices, distances = ExactNeighbors(x, metric).query(x, k)
    every = cdist(x.astype(float), x.astype(float), SCIPY[metric])
    np.testing.assert_allclose(distances, np.sort(every, axis=1)[:, :k], rtol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(every, indices, axis=1), distances, rtol=1e-6)


@pytest.mark.parametrize(("metric", "exhaustive"), [("euclidean", True), ("manhattan", False)])
def test_without_products_trees_are_used_for_wider_rows(digits, metric, exhaustive):
    assert ExactNeighbors(np.ascontiguousarray(digits[:, :20]), metric).exhaustive == exhaustive


class _Plain(ExactNeighbors):
    """Looks at every point."""

    def _prepared_products(self, n_rows: int) -> None:
        return None


def _hard(kind: str) -> np.ndarray:
    """Rows for which products of matrices are at their least exact."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1200, 40)).astype(np.float32)
    return {
        "plain": lambda: x,
        "far from the origin": lambda: x + np.float32(3000),
        "duplicates": lambda: np.repeat(x[:12], 100, axis=0),
        "small integers": lambda: np.round(x),
        "one far away": lambda: np.vstack([x, np.full((1, 40), 1e7, np.float32)]),
        "tiny": lambda: x * np.float32(1e-21),
        "huge": lambda: x * np.float32(3e18),
        "some too long": lambda: np.vstack([x, np.full((1, 40), 1e25, np.float32)]),
        "sorted": lambda: x[np.argsort(-np.abs(x[:, 0]))] * np.arange(1, 41, dtype=np.float32),
    }[kind]()


@pytest.mark.parametrize(
    "kind",
    ["plain", "far from the origin", "duplicates", "small integers", "one far away", "tiny",
     "huge", "some too long", "sorted"],
)  # fmt: skip
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_ruling_points_out_changes_nothing(kind, metric):
    x = _hard(kind)
    assert x.shape[1] > TREE_WIDTH
    assert ExactNeighbors(x)._prepared_products(len(x)) is not None
    ruled, plain = ExactNeighbors(x, metric), _Plain(x, metric)
    for found, expected in zip(ruled.query_self(7), plain.query_self(7), strict=True):
        np.testing.assert_array_equal(found, expected)
    queries = np.ascontiguousarray(x[::-1]) + x[3]
    for found, expected in zip(
        ruled.query(queries, 5, n_jobs=2), plain.query(queries, 5), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(11, 300), st.floats(-6, 6), st.floats(0, 4))
def test_bounds_are_never_too_large(seed, width, scale, offset):
    rng = np.random.default_rng(seed)
    x = ((rng.normal(size=(90, width)) + 10.0**offset) * 10.0**scale).astype(np.float32)
    points, queries = x[:60], np.vstack([x[60:], x[:5] * np.float32(1 + 1e-6)])
    tiles, room = Products(points).bounds(queries)
    bounds = np.hstack([tile for _, tile in tiles]) - room[:, None]
    # the exact search itself rounds: its own error must be within the bounds, too
    every = cdist(queries.astype(float), points.astype(float), "sqeuclidean")
    assert (bounds <= every * (1 - 266 * 2.0**-24)).all()
    typical = np.median(every)
    assert np.median(every - bounds) < 0.05 * typical, "of no use, if they are far too small"


def _measured(points, queries, k):
    """The nearest points by distances in float64, ties by lower index."""
    squares = np.zeros((len(queries), len(points)))
    for f in range(points.shape[1]):
        squares += np.square(queries[:, f, None].astype(float) - points[None, :, f].astype(float))
    order = np.lexsort((np.broadcast_to(np.arange(len(points)), squares.shape), squares))[:, :k]
    return order, np.sqrt(np.take_along_axis(squares, order, axis=1))


@pytest.mark.parametrize(
    "kind",
    ["plain", "far from the origin", "duplicates", "small integers", "one far away", "tiny",
     "huge", "some too long"],
)  # fmt: skip
@pytest.mark.parametrize("width", [2, 9])
def test_leaves_find_exactly_what_all_distances_do(kind, width):
    points = np.ascontiguousarray(_hard(kind)[:, :width])
    queries = np.concatenate([points[::10], points[:30] + points[3], points[:1] * 1e5])
    search = ExactNeighbors(points, leaves=True)
    indices, distances = search.query(queries, 25, n_jobs=2)
    order, expected = _measured(points, queries, 25)
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_array_equal(distances, expected)
    one = search.query(queries[7:8], 25)
    np.testing.assert_array_equal(one[0][0], indices[7])
    np.testing.assert_array_equal(one[1][0], distances[7])


@pytest.mark.parametrize("metric", ["cosine", "hellinger", "haversine"])
def test_leaves_find_what_a_tree_does_among_rows_in_double_precision(metric):
    x = np.abs(np.random.default_rng(0).normal(size=(700, 2 if metric == "haversine" else 7)))
    x = np.minimum(x, 1.5).astype(np.float32)
    x[:, 0] += 1e-6 * np.arange(700, dtype=np.float32)
    found, expected = (
        ExactNeighbors(x[:600], metric, leaves=leaves).query(x[500:], 12)
        for leaves in (True, False)
    )
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])


@pytest.mark.parametrize("kind", ["plain", "duplicates", "small integers", "tiny", "huge"])
@pytest.mark.parametrize("n_jobs", [1, 3])
def test_many_points_are_searched_from_within_by_leaves(monkeypatch, kind, n_jobs):
    points = np.ascontiguousarray(np.tile(_hard(kind)[:, :7], (4, 1)))
    points[len(points) // 4 :] += points[:1]
    monkeypatch.setattr(neighbors, "_LEAVES_FROM", 0)
    monkeypatch.setattr(neighbors, "_ROWS_OF_LEAVES", 100)
    indices, distances = ExactNeighbors(points).query_self(12, n_jobs=n_jobs)
    _, expected = _measured(points, points, 12)
    np.testing.assert_array_equal(distances, expected)
    np.testing.assert_array_equal(indices[:, 0], np.arange(len(points)))
    apart = np.float64(points[indices]) - np.float64(points[:, None])
    np.testing.assert_allclose(np.sqrt(np.square(apart).sum(axis=2)), distances, rtol=1e-12)


@pytest.mark.parametrize("metric", ["cosine", "hellinger", "euclidean", "manhattan"])
def test_leaves_find_from_within_what_a_tree_does(monkeypatch, metric):
    x = np.abs(np.random.default_rng(1).normal(size=(900, 6))).astype(np.float32)
    expected = ExactNeighbors(x, metric).query_self(9, n_jobs=2)
    monkeypatch.setattr(neighbors, "_LEAVES_FROM", 800)
    found = ExactNeighbors(x, metric).query_self(9, n_jobs=2)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-12)


@settings(max_examples=30, deadline=None)
@given(
    arrays(np.float32, st.tuples(st.integers(1, 300), st.sampled_from([1, 3, 4])),
           elements=st.integers(-3, 3)),
    st.data(),
)  # fmt: skip
def test_leaves_take_equally_near_points_by_index(x, data):
    k = data.draw(st.integers(1, len(x)))
    indices, distances = ExactNeighbors(x, leaves=True).query(x, k)
    order, expected = _measured(x, x, k)
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_array_equal(distances, expected)


def test_threads_that_look_away_from_warnings_leave_them_as_they_were():
    """As compilers do: of two at once the first in is the first out."""
    first, second, left = threading.Event(), threading.Event(), threading.Event()

    def work(start: int, stop: int) -> None:
        if start:
            assert first.wait(10)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (second if start else first).set()
            assert (left if start else second).wait(10)
        left.set()

    before = list(warnings.filters)
    in_threads(work, 2, n_jobs=2, chunk=1)
    assert warnings.filters == before
