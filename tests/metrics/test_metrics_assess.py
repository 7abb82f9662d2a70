from __future__ import annotations

import math
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import make_blobs, make_moons

from n2d_framework.core.announcements.metric import MetricSpec
from n2d_framework.errors import DataError
from n2d_framework.metrics import (
    LESS_IS_BETTER,
    MetricWarning,
    assess,
    calinski_harabasz,
    davies_bouldin,
    dbcv,
    score,
    silhouette,
    stability,
)
from n2d_framework.registry import Entry

X, Y = make_blobs(300, centers=4, n_features=3, cluster_std=0.6, random_state=0)
FOUR = ("acc", "nmi", "ari", "ami")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 3)), min_size=1, max_size=40),
    st.permutations(range(4)),
)
def test_scores_are_bounded_and_ignore_the_names_of_clusters(rows, names):
    y, labels = (list(column) for column in zip(*rows, strict=True))
    found = score(y, labels)
    assert 0 < found["acc"] <= 1
    assert -1e-9 <= found["nmi"] <= 1 + 1e-9
    assert -1 <= found["ari"] <= 1
    assert found["ami"] <= 1 + 1e-9
    assert found["coverage"] == pytest.approx(sum(label >= 0 for label in labels) / len(labels))
    assert found["n_clusters"] == len(set(labels) - {-1})
    renamed = score(y, [names[label] if label >= 0 else -1 for label in labels])
    assert renamed == pytest.approx(found, nan_ok=True)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=3, max_size=40))
def test_relabelled_truth_scores_one(y):
    """Three rows at least: of two in two classes, scikit-learn 1.6 has an AMI of 0."""
    found = score(y, [f"cluster {5 - c}" for c in y])
    for name in FOUR:
        assert found[name] == pytest.approx(1.0)
        assert found[f"{name}_clustered"] == pytest.approx(1.0)


def test_the_two_views_of_noise_are_kept_apart():
    y = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    labels = np.array([0, 0, -1, -1, 1, 1, 1, -1])
    found = score(y, labels)
    assert found["coverage"] == pytest.approx(5 / 8)
    assert found["n_clusters"] == 2
    assert found["acc"] == pytest.approx(5 / 8)
    assert [found[f"{name}_clustered"] for name in FOUR] == pytest.approx([1.0] * 4)
    assert found["ari"] < 1


def test_all_noise_has_no_clustered_score():
    found = score([0, 1, 1], [-1, -1, -1])
    assert found["coverage"] == 0
    assert found["n_clusters"] == 0
    assert found["acc"] == pytest.approx(2 / 3)
    assert all(math.isnan(found[f"{name}_clustered"]) for name in FOUR)


def test_texts_are_never_noise():
    assert score(["a", "b"], ["-1", "1"])["coverage"] == 1


def test_assess_on_blobs():
    found = assess(Y, Y, X, density=True)
    assert list(found) == [
        *FOUR, "coverage", "n_clusters", *(f"{name}_clustered" for name in FOUR),
        "silhouette", "calinski_harabasz", "davies_bouldin", "dbcv",
    ]  # fmt: skip
    rng = np.random.default_rng(0)
    shuffled = assess(Y, rng.permutation(Y), X, density=True)
    for name, value in found.items():
        if name in LESS_IS_BETTER:
            assert value < shuffled[name]
        elif name not in ("coverage", "n_clusters"):
            assert value > shuffled[name]


def test_assess_without_truth_or_coordinates():
    assert assess(None, [0, 1, -1, -1]) == {"coverage": 0.5, "n_clusters": 2}
    assert "silhouette" in assess(None, Y, X)
    assert "silhouette" not in assess(Y, Y)
    assert "dbcv" not in assess(Y, Y, X)


@pytest.mark.parametrize("metric", [silhouette, calinski_harabasz, davies_bouldin])
def test_geometry_leaves_noise_out(metric):
    labels = Y.copy()
    labels[::7] = -1
    inside = labels >= 0
    assert metric(X, labels) == metric(X[inside], labels[inside])


@pytest.mark.parametrize("metric", [silhouette, calinski_harabasz, davies_bouldin, dbcv])
def test_undefined_without_two_clusters(metric):
    assert math.isnan(metric(X, np.zeros(len(X), dtype=int)))
    assert math.isnan(metric(X, np.full(len(X), -1)))
    assert math.isnan(metric(X[:4], [0, 1, 2, 3]))


def test_samples_are_seeded():
    x, y = make_blobs(3000, centers=3, cluster_std=2.0, random_state=1)
    one = silhouette(x, y, max_rows=500, random_state=3)
    assert one == silhouette(x, y, max_rows=500, random_state=3)
    assert one != silhouette(x, y, max_rows=500, random_state=4)
    assert one == pytest.approx(silhouette(x, y), abs=0.05)
    few = dbcv(x, y, max_rows=400, random_state=3)
    assert few == dbcv(x, y, max_rows=400, random_state=3)


def test_dbcv_sees_shapes_that_silhouette_does_not():
    x, y = make_moons(400, noise=0.04, random_state=0)
    cut = (x[:, 0] > 0.5).astype(int)
    assert silhouette(x, cut) > silhouette(x, y)
    assert dbcv(x, y) > 0.5 > dbcv(x, cut)


def test_dbcv_is_that_of_the_library_and_counts_noise():
    from hdbscan.validity import validity_index

    assert dbcv(X, Y) == pytest.approx(validity_index(X, Y))
    noisy = np.where(np.arange(len(Y)) % 3 == 0, -1, Y)
    assert dbcv(X, noisy) == pytest.approx(validity_index(X, noisy))
    inside = noisy >= 0
    assert dbcv(X, noisy) < dbcv(X[inside], noisy[inside])


def test_dbcv_treats_clusters_without_density_as_noise():
    x = np.concatenate([X, np.repeat([[50.0, 50, 50]], 5, axis=0), [[90.0, 0, 0]]])
    labels = np.concatenate([Y, [9] * 5, [8]])
    as_noise = np.where(labels >= 8, -1, labels)
    assert dbcv(x, labels) == dbcv(x, as_noise)


def test_dbcv_in_many_dimensions_is_finite():
    x, y = make_blobs(200, centers=3, n_features=300, cluster_std=1e-3, random_state=0)
    assert 0 < dbcv(x, y) <= 1


@pytest.mark.parametrize(
    ("coordinates", "message"),
    [
        (X[:5], "coordinates have 5 rows, labels have 300"),
        (X[:, 0], r"shape \(n, d\)"),
        (np.where(np.arange(300)[:, None] == 7, np.nan, X), "first in row 7"),
        ([["a"]] * 300, "real numbers"),
    ],
)
def test_unusable_coordinates_are_refused(coordinates, message):
    with pytest.raises(DataError, match=message):
        assess(None, Y, coordinates)


def spec(name, function, **kwargs):
    return MetricSpec(name=name, function=function, summary="", **kwargs)


def test_metrics_of_plugins():
    true = spec("completeness", "sklearn.metrics:completeness_score")
    free = spec("ch", "sklearn.metrics:calinski_harabasz_score", needs_truth=False)
    found = assess(Y, Y, X, extra=[true, Entry(free, "mine", "1.0")])
    assert found["completeness"] == pytest.approx(1.0)
    assert found["ch"] == pytest.approx(found["calinski_harabasz"])
    assert "completeness" not in assess(None, Y, X, extra=[true])
    assert "ch" not in assess(Y, Y, extra=[free])


GOOD = "sklearn.metrics:completeness_score"
TROUBLE = {
    "raises": ([("bad", "builtins:len")], r"'bad' of d0 1\.0 .*TypeError.*metric/bad.* to d0$"),
    "exits": ([("bad", "sys:exit")], r"'bad' of d0 1\.0"),
    "absent": ([("bad", "not_there:score")], r"'bad' of d0 1\.0 .*No module named 'not_there'"),
    "nothing": ([("bad", f"{__name__}:nothing")], "returned a NoneType, no number"),
    "a text": ([("bad", f"{__name__}:text")], "returned a str, no number"),
    "several numbers": ([("bad", "numpy:equal")], r"'bad' of d0 1\.0"),
    "writes": ([("bad", f"{__name__}:writes")], "read-only"),
    "taken": ([("acc", GOOD)], r"'acc' .*d0 1\.0, but a score of the framework"),
    "taken, not computed": ([("dbcv", GOOD)], r"'dbcv' .*d0 1\.0, but a score of the framework"),
    "twice": (
        [("bad", GOOD), ("bad", GOOD)],
        r"'bad' .*d0 1\.0 and d1 1\.0; uninstall .*d0 or d1$",
    ),
}


def nothing(y, labels):
    return None


def text(y, labels):
    return "0.5"


def writes(y, labels):
    labels[:] = 0
    return 1.0


@pytest.mark.parametrize(("metrics", "words"), TROUBLE.values(), ids=TROUBLE)
def test_a_metric_that_cannot_be_used_costs_only_its_own_score(metrics, words):
    extra = [Entry(spec(*metric), f"d{i}", "1.0") for i, metric in enumerate(metrics)]
    labels = Y.copy()
    extra.append(Entry(spec("completeness", GOOD), "works", "1.0"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = assess(Y, labels, extra=extra)
    (reported,) = [str(w.message) for w in caught if issubclass(w.category, MetricWarning)]
    assert re.search(words, reported), reported
    assert found == assess(Y, Y) | {"completeness": pytest.approx(1.0)}
    assert (labels == Y).all()


def test_stability():
    labels = [0, 0, 1, 1, -1]
    assert stability([labels, ["b", "b", "a", "a", "n"]]) == 1.0
    rng = np.random.default_rng(0)
    assert abs(stability(rng.integers(0, 4, (3, 2000)))) < 0.02
    with pytest.raises(DataError, match="at least two"):
        stability([labels])
    with pytest.raises(DataError, match=r"labelings\[0\] has 5 rows, labelings\[1\] have 2"):
        stability([labels, [0, 1]])


def test_importing_metrics_is_light():
    code = (
        "import sys, n2d_framework.metrics;"
        "print([m for m in ('scipy', 'sklearn', 'hdbscan', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_of_very_many_rows_a_sample_is_scored(monkeypatch):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 5000)
    points = 4.0 * labels[:, None] + rng.normal(size=(5000, 2))
    whole = davies_bouldin(points, labels), silhouette(points, labels)
    monkeypatch.setattr("n2d_framework.metrics.geometry._MOST_SCORED", 2000)
    found = davies_bouldin(points, labels), silhouette(points, labels)
    assert found != whole
    np.testing.assert_allclose(found, whole, rtol=0.05)
    assert found == (davies_bouldin(points, labels), silhouette(points, labels))
    with pytest.raises(DataError, match="coordinates"):
        davies_bouldin(points[:-1], labels)


@pytest.mark.parametrize("k", [4, 5, 9, 17])
@pytest.mark.parametrize("wide", [True, False])
def test_clusters_in_blocks_are_scored_as_all_at_once(k, wide, monkeypatch):
    rng = np.random.default_rng(k)
    labels = np.concatenate([np.arange(k), rng.integers(-1, k, size=60)]) * 3
    labels[labels < 0] = -1
    points = rng.normal(size=(k + 60, 3)) + labels[:, None]
    if not wide:
        points = np.repeat(labels[:, None].astype(float), 3, axis=1)
    whole = davies_bouldin(points, labels)
    monkeypatch.setattr("n2d_framework.metrics.geometry._MOST_PAIRED", 4)
    assert davies_bouldin(points, labels) == pytest.approx(whole, rel=1e-6, abs=1e-6)
