"""The approximate search: repeatable, the same in any company, its recall reported."""

from __future__ import annotations

import numpy as np
import pytest

from n2d_builtin.hdbscan.hdbscan import Hdbscan
from n2d_builtin.neighbors import cells as cells_module
from n2d_builtin.neighbors import neighbor_choice
from n2d_builtin.neighbors.cells import BY_CELLS, CellNeighbors
from n2d_builtin.neighbors.neighbors import ExactNeighbors
from n2d_builtin.tsne.tsne import Tsne
from n2d_builtin.umap.umap import Umap
from n2d_framework.plugin import ConfigError, FitContext, StateError

K = 12


@pytest.fixture(autouse=True)
def few_rows_have_cells(monkeypatch):
    monkeypatch.setattr(cells_module, "_CELL", 25)
    monkeypatch.setattr(cells_module, "_CHUNK", 64)


def clustered(n: int, width: int) -> np.ndarray:
    """Rows around 20 centres; positive, so that every metric takes them."""
    random = np.random.default_rng(0)
    centres = random.uniform(0.2, 1.2, (20, width))
    rows = centres[random.integers(0, 20, n)] + random.normal(0, 0.05, (n, width))
    return np.abs(rows).astype(np.float32)


def fitted(rows: np.ndarray, metric: str, n_jobs: int = 1, seed: int = 0) -> CellNeighbors:
    search = CellNeighbors(rows, metric)
    assert search.learn(K, seed=seed, n_jobs=n_jobs) is not None
    return search


def share(found: np.ndarray, exact: np.ndarray) -> float:
    return float(np.mean(found <= exact[:, -1:] * (1 + 1e-6) + 1e-9))


@pytest.mark.parametrize("metric", sorted(BY_CELLS))
def test_it_finds_what_it_says(metric):
    rows = clustered(1500, 2 if metric == "haversine" else 24)
    search = fitted(rows[:1200], metric)
    exact = ExactNeighbors(rows[:1200], metric)
    within, there = search.query_self(K), exact.query_self(K)
    assert share(within[1], there[1]) == pytest.approx(search.cells.recall, abs=0.01)
    assert search.cells.recall > 0.97
    # What is found is at its exact distance.
    new, distances = search.query(rows[1200:], K)
    every = exact.distances(rows[1200:])
    np.testing.assert_allclose(
        distances, np.take_along_axis(every, new, axis=1), rtol=1e-5, atol=1e-6
    )
    assert share(distances, exact.query(rows[1200:], K)[1]) > 0.95
    assert (within[0][:, 0] == np.arange(1200)).all()


@pytest.mark.parametrize("width", [4, 24])
def test_any_number_of_threads_and_any_batch_give_the_same_bits(width):
    rows = clustered(1500, width)
    points, new = rows[:1200], rows[1200:]
    one = fitted(points, "euclidean")
    expected = one.query(new, K)
    for n_jobs in (2, 4):
        search = fitted(points, "euclidean", n_jobs)
        np.testing.assert_array_equal(search.cells.centres, one.cells.centres)
        np.testing.assert_array_equal(search.cells.cell, one.cells.cell)
        assert (search.cells.probes, search.cells.recall) == (one.cells.probes, one.cells.recall)
        for found, wanted in zip(search.query(new, K, n_jobs=n_jobs), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)
    for part in (slice(5, 6), slice(None, None, -1), slice(17, 90)):
        for found, wanted in zip(
            one.query(np.ascontiguousarray(new[part]), K), expected, strict=True
        ):
            np.testing.assert_array_equal(found, wanted[part])


def test_the_seed_deals_the_cells():
    rows = clustered(1200, 24)
    one, other = (fitted(rows, "euclidean", seed=seed).cells for seed in (0, 1))
    assert not np.array_equal(one.centres, other.centres)


def test_equal_and_equally_near_rows_come_by_their_index():
    rows = np.repeat(np.arange(100, dtype=np.float32), 10)[:, None] * np.ones(3, np.float32)
    rows = rows[np.random.default_rng(0).permutation(len(rows))]
    search = CellNeighbors(rows, "euclidean")
    assert search.learn(8, seed=0, n_jobs=1) is not None
    indices, distances = search.query(rows[:50], 8)
    assert (distances == 0).all()
    for row, found in zip(rows[:50], indices, strict=True):
        equal = np.flatnonzero((rows == row).all(axis=1))
        np.testing.assert_array_equal(found, equal[:8])
    own, _ = search.query_self(4)
    np.testing.assert_array_equal(own[:, 0], np.arange(len(rows)))


def test_more_neighbours_than_the_cells_hold_are_all_found():
    rows = clustered(1200, 24)
    search, exact = fitted(rows, "euclidean"), ExactNeighbors(rows)
    indices, distances = search.query(rows[:20], 1200)
    np.testing.assert_array_equal(np.sort(indices, axis=1), np.tile(np.arange(1200), (20, 1)))
    np.testing.assert_allclose(distances, exact.query(rows[:20], 1200)[1], rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="between 1 and 1200, got 1201"):
        search.query(rows[:2], 1201)


@pytest.mark.parametrize("unit", [1e-30, 1e-12, 1e12, 1e30])
def test_the_unit_of_the_rows_does_not_count(unit):
    # A power of two changes no digit.
    factor = np.float32(2.0 ** np.round(np.log2(unit)))
    rows = clustered(1200, 24)
    plain, scaled = (fitted(x, "euclidean").query(x[:30], K) for x in (rows, rows * factor))
    np.testing.assert_array_equal(plain[0], scaled[0])
    np.testing.assert_allclose(scaled[1], plain[1] * float(factor), rtol=1e-6)


@pytest.mark.parametrize("n", [13, 60, 300])
def test_rows_without_cells_are_searched_exactly(n, caplog):
    caplog.set_level("INFO")
    rows = np.random.default_rng(0).normal(size=(n, 40)).astype(np.float32)
    found = neighbor_choice.find_neighbors(
        rows, "euclidean", rows, K, FitContext(), algorithm="approximate", name="umap"
    )
    assert found.cells is None
    np.testing.assert_array_equal(found.indices, ExactNeighbors(rows).query_self(K)[0])
    assert "the search is exact" in caplog.text


def components(**options):
    return {
        "umap": Umap(n_neighbors=K, n_epochs=5, transform_epochs=3, **options),
        "tsne": Tsne(
            perplexity=4, n_iter=5, early_exaggeration_iter=5, transform_iter=3, **options
        ),
        "hdbscan": Hdbscan(min_samples=K - 1, **options),
    }


@pytest.mark.parametrize("name", ["umap", "tsne", "hdbscan"])
def test_components_report_the_recall_and_keep_the_search_in_their_state(name):
    rows = clustered(1500, 24)
    points, new = rows[:1200], rows[1200:]
    model = components(neighbors_algorithm="approximate")[name].fit(points, context=FitContext())
    assert 0.97 < model.neighbor_recall_ <= 1
    answer = "predict" if name == "hdbscan" else "transform"
    again = components(neighbors_algorithm="approximate")[name]
    state = model.get_state()
    again.set_state(state)
    assert again.neighbor_recall_ == model.neighbor_recall_
    np.testing.assert_array_equal(getattr(again, answer)(new), getattr(model, answer)(new))
    np.testing.assert_array_equal(
        getattr(again, answer)(new[7:8]), getattr(model, answer)(new)[7:8]
    )
    exact = components()[name].fit(points, context=FitContext())
    assert exact.neighbor_recall_ == 1
    assert "cells" not in str(list(exact.get_state()))
    holder = state["space"] if name == "hdbscan" else state
    for fault, match in (
        ({"probes": 10**6}, "'probes' is 1000000"),
        ({"cell": holder["cells"]["cell"] + 10**6}, "names cells beyond"),
        ({"centres": holder["cells"]["centres"][:, :3]}, "centres of 3 features, not 24"),
        ({"cell": holder["cells"]["cell"][:-1]}, "cell"),
    ):
        broken = {**holder, "cells": {**holder["cells"], **fault}}
        with pytest.raises(StateError, match=match):
            components()[name].set_state(
                {**state, "space": broken} if name == "hdbscan" else broken
            )


@pytest.mark.parametrize("name", ["umap", "tsne", "hdbscan"])
def test_auto_is_exact_up_to_many_rows(name, monkeypatch):
    rows = clustered(1000, 24)
    recalls = []
    for many in (1000, 999):
        monkeypatch.setattr(neighbor_choice, "MANY_ROWS", many)
        model = components()[name].fit(rows, context=FitContext())
        recalls.append(model.neighbor_recall_)
        assert ("cells" in str(model.get_state())) == (many == 999)
    assert recalls[0] == 1


def test_hdbscan_is_exact_for_narrow_rows_however_many(monkeypatch):
    monkeypatch.setattr(neighbor_choice, "MANY_ROWS", 500)
    rows = clustered(1000, 10)
    model = components()["hdbscan"].fit(rows, context=FitContext())
    assert model.neighbor_recall_ == 1
    assert "cells" not in model.get_state()["space"]


@pytest.mark.parametrize("component", [Umap, Tsne, Hdbscan])
@pytest.mark.parametrize("metric", ["manhattan", "jaccard", "precomputed"])
def test_metrics_without_cells_are_refused_or_searched_exactly(component, metric):
    with pytest.raises(ConfigError, match=r"neighbors_algorithm.*got '" + metric):
        component(metric=metric, neighbors_algorithm="approximate")
    assert component(metric=metric).neighbors_algorithm == "auto"
