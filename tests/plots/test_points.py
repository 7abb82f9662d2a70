from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from n2d_framework import plots
from n2d_framework.errors import DataError
from n2d_framework.metrics import match_clusters, match_labels


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    z = PCA(10, random_state=0).fit_transform(x)
    return z, y, KMeans(10, n_init=1, random_state=0).fit_predict(z)


def legend_texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def n_points(ax: Axes) -> int:
    return sum(len(drawn.get_offsets()) for drawn in ax.collections)


def test_scatter_draws_each_row_once_with_a_legend_of_all_labels(digits):
    z, _, labels = digits
    ax = plots.scatter(z, labels)
    assert n_points(ax) == len(z)
    assert legend_texts(ax) == [str(i) for i in range(10)]


def test_more_than_two_dimensions_show_principal_axes_and_say_so(digits):
    z, _, labels = digits
    ax = plots.scatter(z, labels, max_points=None)
    assert ax.get_xlabel().startswith("principal axis 1 of 10 (")
    assert ax.get_ylabel().startswith("principal axis 2 of 10 (")
    drawn = np.concatenate([c.get_offsets() for c in ax.collections])
    expected = PCA(2).fit_transform(z)
    np.testing.assert_allclose(
        np.sort(np.abs(drawn), axis=0), np.sort(np.abs(expected), axis=0), atol=1e-6
    )


def test_principal_axes_do_not_flip_when_rows_come_in_another_order(digits):
    z, _, _ = digits
    one = plots.scatter(z, max_points=None).collections[0].get_offsets()
    other = plots.scatter(z[::-1], max_points=None).collections[0].get_offsets()
    np.testing.assert_allclose(np.sort(one, axis=0), np.sort(other, axis=0), atol=1e-6)


def test_two_dimensions_are_drawn_as_they_are(digits):
    z, _, _ = digits
    ax = plots.scatter(z[:, :2], max_points=None)
    drawn = np.asarray(ax.collections[0].get_offsets())
    assert sorted(map(tuple, drawn)) == sorted(map(tuple, z[:, :2]))
    assert ax.get_xlabel() == "coordinate 1"


def test_one_dimension_is_spread_over_a_named_random_height(digits):
    z, _, labels = digits
    ax = plots.scatter(z[:, 0], labels)
    assert ax.get_ylabel() == "random height"
    assert n_points(ax) == len(z)


def test_large_sets_are_sampled_at_random_and_repeatably(digits):
    z, _, _ = digits
    first, again, other = (
        np.asarray(
            plots.scatter(z[:, :2], max_points=100, random_state=s).collections[0].get_offsets()
        )
        for s in (0, 0, 1)
    )
    assert len(first) == 100
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    head = set(map(tuple, z[:100, :2]))
    assert len(head & set(map(tuple, first))) < 30, "a sample, not the first rows"


def test_a_sample_is_announced(digits):
    z, _, labels = digits
    ax = plots.scatter(z, labels, max_points=100, title="mine")
    assert ax.get_title() == "mine\n100 of 1,797 rows, drawn at random"
    assert plots.scatter(z, labels, title="mine").get_title() == "mine"


def test_a_label_absent_from_the_sample_is_still_in_the_legend(digits):
    z, _, _ = digits
    labels = np.zeros(len(z), dtype=int)
    labels[0] = 1
    assert legend_texts(plots.scatter(z, labels, max_points=3, random_state=1)) == ["0", "1"]


@pytest.mark.parametrize("noise", [False, True])
def test_of_many_clusters_some_are_named_and_that_is_said(noise, tmp_path):
    labels = np.repeat(np.arange(900), 2)
    labels = np.concatenate([labels, np.full(9, 850), np.full(40 * noise, -1)])
    z = np.random.default_rng(0).normal(size=(len(labels), 2))
    ax = plots.scatter(z, labels)
    assert len(legend_texts(ax)) == 120
    assert legend_texts(ax)[-1] == f"and {781 + noise} more"
    written = [text.get_text() for text in ax.texts]
    assert len(written) == 100
    assert "850" in written
    plots.write_png(ax, tmp_path / "many.png")


def test_noise_is_grey_beneath_and_last_in_the_legend(digits):
    z, _, labels = digits
    labels = np.where(labels == 3, -1, labels)
    ax = plots.scatter(z, labels)
    assert legend_texts(ax)[-1] == "noise"
    assert plots.styles(labels)[-1].color == "#D5D5D5"
    assert len(ax.collections[0].get_offsets()) == (labels == -1).sum()


def test_all_rows_noise_can_be_drawn(digits):
    z, _, _ = digits
    assert legend_texts(plots.scatter(z, np.full(len(z), -1))) == ["noise"]


@pytest.mark.parametrize(
    "names", [["$\\frac{$", "_hidden", "a\nb", "x" * 100, "", "é", "$5", "{", "^", "%"]]
)
def test_names_are_shown_as_they_stand(digits, names, tmp_path):
    z, y, _ = digits
    ax = plots.scatter(z, y, names)
    shown = legend_texts(ax)
    assert shown[1] == "1 _hidden"
    assert shown[2] == "2 a b"
    assert len(shown[3]) < 40
    plots.write_png(ax, tmp_path / "names.png")


def test_labels_may_be_texts(digits):
    z, y, _ = digits
    words = np.array(["zero", "one", "two", "three", "four", "5", "6", "7", "8", "9"])[y]
    assert legend_texts(plots.scatter(z, words)) == sorted(set(words))


def test_draws_into_given_axes(digits):
    z, _, labels = digits
    axes = Figure().subplots(1, 2)
    assert plots.scatter(z, labels, ax=axes[1]) is axes[1]
    assert plots.confidence(z, np.ones(len(z)), ax=axes[0]) is axes[0]


def test_truth_and_prediction_share_sample_and_colours(digits):
    z, y, labels = digits
    left, right = plots.truth_and_prediction(z, y, labels, [f"digit {i}" for i in range(10)]).flat
    gather = [np.concatenate([c.get_offsets() for c in ax.collections]) for ax in (left, right)]
    np.testing.assert_array_equal(gather[0], gather[1])
    assert legend_texts(right)[0] == "0 digit 0"
    assert left.get_legend() is None


def test_clusters_keep_their_numbers_and_take_the_colours_of_their_classes(digits):
    """The picture says what labels.csv says; which class a cluster stands for is in the legend."""
    z, y, labels = digits
    moved = np.where(labels == 3, -1, (labels * 7 + 2) % 10)
    names = [f"digit {i}" for i in range(10)]
    stands_for = match_clusters(y, moved)
    del stands_for[(5 * 7 + 2) % 10]
    left, right = plots.truth_and_prediction(z, y, moved, names, stands_for=stands_for).flat
    clusters = [value for value in np.unique(moved).tolist() if value != -1]
    expected = [
        f"{value} ≈ {names[stands_for[value]]}" if value in stands_for else str(value)
        for value in clusters
    ]
    assert legend_texts(right) == [*expected, "noise"]
    assert legend_texts(left) == [f"{i} {name}" for i, name in enumerate(names)]
    on_plot = {text.get_text() for text in right.texts}
    assert on_plot == {str(value) for value in clusters}
    drawn = {
        ax: [(h.get_markerfacecolor(), h.get_marker()) for h in ax.get_legend().legend_handles]
        for ax in (left, right)
    }
    for place, value in enumerate(clusters):
        if value in stands_for:
            assert drawn[right][place] == drawn[left][stands_for[value]]
        else:
            assert drawn[right][place] not in drawn[left]


def test_a_cluster_without_class_keeps_the_classes_colours():
    alone = plots.styles(np.array([0, 1, 2]))
    both = plots.styles(np.array([0, 1, 2]), np.array([0, 2, 7, -1]))
    assert all(both[value] == alone[value] for value in alone)
    assert both[7] not in alone.values()


def test_named_classes_matched_clusters_and_noise_share_one_picture(digits):
    z, y, labels = digits
    classes = np.array([f"class {i}" for i in range(10)])[y]
    clusters = match_labels(classes, np.where(labels == 3, -1, np.where(labels > 7, 20, labels)))
    grid = plots.truth_and_prediction(z, classes, clusters)
    assert legend_texts(grid[0, 1])[:10] == sorted(set(classes))
    assert legend_texts(grid[0, 1])[-1] == "noise"


def test_four_panels(digits):
    z, y, labels = digits
    grid = plots.four_panels(z, truth=y, prior=labels, posterior_2d=labels, posterior=y)
    assert grid.shape == (2, 2)
    assert [n_points(ax) for ax in grid.flat] == [len(z)] * 4


def test_four_panels_keep_the_numbers_of_each_clustering(digits):
    z, y, labels = digits
    words = np.array([f"digit {i}" for i in range(10)])[y]
    found = {
        "prior": (labels + 4) % 10 + 20,
        "posterior_2d": np.where(labels == 3, -1, labels),
        "posterior": labels // 2,
    }
    stands_for = {name: match_clusters(words, clusters) for name, clusters in found.items()}
    grid = plots.four_panels(z, truth=words, **found, stands_for=stands_for)
    assert legend_texts(grid[0, 0]) == sorted(set(words))
    for ax, (name, clusters) in zip(grid.flat[1:], found.items(), strict=True):
        numbers = [value for value in np.unique(clusters).tolist() if value != -1]
        expected = [
            f"{value} ≈ {stands_for[name][value]}" if value in stands_for[name] else str(value)
            for value in numbers
        ]
        assert legend_texts(ax) == expected + ["noise"] * (-1 in clusters)
        assert {text.get_text() for text in ax.texts} == {str(value) for value in numbers}


@pytest.mark.parametrize("names", [(), ("a", "b")])
def test_rows_that_are_truly_noise_are_called_noise(names):
    """Also where a cluster consists of them: it has a number, a colour, and this meaning."""
    z = np.concatenate([np.random.default_rng(0).normal(size=(20, 2)) + 9 * k for k in range(3)])
    y, labels = np.repeat([-1, 4, 7], 20), np.repeat([2, 0, 1], 20)
    stands_for = match_clusters(y, labels)
    left, right = plots.truth_and_prediction(z, y, labels, names, stands_for=stands_for).flat
    called = names or ("4", "7")
    assert legend_texts(left) == [*(("4 a", "7 b") if names else called), "noise"]
    assert legend_texts(right) == [f"0 ≈ {called[0]}", f"1 ≈ {called[1]}", "2 ≈ noise"]
    colours = [h.get_markerfacecolor() for h in right.get_legend().legend_handles]
    assert plots.palette.NOISE_STYLE.color not in colours


def test_panels_switch_unused_places_off(digits):
    z, y, _ = digits
    grid = plots.panels(z, {"a": y, "b": y, "c": y})
    assert grid.shape == (2, 2)
    assert not grid[1, 1].axison


def test_confidence_puts_the_least_sure_on_top(digits):
    z, _, _ = digits
    strengths = np.linspace(0, 1, len(z))
    ax = plots.confidence(z, strengths, max_points=500)
    values = np.asarray(ax.collections[0].get_array())
    assert len(values) == 500
    assert (np.diff(values) <= 0).all()
    assert len(ax.figure.axes) == 2, "a colour bar beside"


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plots.scatter(np.zeros((0, 2))), "at least one row"),
        (lambda: plots.scatter(np.zeros((4, 2, 2))), "shape"),
        (lambda: plots.scatter([[0.0, np.nan]]), "the first is row 0"),
        (lambda: plots.scatter(np.zeros((4, 2)), [0, 1]), r"\(4,\)"),
        (lambda: plots.confidence(np.zeros((4, 2)), [0, 1]), "strengths"),
        (lambda: plots.panels(np.zeros((4, 2)), {"left": [1]}), "left"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, message):
    with pytest.raises(DataError, match=message):
        draw()


def test_identical_rows_can_be_drawn(tmp_path):
    plots.write_png(plots.scatter(np.ones((20, 5)), np.zeros(20)), tmp_path / "a.png")


def test_plotting_touches_neither_pyplot_nor_global_settings():
    code = (
        "import sys, numpy as np, matplotlib\n"
        # Reading the setting "backend" imports pyplot.
        "rc = matplotlib.rcParams\n"
        "look = lambda: {k: rc[k] for k in rc if k != 'backend'}\n"
        "before = look()\n"
        "from n2d_framework import plots\n"
        "plots.scatter(np.eye(4), [0, 1, 2, -1]); plots.scree([.5, .5])\n"
        "assert look() == before\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_the_package_does_not_import_matplotlib():
    code = "import sys, n2d_framework.plots; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("unit", [1e-300, 1e-30, 1e160, 1e300])
@pytest.mark.parametrize("width", [2, 5])
@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_points_are_drawn_in_any_unit(unit, width, offset, tmp_path):
    rows = np.random.default_rng(0).normal(size=(60, width)) * np.arange(1, width + 1) + offset
    labels = np.repeat([0, 1, 2], 20)
    ax = plots.scatter(rows * unit, labels)
    ax.figure.savefig(tmp_path / "drawn.png")
    names = plots.scatter(rows, labels).get_xlabel()
    assert ax.get_xlabel() == names
