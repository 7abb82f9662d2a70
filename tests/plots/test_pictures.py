from __future__ import annotations

import numpy as np
import pytest
from hdbscan import HDBSCAN
from sklearn.datasets import load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from n2d_framework import plots
from n2d_framework.errors import DataError


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    return x, y


def image(ax) -> np.ndarray:
    return np.asarray(ax.images[0].get_array())


def test_loss_curve_draws_losses_only_and_marks_the_best_epoch():
    history = {"loss": [3.0, 2.0, 1.5], "val_loss": [3.0, 1.9, 2.5], "accuracy": [0.1, 0.2, 0.3]}
    ax = plots.loss_curve(history)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["training", "validation", "best epoch (2)"]
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [1, 2, 3])
    assert ax.get_yscale() == "linear"


def test_loss_curve_is_logarithmic_when_losses_span_much():
    assert plots.loss_curve({"loss": [100.0, 1.0]}).get_yscale() == "log"
    assert plots.loss_curve({"loss": [100.0, -1.0]}).get_yscale() == "linear"


def test_loss_curve_of_one_epoch_shows_a_point():
    assert plots.loss_curve({"loss": [1.0]}).lines[0].get_marker() == "o"


@pytest.mark.parametrize("history", [{}, {"accuracy": [1.0]}, {"loss": []}])
def test_a_history_without_loss_is_refused(history):
    with pytest.raises(DataError, match="no loss"):
        plots.loss_curve(history)


def test_reconstructions_pair_the_same_rows_in_the_same_scale(digits):
    x, _ = digits
    grid = plots.reconstructions(x, x * 0.5, (8, 8), n=4)
    assert grid.shape == (2, 4)
    for column in range(4):
        np.testing.assert_allclose(image(grid[0, column]), 2 * image(grid[1, column]))


def test_reconstructions_are_a_seeded_sample(digits):
    x, _ = digits
    first, again, other = (
        image(plots.reconstructions(x, x, (8, 8), n=1, random_state=s)[0, 0]) for s in (0, 0, 5)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("shape", "drawn"), [((4, 4, 3), (4, 4, 3)), ((6, 4, 2), (6, 4)), ((48,), None)]
)
def test_reconstructions_of_colours_channels_and_profiles(shape, drawn):
    x = np.random.default_rng(0).random((7, *shape))
    grid = plots.reconstructions(x, x, shape if drawn else None, n=3)
    if drawn:
        assert image(grid[0, 0]).shape == drawn
    else:
        assert len(grid[0, 0].lines) == 2


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.reconstructions(np.zeros((3, 4)), np.zeros((3, 5))),
        lambda: plots.reconstructions(np.zeros((0, 4)), np.zeros((0, 4))),
        lambda: plots.reconstructions(np.zeros((3, 4)), np.zeros((3, 4)), (3, 3)),
        lambda: plots.reconstructions(np.zeros((3, 4)), np.zeros((3, 4)), (4,)),
        lambda: plots.cluster_means(np.zeros((0, 4)), []),
        lambda: plots.cluster_means(np.zeros((3, 4)), [0, 1]),
        lambda: plots.scree([]),
        lambda: plots.scree([[0.5]]),
        lambda: plots.condensed_tree([], [], [], []),
        lambda: plots.condensed_tree([3], [0], [1.0], [1, 1]),
        lambda: plots.condensed_tree([1], [0], [1.0], [1], labels=[0, 0]),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw):
    with pytest.raises(DataError):
        draw()


def test_cluster_means_are_the_means_and_noise_is_last(digits):
    x, y = digits
    labels = np.where(y == 0, -1, y)
    grid = plots.cluster_means(x, labels, (8, 8))
    titles = [ax.get_title() for ax in grid.flat]
    assert titles[0] == f"1\n{(y == 1).sum()} rows"
    assert titles[-1] == f"noise\n{(y == 0).sum()} rows"
    means = np.stack([x[labels == value].mean(axis=0) for value in [*range(1, 10), -1]])
    expected = (means - means.min()) / (means.max() - means.min())
    np.testing.assert_allclose(image(grid.flat[3]), expected[3].reshape(8, 8), atol=1e-12)


def test_cluster_means_of_other_rows_are_profiles(digits):
    x, y = digits
    grid = plots.cluster_means(x, y)
    np.testing.assert_allclose(grid.flat[4].lines[0].get_ydata(), x[y == 4].mean(axis=0))


def heat_map(grid):
    (axes,) = grid.flat
    names = [text.get_text() for text in axes.get_yticklabels()]
    clusters = [text.get_text() for text in axes.get_xticklabels()]
    return np.asarray(axes.images[0].get_array()).T, names, clusters


@pytest.mark.parametrize("unit", [1.0, 1e-30, 1e30, 1e160])
def test_cluster_means_of_named_features_are_standardised(unit):
    iris = load_iris()
    x, labels = iris.data * [1.0, unit, 1000.0, 1.0], np.where(iris.target == 1, -1, iris.target)
    values, names, clusters = heat_map(plots.cluster_means(x, labels, features="abcd"))
    assert names == ["a", "b", "c", "d"]
    assert clusters == ["0\n50 rows", "2\n50 rows", "noise\n50 rows"]
    units = StandardScaler().fit_transform(iris.data)
    means = np.stack([units[labels == value].mean(axis=0) for value in (0, 2, -1)])
    np.testing.assert_allclose(values, means, atol=1e-9)


def test_a_constant_feature_differs_nowhere():
    x = np.column_stack([np.full(6, 0.1), np.arange(6), np.full(6, 1e9), np.zeros(6)])
    values, _, _ = heat_map(plots.cluster_means(x, [0, 0, 0, 1, 1, 1], features="abcd"))
    assert np.count_nonzero(values, axis=0).tolist() == [0, 2, 0, 0]


def test_of_many_features_those_that_differ_are_drawn_and_that_is_said(tmp_path):
    random = np.random.default_rng(0)
    x, labels = random.normal(size=(400, 500)), np.arange(400) % 4
    x[:, [7, 300]] += 10 * labels[:, None]
    grid = plots.cluster_means(x, labels, features=[f"f{i}" for i in range(500)])
    _, names, _ = heat_map(grid)
    assert len(names) == 40
    assert {"f7", "f300"} <= set(names)
    assert names == sorted(names, key=lambda name: int(name[1:]))
    assert "the 40 of 500 features" in grid[0, 0].figure.get_suptitle()
    plots.write_png(grid, tmp_path / "means.png")


def test_names_of_other_rows_are_refused():
    with pytest.raises(DataError, match="3 names for rows of 4 features"):
        plots.cluster_means(np.eye(4), [0, 0, 1, 1], features="abc")


@pytest.mark.parametrize("options", [{}, {"features": "ab"}, {"image_shape": (1, 2)}])
def test_of_very_many_clusters_the_largest_are_drawn_and_that_is_said(options, tmp_path):
    labels = np.concatenate([np.arange(150), np.arange(40, 140)])
    x = np.random.default_rng(0).random((250, 2))
    grid = plots.cluster_means(x, labels, **options)
    assert grid[0, 0].figure.get_suptitle() == "the 100 largest of 150 clusters"
    places = grid[0, 0].get_xticklabels()
    first = places[0].get_text() if "features" in options else grid[0, 0].get_title()
    assert first == "40\n2 rows"
    plots.write_png(grid, tmp_path / "means.png")


@pytest.mark.parametrize("count", [1, 11, 34])
def test_cluster_means_of_any_number_of_clusters(count, tmp_path):
    labels = np.arange(120) % count
    grid = plots.cluster_means(np.random.default_rng(0).random((120, 16)), labels, (4, 4))
    assert sum(ax.axison for ax in grid.flat) == count
    assert grid.shape[1] <= 10
    plots.write_png(grid, tmp_path / "means.png")


def test_constant_rows_make_an_image():
    assert not image(plots.cluster_means(np.ones((3, 4)), [0, 0, 0], (2, 2))[0, 0]).any()


def test_scree_sums_up(digits):
    shares = PCA(10).fit(digits[0]).explained_variance_ratio_
    ax = plots.scree(shares)
    np.testing.assert_allclose([bar.get_height() for bar in ax.patches], shares)
    np.testing.assert_allclose(ax.lines[0].get_ydata()[-1], shares.sum())


@pytest.fixture(scope="module")
def tree(digits):
    coordinates = PCA(2, random_state=0).fit_transform(digits[0])
    model = HDBSCAN(min_cluster_size=15, min_samples=3).fit(coordinates)
    return model.condensed_tree_._raw_tree, model.labels_


def columns(raw):
    return [raw[name] for name in ("parent", "child", "lambda_val", "child_size")]


def test_condensed_tree_has_one_silhouette_per_cluster_and_one_colour_per_label(tree):
    raw, labels = tree
    ax = plots.condensed_tree(*columns(raw), labels)
    assert len(ax.collections) == len(np.unique(raw["parent"]))
    colours = {tuple(drawn.get_facecolor()[0]) for drawn in ax.collections}
    assert len(colours) == len(set(labels) - {-1}) + 1
    assert len(ax.texts) == len(set(labels) - {-1}), "each selected cluster is named once"


def test_condensed_tree_starts_with_all_rows(tree):
    raw, labels = tree
    root = plots.condensed_tree(*columns(raw), labels).collections[0].get_paths()[0]
    assert np.ptp(root.vertices[:, 0]) == len(labels)


def test_condensed_tree_without_labels_is_grey(tree):
    ax = plots.condensed_tree(*columns(tree[0]))
    assert len({tuple(drawn.get_facecolor()[0]) for drawn in ax.collections}) == 1
    assert ax.get_legend() is None


def test_condensed_tree_of_duplicates_has_a_finite_axis():
    rows = np.repeat(np.random.default_rng(0).normal(size=(12, 2)), 15, axis=0)
    model = HDBSCAN(min_cluster_size=10, min_samples=2).fit(rows)
    raw = model.condensed_tree_._raw_tree
    assert np.isinf(raw["lambda_val"]).any()
    ax = plots.condensed_tree(*columns(raw), model.labels_)
    assert np.isfinite(ax.get_ylim()).all()
