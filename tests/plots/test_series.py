from __future__ import annotations

import numpy as np
import pytest

from n2d_framework import plots
from n2d_framework.errors import DataError

LABELS = np.repeat([-1, 0, 1], [4, 5, 1])


@pytest.fixture
def walks() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(10, 12)).cumsum(axis=1)


def titles(grid) -> list[str]:
    return [ax.get_title() for ax in grid.flat if ax.axison]


def drawn(ax) -> np.ndarray:
    return np.stack([line.get_ydata() for line in ax.lines])


def test_each_cluster_has_its_series_and_their_mean_and_noise_is_last(walks):
    grid = plots.cluster_series(walks, LABELS)
    assert titles(grid) == ["0\n5 series", "1\n1 series", "noise\n4 series"]
    first, alone, noise = (drawn(ax) for ax in grid.flat)
    np.testing.assert_array_equal(first[:-1], walks[LABELS == 0])
    np.testing.assert_allclose(first[-1], walks[LABELS == 0].mean(axis=0))
    np.testing.assert_array_equal(alone, walks[LABELS == 1], "one series needs no mean")
    np.testing.assert_array_equal(noise, walks[LABELS == -1], "noise has no mean")
    colours = {ax.lines[0].get_color() for ax in grid.flat}
    assert len(colours) == 3


def test_panels_share_axes_that_hold_all_series(walks):
    grid = plots.cluster_series(walks, LABELS)
    limits = {(*ax.get_xlim(), *ax.get_ylim()) for ax in grid.flat}
    assert len(limits) == 1
    *_, low, high = limits.pop()
    assert low < walks.min()
    assert high > walks.max()


def test_of_large_clusters_a_seeded_sample_is_drawn_beside_the_mean_of_all(walks):
    labels = np.zeros(10, dtype=int)
    grid, again, other = (
        plots.cluster_series(walks, labels, max_series=3, random_state=seed) for seed in (0, 0, 1)
    )
    assert titles(grid) == ["0\n3 of 10 series, drawn at random"]
    assert len(grid[0, 0].lines) == 3 + 1
    np.testing.assert_allclose(drawn(grid[0, 0])[-1], walks.mean(axis=0))
    np.testing.assert_array_equal(drawn(grid[0, 0]), drawn(again[0, 0]))
    assert not np.array_equal(drawn(grid[0, 0]), drawn(other[0, 0]))
    assert len(plots.cluster_series(walks, labels, max_series=None)[0, 0].lines) == 11


def test_one_of_several_features_is_drawn(walks):
    x = np.stack([walks, -walks], axis=2)
    grid = plots.cluster_series(x, LABELS, feature=1)
    np.testing.assert_array_equal(drawn(grid[0, 0])[:-1], -walks[LABELS == 0])


def test_steps_have_their_times(walks, tmp_path):
    dates = np.datetime64("2024-01-30") + 7 * np.arange(12)
    grid = plots.cluster_series(walks, LABELS, dates)
    np.testing.assert_array_equal(grid[0, 0].lines[0].get_xdata(), dates)
    plots.write_png(grid, tmp_path / "series.png")
    marks = [text.get_text() for text in grid[0, 1].get_xticklabels()]
    assert "Mar" in marks
    numbers = plots.cluster_series(walks, LABELS, np.linspace(0, 1, 12))
    assert numbers[0, 0].lines[0].get_xdata()[-1] == 1


@pytest.mark.parametrize("count", [1, 5, 13])
def test_any_number_of_clusters(walks, count):
    x = np.tile(walks, (2, 1))
    grid = plots.cluster_series(x, np.arange(20) % count)
    assert sum(ax.axison for ax in grid.flat) == count
    assert grid.shape[1] <= 4


@pytest.mark.parametrize(
    ("x", "options", "said"),
    [
        (np.zeros(10), {}, "shape"),
        (np.zeros((10, 1)), {}, "two steps"),
        (np.zeros((0, 5)), {}, "at least one row"),
        (np.zeros((9, 5)), {}, "labels must have the shape"),
        (np.zeros((10, 5)), {"times": np.arange(4)}, "times must have the shape"),
        (np.zeros((10, 5)), {"feature": 1}, "feature=1"),
        (np.zeros((10, 5, 2)), {"feature": -1}, "feature=-1"),
    ],
)
def test_what_cannot_be_drawn_is_refused(x, options, said):
    with pytest.raises(DataError, match=said):
        plots.cluster_series(x, LABELS, **options)
