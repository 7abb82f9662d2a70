"""PaCMAP: what the fit gives, where new rows go, and what is refused."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest
from n2d_more.pacmap import Pacmap
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from n2d_framework.plugin import ConfigError, DataError, FitContext, StateError

pytest.importorskip("pacmap")
CONTEXT = FitContext(seed=1, n_jobs=2)


@pytest.fixture(scope="module")
def rows():
    x, y = load_digits(return_X_y=True)
    return x[:700].astype(np.float32), y[:700], x[700:1000].astype(np.float32), y[700:1000]


@pytest.fixture(scope="module")
def model(rows):
    return Pacmap().fit(rows[0], context=CONTEXT)


def test_classes_lie_together_and_new_rows_among_theirs(rows, model):
    _, y, new, y_new = rows
    vote = KNeighborsClassifier(10).fit(model.embedding_, y)
    assert vote.score(model.embedding_, y) > 0.93
    assert vote.score(model.transform(new), y_new) > 0.9


def test_new_rows_go_where_the_package_leads_them(rows, model):
    from pacmap import pacmap

    train, _, new, _ = rows
    near, _ = model._search.query(new, 10)
    pairs = np.stack([np.repeat(np.arange(len(new)), 10) + len(train), near.ravel()], axis=1)
    placed = model.transform(new)

    def cost(at):
        pairs_of = np.ascontiguousarray(pairs, dtype=np.int32)
        both = np.concatenate([model.embedding_, at]).astype(np.float32)
        return float(pacmap.pacmap_grad_fit(both, pairs_of, 1.0)[-1, 0])

    start = model.embedding_[near[:, 0]]
    theirs, _ = pacmap.pacmap_fit(
        new, model.embedding_, 2, pairs.astype(np.int32), 1.0, (100, 100, 250), start, False,
        False, [],
    )  # fmt: skip
    assert cost(placed) < cost(start)
    assert cost(placed) < cost(theirs[len(train) :]) * 1.01


def test_a_row_is_placed_by_itself_and_a_known_one_where_it_is(rows, model):
    train, _, new, _ = rows
    placed = model.transform(new)
    for part in (slice(4, 5), slice(None, None, -1), slice(20, 50)):
        np.testing.assert_array_equal(model.transform(new[part]), placed[part])
    np.testing.assert_array_equal(model.transform(train[:9]), model.embedding_[:9])
    again = Pacmap()
    again.set_state(model.get_state())
    np.testing.assert_array_equal(again.transform(new), placed)


def test_the_same_seed_gives_the_same_bits_with_any_number_of_threads(rows):
    few = rows[0][:200]
    one, two, other = (
        Pacmap(n_iter=(20, 20, 40)).fit(few, context=FitContext(seed=seed, n_jobs=jobs)).embedding_
        for seed, jobs in ((1, 1), (1, 2), (2, 1))
    )
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    "changed",
    [{"n_neighbors": 15}, {"mn_ratio": 1.0}, {"fp_ratio": 1.0}, {"learning_rate": 0.3},
     {"n_iter": (10, 30, 40)}, {"metric": "manhattan"}, {"init": "random"}],
    ids=lambda options: next(iter(options)),
)  # fmt: skip
def test_every_option_changes_the_result(rows, changed):
    few, base = rows[0][:150], {"n_iter": (20, 20, 40)}
    plain = Pacmap(**base).fit(few, context=CONTEXT)
    found = Pacmap(**base | changed).fit(few, context=CONTEXT)
    assert np.isfinite(found.embedding_).all()
    assert not np.array_equal(found.embedding_, plain.embedding_)


def test_equal_rows_are_embedded_once(rows):
    few = np.concatenate([rows[0][:60], rows[0][:5]])
    model = Pacmap(n_iter=(20, 20, 40))
    placed = model.fit_transform(few, context=CONTEXT)
    assert model.embedding_.shape == (60, 2)
    np.testing.assert_array_equal(placed[60:], placed[:5])


def test_too_little_is_refused_with_the_remedy(rows):
    with pytest.raises(DataError, match="lower n_neighbors"):
        Pacmap().fit(rows[0][:20], context=CONTEXT)
    with pytest.raises(DataError, match="use init='random'"):
        Pacmap(n_components=5).fit(rows[0][:, :3], context=CONTEXT)
    with pytest.raises(ConfigError, match="three numbers"):
        Pacmap(n_iter=(1, 2, 3, 4))


def test_states_that_cannot_place_rows_are_refused(model):
    state = dict(model.get_state())
    state["embedding"] = np.full_like(state["embedding"], np.nan)
    with pytest.raises(StateError, match="embedding"):
        Pacmap().set_state(state)


def test_without_the_package_its_extra_is_named(monkeypatch):
    import n2d_framework as n2d

    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: None if name == "pacmap" else found(name, *more),
    )
    monkeypatch.delitem(sys.modules, "pacmap", raising=False)
    with pytest.raises(ConfigError, match=r"n2d-more\[pacmap\]"):
        n2d.N2D("identity", "pacmap", "kmeans", n_clusters=3).fit(np.eye(60, dtype=np.float32))
