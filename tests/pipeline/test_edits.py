"""Edits of clusters: a journal that holds at once, survives reloading, and can be undone."""

from __future__ import annotations

import copy
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import n2d_framework as n2d
from n2d_framework.errors import ConfigError, DataError, UnsupportedError
from n2d_framework.pipeline.descriptions import names_that_hold


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
        ([("delete", [1.5])], "id of a cluster: must be an integer; got 1.5"),
        ([("delete", ["a"])], "id of a cluster: must be an integer; got 'a'"),
        ([("delete", 3)], "must be a list such as .*; got 3"),
        ([("merge", "01")], "must be a list such as .*; got '01'"),
        ([("rename", [0])], "names must be a mapping"),
        ([("rename", {0.0: "a"})], "id of a cluster: must be an integer; got 0.0"),
        ([("split", "a")], "id of a cluster: must be an integer; got 'a'"),
        ([("must_link", [0])], "must_link needs two different rows or more; got 1"),
        ([("cannot_link", [4, 4])], "cannot_link needs two different rows or more; got 1"),
        ([("must_link", [0, 1.5])], "row 1.5: rows are named by ids"),
        ([("must_link", 3)], "must_link needs two different rows"),
        ([("undo", 0)], "edits to undo: must be an integer of at least 1; got 0"),
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


def test_splitting_finds_the_parts_and_reassigning_the_nearest_cluster(model, blobs):
    before = model.labels_.copy()
    model.edit().merge([0, 1]).split(0, note="two blobs")
    kind, ids = model.edit().journal[-1]["kind"], model.edit().journal[-1]["ids"]
    assert (kind, ids[0], len(ids)) == ("split", 0, 2)
    for part in ids:
        assert len(np.unique(before[model.labels_ == part])) == 1
    assert model.predict(blobs).tolist() == model.labels_.tolist()
    shares = model.predict_proba(blobs)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    assert model.cluster_ids_.index(ids[1]) == ids[1]
    assert len(model.cluster_ids_) == shares.shape[1]
    assert (shares[model.labels_ == ids[1], ids[0]] == 0).all()
    assert (shares[model.labels_ == ids[1], ids[1]] > 0.4).all()
    model.edit().delete([2]).reassign_noise(method="nearest")
    assert -1 not in model.labels_
    moved, kept = before == 2, before != 2
    x = model.manifold_
    apart = ((x[moved][:, None] - x[kept][None]) ** 2).sum(axis=2)
    assert model.labels_[moved].tolist() == model.labels_[kept][apart.argmin(axis=1)].tolist()
    assert model.predict(blobs).tolist() == model.labels_.tolist()
    model.edit().undo().reassign_noise(max_distance=1e-6)
    assert (model.labels_[moved] == -1).all()
    model.edit().undo().reassign_noise(min_probability=0.99)
    unsure = model.labels_[moved] == -1
    model.edit().undo().reassign_noise()
    assert 0 < unsure.sum() <= moved.sum()
    assert -1 not in model.labels_


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda e: e.split(0), "split of cluster 0: nothing was found, its 20 rows do not fall"),
        (lambda e: e.split(0, 2.5), "n_clusters: must be an integer; got 2.5"),
        (lambda e: e.split(0, 1), "into 1 parts; it must be at least 2"),
        (
            lambda e: e.delete([0]).reassign_noise(method="density", min_probability=0.5),
            "min_probability is for methods propagation, probability, classifier",
        ),
        (lambda e: e.split(0, 21), "split of cluster 0: it has 20 different rows, too few for 21"),
        (lambda e: e.split(77), "split of cluster 77: there is no such cluster"),
        (lambda e: e.reassign_noise(), "reassign: there is no noise"),
        (lambda e: e.delete(range(5)).reassign_noise(), "reassign: there are no clusters"),
    ],
)
def test_what_cannot_be_split_or_reassigned_is_refused(blobs, edit, said):
    options = {"name": "gmm", "n_init": 1}
    model = n2d.N2D("identity", "identity", options, n_clusters=5, random_state=0).fit(blobs)
    with pytest.raises((DataError, ConfigError), match=said):
        edit(model.edit())
    assert model.predict(blobs).tolist() == model.labels_.tolist()


def test_a_loaded_model_needs_the_rows_for_its_first_split_alone(model, blobs, tmp_path):
    model.edit().merge([0, 1])
    model.save(tmp_path / "m.n2d")
    again = n2d.load(tmp_path / "m.n2d")
    with pytest.raises(UnsupportedError, match=r"give the rows, as in model\.edit"):
        again.edit().split(0)
    with pytest.raises(DataError, match="not the rows that the model was fitted on"):
        again.edit(blobs[::-1])
    again.edit(blobs).split(0)
    again.save(tmp_path / "m.n2d")
    twice = n2d.load(tmp_path / "m.n2d")
    twice.edit().split(3, 2)
    model.edit().split(0).split(3, 2)
    assert twice.labels_.tolist() == model.labels_.tolist()
    assert twice.predict(blobs).tolist() == model.predict(blobs).tolist()


def test_descriptions_of_edited_clusters_are_made_again_or_dropped(blobs, tmp_path):
    model = n2d.N2D(
        "identity", "identity", "kmeans", describe="summary", n_clusters=5, random_state=0
    ).fit(blobs)
    described = model.descriptions_["summary"]["clusters"]
    model.edit(blobs).rename({1: "one"})
    assert model.descriptions_["summary"]["clusters"] == described
    model.edit(blobs).merge([0, 3])
    again = model.descriptions_["summary"]["clusters"]
    assert {about["label"]: about["size"] for about in again} == {0: 40, 1: 20, 2: 20, 4: 20}
    assert again[2]["size"] == described[2]["size"]
    assert again[0]["features"][0]["mean"] == pytest.approx(blobs[model.labels_ == 0, 0].mean())
    model.edit().delete([4])
    assert model.descriptions_ == {}
    model.save(tmp_path / "m.n2d")
    assert n2d.load(tmp_path / "m.n2d").descriptions_ == {}


def test_names_of_untouched_clusters_outlive_edits_of_others():
    said = {
        "namer": {"clusters": [{"label": k, "name": f"n{k}", "others": 1} for k in range(3)]},
        "other": {"anything": 1},
    }
    before, after = np.array([0, 1, 2, 2]), np.array([0, 0, 2, 2])
    assert names_that_hold(said, before, before) == said
    kept = {"namer": {"clusters": [{"label": 2, "name": "n2"}]}}
    assert names_that_hold(said, before, after) == kept


METHODS = ["propagation", "nearest", "density", "probability", "classifier"]


def by_hand(edit: dict[str, Any], labels: np.ndarray, model: Any) -> np.ndarray:
    """Labels after an edit; the parts of a split as the model made them."""
    ids = edit["ids"]
    if edit["kind"] == "merge":
        return np.where(np.isin(labels, ids), ids[0], labels)
    if edit["kind"] == "delete":
        return np.where(np.isin(labels, ids), -1, labels)
    if edit["kind"] == "split":
        assert set(model.labels_[labels == ids[0]].tolist()) == set(ids)
        return np.where(labels == ids[0], model.labels_, labels)
    if edit.get("method", "nearest") != "nearest":
        assert -1 not in model.labels_
        return np.where(labels == -1, model.labels_, labels)
    if edit["kind"] == "reassign":
        x = model.manifold_
        apart = ((x[:, None] - x[labels != -1][None]) ** 2).sum(axis=2)
        return np.where(labels == -1, labels[labels != -1][apart.argmin(axis=1)], labels)
    return labels


def random_edit(data: Any, model: Any, states: list[np.ndarray]) -> None:
    """Make an edit, where there is one to make, and note the labels after it."""
    labels = states[-1]
    alive = sorted(set(labels.tolist()) - {-1})
    kinds = ["rename", "delete", "split", "link"] if alive else []
    kinds += ["merge"] if len(alive) > 1 else []
    kinds += ["reassign"] if alive and -1 in labels else []
    kinds += ["undo"] if len(states) > 1 else []
    kind = data.draw(st.sampled_from(kinds)) if kinds else ""
    editor: Any = model.edit()
    if kind == "undo":
        editor.undo()
        states.pop()
        return
    pick = st.lists(
        st.sampled_from(alive or [0]), unique=True, min_size=2 if kind == "merge" else 1
    )
    ids = data.draw(pick) if kind in ("rename", "split", "merge", "delete") else []
    if kind == "rename":
        editor.rename({ids[0]: data.draw(st.text("abc", min_size=1))})
    elif kind == "split":
        number = data.draw(st.integers(2, 3))
        if (labels == ids[0]).sum() < 2 * number:
            return
        refit = data.draw(st.booleans())
        if not (refit and model.composition_.choice("clusterer").spec.finds_n_clusters):
            editor.split(ids[0], number, refit=refit)
        else:
            try:
                editor.split(ids[0], refit=True)
            except DataError as error:  # one part, or none
                assert "nothing was found" in str(error)  # noqa: PT017
                return
    elif kind == "reassign":
        editor.reassign_noise(method=data.draw(st.sampled_from(METHODS)))
    elif kind == "link":
        rows = data.draw(st.lists(st.integers(0, 99), unique=True, min_size=2, max_size=3))
        link = data.draw(st.sampled_from(["must_link", "cannot_link"]))
        try:
            getattr(editor, link)(rows)
        except DataError:  # contradictory
            return
    elif kind:
        getattr(editor, kind)(ids)
    else:
        return
    # What links do to labels is tested by itself; here, that it lasts.
    linked = any(edit["kind"] in ("together", "apart") for edit in editor.journal)
    last = editor.journal[-1]
    states.append(model.labels_.copy() if linked else by_hand(last, labels, model))


def test_any_journal_replays_as_by_hand_and_in_another_process(fitted, blobs, tmp_path):
    saved: list[np.ndarray] = []
    np.save(tmp_path / "x.npy", blobs)

    @settings(max_examples=50, deadline=None)
    @given(data=st.data())
    def replay(data: Any) -> None:
        model = copy.deepcopy(fitted)
        states = [model.labels_.copy()]
        for _ in range(data.draw(st.integers(1, 6))):
            try:
                random_edit(data, model, states)
            except DataError:  # what earlier links forbid is refused, and nothing is changed
                assert any(edit["kind"] in ("together", "apart") for edit in model.edit().journal)
            assert model.labels_.tolist() == states[-1].tolist()
        assert model.predict(blobs).tolist() == states[-1].tolist()
        path = tmp_path / f"{len(saved)}.n2d"
        model.save(path)
        saved.append(np.hstack([model.predict(blobs)[:, None], model.predict_proba(blobs)]))
        again = n2d.load(path)
        if len(states) > 1:
            again.edit().undo()
            assert again.labels_.tolist() == states[-2].tolist()
            assert again.predict(blobs).tolist() == states[-2].tolist()

    replay()
    assert len(saved) >= 50
    code = (
        "import sys, numpy as np, n2d_framework as n2d\n"
        "folder, number = sys.argv[1], int(sys.argv[2])\n"
        "x = np.load(folder + '/x.npy')\n"
        "for i in range(number):\n"
        "    model = n2d.load(f'{folder}/{i}.n2d')\n"
        "    said = np.hstack([model.predict(x)[:, None], model.predict_proba(x)])\n"
        "    np.save(f'{folder}/{i}.npy', said)\n"
    )
    words = [sys.executable, "-c", code, str(tmp_path), str(len(saved))]
    subprocess.run(words, check=True, timeout=300)
    for i, said in enumerate(saved):
        np.testing.assert_array_equal(np.load(tmp_path / f"{i}.npy"), said)


def test_all_kinds_of_edits_replay_in_another_process(blobs, tmp_path):
    options = {"name": "gmm", "n_init": 1}
    model = n2d.N2D("identity", "identity", options, n_clusters=5, random_state=0).fit(blobs)
    model.edit().merge([0, 1]).split(0, 3).delete([2]).reassign_noise(max_distance=12.0)
    model.edit().rename({0: "first"}).delete([3]).split(4, 2)
    model.save(tmp_path / "m.n2d")
    new = (blobs + np.random.default_rng(1).normal(size=blobs.shape)).astype(np.float32)
    np.save(tmp_path / "x.npy", new)
    code = (
        "import sys, numpy as np, n2d_framework as n2d\n"
        f"model, x = n2d.load({str(tmp_path / 'm.n2d')!r}), np.load({str(tmp_path / 'x.npy')!r})\n"
        "np.savez(sys.argv[1], labels=model.predict(x), proba=model.predict_proba(x))\n"
    )
    out = tmp_path / "out.npz"
    subprocess.run([sys.executable, "-c", code, str(out)], check=True, timeout=120)
    with np.load(out) as found:
        assert found["labels"].tolist() == model.predict(new).tolist()
        np.testing.assert_array_equal(found["proba"], model.predict_proba(new))
    assert model.predict(new[:1]).tolist() == model.predict(new)[:1].tolist()


def test_bundles_with_edits_of_the_first_version_are_read():
    from n2d_builtin.refine.edits import Edit, Edits

    old = {"ids": np.arange(2), "becomes": np.zeros(2, dtype=np.int64), "width": 2, "changed": 1,
           "labels_before": np.array([0, 1])}  # fmt: skip
    edits = Edits(journal=(Edit(kind="merge", ids=(0, 1)),))
    edits.set_state(Edits.upgrade_state(old, 1))
    assert edits.refine(np.zeros((3, 2), np.float32), np.array([1, 0, -1])).tolist() == [0, 0, -1]
