"""Edits of clusters: a journal that holds at once, survives reloading, and can be undone."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import n2d_framework as n2d
from n2d_framework.errors import ConfigError, DataError


@pytest.fixture(scope="module")
def blobs():
    rng = np.random.default_rng(0)
    centres = 10.0 * np.array([[0, 0], [1, 0], [0, 1], [1, 1], [2, 2]])
    return (centres[np.repeat(np.arange(5), 20)] + rng.normal(size=(100, 2))).astype(np.float32)


@pytest.fixture(scope="module", params=["gmm", "hdbscan"])
def fitted(request, blobs):
    options = {"gmm": {"name": "gmm", "n_init": 1}, "hdbscan": {"name": "hdbscan",
               "min_cluster_size": 8}}[request.param]  # fmt: skip
    return n2d.N2D("identity", "identity", options, n_clusters=5, random_state=0).fit(blobs)


@pytest.fixture
def model(fitted):
    return copy.deepcopy(fitted)


def test_edits_hold_at_once_for_labels_predictions_and_probabilities(model, blobs):
    before, proba = model.labels_.copy(), model.predict_proba(blobs)
    model.edit().merge([3, 1], name="pair").delete([2]).rename({0: "first"})
    expected = np.where(before == 1, 3, np.where(before == 2, -1, before))
    assert model.labels_.tolist() == expected.tolist()
    assert model.predict(blobs).tolist() == expected.tolist()
    assert model.n_clusters_ == 3
    assert model.cluster_names_ == {3: "pair", 0: "first"}
    after = model.predict_proba(blobs)
    np.testing.assert_allclose(after.sum(axis=1), 1.0)
    np.testing.assert_array_equal(after[:, 3], proba[:, 3] + proba[:, 1])
    assert (after[:, [1, 2]] == 0).all()
    assert (after[before == 2, -1] > 0.5).all()
    assert [item["kind"] for item in model.edit().journal] == ["merge", "delete", "rename"]


def test_undo_restores_every_label_even_after_reloading(model, blobs, tmp_path):
    before = model.labels_.copy()
    model.edit(by="me", at="today").merge([0, 4], note="alike").delete([1])
    model.save(tmp_path / "edited.n2d")
    again = n2d.load(tmp_path / "edited.n2d")
    assert again.labels_.tolist() == model.labels_.tolist()
    assert again.predict(blobs).tolist() == model.predict(blobs).tolist()
    assert again.edit().journal == model.edit().journal
    assert again.edit().journal[0] == {
        "kind": "merge", "ids": [0, 4], "name": "", "by": "me", "note": "alike", "at": "today",
    }  # fmt: skip
    assert n2d.verify(tmp_path / "edited.n2d").ok
    for edited in (model, again):
        edited.edit().undo(2)
        assert edited.labels_.tolist() == before.tolist()
        assert edited.predict(blobs).tolist() == before.tolist()
        assert edited.edit().journal == ()


def test_edits_are_part_of_the_parameters_and_are_replayed_by_fitting_again(model, blobs):
    from sklearn.base import clone

    model.edit().merge([2, 3])
    again = clone(model).fit(blobs)
    assert again.labels_.tolist() == model.labels_.tolist()
    assert again.edit().journal == model.edit().journal


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        ([("merge", [0, 9])], "cluster 9: there is no such cluster; clusters are 0, 1, 2, 3, 4"),
        ([("merge", [0, 1]), ("delete", [1])], "cluster 1: it was merged into 0"),
        (
            [("delete", [4]), ("merge", [4, 0])],
            "cluster 4: it was deleted; clusters are 0, 1",
        ),
        ([("merge", [0])], "merge needs two different ids"),
        ([("merge", [1, 1])], "merge needs two different ids"),
        ([("delete", [])], "delete needs an id"),
        ([("delete", [-1])], "ids"),
    ],
)
def test_an_edit_that_cannot_be_made_changes_nothing(model, blobs, edits, said):
    editor = model.edit()
    for kind, ids in edits[:-1]:
        getattr(editor, kind)(ids)
    before, journal = model.labels_.copy(), editor.journal
    kind, ids = edits[-1]
    with pytest.raises((DataError, ConfigError), match=said):
        getattr(editor, kind)(ids)
    assert model.labels_.tolist() == before.tolist()
    assert editor.journal == journal
    assert model.predict(blobs).tolist() == before.tolist()


def test_what_cannot_be_undone_is_refused(model):
    with pytest.raises(DataError, match="there are 0 edits to undo"):
        model.edit().undo()
    with pytest.raises(ConfigError, match="rename needs one id and a name"):
        model.edit().rename({0: " "})


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_any_journal_replays_as_by_hand_and_after_reloading(fitted, blobs, data, tmp_path_factory):
    model = copy.deepcopy(fitted)
    expected, alive, states = model.labels_.copy(), set(range(5)), [model.labels_.copy()]
    for _ in range(data.draw(st.integers(1, 5))):
        kinds = ["rename", *(["delete"] if alive else []), *(["merge"] if len(alive) > 1 else [])]
        if not alive:
            break
        kind = data.draw(st.sampled_from(kinds))
        pick = st.lists(st.sampled_from(sorted(alive)), unique=True, max_size=len(alive),
                        min_size=2 if kind == "merge" else 1)  # fmt: skip
        ids = data.draw(pick)
        editor: Any = model.edit()
        if kind == "rename":
            editor.rename({ids[0]: data.draw(st.text("abc", min_size=1))})
        elif kind == "merge":
            editor.merge(ids)
            expected = np.where(np.isin(expected, ids), ids[0], expected)
            alive -= set(ids[1:])
        else:
            editor.delete(ids)
            expected = np.where(np.isin(expected, ids), -1, expected)
            alive -= set(ids)
        states.append(expected.copy())
        assert model.labels_.tolist() == expected.tolist()
    assert model.predict(blobs).tolist() == expected.tolist()
    path = tmp_path_factory.mktemp("edits") / "m.n2d"
    model.save(path)
    again = n2d.load(path)
    assert again.predict(blobs).tolist() == expected.tolist()
    np.testing.assert_array_equal(again.predict_proba(blobs), model.predict_proba(blobs))
    again.edit().undo()
    assert again.labels_.tolist() == states[-2].tolist()
