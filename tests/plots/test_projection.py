"""More than two dimensions on paper: principal axes, or a map."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from n2d_framework import plots
from n2d_framework.errors import ConfigError
from n2d_framework.plots import row_sample
from n2d_framework.plots.row_sample import to_plane


@pytest.fixture(scope="module")
def blobs():
    """Six groups in ten dimensions, of which the first two axes show no more than two or three."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(6), 40)
    scales = np.array([40.0, 20.0, 4.0, 4.0, 4.0, 4.0])
    centres = np.zeros((6, 10))
    centres[np.arange(6), np.arange(6)] = scales
    return centres[labels] + 0.1 * rng.normal(size=(240, 10)), labels


def spread(ax, labels_of_rows):
    """Least distance of two groups over the width of the widest group."""
    found = np.concatenate([c.get_offsets() for c in ax.collections])
    groups = [found[labels_of_rows == k] for k in range(6)]
    middles = np.array([g.mean(axis=0) for g in groups])
    apart = [np.hypot(*(a - b)) for i, a in enumerate(middles) for b in middles[:i]]
    return min(apart) / max(np.ptp(g, axis=0).max() for g in groups)


def test_a_map_keeps_groups_apart_that_principal_axes_lay_on_each_other(blobs):
    x, labels = blobs
    order = np.random.default_rng(0).permutation(len(x))
    drawn = labels[order]
    squeezed = spread(plots.scatter(x, max_points=None), drawn)
    mapped = spread(plots.scatter(x, max_points=None, projection="tsne"), drawn)
    assert squeezed < 0.5
    assert mapped > 1.0


def test_the_axes_of_a_map_say_what_they_are(blobs):
    ax = plots.scatter(*blobs, projection="tsne", max_points=60)
    assert ax.get_xlabel() == "t-SNE axis 1 (of 10 dimensions)"
    assert ax.get_ylabel() == "t-SNE axis 2"


def test_panels_and_confidence_show_the_same_map(blobs):
    x, labels = blobs
    common = {"projection": "tsne", "max_points": 60}
    (grid,) = plots.truth_and_prediction(x, labels, labels, **common)
    ax = plots.confidence(x, np.linspace(0, 1, len(x)), **common)
    gathered = [np.concatenate([c.get_offsets() for c in axes.collections]) for axes in (*grid, ax)]
    ordered = [points[np.lexsort(points.T)] for points in gathered]
    np.testing.assert_allclose(ordered[0], ordered[1], atol=1e-3)
    np.testing.assert_allclose(ordered[0], ordered[2], atol=1e-3)


def test_two_dimensions_and_few_rows_need_no_map(blobs):
    x, labels = blobs
    assert plots.scatter(x[:, :2], labels, projection="tsne").get_xlabel() == "coordinate 1"
    few = plots.scatter(x[:5], labels[:5], projection="tsne")
    assert few.get_xlabel().startswith("principal axis 1 of 10")


def test_equal_rows_can_be_mapped():
    ax = plots.scatter(np.ones((30, 4)), projection="tsne")
    assert np.isfinite(np.asarray(ax.collections[0].get_offsets())).all()


@pytest.mark.filterwarnings("error")
def test_four_panels_on_a_map(blobs):
    x, labels = blobs
    grid = plots.four_panels(
        x, truth=labels, prior=labels, posterior_2d=labels, posterior=labels, projection="tsne",
        max_points=50,
    )  # fmt: skip
    assert grid[1, 1].get_xlabel().startswith("t-SNE")


def test_an_unknown_projection_is_refused(blobs):
    with pytest.raises(ConfigError, match="did you mean 'tsne'"):
        plots.scatter(*blobs, projection="tsnee")


@pytest.mark.parametrize("width", [1, 2, 10])
def test_wanted_rows_lie_where_they_lie_among_all(blobs, width):
    x = blobs[0][:, :width].astype(np.float32)
    rows = np.random.default_rng(1).permutation(len(x))[:50]
    plane, names = to_plane(x, 3)
    some, same = to_plane(x, 3, rows)
    assert names == same
    np.testing.assert_allclose(some, plane[rows], rtol=1e-12)
    assert plane.dtype == some.dtype == np.float64


def test_axes_of_many_rows_are_those_of_a_sample_and_no_row_is_copied(blobs, monkeypatch):
    few = blobs[0]
    x = np.tile(few, (1000, 1)).astype(np.float32)
    whole, _ = to_plane(few)
    monkeypatch.setattr(row_sample, "_FOR_AXES", 20_000)
    monkeypatch.setattr(row_sample, "_BLOCK", 4096)
    tracemalloc.start()
    try:
        plane, (across, _) = to_plane(x)
        plots.scatter(x, np.tile(blobs[1], 1000), max_points=100)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.5 * x.nbytes
    for j in range(2):
        assert np.corrcoef(plane[: len(few), j], whole[:, j])[0, 1] > 0.999
    assert across.startswith("principal axis 1 of 10 (")
