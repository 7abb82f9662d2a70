"""A cluster split by fitting manifolder and clusterer again on its rows alone."""

from __future__ import annotations

import copy
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone

import n2d_framework as n2d
from n2d_framework.errors import ConfigError, DataError, StateError, UnsupportedError
from n2d_framework.plugin import FitContext


def rows(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Four clusters in a plane; one is two groups above and below it, which the plane hides."""
    rng = np.random.default_rng(seed)
    cluster, above = np.repeat(np.arange(4), 60), np.arange(240) % 2 == 1
    centres = 40.0 * np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]])
    x = centres[cluster] + rng.normal(size=(240, 3)) * [2.0, 2.0, 0.3]
    x[:, 2] += np.where(cluster == 3, np.where(above, 5.0, -5.0), 0.0)
    return x, np.where(cluster == 3, 3 + above, cluster)


@pytest.fixture(scope="module")
def fitted():
    x, _ = rows(0)
    flat = {"name": "pca", "n_components": 2}
    return n2d.N2D("identity", flat, {"name": "gmm", "n_init": 2}, n_clusters=4, scaler="none",
                   random_state=0).fit(x)  # fmt: skip


@pytest.fixture
def model(fitted):
    return copy.deepcopy(fitted)


def same_groups(labels: np.ndarray, truth: np.ndarray) -> bool:
    pairs = {*zip(labels.tolist(), truth.tolist(), strict=True)}
    return len(pairs) == len({*labels.tolist()}) == len({*truth.tolist()})


def test_a_refit_parts_what_the_whole_layout_does_not(model, tmp_path):
    (x, truth), (new, truth_of_new) = rows(0), rows(1)
    label = int(model.labels_[-1])
    with pytest.raises(DataError, match="nothing was found, its 60 rows do not fall into parts"):
        model.edit().split(label)
    model.edit().split(label, refit=True, note="two groups")
    (edit,) = model.edit().journal
    assert (edit["kind"], edit["ids"], edit["refit"]) == ("split", [label, 4], True)
    assert same_groups(model.labels_, truth)
    labels, shares = model.predict(new), model.predict_proba(new)
    assert same_groups(labels, truth_of_new)
    assert model.predict(x).tolist() == model.labels_.tolist()
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    assert (shares.argmax(axis=1) == labels).all()
    assert model.cluster_ids_ == (0, 1, 2, 3, 4)
    assert [int(model.predict(row[None])[0]) for row in new[-9:]] == labels[-9:].tolist()
    assert (model.assess(truth_of_new, new)["acc"], model.n_clusters_) == (1.0, 5)
    model.save(tmp_path / "m.n2d")
    again = n2d.load(tmp_path / "m.n2d")
    assert n2d.verify(tmp_path / "m.n2d").ok
    np.save(tmp_path / "x.npy", new)
    code = (
        "import sys, numpy as np, n2d_framework as n2d\n"
        "model, x = n2d.load(sys.argv[1] + '/m.n2d'), np.load(sys.argv[1] + '/x.npy')\n"
        "np.savez(sys.argv[1] + '/o.npz', labels=model.predict(x), proba=model.predict_proba(x))\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=120)
    with np.load(tmp_path / "o.npz") as said:
        assert said["labels"].tolist() == labels.tolist()
        np.testing.assert_array_equal(said["proba"], shares)
    again.save(tmp_path / "n.n2d")
    both = [(tmp_path / name).read_bytes() for name in ("m.n2d", "n.n2d")]
    assert both[0] == both[1]
    assert clone(model).fit(x).labels_.tolist() == model.labels_.tolist()
    for edited in (model, again):
        edited.edit().undo()
        assert (edited.n_clusters_, edited.edit().journal) == (4, ())


def test_a_loaded_model_needs_the_rows_for_a_refit_and_then_no_more(model, tmp_path):
    x, truth = rows(0)
    label = int(model.labels_[-1])
    model.edit().delete([int(model.labels_[0])]).reassign_noise()
    model.save(tmp_path / "m.n2d")
    again = n2d.load(tmp_path / "m.n2d")
    with pytest.raises(UnsupportedError, match=r"give the rows, as in model\.edit"):
        again.edit().split(label, refit=True)
    again.edit(x).split(label, 2, refit=True)
    assert len({*again.labels_[truth >= 3].tolist()}) == 2
    again.save(tmp_path / "m.n2d")
    twice = n2d.load(tmp_path / "m.n2d")
    twice.edit().split(int(twice.labels_[61]), 2).rename({label: "half"})
    assert twice.predict(x).tolist() == twice.labels_.tolist()
    both = truth >= 3
    assert twice.labels_[both].tolist() == again.labels_[both].tolist()


def test_other_edits_go_with_a_refit(model):
    x, _ = rows(0)
    label = int(model.labels_[-1])
    model.edit().split(label, refit=True).must_link([239, 0]).delete([4])
    model.edit().reassign_noise(method="nearest")
    assert model.predict(x).tolist() == model.labels_.tolist()
    assert model.labels_[239] == model.labels_[0]
    found = model.stability(x, resamples=1, seeds=1, keep=True)
    assert found.labels.tolist() == model.labels_.tolist()
    assert model.describe(x)["n_rows"] == len(model.confidence(x)) == 240
    about = model.explain(x, [0])[0]
    assert about["strength"] == pytest.approx(model.predict_proba(x)[0, about["label"]])


def test_labels_of_coordinates_need_the_latent_rows_as_well(model):
    x, _ = rows(0)
    model.edit().split(int(model.labels_[-1]), refit=True)
    with pytest.raises(UnsupportedError, match="give both, or use predict on the rows"):
        model.labels_of(model.manifold_)
    assert model.labels_of(model.manifold_, model.latent_).tolist() == model.labels_.tolist()
    assert -1 <= model.score(x) <= 1


def test_a_clusterer_that_finds_the_number_finds_the_parts():
    x, truth = rows(0)
    finds = {"name": "hdbscan", "min_cluster_size": 15, "min_samples": 5}
    flat = {"name": "pca", "n_components": 2}
    model = n2d.N2D("identity", flat, finds, scaler="none", random_state=0).fit(x)
    label = int(model.labels_[truth == 3][0])
    with pytest.raises(UnsupportedError, match="finds the number of clusters itself; leave n_cl"):
        model.edit().split(label, 2, refit=True)
    model.edit().split(label, refit=True)
    own = truth >= 3
    assert same_groups(model.labels_[own & (model.labels_ >= 0)],
                       truth[own & (model.labels_ >= 0)])  # fmt: skip
    assert model.predict(x).tolist() == model.labels_.tolist()
    other = int(model.labels_[truth == 0].max())
    with pytest.raises(DataError, match=f"split of cluster {other}: .*split it by where its rows"):
        model.edit().split(other, refit=True)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (None, "nothing was found, its 60 rows do not fall into parts; give n_clusters"),
        (1, "into 1 parts; it must be at least 2"),
        (61, "clusterer 'gmm': .*61"),
    ],
)
def test_what_cannot_be_split_by_a_refit_is_refused(model, number, said):
    before, label = model.labels_.copy(), int(model.labels_[0])
    with pytest.raises(DataError, match=f"split of cluster {label}: .*{said}"):
        model.edit().split(label, number, refit=True)
    with pytest.raises(DataError, match="split of cluster 77: there is no such cluster"):
        model.edit().split(77, number if number != 1 else 2, refit=True)
    assert (model.labels_.tolist(), model.edit().journal) == (before.tolist(), ())


def test_a_journal_in_a_configuration_is_refitted_with_the_model(model):
    x, truth = rows(0)
    label = int(model.labels_[-1])
    journal = [{"kind": "split", "ids": [label, 7], "refit": True}]
    model.set_params(refine={"name": "edits", "journal": journal}).fit(x)
    assert same_groups(model.labels_, truth)
    assert 7 in model.labels_
    wrong = [{"kind": "split", "ids": [label, 7, 8, 9], "refit": True}]
    with pytest.raises(ConfigError, match="merge takes no refit"):
        model.set_params(
            refine={"name": "edits", "journal": [{"kind": "merge", "ids": [0, 1], "refit": True}]}
        ).fit(x)
    found = model.set_params(refine={"name": "edits", "journal": wrong}).fit(x)
    assert {label, 7, 8, 9} <= {*found.labels_.tolist()}


@pytest.mark.parametrize("refit", [False, True])
def test_parts_without_ids_in_a_configuration_get_some_that_no_cluster_has(model, refit, tmp_path):
    x, _ = rows(0)
    other, label = int(model.labels_[0]), int(model.labels_[-1])
    journal = [
        {"kind": "split", "ids": [label], "n_clusters": 2, "refit": refit},
        {"kind": "split", "ids": [other], "n_clusters": 3},
        {"kind": "rename", "ids": [4], "name": "the other half"},
    ]
    model.set_params(refine={"name": "edits", "journal": journal}).fit(x)
    read = model.edit().journal
    assert [edit["ids"] for edit in read] == [[label, 4], [other, 5, 6], [4]]
    assert {*model.labels_.tolist()} == {*range(7)}
    model.save(tmp_path / "m.n2d")
    again = n2d.load(tmp_path / "m.n2d")
    assert again.predict(x).tolist() == model.labels_.tolist()
    assert (again.edit().journal, again.cluster_names_) == (read, {4: "the other half"})
    again.edit(x).split(5, 2)
    assert again.edit().journal[-1]["ids"] == [5, 7]
    again.edit().undo(2)
    assert again.labels_.tolist() == model.labels_.tolist()
    state = model.refine_[0].get_state()
    with pytest.raises(StateError, match="new_ids"):
        copy.deepcopy(model.refine_[0]).set_state(state | {"new_ids": np.array([4, 5])})
    for edit in ({"kind": "split", "ids": [0]}, {"kind": "merge", "ids": [0, 1], "n_clusters": 2}):
        with pytest.raises(ConfigError, match=r"or n_clusters|merge takes no n_clusters"):
            model.set_params(refine={"name": "edits", "journal": [edit]}).fit(x)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"ids": (0, 1), "refit": True}, "split of cluster 0: .*fit the model by itself"),
        ({"ids": (0,), "n_clusters": 2}, "give ids that no cluster has"),
    ],
)
def test_where_the_steps_before_are_not_known_it_is_said(edit, said):
    from n2d_builtin.refine.edits import Edit, Edits

    edits = Edits(journal=(Edit(kind="split", **edit),))
    m, labels = np.arange(6, dtype=np.float32)[:, None], np.zeros(6, dtype=np.int64)
    with pytest.raises(UnsupportedError, match=said):
        edits.fit(m, labels, context=FitContext())


@pytest.mark.parametrize(
    "change",
    [
        {"split_parts": np.full(60, 2)}, {"split_sizes": np.array([59])},
        {"split_sizes": np.array([30, 30])}, {"split_rows": np.zeros((60, 3))},
        {"split_rows": np.zeros((59, 3), np.float32)},
        {"split_rows": np.full((60, 3), np.nan, np.float32)},
    ],
)  # fmt: skip
def test_a_damaged_state_is_refused(model, change):
    model.edit().split(int(model.labels_[-1]), refit=True)
    edits = model.refine_[0]
    state = edits.get_state()
    fresh = copy.deepcopy(edits)
    fresh.set_state(state)
    with pytest.raises(StateError):
        fresh.set_state(state | change)
    with pytest.raises(StateError, match="split_sizes"):
        fresh.set_state({k: v for k, v in state.items() if not k.startswith("split")})
