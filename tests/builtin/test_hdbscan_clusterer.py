"""hdbscan: the package's fit, and a prediction of our own that gives its labels back."""

from __future__ import annotations

import logging
import subprocess
import sys
import warnings

import hdbscan
import numpy as np
import pytest
from sklearn.datasets import load_digits, make_blobs, make_moons
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score

from n2d_builtin.hdbscan.hdbscan import Hdbscan
from n2d_framework.metrics import accuracy
from n2d_framework.plugin import ConfigError, FitContext, StateError, options_dict

CONTEXT = FitContext(seed=0)
SETTINGS = [
    {},
    {"min_cluster_size": 5},
    {"min_cluster_size": 40, "min_samples": 5},
    {"min_cluster_size": 5, "cluster_selection_method": "leaf"},
    {"min_cluster_size": 5, "cluster_selection_epsilon": 0.1},
    {"min_cluster_size": 5, "cluster_selection_epsilon": 0.3, "cluster_selection_method": "leaf"},
    {"min_cluster_size": 30, "min_samples": 10, "cluster_selection_epsilon": 0.4},
    {"allow_single_cluster": True},
    {"min_cluster_size": 50, "allow_single_cluster": True},
    {"allow_single_cluster": True, "cluster_selection_epsilon": 0.3},
    {"allow_single_cluster": True, "min_cluster_size": 200, "cluster_selection_epsilon": 0.3},
    {"min_cluster_size": 5, "max_cluster_size": 100},
    {"min_cluster_size": 5, "cluster_selection_epsilon_max": 0.4},
    {"min_cluster_size": 5, "cluster_selection_persistence": 0.1},
    {"alpha": 1.5, "min_cluster_size": 5},
    {"metric": "manhattan"},
    {"metric": "chebyshev", "min_cluster_size": 8},
    {"approx_min_span_tree": False},
]
#: Where the package's own mapping of new rows is right.
PLAIN = [s for s in SETTINGS if s.keys() <= {"min_cluster_size", "min_samples", "metric"}]


def unit(x):
    x = x - x.mean(axis=0)
    return (x / np.median(np.linalg.norm(x, axis=1))).astype(np.float32)


@pytest.fixture(scope="module")
def data():
    digits = PCA(8, random_state=0).fit_transform(load_digits().data[:1000])
    # Integers have many equal distances, which another processor rounds apart otherwise.
    digits += np.random.default_rng(0).normal(scale=0.05, size=digits.shape)
    return {
        "digits": unit(digits),
        "moons": unit(make_moons(400, noise=0.08, random_state=0)[0]),
        "blobs": unit(make_blobs(500, centers=6, cluster_std=1.2, random_state=1)[0]),
    }


def library(x, **options):
    given = {"min_cluster_size": 15, **options, "core_dist_n_jobs": 1}
    return hdbscan.HDBSCAN(prediction_data="alpha" not in options, **given).fit(
        x.astype(np.float64)
    )


def between(x):
    """New rows: half way between training rows, and far away."""
    return np.concatenate([(x[:-1] + x[1:])[:200] / 2, x[:30] + np.float32(9)])


@pytest.mark.parametrize("name", ["digits", "moons", "blobs"])
@pytest.mark.parametrize("options", [s for s in SETTINGS if "alpha" not in s], ids=str)
def test_training_rows_get_the_labels_of_the_fit(data, name, options):
    x = data[name]
    model = Hdbscan(**options).fit(x, context=CONTEXT)
    fitted = library(x, **options)
    np.testing.assert_array_equal(model.labels_, fitted.labels_)
    np.testing.assert_array_equal(model.predict(x), model.labels_)
    np.testing.assert_allclose(model.probabilities_, fitted.probabilities_, atol=1e-6)
    np.testing.assert_array_equal(model.strengths(x), model.probabilities_)
    assert model.n_clusters_ == fitted.labels_.max() + 1
    assert set(model.predict(between(x))) <= set(model.labels_) | {-1}


@pytest.mark.parametrize("name", ["digits", "moons", "blobs"])
@pytest.mark.parametrize("alpha", [0.5, 0.7, 1.5, 2.0])
def test_alpha_divides_distances(data, name, alpha):
    # By default the package builds the spanning tree by Boruvka's method, without alpha.
    # Of the many equal reachabilities one decides whether five rows are a cluster, never fifteen.
    x, chosen = data[name], {"min_cluster_size": 15, "approx_min_span_tree": False}
    model = Hdbscan(alpha=alpha, **chosen).fit(x, context=CONTEXT)
    whole = library(x, alpha=alpha, algorithm="generic", min_cluster_size=15).labels_
    assert adjusted_rand_score(model.labels_, whole) > 0.98  # ties are decided otherwise
    np.testing.assert_array_equal(model.predict(x), model.labels_)
    again = Hdbscan(alpha=alpha, **chosen)
    again.set_state(model.get_state())
    np.testing.assert_array_equal(again.predict(between(x)), model.predict(between(x)))


def test_integers_are_numbers(data):
    whole = {"alpha": 2, "cluster_selection_epsilon": 1, "cluster_selection_persistence": 1,
             "cluster_selection_epsilon_max": 3}  # fmt: skip
    one, two = (
        Hdbscan(**{name: kind(value) for name, value in whole.items()})
        .fit(data["blobs"], context=CONTEXT)
        .labels_
        for kind in (int, float)
    )
    np.testing.assert_array_equal(one, two)


def test_alpha_moves_where_new_rows_enter(data):
    x, chosen = data["digits"], {"min_cluster_size": 5}
    one, two = (Hdbscan(alpha=a, **chosen).fit(x, context=CONTEXT) for a in (1.0, 0.25))
    two.set_state({**two.get_state(), "tree": one.get_state()["tree"]})
    new = x + np.random.default_rng(1).normal(scale=0.1, size=x.shape).astype(np.float32)
    assert (two.strengths(new) <= one.strengths(new)).all()
    assert (two.strengths(new) < one.strengths(new)).sum() > 5


def test_states_from_before_alpha_counted_predict_as_they_did(data):
    x = data["digits"]
    model = Hdbscan(min_cluster_size=5).fit(x, context=CONTEXT)
    state = model.get_state()
    old = {**state, "space": {k: v for k, v in state["space"].items() if k != "alpha"}}
    again = Hdbscan(min_cluster_size=5, alpha=1.5)
    again.set_state(Hdbscan.upgrade_state(old, 1))
    np.testing.assert_array_equal(again.strengths(between(x)), model.strengths(between(x)))


def test_wide_rows_as_the_package():
    x = unit(load_digits().data[:600])  # wider than the package has trees for
    model = Hdbscan(min_cluster_size=10).fit(x, context=CONTEXT)
    whole = library(x, min_cluster_size=10).labels_
    assert adjusted_rand_score(model.labels_, whole) > 0.98
    assert model.n_clusters_ == whole.max() + 1 > 3


def test_neighbours_are_searched_once_for_several_settings(data, monkeypatch):
    monkeypatch.setattr("n2d_builtin.neighbors.shared_neighbors._FEW", 50)
    kept = {}

    def remember(name, depends_on, compute):
        key = name, tuple(sorted(depends_on.items()))
        if key not in kept:
            kept[key] = compute()
        return kept[key]

    context = FitContext(seed=0, remember=remember)
    for size in (5, 10, 20):
        shared = Hdbscan(min_cluster_size=size).fit(data["digits"], context=context)
        alone = Hdbscan(min_cluster_size=size).fit(data["digits"], context=CONTEXT)
        np.testing.assert_array_equal(shared.probabilities_, alone.probabilities_)
    assert len(kept) == 1


@pytest.mark.parametrize("options", PLAIN, ids=str)
def test_new_rows_as_the_package_where_it_is_right(data, options):
    x = data["digits"]
    model, fitted = Hdbscan(**options).fit(x, context=CONTEXT), library(x, **options)
    new = between(x)
    labels, strengths = hdbscan.approximate_predict(fitted, new.astype(np.float64))
    np.testing.assert_array_equal(model.predict(new), labels)
    ours = model.strengths(new)
    assert (ours <= strengths + 1e-9).all()
    assert ((ours > 0) == (labels >= 0)).all()
    assert (np.isclose(ours, strengths, atol=1e-9)).mean() > 0.8


def test_membership_is_that_of_the_package_on_training_rows(data):
    x = data["digits"]
    model, fitted = (
        Hdbscan(min_cluster_size=8).fit(x, context=CONTEXT),
        library(x, min_cluster_size=8),
    )
    theirs = hdbscan.membership_vector(fitted, x.astype(np.float64))
    ours = model.predict_proba(x)
    # The package rounds densities to float32, which differences of densities amplify.
    assert np.median(np.abs(ours[:, :-1] - theirs)) < 1e-8
    ours = ours[:, :-1]
    as_theirs = np.isclose(ours, theirs, atol=5e-3).all(axis=1)
    assert as_theirs.mean() > 0.98
    # Of clusters that are equally near to a row, which one comes first depends on the processor.
    np.testing.assert_allclose(np.sort(ours), np.sort(theirs), atol=5e-3)


@pytest.mark.parametrize("options", SETTINGS, ids=str)
def test_probabilities_have_a_noise_column_and_sum_to_one(data, options):
    x = data["blobs"]
    model = Hdbscan(**options).fit(x, context=CONTEXT)
    rows = np.concatenate([x, between(x)])
    proba = model.predict_proba(rows)
    assert proba.shape == (len(rows), model.n_clusters_ + 1)
    assert np.isfinite(proba).all()
    assert (proba >= 0).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=1e-12)
    assert (proba[-30:, -1] > 0.5).all(), "far rows are mostly noise"
    inside = model.labels_ >= 0
    if model.n_clusters_:
        nearest = proba[: len(x), :-1][inside].argmax(axis=1)
        assert (nearest == model.labels_[inside]).mean() > 0.95


def test_probabilities_do_not_depend_on_the_size_of_the_chunks(data, monkeypatch):
    x = data["digits"]
    model = Hdbscan(min_cluster_size=5).fit(x, context=CONTEXT)
    whole = model.predict_proba(x)
    monkeypatch.setattr("n2d_builtin.hdbscan.hdbscan._BUDGET", 1000)
    monkeypatch.setattr("n2d_builtin.hdbscan.mutual_reachability._BUDGET", 1000)
    np.testing.assert_array_equal(model.predict_proba(x), whole)
    np.testing.assert_array_equal(model.predict(x), model.labels_)


@pytest.mark.parametrize("options", [SETTINGS[0], SETTINGS[5], SETTINGS[10]], ids=str)
def test_a_row_does_not_depend_on_its_company(data, options):
    x = data["digits"]
    model = Hdbscan(**options).fit(x, context=CONTEXT)
    rows = between(x)
    whole, labels, strengths = model.predict_proba(rows), model.predict(rows), model.strengths(rows)
    for order in (slice(None, None, -1), slice(0, 1), slice(3, 10), slice(100, 200)):
        np.testing.assert_array_equal(model.predict_proba(rows[order]), whole[order])
        np.testing.assert_array_equal(model.predict(rows[order]), labels[order])
        np.testing.assert_array_equal(model.strengths(rows[order]), strengths[order])
    one_by_one = np.concatenate([model.predict_proba(row[None]) for row in rows])
    np.testing.assert_array_equal(one_by_one, whole)


def test_all_noise_has_a_noise_column_only():
    x = np.random.default_rng(0).uniform(size=(60, 2)).astype(np.float32)
    model = Hdbscan(min_cluster_size=40).fit(x, context=CONTEXT)
    assert model.n_clusters_ == 0
    assert set(model.labels_) == set(model.predict(between(x[:50]))) == {-1}
    np.testing.assert_array_equal(model.predict_proba(x), np.ones((60, 1)))
    assert not model.strengths(x).any()


def test_one_cluster():
    x = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    model = Hdbscan(
        min_cluster_size=100,
        min_samples=5,
        allow_single_cluster=True,
        cluster_selection_epsilon=0.5,
    ).fit(x, context=CONTEXT)
    assert model.n_clusters_ == 1
    assert set(model.labels_) == {0, -1}
    assert model.predict(np.zeros((1, 2), np.float32)).tolist() == [0]
    assert model.predict(np.full((1, 2), 30, np.float32)).tolist() == [-1]
    assert model.predict_proba(x).shape == (300, 2)


def test_duplicates_share_a_label_and_nothing_is_warned(caplog):
    digits = PCA(4, random_state=0).fit_transform(load_digits().data)[:600]
    x = np.concatenate([np.round(digits / 8), np.zeros((80, 4))]).astype(np.float32)
    with warnings.catch_warnings(), caplog.at_level(logging.INFO):
        warnings.simplefilter("error")
        model = Hdbscan(min_cluster_size=5, cluster_selection_method="leaf")
        model.fit(x, context=CONTEXT)
        proba = model.predict_proba(x)
    np.testing.assert_array_equal(model.predict(x), model.labels_)
    assert "ties decided otherwise" not in caplog.text
    assert np.isfinite(proba).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)
    assert ((model.probabilities_ > 0) == (model.labels_ >= 0)).all()
    _, inverse = np.unique(x, axis=0, return_inverse=True)
    for group in range(inverse.max() + 1):
        assert len(set(model.labels_[inverse == group])) == 1


def test_strengths_are_useful_beside_duplicates():
    x = np.concatenate([make_blobs(200, centers=2, random_state=0)[0], np.zeros((40, 2))])
    x = np.concatenate([x, x[:1].repeat(20, axis=0)]).astype(np.float32)
    model = Hdbscan().fit(x, context=CONTEXT)
    inside = model.labels_[:200] >= 0
    assert np.median(model.probabilities_[:200][inside]) > 0.1


def fresh(model):
    return type(model)(**options_dict(model))


def restored(model):
    other = fresh(model)
    other.set_state(model.get_state())
    return other


@pytest.mark.parametrize("options", [SETTINGS[0], SETTINGS[6], SETTINGS[10], SETTINGS[15]], ids=str)
def test_state_gives_the_same_answers(data, options):
    x = data["digits"]
    model = Hdbscan(**options).fit(x, context=CONTEXT)
    other, rows = restored(model), between(x)
    assert other.n_clusters_ == model.n_clusters_
    for method in ("predict", "predict_proba", "strengths"):
        np.testing.assert_array_equal(getattr(other, method)(rows), getattr(model, method)(rows))


def test_state_is_small(data):
    x = data["digits"]
    state = Hdbscan().fit(x, context=CONTEXT).get_state()
    size = sum(v.nbytes for part in state.values() for v in part.values() if hasattr(v, "nbytes"))
    assert size < len(x) * (4 * x.shape[1] + 32)


def test_fit_again_forgets_and_leaves_its_input_alone(data):
    x = data["blobs"].copy()
    x.flags.writeable = False
    model = Hdbscan().fit(data["moons"], context=CONTEXT)
    model.predict_proba(data["moons"])
    model.fit(x, context=CONTEXT)
    once = Hdbscan().fit(x, context=FitContext(seed=5, n_jobs=2))
    np.testing.assert_array_equal(model.labels_, once.labels_)
    np.testing.assert_array_equal(model.predict_proba(x), once.predict_proba(x))
    assert model.labels_.dtype == np.int64


def test_quality_on_moons(data):
    x, y = make_moons(400, noise=0.05, random_state=0)
    assert accuracy(y, Hdbscan().fit(x.astype(np.float32), context=CONTEXT).labels_) > 0.99


def test_check_input_names_the_rows_that_are_needed(data):
    assert Hdbscan(min_cluster_size=20).check_input(20, ()) == []
    (reason,) = Hdbscan(min_cluster_size=20).check_input(19, (3,))
    assert "min_cluster_size=20 needs at least 20 rows, got 19; lower min_cluster_size" in reason
    (reason,) = Hdbscan(min_cluster_size=5, min_samples=30).check_input(30, ())
    assert "min_samples=30 needs at least 31 rows, got 30" in reason
    x = data["blobs"][:20]
    model = Hdbscan(min_cluster_size=20).fit(x, context=CONTEXT)
    np.testing.assert_array_equal(model.predict(x), model.labels_)
    Hdbscan(min_cluster_size=2, min_samples=19).fit(x, context=CONTEXT).predict(x)
    Hdbscan(min_cluster_size=2, min_samples=1).fit(x[:2], context=CONTEXT).predict_proba(x)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"min_cluster_size": 1}, "min_cluster_size"),
        ({"min_samples": 0}, "min_samples"),
        ({"cluster_selection_epsilon": -0.1}, "cluster_selection_epsilon"),
        (
            {"cluster_selection_epsilon": 1.0, "cluster_selection_epsilon_max": 0.5},
            "cluster_selection_epsilon_max: must be >= cluster_selection_epsilon .1., got 0.5",
        ),
        ({"alpha": 0.0}, "alpha"),
    ],
)
def test_options_out_of_range(options, name):
    with pytest.raises(ConfigError, match=name):
        Hdbscan(**options)


def spoil(part, name, change):
    def spoiled(state):
        values = {**state[part]}
        values[name] = change(values[name])
        return {**state, part: values}

    return spoiled


def replaced(index, value):
    def change(array):
        array = array.copy()
        array[index] = value
        return array

    return change


@pytest.mark.parametrize(
    ("spoiled", "message"),
    [
        (lambda s: {"tree": s["tree"]}, "no 'space'"),
        (lambda s: {**s, "tree": 1}, "'tree'"),
        (spoil("space", "data", lambda a: a.astype(np.float64)), "'space/data' holds float64"),
        (spoil("space", "data", lambda a: a[:1]), "'space/core_distances'"),
        (spoil("space", "data", replaced((0, 0), np.nan)), "not finite"),
        (spoil("space", "core_distances", lambda a: a[1:]), "'space/core_distances'"),
        (spoil("space", "core_distances", replaced(0, -1.0)), ">= 0, got -1"),
        (spoil("space", "alpha", lambda a: 0.0), "'space/alpha'"),
        (spoil("space", "alpha", lambda a: float("nan")), "'space/alpha'"),
        (spoil("space", "min_samples", lambda k: 10**9), "'space': 'min_samples'"),
        (spoil("space", "min_samples", lambda k: 0), "'space/min_samples' must be >= 1"),
        (spoil("tree", "row_segment", lambda a: a[1:]), "'tree/row_segment'"),
        (spoil("tree", "row_segment", replaced(0, 10**6)), "does not exist"),
        (spoil("tree", "row_segment", replaced(0, -1)), "does not exist"),
        (spoil("tree", "row_segment", lambda a: a * 0), "without rows"),
        (spoil("tree", "row_segment", lambda a: a.astype(np.int32)), "int32"),
        (spoil("tree", "row_lambda", replaced(0, np.nan)), ">= 0, got nan"),
        (spoil("tree", "birth", replaced(1, -1.0)), ">= 0, got -1"),
        (spoil("tree", "parent", replaced(0, 0)), "'parent'"),
        (spoil("tree", "parent", replaced(2, -1)), "'parent'"),
        (spoil("tree", "parent", replaced(1, 2)), "follow its parent"),
        (spoil("tree", "label", replaced(1, 77)), "without a gap"),
        (spoil("tree", "label", replaced(1, -5)), "without a gap"),
        (spoil("tree", "cut", lambda c: float("nan")), "'cut'"),
        (spoil("tree", "cut", lambda c: None), "'tree/cut' must be a number, got None"),
    ],
)
def test_malformed_state(data, spoiled, message):
    state = Hdbscan().fit(data["blobs"], context=CONTEXT).get_state()
    with pytest.raises(StateError, match=message):
        Hdbscan().set_state(spoiled(state))


FRESH = """
import sys
import numpy as np
from n2d_framework.plugin import FitContext
from n2d_builtin.hdbscan.hdbscan import Hdbscan
given = dict(np.load(sys.argv[1]))
rows, new = given.pop("rows"), given.pop("new")
state = {"space": {}, "tree": {}, "membership": {}}
for key, value in given.items():
    part, name = key.split(".")
    state[part][name] = value if value.ndim else value.item()
sys.modules["hdbscan"] = None
model = Hdbscan(min_cluster_size=5)
model.set_state(state)
found = dict(labels=model.predict(new), proba=model.predict_proba(new), s=model.strengths(new))
del sys.modules["hdbscan"]
again = Hdbscan(min_cluster_size=5).fit(rows, context=FitContext(seed=1, n_jobs=2))
np.savez(sys.argv[2], **found, fitted=again.labels_, refit=again.predict_proba(new))
"""


def test_another_process_gives_the_same_bits_and_predicts_without_hdbscan(data, tmp_path):
    x = data["digits"]
    model, new = Hdbscan(min_cluster_size=5).fit(x, context=CONTEXT), between(x)
    arrays = {
        f"{part}.{name}": value
        for part, values in model.get_state().items()
        for name, value in values.items()
    }
    np.savez(tmp_path / "given.npz", rows=x, new=new, **arrays)
    command = [sys.executable, "-c", FRESH, tmp_path / "given.npz", tmp_path / "found.npz"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == ""
    found = np.load(tmp_path / "found.npz")
    np.testing.assert_array_equal(found["labels"], model.predict(new))
    np.testing.assert_array_equal(found["proba"], model.predict_proba(new))
    np.testing.assert_array_equal(found["s"], model.strengths(new))
    np.testing.assert_array_equal(found["fitted"], model.labels_)
    np.testing.assert_array_equal(found["refit"], model.predict_proba(new))
