"""Results that hold nothing of the data are refused, those that hold little are warned of."""

import warnings

import numpy as np
import pytest

from n2d_framework import N2D, compare
from n2d_framework.core.spec import ComponentSpec
from n2d_framework.errors import CollapseWarning, StageError
from n2d_framework.plan.collapse import check_collapse


def spec_of(role):
    return ComponentSpec(role=role, name="some", factory="some.module:Some", summary="Some.")


def reported(output, x, role="embedder", component=None):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_collapse(output, x, component, spec_of(role))
    return [str(w.message) for w in caught]


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(60, 12)).astype(np.float32)


@pytest.mark.parametrize("role", ["embedder", "manifolder"])
@pytest.mark.parametrize("scale", [0.0, 1e-30, 1.0, 1e30])
@pytest.mark.parametrize("noise", [0.0, 1e-7])
def test_equal_coordinates_of_different_rows_are_refused(rows, role, scale, noise):
    output = np.full((60, 3), scale, np.float32)
    output *= 1 + noise * rows[:, :3]
    with pytest.raises(StageError, match=f"{role} 'some' gave all 60 rows the same coordinates"):
        check_collapse(output, rows, None, spec_of(role))


@pytest.mark.parametrize("offset", [1.0, 1e30])
def test_rows_that_do_not_differ_need_no_different_coordinates(offset):
    x = np.full((20, 3), offset, np.float32)
    assert reported(x[:, :2], x) == []


def test_the_learning_rate_is_named_where_there_is_one(rows):
    class Network:
        learning_rate = 0.5

    with pytest.raises(StageError, match=r"lower its learning_rate \(now 0.5\)"):
        check_collapse(np.ones((60, 2), np.float32), rows, Network(), spec_of("embedder"))


def test_most_rows_in_one_place(rows):
    output = rows[:, :2].copy()
    output[:40] = 1
    assert (
        "gave 65% of the rows the coordinates of rows with other data" in reported(output, rows)[0]
    )
    rows[:40] = 3
    assert reported(output, rows) == []


@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e20])
@pytest.mark.parametrize("offset", [0.0, 7.0])
def test_few_dimensions_of_a_latent_space(rows, scale, offset):
    flat = rows[:, :1] * np.linspace(-1, 1, 10, dtype=np.float32) + np.float32(offset)
    flat = (flat * np.float32(scale)).astype(np.float32)
    assert "uses 1 of the 10 dimensions of its latent space" in reported(flat, rows)[0]
    assert reported(flat, rows, "manifolder") == []
    assert reported(flat, flat) == []  # the data have no more
    assert reported(rows, rows) == []


@pytest.mark.parametrize("width", [900, 3])
def test_rows_of_any_width(width):
    x = np.random.default_rng(1).normal(size=(700, width)).astype(np.float32)
    latent = x[:, :1] * np.ones((1, 8), np.float32)
    assert len(reported(latent, x)) == 1


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([0] * 6, "puts all 6 rows into one cluster;"),
        ([0] * 5 + [-1], "puts all 6 rows into one cluster or takes them for noise"),
        ([-1] * 6, "takes all 6 rows for noise and finds no cluster"),
    ],
)
def test_labels_without_a_partition(labels, words):
    labels, x = np.array(labels), np.arange(12, dtype=np.float32).reshape(6, 2)
    assert words in reported(labels, x, "clusterer")[0]


def test_one_cluster_where_one_was_asked_for(rows):
    with warnings.catch_warnings():
        warnings.simplefilter("error", CollapseWarning)
        model = N2D("identity", "identity", "kmeans", n_clusters=1, random_state=0).fit(rows)
    assert set(model.labels_) == {0}


def test_a_model_warns_of_nothing_but_noise(rows):
    model = N2D("identity", "identity", {"name": "hdbscan", "min_cluster_size": 40})
    with pytest.warns(CollapseWarning, match="'hdbscan' takes all 60 rows for noise"):
        model.fit(rows)


@pytest.mark.parametrize("shown", ["always", "ignore"])
def test_a_stage_from_the_store_warns_as_when_it_was_fitted(rows, tmp_path, shown):
    parts = {"embedder": "identity", "manifolder": "identity", "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter(shown, CollapseWarning)  # whoever fitted it may not have looked
        clusterer = {"name": "hdbscan", "min_cluster_size": 40}
        N2D(clusterer=clusterer, store=tmp_path, **parts).fit(rows)
    model = N2D(clusterer=clusterer, store=tmp_path, **parts)
    with pytest.warns(CollapseWarning, match="'hdbscan' takes all 60 rows for noise") as given:
        model.fit(rows)
    assert len(given) == 1
    with pytest.warns(CollapseWarning, match="'hdbscan' takes all 60 rows for noise"):
        model.fit(rows)  # which is kept in the model, too
    with warnings.catch_warnings():
        warnings.simplefilter("error", CollapseWarning)
        N2D(clusterer="kmeans", n_clusters=2, store=tmp_path, **parts).fit(rows)


def test_a_comparison_and_a_run_warn_of_the_same_stage(rows, tmp_path):
    grid = {
        "data": "rows", "embedders": ["identity"], "manifolders": ["identity"],
        "clusterers": [{"name": "hdbscan", "min_cluster_size": 40}],
    }  # fmt: skip
    where = {"data": {"rows": rows}, "store": tmp_path / "store"}
    first = compare(grid, tmp_path / "a", **where).table["warnings"]
    second = compare(grid, tmp_path / "b", **where).table["warnings"]
    assert "takes all 60 rows for noise" in first[0]
    assert list(first) == list(second)
