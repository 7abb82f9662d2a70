"""Noise is given to clusters: by random walks, through dense rows, or to the nearest one."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.neighbors import KNeighborsClassifier

import n2d_framework as n2d
from n2d_framework.plugin import ConfigError, FitContext, resolve


def reassigned(m, labels, **options):
    made = resolve("refine", {"name": "reassign_noise", **options})
    return made.fit(m, labels, context=FitContext())


def chain():
    """A cluster whose tail of noise ends closer to another cluster than to its own."""
    rng = np.random.default_rng(0)
    first = rng.normal(0, 0.3, (40, 2))
    tail = np.column_stack([np.linspace(0.5, 8, 60), np.zeros(60)])
    second = rng.normal((11, 0), 0.1, (40, 2))
    m = np.concatenate([first, tail, second]).astype(np.float32)
    labels = np.repeat([0, -1, 1], [40, 60, 40])
    return m, labels


def test_noise_goes_along_dense_rows_and_new_rows_with_their_nearest():
    m, labels = chain()
    dense = reassigned(m, labels, method="density")
    assert dense.refine(m, labels).tolist() == [0] * 100 + [1] * 40
    assert dense.changed_ == 60
    new = m[95:100] + np.float32(0.01)
    noise = np.full(5, -1)
    assert dense.refine(new, noise).tolist() == [0] * 5
    assert [dense.refine(row[None], noise[:1])[0] for row in new] == [0] * 5
    assert reassigned(m, labels, method="nearest").refine(new, noise).tolist() == [1] * 5


@pytest.mark.parametrize("seed", range(5))
def test_the_longest_step_of_a_path_is_the_shortest_there_is(seed):
    rng = np.random.default_rng(seed)
    m = rng.normal(size=(60, 3)).astype(np.float32)
    labels = np.where(rng.random(60) < 0.2, rng.integers(0, 3, 60), -1)
    apart = np.sqrt(((m[:, None] - m[None]).astype(np.float64) ** 2).sum(axis=2))
    order = np.argsort(apart, axis=1)
    core = np.take_along_axis(apart, order, 1)[:, 15]
    step = np.full((60, 60), np.inf)
    rows = np.repeat(np.arange(60), 15)
    near = order[:, 1:16].ravel()
    step[rows, near] = np.maximum(apart[rows, near], np.maximum(core[rows], core[near]))
    step = np.minimum(step, step.T)
    for between in range(60):
        step = np.minimum(step, np.maximum(step[:, between, None], step[None, between]))
    found = reassigned(m, labels, method="density").refine(m, labels)
    np.testing.assert_array_equal(found[labels >= 0], labels[labels >= 0])
    for row in np.flatnonzero(labels == -1):
        best = {k: step[row, labels == k].min() for k in range(3)}
        assert best[found[row]] == pytest.approx(min(best.values()), rel=1e-6)


def chances_of(m, labels):
    """Of each cluster to be met first by a walk from each noisy row: a linear system."""
    apart = ((m[:, None] - m[None]).astype(np.float64) ** 2).sum(axis=2)
    near = np.argsort(apart, axis=1)[:, 1:16]
    joined = np.zeros(apart.shape, dtype=bool)
    joined[np.repeat(np.arange(len(m)), 15), near.ravel()] = True
    joined |= joined.T
    steps = joined / joined.sum(axis=1, keepdims=True)
    noise = labels == -1
    at_once = [steps[noise][:, labels == k].sum(axis=1) for k in np.unique(labels[~noise])]
    onward = np.eye(noise.sum()) - steps[noise][:, noise]
    return np.linalg.solve(onward, np.stack(at_once, axis=1))


@pytest.mark.parametrize("seed", range(5))
def test_a_walk_meets_the_cluster_first_that_noise_is_given_to(seed):
    rng = np.random.default_rng(seed)
    m = rng.normal(size=(150, 3)).astype(np.float32)
    labels = np.where(rng.random(150) < 0.3, rng.choice([2, 5, 7], 150), -1)
    chances = np.sort(chances_of(m, labels), axis=1)
    clear = chances[:, -1] - chances[:, -2] > 0.02
    assert clear.mean() > 0.5
    found = reassigned(m, labels).refine(m, labels)
    np.testing.assert_array_equal(found[labels >= 0], labels[labels >= 0])
    expected = np.array([2, 5, 7])[chances_of(m, labels).argmax(axis=1)]
    np.testing.assert_array_equal(found[labels == -1][clear], expected[clear])


@pytest.mark.parametrize("least", [0.5, 0.6, 0.7])
def test_noise_that_is_not_sure_enough_stays_noise(least):
    rng = np.random.default_rng(0)
    m = rng.normal(size=(150, 3)).astype(np.float32)
    places = np.array([2, 5, 7])[np.digitize(m[:, 0], [-0.5, 0.5])]
    labels = np.where(rng.random(150) < 0.3, places, -1)
    chances = chances_of(m, labels).max(axis=1)
    sure, unsure = chances > least + 0.02, chances < least - 0.02
    assert sure.any()
    assert unsure.any()
    made = reassigned(m, labels, min_probability=least)
    found = made.refine(m, labels)[labels == -1]
    assert (found[sure] >= 0).all()
    assert (found[unsure] == -1).all()
    again = resolve("refine", "reassign_noise")
    again.set_state(made.get_state())
    np.testing.assert_array_equal(again.refine(m, labels)[labels == -1], found)


@pytest.mark.parametrize("method", ["density", "nearest"])
def test_a_probability_is_refused_where_none_is_known(method):
    options = {"name": "reassign_noise", "method": method, "min_probability": 0.5}
    with pytest.raises(ConfigError, match=f"min_probability.*not for {method}"):
        resolve("refine", options)


def test_walks_among_very_many_clusters_end_somewhere():
    """No cluster has a chance of a hundredth; then density decides."""
    rng = np.random.default_rng(0)
    m = rng.normal(size=(600, 8)).astype(np.float32)
    labels = np.full(600, -1)
    labels[:200] = np.arange(200)
    found = reassigned(m, labels).refine(m, labels)
    assert (found >= 0).all()


@pytest.mark.parametrize("method", ["propagation", "density", "probability", "classifier"])
def test_the_order_of_rows_does_not_matter(method):
    rng = np.random.default_rng(2)
    m = rng.normal(size=(300, 2)).astype(np.float32)
    labels = np.where(rng.random(300) < 0.3, (m[:, 0] > 0) + 2 * (m[:, 1] > 0), -1)
    found = reassigned(m, labels, method=method).refine(m, labels)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(300)
        again = reassigned(m[order], labels[order], method=method).refine(m[order], labels[order])
        np.testing.assert_array_equal(again, found[order])


@pytest.mark.parametrize(
    "method", ["propagation", "density", "nearest", "probability", "classifier"]
)
def test_far_rows_stay_noise_equal_rows_stay_together_and_odd_inputs_pass(method):
    m, labels = chain()
    far = reassigned(m, labels, method=method, max_distance=1.5)
    after = far.refine(m, labels)
    assert (after[80:95] == -1).all()
    assert (after[40:46] == 0).all()
    assert far.changed_ == (after != labels).sum()
    twice, both = np.repeat(m, 2, 0), np.repeat(labels, 2)
    found = reassigned(twice, both, method=method).refine(twice, both)
    assert (found[::2] == found[1::2]).all()
    for given in (np.zeros(140, dtype=int), np.full(140, -1), np.r_[0, np.full(139, -1)]):
        expected = given if -1 in given and given.max() < 0 else np.zeros(140, dtype=int)
        assert (reassigned(m, given, method=method).refine(m, given) == expected).all()
    lone = np.array([[1.0, 2.0], [1.0, 2.0], [3.0, 4.0]], dtype=np.float32)
    one = np.array([-1, 4, -1])
    assert reassigned(lone, one, method=method).refine(lone, one).tolist() == [4, 4, 4]


@pytest.mark.parametrize("method", ["propagation", "density", "classifier"])
def test_groups_that_no_path_reaches_go_to_the_nearest_cluster(method):
    rng = np.random.default_rng(1)
    parts = [rng.normal(centre, 0.1, (30, 2)) for centre in (0, 100, 1000)]
    m, labels = np.concatenate(parts).astype(np.float32), np.repeat([0, 1, -1], 30)
    given = reassigned(m, labels, method=method).refine(m, labels)
    assert given[60:].tolist() == [1] * 30


def between_two(n=200):
    """A wide and a narrow Gaussian, half of whose rows are noise, and their classes."""
    rng = np.random.default_rng(4)
    y = np.repeat([0, 1], n)
    m = rng.normal(size=(2 * n, 3)) * np.where(y == 0, 3.0, 0.4)[:, None]
    m[:, 0] += np.where(y == 0, 0.0, 4.0)
    return m.astype(np.float32), np.where(rng.random(2 * n) < 0.5, y, -1), y


def test_the_likeliest_cluster_is_that_of_a_quadratic_discriminant():
    m, labels, y = between_two()
    found = reassigned(m, labels, method="probability").refine(m, labels)
    known = labels >= 0
    peer = QuadraticDiscriminantAnalysis().fit(m[known], labels[known]).predict(m[~known])
    assert (found[~known] == peer).mean() > 0.97
    assert (found == y).mean() > 0.95


def test_the_vote_is_that_of_the_nearest_neighbours():
    m, labels, y = between_two()
    found = reassigned(m, labels, method="classifier").refine(m, labels)
    known = labels >= 0
    peer = KNeighborsClassifier(15, weights="distance").fit(m[known], labels[known])
    np.testing.assert_array_equal(found[~known], peer.predict(m[~known]))
    assert (found == y).mean() > 0.9


@pytest.mark.parametrize("method", ["probability", "classifier"])
def test_less_sure_rows_stay_noise(method):
    m, labels, y = between_two()
    noise = labels == -1
    kept = {}
    for least in (0.0, 0.7, 0.9, 1.0):
        found = reassigned(m, labels, method=method, min_probability=least).refine(m, labels)
        kept[least] = found[noise] >= 0
        assert (found[~noise] == labels[~noise]).all()
        right = (found == y)[noise][kept[least]]
        assert right.mean() > (0.9, 0.95)[least > 0.8]
    assert kept[0.0].all()
    assert kept[0.7].sum() > kept[0.9].sum() > kept[1.0].sum()


@pytest.mark.parametrize("method", ["probability", "classifier"])
@pytest.mark.parametrize("unit", [1e-15, 1e15])
def test_new_labels_do_not_depend_on_units(method, unit):
    m, labels, _ = between_two()
    far = (m * np.float32(unit)).astype(np.float32)
    found = reassigned(far, labels, method=method).refine(far, labels)
    np.testing.assert_array_equal(found, reassigned(m, labels, method=method).refine(m, labels))


def test_a_state_of_the_first_version_answers_as_before():
    m, labels = chain()
    old = reassigned(m, labels, method="nearest")
    state = {name: value for name, value in old.get_state().items() if name != "clustered"}
    again = resolve("refine", "reassign_noise")
    again.set_state(again.upgrade_state(state, 1))
    np.testing.assert_array_equal(again.refine(m, labels), old.refine(m, labels))


def test_a_model_with_it_predicts_its_own_labels(tmp_path):
    rng = np.random.default_rng(0)
    x = np.concatenate(
        [rng.normal(c, 0.5, (60, 4)) for c in (0, 4)] + [rng.uniform(-3, 8, (60, 4))]
    )
    clusterer = {"name": "hdbscan", "min_cluster_size": 15}
    model = n2d.N2D("identity", "identity", clusterer, refine="reassign_noise").fit(x)
    assert (model.labels_ >= 0).all()
    model.save(tmp_path / "m.n2d")
    again = n2d.load(tmp_path / "m.n2d", verify=True)
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
