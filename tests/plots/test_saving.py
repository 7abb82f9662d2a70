from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from n2d_framework import plots
from n2d_framework.errors import OutputError, UnsupportedError
from n2d_framework.plots import picture_files


class Model:
    """A fitted model as the pipeline has it, of scikit-learn's parts."""

    def __init__(self, x, *, remakes=True, soft=True):
        flat = x.reshape(len(x), -1)
        self._pca = PCA(5, random_state=0).fit(flat)
        self.manifold_ = self._pca.transform(flat)
        self._mixture = GaussianMixture(10, random_state=0).fit(self.manifold_)
        self.labels_ = self._mixture.predict(self.manifold_)
        self.embedder_ = SimpleNamespace(
            explained_variance_ratio_=self._pca.explained_variance_ratio_
        )
        self.history_ = {"embedder": {"loss": [2.0, 1.0]}} if remakes else {}
        self._remakes, self._soft = remakes, soft

    def reconstruct(self, x):
        if not self._remakes:
            raise UnsupportedError("cannot")
        z = self._pca.transform(x.reshape(len(x), -1))
        return self._pca.inverse_transform(z)

    def predict_proba(self, x):
        if not self._soft:
            raise UnsupportedError("cannot")
        return self._mixture.predict_proba(self._pca.transform(x.reshape(len(x), -1)))


@pytest.fixture(scope="module")
def digits():
    found = load_digits()
    return found.images[:300], found.target[:300]


def names_of(paths):
    return sorted(path.name for path in paths)


def test_everything_that_applies_is_written(digits, tmp_path):
    x, y = digits
    folder = tmp_path / "made" / "on the way"
    written = plots.save_run_plots(Model(x), x, y, [str(i) for i in range(10)], folder=folder)
    assert names_of(written) == [
        "cluster_means.png", "clusters.png", "confidence.png", "loss.png",
        "reconstructions.png", "scree.png", "truth_and_prediction.png",
    ]  # fmt: skip
    assert names_of(folder.iterdir()) == names_of(written), "no temporary file is left"
    assert all(imread(path).std() > 0.01 for path in written)


def test_points_may_be_drawn_as_a_map(digits, tmp_path, monkeypatch):
    drawn = {}
    monkeypatch.setattr(
        picture_files, "write_png", lambda axes, path: drawn.update({path.stem: axes})
    )
    x, y = digits[0][:60], digits[1][:60]
    plots.save_run_plots(Model(x), x, y, folder=tmp_path, projection="tsne")
    points = [drawn["clusters"], *drawn["truth_and_prediction"].flat, drawn["confidence"]]
    assert [ax.get_xlabel() for ax in points] == ["t-SNE axis 1 (of 5 dimensions)"] * 4


def test_what_does_not_apply_is_left_out(digits, tmp_path):
    x, _ = digits
    written = plots.save_run_plots(Model(x, remakes=False, soft=False), x, folder=tmp_path)
    assert names_of(written) == ["cluster_means.png", "clusters.png", "scree.png"]


@pytest.mark.parametrize("unit", [1e-8, 1.0, 1e8])
@pytest.mark.parametrize("shape", [None, (8, 8)])
def test_rows_that_came_back_as_they_were_are_not_drawn(digits, tmp_path, shape, unit):
    x = (digits[0] * unit).reshape(len(digits[0]), -1).astype(np.float32)
    model = Model(x)
    model.reconstruct = lambda few: few / np.float32(3) * np.float32(3)
    written = plots.save_run_plots(model, x, folder=tmp_path, image_shape=shape)
    assert "reconstructions.png" not in names_of(written)
    model.reconstruct = lambda few: np.where(few > few.mean(), few, 0)
    written = plots.save_run_plots(model, x, folder=tmp_path, image_shape=shape)
    assert "reconstructions.png" in names_of(written)


def test_reconstructions_of_named_columns_share_a_unit(tmp_path, monkeypatch):
    drawn = {}
    monkeypatch.setattr(
        picture_files, "write_png", lambda axes, path: drawn.update({path.stem: axes})
    )
    x = np.random.default_rng(0).normal([0, 5, -2], [1, 1000, 1e-3], (300, 3))
    model = Model(np.repeat(x, 2, axis=1), soft=False)
    model.reconstruct = lambda few: few * [1, 0, 1]
    plots.save_run_plots(model, x, features="abc", folder=tmp_path)
    grid = drawn["reconstructions"]
    original, remade = (np.stack([ax.lines[i].get_ydata() for ax in grid.flat]) for i in (0, 1))
    np.testing.assert_allclose(original[:, [0, 2]], remade[:, [0, 2]])
    assert 0.3 < original.std(axis=0).min() <= original.std(axis=0).max() < 3


def test_texts_have_no_means(digits, tmp_path):
    model = Model(digits[0], remakes=False, soft=False)
    texts = np.array(["a text"] * len(digits[0]), dtype=object)
    written = plots.save_run_plots(model, texts, folder=tmp_path, rows=texts)
    assert names_of(written) == ["clusters.png", "scree.png"]


def test_the_condensed_tree_is_drawn_where_a_clusterer_has_one(digits, tmp_path):
    x, _ = digits
    model = Model(x, remakes=False, soft=False)
    model.labels_ = np.zeros(len(x), dtype=np.int64)
    n = len(x)
    model.clusterer_ = SimpleNamespace(
        condensed_tree_={
            "parent": np.full(n, n), "child": np.arange(n),
            "lambda_val": np.linspace(1, 2, n), "child_size": np.ones(n, dtype=int),
        }
    )  # fmt: skip
    written = plots.save_run_plots(model, x, folder=tmp_path)
    assert "condensed_tree.png" in names_of(written)


def test_clusters_are_matched_by_the_given_function(digits, tmp_path, monkeypatch):
    x, y = digits
    calls = []

    def match(truth, labels):
        calls.append((truth, labels))
        return labels

    model = Model(x)
    monkeypatch.setattr(picture_files, "write_png", lambda axes, path: path)
    plots.save_run_plots(model, x, y, folder=tmp_path, match=match)
    ((truth, labels),) = calls
    np.testing.assert_array_equal(truth, y)
    np.testing.assert_array_equal(labels, model.labels_)


@pytest.mark.parametrize(("shape", "images"), [("auto", 0), (None, 0), ((8, 8), 1)])
def test_image_shape_of_flat_rows(digits, tmp_path, monkeypatch, shape, images):
    drawn = []
    monkeypatch.setattr(
        picture_files, "write_png", lambda axes, path: drawn.append((path, axes)) or path
    )
    x = digits[0].reshape(len(digits[0]), -1)
    plots.save_run_plots(Model(x), x, folder=tmp_path, image_shape=shape)
    means = next(axes for path, axes in drawn if path.name == "cluster_means.png")
    assert len(means[0, 0].images) == images


def test_the_same_figure_gives_the_same_bytes(digits, tmp_path):
    model = Model(digits[0])
    one, other = (
        plots.write_png(plots.scatter(model.manifold_, model.labels_), tmp_path / name)
        for name in ("one.png", "other.png")
    )
    assert one.read_bytes() == other.read_bytes()


def test_an_unwritable_folder_is_an_output_error(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(OutputError, match="cannot write the picture"):
        plots.write_png(plots.scree([1.0]), blocked / "a.png")


def test_a_failed_write_keeps_the_old_picture(tmp_path, monkeypatch):
    path = plots.write_png(plots.scree([1.0]), tmp_path / "a.png")
    before = path.read_bytes()
    ax = plots.scree([0.5, 0.5])

    def fail(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ax.figure, "savefig", fail)
    with pytest.raises(OutputError, match="No space left"):
        plots.write_png(ax, path)
    assert path.read_bytes() == before
    assert names_of(tmp_path.iterdir()) == ["a.png"]


def test_axes_of_a_subfigure_are_written_with_their_whole_figure(tmp_path):
    figure = Figure(figsize=(4, 2), dpi=100)
    left, right = figure.subfigures(1, 2)
    plots.cluster_means(np.eye(4), [0, 1, 0, 1], (2, 2), figure=left)
    grid = plots.reconstructions(np.eye(4), np.eye(4), (2, 2), n=2, figure=right)
    path = plots.write_png(grid, tmp_path / "both.png")
    assert imread(path).shape[1] > 300, "both halves, cut to what is drawn"


def test_a_figure_and_an_array_of_axes_are_written_alike(tmp_path):
    ax = plots.scree([1.0])
    plots.write_png(ax, tmp_path / "axes.png")
    plots.write_png(ax.figure, tmp_path / "figure.png")
    assert (tmp_path / "axes.png").read_bytes() == (tmp_path / "figure.png").read_bytes()
