"""Drift: no alarm where nothing changed, an alarm where something did, new clusters named."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.manifold import SpectralEmbedding

import n2d_framework as n2d
from n2d_framework.errors import DataError, StateError, UnsupportedError
from n2d_framework.metrics.drift.drift_reference import Reference
from n2d_framework.metrics.drift.following import drift_of

CENTRES = np.array([[0.0, 0, 0, 0], [10, 0, 0, 0], [0, 10, 0, 0]])
SHARES = [0.5, 0.3, 0.2]


def stream(seed: int, n: int = 300, shares=SHARES) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return CENTRES[rng.choice(3, n, p=shares)] + rng.normal(size=(n, 4))


@pytest.fixture(scope="module")
def model():
    return n2d.N2D(
        "identity", "identity", "kmeans", scaler="none", n_clusters=3, random_state=0
    ).fit(stream(0, 2000))


def test_at_most_five_of_a_hundred_quiet_streams_alarm(model):
    fit = model._fitted()
    sizes = dict(zip(*np.unique(model.labels_, return_counts=True), strict=True))
    verdicts = []
    for seed in range(1, 101):
        x = stream(seed).astype(np.float32)
        verdicts.append(drift_of(x, model.predict(x), fit.reference, sizes).verdict)
    assert verdicts.count("drift") <= 5
    assert model.drift(stream(0, 2000)).verdict == "quiet"


@pytest.mark.parametrize("unit", [1e-200, 1.0, 1e300])
def test_the_widest_features_are_followed_in_any_unit(unit):
    x = np.random.default_rng(0).normal(size=(80, 70)) * np.r_[np.full(60, 1.0), np.full(10, 50.0)]
    labels, rows = np.zeros(80, dtype=np.int64), x[:, :2].astype(np.float32)
    names = [f"f{j}" for j in range(70)]
    followed = Reference.of(rows, labels, x * unit, names).features
    assert len(followed) == 64
    assert set(names[60:]) <= set(followed)


def test_changed_shares_shifts_and_spread_are_found(model):
    shares = model.drift(stream(1, shares=[0.2, 0.3, 0.5]))
    assert shares.verdict == "drift"
    assert shares.tests[0].what in ("shares of clusters", "latent 0", "latent 1")
    assert sum(now for _, now in shares.shares.values()) == pytest.approx(1)
    assert shares.candidates == ()
    shifted = model.drift(stream(2) + np.array([0, 0, 0.8, 0]))
    assert (shifted.verdict, shifted.tests[0].what) == ("drift", "latent 2")
    wider = model.drift(stream(3) + np.random.default_rng(0).normal(size=(300, 4)))
    assert "distance to the nearest cluster" in {
        test.what for test in wider.tests if test.p_adjusted < 0.01
    }
    p = [test.p for test in wider.tests]
    assert p == sorted(p)
    assert all(test.p <= test.p_adjusted <= 1 for test in wider.tests)
    assert json.loads(json.dumps(wider.as_dict())) == wider.as_dict()


def test_rows_between_clusters_lower_the_confidence(model, tmp_path):
    x = stream(7)
    towards = CENTRES[1] - CENTRES[0]
    here = np.linalg.norm(x - CENTRES[0], axis=1) < 4
    x[here] += 0.25 * towards * np.sign(np.random.default_rng(0).random((here.sum(), 1)) - 0.5)

    def confidence(given):
        return next(test.p for test in given.drift(x).tests if test.what == "confidence")

    assert confidence(model) < 1e-6
    assert next(t.p for t in model.drift(stream(8)).tests if t.what == "confidence") > 1e-3
    model.save(tmp_path / "m.n2d")
    assert confidence(n2d.load(tmp_path / "m.n2d")) == confidence(model)
    one = n2d.N2D("identity", "identity", "kmeans", n_clusters=1, random_state=0).fit(x)
    assert "confidence" not in {test.what for test in one.drift(x).tests}


@pytest.mark.parametrize(
    "wrong",
    [
        {"margin_counts": np.zeros((1, 19), dtype=np.int64)},
        {"margin_edges": np.full((1, 19), np.nan)},
        {"margin_edges": np.zeros((2, 19))},
        {"margin_edges": np.arange(19.0)[None, ::-1].copy()},
    ],
)
def test_margins_that_do_not_fit_are_refused(model, wrong):
    state = model._fitted().reference.as_state()
    assert Reference.of_state(state).as_state().keys() == state.keys()
    with pytest.raises(StateError, match="margins of the reference do not fit together"):
        Reference.of_state(state | wrong)


def test_a_new_cluster_is_a_candidate_with_its_rows(model):
    new = np.array([10.0, 10.0, 8.0, 0.0]) + np.random.default_rng(5).normal(size=(40, 4))
    found = model.drift(np.concatenate([stream(4), new]))
    assert found.verdict == "drift"
    assert found.far > 0.1
    rows = set(found.candidates[0])
    assert len(rows & set(range(300, 340))) / len(rows) >= 0.9
    assert len(rows) >= 35


def test_a_new_cluster_between_old_ones_is_found_and_none_where_rows_are_as_before(model):
    between = np.array([5.0, 0.0, 0.0, 0.0]) + np.random.default_rng(6).normal(size=(60, 4)) * 0.7
    found = model.drift(np.concatenate([stream(5), between]))
    assert len(found.candidates) == 1
    rows = set(found.candidates[0])
    assert len(rows & set(range(300, 360))) / len(rows) >= 0.9
    assert all(model.drift(stream(seed)).candidates == () for seed in range(20, 40))
    again = stream(0, 2000)
    assert model.drift(again).candidates == model.drift(np.repeat(again, 2, 0)).candidates == ()


@pytest.mark.parametrize("n_different", [1, 3])
def test_equal_new_rows_are_a_candidate_as_a_whole(model, n_different):
    different = np.array([30.0, 30.0, 8.0, 0.0]) + np.arange(n_different)[:, None]
    found = model.drift(np.concatenate([stream(4), np.repeat(different, 60 // n_different, 0)]))
    assert set(range(300, 360)) <= set(found.candidates[0])


@pytest.mark.parametrize("share", [0.1, 0.6])
def test_equal_rows_of_the_fit_are_not_candidates_when_they_come_again(share):
    def inflated(seed, n=300):
        x = stream(seed, n)
        x[np.random.default_rng(seed).random(n) < share] = 0
        return x

    model = n2d.N2D("identity", "identity", "kmeans", n_clusters=4, random_state=0)
    model.fit(inflated(0, 2000))
    assert all(model.drift(inflated(seed)).candidates == () for seed in range(1, 6))


def test_features_that_drift_are_named_numbers_categories_and_gaps():
    pandas = pytest.importorskip("pandas")

    def table(seed: int, shift: float = 0.0, sides=("left", "right"), gaps: int = 10):
        rng = np.random.default_rng(seed)
        frame = pandas.DataFrame(
            {"size": rng.normal(size=400), "age": rng.normal(40 + shift, 5, 400),
             "side": rng.choice(sides, 400)}
        )  # fmt: skip
        frame.loc[rng.choice(400, gaps, replace=False), "size"] = np.nan
        return frame

    model = n2d.N2D("pca", "identity", "kmeans", prepare="table", n_clusters=2, random_state=0)
    model.fit(table(0))

    def alarms(frame) -> set[str]:
        found = model.drift(frame)
        return {t.what for t in found.tests if t.p_adjusted < 0.01 and t.what.startswith("feature")}

    assert alarms(table(1)) == set()
    assert alarms(table(2, shift=4)) == {"feature age"}
    assert "feature size is missing" in alarms(table(3, gaps=90))
    assert alarms(table(4, sides=("left", "left", "left", "right"))) >= {"feature side = left"}


def test_few_rows_and_none_of_the_old_clusters(model):
    few = model.drift(stream(1, 3) + 50.0)
    assert (few.verdict, few.tests, few.n_rows) == ("unknown", (), 3)
    assert model.drift(stream(1, 60) + 50.0).verdict == "drift"
    with pytest.raises(DataError, match="0 sample"):
        model.drift(stream(1)[:0])


def test_bundles_hold_what_drift_needs_and_go_without(model, tmp_path):
    x = stream(2) + np.array([0, 0, 0.8, 0])
    model.save(tmp_path / "m.n2d")
    again = n2d.load(tmp_path / "m.n2d")
    assert again.drift(x).as_dict() == model.drift(x).as_dict()
    part = again.to_snapshot().parts["reference"]
    assert part["features"] == ["0", "1", "2", "3"]
    assert part["feature_counts"].sum(axis=1).tolist() == [2000] * 4
    assert part["points"].shape == (2000, 4)
    again.edit().merge([0, 1])
    assert again.drift(stream(7)).verdict == "quiet"
    model.save(tmp_path / "m.n2d", keep_rows=False)
    bare = n2d.load(tmp_path / "m.n2d")
    with pytest.raises(UnsupportedError, match="give rows to compare with"):
        bare.drift(x)
    assert bare.drift(x, reference=stream(9, 1000)).verdict == "drift"
    assert bare.drift(stream(6), reference=stream(9, 1000)).verdict == "quiet"


def test_constant_dimensions_all_noise_and_models_that_place_no_rows():
    x = np.ones((80, 3), dtype=np.float32)
    x[:, 0] = np.arange(80) % 2
    reference = Reference.of(x, np.full(80, -1))
    assert drift_of(x, np.full(80, -1), reference, {-1: 80}).verdict == "quiet"
    spectral = n2d.adapt("manifolder", SpectralEmbedding, n_components=2)
    model = n2d.N2D("identity", spectral, "kmeans", n_clusters=3, random_state=0)
    with pytest.raises(UnsupportedError, match="cannot place new rows"):
        model.fit(stream(0, 80)).drift(stream(1))


@pytest.mark.parametrize(
    "change",
    [
        {"dimensions": np.array([0, 9])}, {"edges": np.zeros((2, 19))}, {"far": float("nan")},
        {"counts": np.full((5, 20), -1)}, {"points": np.zeros((3, 9), np.float32)},
        {"axes": np.full((4, 4), np.nan)}, {"features": ["a"]}, {"features": [1, 2, 3, 4]},
        {"feature_counts": np.full((4, 20), -1)}, {"centres": np.zeros((0, 4))},
    ],
)  # fmt: skip
def test_a_damaged_reference_is_refused(model, change):
    whole = model._fitted().reference.as_state()
    assert Reference.of_state(whole).far == whole["far"]
    with pytest.raises(StateError, match="do not fit together"):
        Reference.of_state(whole | change)
