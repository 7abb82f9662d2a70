"""The number of clusters, chosen without classes; clusters followed through an update; links."""

from __future__ import annotations

import copy
import json

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn.base
from hypothesis import given, settings
from hypothesis import strategies as st

import n2d_framework as n2d
from n2d_framework.errors import ConfigError, DataError, UnsupportedError
from n2d_framework.metrics.succession import succession

GMM = {"name": "gmm", "n_init": 1}
KMEANS = {"name": "kmeans", "n_init": 1}


def blobs(centres, n: int = 60, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = 12.0 * np.asarray(centres, dtype=float)[np.repeat(np.arange(len(centres)), n)]
    return (x + rng.normal(size=x.shape)).astype(np.float32)


FOUR = [[0, 0], [1, 0], [0, 1], [1, 1]]


def unfitted(clusterer="gmm", **more):
    given = GMM if clusterer == "gmm" else clusterer
    return n2d.N2D("identity", "identity", given, scaler="none", random_state=0, **more)


@pytest.fixture(scope="module")
def chosen():
    model = unfitted()
    return model, model.choose_n_clusters(blobs(FOUR), range(2, 8), resamples=1)


def test_the_number_of_separate_clusters_is_found_by_every_criterion(chosen):
    model, found = chosen
    assert found.n_clusters == model.n_clusters_ == 4
    assert found.best == {"silhouette": 4, "stability": 4, "bic": 4}
    assert found.candidates == (2, 3, 4, 5, 6, 7)
    assert found.scores["stability"][2] == pytest.approx(1.0)
    assert json.loads(json.dumps(found.as_dict())) == found.as_dict()
    again = type(found).of_dict(found.as_dict())
    assert (again.as_dict(), again.best) == (found.as_dict(), found.best)
    assert model.numbers_of_clusters_ is found
    alone = unfitted({**GMM, "n_clusters": 4}).fit(blobs(FOUR))
    assert model.labels_.tolist() == alone.labels_.tolist()
    assert model.fit(blobs(FOUR)).n_clusters_ == 4
    assert not hasattr(model, "numbers_of_clusters_")


def test_what_comes_before_the_clusterer_is_fitted_once(tmp_path):
    seen = []
    model = unfitted(store=tmp_path, listeners=[lambda event: seen.append(event)])
    model.choose_n_clusters(blobs(FOUR), [3, 4, 5], resamples=1, by="bic")
    ended = {e.role: e.cached for e in seen if type(e).__name__ == "StageFinished"}
    assert ended == {"embedder": True, "manifolder": True, "clusterer": True}


@pytest.mark.parametrize(
    ("candidates", "more", "error", "said"),
    [
        ([3], {}, ConfigError, "2 to 200 different numbers, got 1"),
        ([1, 3], {}, ConfigError, "at least 2, got 1"),
        ([2, 2.5], {}, ConfigError, "at least 2, got 2.5"),
        ([2, True], {}, ConfigError, "got True"),
        (range(2, 400), {}, ConfigError, "got 398"),
        ([2, 3], {"resamples": 0}, ConfigError, "resamples: must be an integer of at least 1"),
        ([2, 3], {"by": "rnak"}, ConfigError, "by: must be one of 'rank', .*; got 'rnak'"),
        ([2, 900], {}, n2d.errors.N2DError, "240"),
    ],
)
def test_wrong_candidates_are_refused(candidates, more, error, said):
    with pytest.raises(error, match=said):
        unfitted().choose_n_clusters(blobs(FOUR), candidates, **more)


def test_clusterers_without_a_number_or_without_bic_are_refused():
    with pytest.raises(UnsupportedError, match="finds the number of clusters itself"):
        unfitted("hdbscan").choose_n_clusters(blobs(FOUR))
    with pytest.raises(UnsupportedError, match="has no bic"):
        unfitted("kmeans").choose_n_clusters(blobs(FOUR), [2, 3], by="bic")
    assert unfitted("kmeans").choose_n_clusters(blobs(FOUR), [3, 4], resamples=1).n_clusters == 4


def test_scores_without_classes(chosen):
    scores = chosen[0].assess()
    assert {"coverage", "n_clusters", "silhouette"} <= set(scores)
    assert "acc" not in scores


# What became of clusters.


def kinds(before, after, first_new=9):
    found = succession(np.array(before), np.array(after), first_new)
    return {one.kind: (one.before, one.after) for one in found.transitions}, found.ids


def test_transitions_by_hand():
    ten = np.repeat
    assert kinds([0] * 9, [5] * 9) == ({"kept": ((0,), (0,))}, {5: 0})
    found, ids = kinds([0] * 10, [1] * 6 + [2] * 4)
    assert (found, ids) == ({"split": ((0,), (0, 9))}, {1: 0, 2: 9})
    found, ids = kinds(ten([0, 1], [4, 6]), [3] * 10)
    assert (found, ids) == ({"merged": ((0, 1), (1,))}, {3: 1})
    found, ids = kinds([0] * 10 + [-1] * 5, [-1] * 10 + [0] * 5)
    assert found == {"gone": ((0,), ()), "new": ((), (9,))}
    found, _ = kinds(ten([0, 1], 10), [0] * 5 + [1] * 5 + [0] * 5 + [1] * 5)
    assert found == {"rearranged": ((0, 1), (0, 1))}
    assert kinds([-1, -1], [-1, -1]) == ({}, {})


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 4), st.integers(-1, 4)), min_size=1, max_size=60))
def test_every_cluster_is_in_one_transition_and_gets_one_id(pairs):
    before, after = np.array(pairs).T
    found = succession(before, after, 10)
    old = [k for one in found.transitions for k in one.before]
    new = [k for one in found.transitions for k in one.after]
    assert sorted(old) == sorted(set(before.tolist()) - {-1})
    assert sorted(new) == sorted(found.ids.values())
    assert set(found.ids) == set(after.tolist()) - {-1}
    assert len(set(new)) == len(new)
    same = succession(before, before, 10)
    assert all(one.kind == "kept" and one.before == one.after for one in same.transitions)


# Updates.


@pytest.fixture(scope="module")
def fitted():
    model = unfitted(n_clusters=4).fit(blobs(FOUR))
    model.edit().rename({2: "two"}).merge([0, 1], name="pair")
    return model


def test_an_update_keeps_ids_names_and_merges_and_finds_what_is_new(fitted, tmp_path):
    before = fitted.labels_.copy()
    new = blobs([*FOUR, [3, 3]], 40, seed=1)
    found = fitted.update(new, blobs(FOUR), candidates=[4, 5, 6])
    assert (found.drift.verdict, found.refitted) == ("drift", True)
    said = {one.kind for one in found.succession.transitions}
    assert said == {"kept", "new"}
    assert found.succession.transitions[0].kind == "new"
    (fresh,) = found.succession.transitions[0].after
    assert fresh not in {0, 1, 2, 3}
    model = found.model
    assert model.labels_[:240].tolist() == before.tolist()
    assert (model.predict(new[160:]) == fresh).all()
    assert model.cluster_names_ == {2: "two", 0: "pair"}
    assert fitted.labels_.tolist() == before.tolist()
    model.save(tmp_path / "m.n2d")
    again = n2d.load(tmp_path / "m.n2d")
    assert again.predict(new).tolist() == model.predict(new).tolist()
    np.testing.assert_array_equal(again.predict_proba(new), model.predict_proba(new))
    np.testing.assert_allclose(model.predict_proba(new).sum(axis=1), 1.0)
    assert model.predict_proba(new)[160:, fresh].min() > 0.9
    assert json.loads(json.dumps(found.as_dict())) == found.as_dict()
    twice = again.update(new, refit="always")
    assert {one.kind for one in twice.succession.transitions} <= {"kept", "new", "merged", "split"}


def test_without_drift_or_with_few_rows_nothing_is_fitted(fitted):
    quiet = fitted.update(blobs(FOUR, 40, seed=3))
    assert (quiet.drift.verdict, quiet.refitted, quiet.model) == ("quiet", False, fitted)
    assert fitted.update(blobs(FOUR, 1)).drift.verdict == "unknown"
    never = fitted.update(blobs(FOUR, 40) + 30, refit="never")
    assert (never.drift.verdict, never.refitted) == ("drift", False)
    with pytest.raises(ConfigError, match=r"refit: must be one of .* got 'Never'"):
        fitted.update(blobs(FOUR, 40) + 30, refit="Never")


def test_no_old_cluster_is_continued_by_rows_that_are_far_from_all(fitted):
    old = set(fitted.labels_.tolist())
    far = fitted.update(blobs(FOUR, 40) + 30)
    kinds = {one.kind: one for one in far.succession.transitions}
    assert set(kinds) == {"new", "gone"}
    assert {k for one in far.succession.transitions for k in one.before} == old
    assert old.isdisjoint(far.model.labels_.tolist())
    assert far.model.cluster_names_ == {}
    assert any("'two': cluster 2 is gone" in text for text in far.lost)
    half = np.concatenate([blobs(FOUR[:2], 60), blobs(FOUR[:2], 60) + 30])
    some = fitted.update(half, refit="always").succession.transitions
    there = set(fitted.predict(half[:120]).tolist())
    assert {k for one in some if one.kind == "gone" for k in one.before} == old - there
    assert there < old
    again = fitted.update(blobs(FOUR), refit="always")
    assert {one.kind for one in again.succession.transitions} == {"kept"}


def test_edits_that_cannot_be_made_again_are_listed():
    model = unfitted(n_clusters=4).fit(blobs(FOUR))
    model.edit().rename({3: "three"}).must_link([0, 70]).delete([1])
    found = model.update(blobs([[5, 5], [6, 5], [5, 6], [7, 7]], seed=4), refit="always")
    assert any("deletion of 1" in text for text in found.lost)
    assert any("link of 2 rows" in text for text in found.lost)


# Links between rows.


def test_links_hold_for_labels_predictions_probabilities_and_refits(tmp_path):
    x = blobs(FOUR)
    model = unfitted(n_clusters=4).fit(x)
    before = model.labels_.copy()
    model.edit().must_link([0, 1, 60], note="one plant").cannot_link([2, 3])
    labels = model.labels_
    assert labels[0] == labels[1] == labels[60]
    assert labels[2] != labels[3]
    assert (labels != before).sum() == 2
    assert model.predict(x).tolist() == labels.tolist()
    shares = model.predict_proba(x)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    assert shares.argmax(axis=1).tolist() == labels.tolist()
    assert model.predict(x[60:61] + 1e-4).tolist() == [labels[60]]
    again = n2d.N2D.from_snapshot(model.to_snapshot())
    model.save(tmp_path / "m.n2d")
    assert n2d.load(tmp_path / "m.n2d").predict(x).tolist() == labels.tolist()
    assert again.predict(x).tolist() == labels.tolist()
    model.edit().merge([int(labels[2]), int(labels[3])])
    assert model.labels_[2] != model.labels_[3]
    refit = copy.deepcopy(model).fit(x)
    assert refit.labels_.tolist() == model.labels_.tolist()
    model.edit().undo(3)
    assert model.labels_.tolist() == before.tolist()


def test_contradictory_links_are_refused_by_their_ids(tmp_path):
    names = [f"plant-{i}" for i in range(240)]
    frame = pd.DataFrame(blobs(FOUR), index=names, columns=["a", "b"])
    model = unfitted(n_clusters=4).fit(frame)
    before = model.labels_.copy()
    editor = model.edit().must_link(["plant-0", "plant-70"]).must_link(["plant-70", "plant-130"])
    held = model.labels_.copy()
    with pytest.raises(DataError, match="rows plant-0 and plant-130 cannot be apart"):
        editor.cannot_link(["plant-0", "plant-130"])
    with pytest.raises(DataError, match=r"cannot be apart from plant-.*: there are 4 clusters"):
        editor.cannot_link([f"plant-{i}" for i in range(5, 10)])
    with pytest.raises(DataError, match="row plant-999: there is no such row"):
        editor.must_link(["plant-1", "plant-999"])
    with pytest.raises(DataError, match="two different rows or more"):
        editor.must_link(["plant-1", "plant-1"])
    assert model.labels_.tolist() == held.tolist() != before.tolist()
    assert len(editor.journal) == 2
    model.save(tmp_path / "m.n2d")
    editor = n2d.load(tmp_path / "m.n2d").edit().undo(2)
    with pytest.raises(UnsupportedError, match="give the rows"):
        editor.must_link(["1", "2"])
    n2d.load(tmp_path / "m.n2d").edit(frame).must_link(["plant-3", "plant-239"])


@settings(max_examples=25, deadline=None)
@given(
    together=st.lists(st.lists(st.integers(0, 39), min_size=2, max_size=4), max_size=4),
    apart=st.lists(st.lists(st.integers(0, 39), min_size=2, max_size=3), max_size=3),
)
def test_any_links_hold_or_are_refused(small, together, apart):
    model = copy.deepcopy(small)
    before = model.labels_.copy()
    try:
        for rows in together:
            model.edit().must_link(rows)
        for rows in apart:
            model.edit().cannot_link(rows)
    except (DataError, ConfigError):
        held = list(model.edit().journal)
        together = [e["rows"] for e in held if e["kind"] == "together"]
        apart = [e["rows"] for e in held if e["kind"] == "apart"]
    for rows in together:
        assert len(set(model.labels_[rows].tolist())) == 1
    for rows in apart:
        assert len(set(model.labels_[rows].tolist())) == len(rows)
    assert model.predict(blobs(FOUR, 10)).tolist() == model.labels_.tolist()
    touched = {row for rows in (*together, *apart) for row in rows}
    assert set(np.flatnonzero(model.labels_ != before).tolist()) <= touched


@pytest.fixture(scope="module")
def small():
    return unfitted(n_clusters=4).fit(blobs(FOUR, 10))


MIXED = pd.DataFrame(
    {
        "colour": np.repeat(["red", "green", "blue"], 30),
        "size": np.repeat([1.0, 20.0, 400.0], 30) + np.tile(np.arange(30) / 30, 3),
    }
)


@pytest.mark.parametrize(
    ("rows", "config"),
    [
        (MIXED, {}),
        (MIXED, {"clusterer": GMM}),
        (scipy.sparse.csr_array(blobs(FOUR)), {"manifolder": "identity", "clusterer": GMM}),
        (blobs(FOUR), {"embedder": "identity", "manifolder": "identity", "clusterer": GMM}),
    ],
    ids=["table", "clusterer", "sparse", "dense"],
)
def test_what_is_left_open_suits_the_rows_when_a_number_is_chosen_or_set(rows, config):
    def made():
        return n2d.compose({"model": config, "random_state": 0})

    def chain(composition):
        return {name: (c.name, dict(c.option_values())) for name, c in composition.steps.items()}

    def counted(steps, number):
        return steps | {"clusterer": (steps["clusterer"][0], steps["clusterer"][1] | number)}

    expected = chain(made().fit(rows).composition_)
    model = made()
    found = model.choose_n_clusters(rows, [2, 3], resamples=1)
    chosen = chain(model.composition_)
    assert chosen == counted(expected, {"n_clusters": found.n_clusters})
    alone = sklearn.base.clone(made()).set_params(clusterer=model.clusterer).fit(rows)
    assert chain(alone.composition_) == chosen
    assert alone.labels_.tolist() == model.labels_.tolist()


@pytest.mark.parametrize("clusterer", [GMM, KMEANS], ids=["gmm", "kmeans"])
def test_a_fit_chooses_the_number_itself(clusterer):
    def made():
        return unfitted(clusterer, n_clusters="auto")

    model = made().fit(blobs(FOUR, 4))
    asked = made()
    found = asked.choose_n_clusters(blobs(FOUR, 4), range(2, 9))
    assert model.numbers_of_clusters_.as_dict() == found.as_dict()
    assert model.labels_.tolist() == asked.labels_.tolist()
    assert model.n_clusters == "auto"
    assert sklearn.base.clone(model).fit(blobs(FOUR[:3], 4)).n_clusters_ == 3
    assert "choose the number" in [step.label for step in model.step_times_]
    again = model.fit(blobs(FOUR[:2], 4)).update(blobs(FOUR[:2], 4), refit="always").model
    assert (model.n_clusters_, again.n_clusters_) == (2, 2)


def test_auto_is_for_clusterers_that_need_a_number(tmp_path):
    hdbscan = {"name": "hdbscan", "min_cluster_size": 3}
    assert not hasattr(
        unfitted(hdbscan, n_clusters="auto").fit(blobs(FOUR, 4)), "numbers_of_clusters_"
    )
    own = unfitted({**GMM, "n_clusters": 3}, n_clusters="auto").fit(blobs(FOUR, 4))
    assert own.n_clusters_ == 3
    with pytest.raises(DataError, match="5 rows are too few to choose a number of clusters"):
        unfitted(n_clusters="auto").fit(blobs(FOUR)[:5])
    with pytest.raises(ConfigError, match="n_clusters"):
        unfitted(n_clusters="best").fit(blobs(FOUR, 4))
    drawn = unfitted(KMEANS, n_clusters="auto").set_params(random_state=None).fit(blobs(FOUR, 4))
    drawn.save(tmp_path / "m.n2d")
    again = n2d.load(tmp_path / "m.n2d")
    assert again.predict(blobs(FOUR, 4)).tolist() == drawn.labels_.tolist()
    assert again.n_clusters is None
    assert again.composition().choice("clusterer").option_values()["n_clusters"] == 4
