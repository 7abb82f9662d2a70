"""Neighbours are searched once for all components that are fitted on the same rows."""

from __future__ import annotations

import numpy as np
import pytest

from n2d_builtin.neighbors import shared_neighbors as shared
from n2d_builtin.neighbors.neighbors import ExactNeighbors
from n2d_builtin.tsne.tsne import Tsne
from n2d_builtin.umap.umap import Umap
from n2d_framework.plugin import FitContext

ROWS = np.random.default_rng(0).normal(size=(120, 4)).astype(np.float32)


class Memory:
    """Remembers as a stage store does."""

    def __init__(self):
        self.kept, self.computed = {}, 0

    def __call__(self, name, depends_on, compute):
        key = name, tuple(sorted(depends_on.items()))
        if key not in self.kept:
            self.computed += 1
            self.kept[key] = compute()
        return self.kept[key]


@pytest.fixture
def memory(monkeypatch):
    monkeypatch.setattr(shared, "_FEW", 50)
    return Memory()


def test_they_are_the_nearest_rows_whether_remembered_or_not(memory):
    search = ExactNeighbors(ROWS)
    expected = search.query_self(10)
    for context in (FitContext(), FitContext(remember=memory), FitContext(remember=memory)):
        found = shared.shared_neighbors(search, 10, context)
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])
        assert found[0].dtype == np.int64
    assert memory.computed == 1


def test_all_rows_are_the_most_neighbours_there_are(memory):
    search = ExactNeighbors(ROWS[:60])
    found, _ = shared.shared_neighbors(search, 60, FitContext(remember=memory))
    np.testing.assert_array_equal(np.sort(found, axis=1), np.tile(np.arange(60), (60, 1)))


def test_umap_and_tsne_share_one_search(memory):
    context = FitContext(seed=1, remember=memory)
    one = Umap(n_neighbors=15, n_epochs=5).fit(ROWS, context=context)
    Umap(n_neighbors=20, n_epochs=5).fit(ROWS, context=context)
    Tsne(perplexity=6, n_iter=5, early_exaggeration_iter=5).fit(ROWS, context=context)
    assert memory.computed == 1
    alone = Umap(n_neighbors=15, n_epochs=5).fit(ROWS, context=FitContext(seed=1))
    np.testing.assert_array_equal(one.embedding_, alone.embedding_)


def test_on_wide_rows_they_share_one_search_even_with_their_defaults(memory):
    rows = np.random.default_rng(0).normal(size=(150, 30)).astype(np.float32)
    context = FitContext(seed=1, remember=memory)
    Umap(n_epochs=5).fit(rows, context=context)
    Tsne(n_iter=5, early_exaggeration_iter=5).fit(rows, context=context)
    assert memory.computed == 1


def test_landmarks_and_other_metrics_are_searched_on_their_own(memory):
    context = FitContext(seed=1, remember=memory)
    for options in ({}, {"max_landmarks": 80}, {"metric": "manhattan"}):
        Umap(n_neighbors=8, n_epochs=5, **options).fit(ROWS, context=context)
    assert memory.computed == 3


def test_few_rows_are_searched_again(memory):
    shared.shared_neighbors(ExactNeighbors(ROWS[:40]), 5, FitContext(remember=memory))
    assert memory.computed == 0
