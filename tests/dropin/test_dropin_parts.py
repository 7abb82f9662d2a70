"""The parts of a model without a network: drawing, options, classes of one's own, old names."""

from __future__ import annotations

import numpy as np
import pytest
from old_names import n2d

from n2d_framework.errors import ConfigError, DataError, UnsupportedError

RNG = np.random.default_rng(0)
#: Three groups, far apart.
ROWS = np.concatenate([RNG.normal(size=(30, 2)) + 20 * corner for corner in np.eye(3)[:, :2]])
ROWS = ROWS.astype(np.float32)
TRUTH = np.repeat(np.arange(3), 30)


class _Flat:
    """A manifold learner that changes nothing."""

    def fit_transform(self, x):
        return np.asarray(x)

    def transform(self, x):
        return np.asarray(x)


class _NoNetwork:
    """An autoencoder whose codes are the rows."""

    class encoder:
        @staticmethod
        def predict(x):
            return np.asarray(x)

    def fit(self, x, **_):
        pass


@pytest.fixture
def model():
    from sklearn.mixture import GaussianMixture

    args = {"n_components": 3, "random_state": 0}
    learner = n2d.manifold_cluster_generator(_Flat, {}, GaussianMixture, args)
    return n2d.n2d(_NoNetwork(), learner).fit(ROWS)


@pytest.fixture
def pyplot():
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    plt.close("all")
    yield plt
    plt.close("all")


def drawn(plt) -> np.ndarray:
    """Coordinates and colours of the points in the first figure."""
    layers = plt.figure(plt.get_fignums()[0]).axes[0].collections
    dots = max(layers, key=lambda layer: len(layer.get_offsets()))
    return np.column_stack([dots.get_offsets(), dots.get_facecolors()])


def test_labels_are_drawn_where_their_rows_are(model, pyplot):
    """Probabilities of other rows, asked for in between, change nothing."""
    model.predict(ROWS)
    model.visualize(TRUTH)
    expected = drawn(pyplot)
    pyplot.close("all")
    shuffled = RNG.permutation(90)
    model.predict_proba(ROWS[shuffled])
    np.testing.assert_array_equal(model.hle, ROWS[shuffled])
    model.visualize(TRUTH)
    np.testing.assert_array_equal(drawn(pyplot), expected)
    assert len(np.unique(expected[:, 2:], axis=0)) == 3


def test_probabilities_of_fewer_rows_do_not_forbid_drawing(model, pyplot):
    model.fit_predict(ROWS)
    model.predict_proba(ROWS[:5])
    model.visualize(TRUTH)
    assert len(pyplot.get_fignums()) == 2
    with pytest.raises(DataError, match="5 classes for 90 predicted rows"):
        model.visualize(TRUTH[:5])


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (None, ["4", "6"]),
        ({4: "cat", 6: "dog"}, ["4 cat", "6 dog"]),
        ({6: "dog"}, ["4", "6 dog"]),
        (["cat", "dog"], ["4 cat", "6 dog"]),
        (["outlier", "cat", "dog"], ["4 cat", "6 dog"]),
    ],
)
def test_names_stand_beside_their_classes_and_clusters(model, pyplot, names, expected):
    """Noise takes no name from the classes after it; clusters keep the numbers of predict."""
    truth = np.array([4, -1, 6])[TRUTH]
    labels = model.predict(ROWS)
    model.visualize(truth, names)
    classes, clusters = (
        [text.get_text() for text in pyplot.figure(number).axes[0].get_legend().get_texts()]
        for number in pyplot.get_fignums()
    )
    assert classes == [*expected, "noise"]
    called = dict(zip([4, 6], [text.split(" ")[-1] for text in expected], strict=True))
    called[-1] = "outlier" if names and len(names) == 3 else "noise"
    meant = {int(labels[row]): called[int(truth[row])] for row in (0, 30, 60)}
    assert clusters == [f"{label} ≈ {meant[label]}" for label in sorted(meant)]


def test_too_few_names_are_refused(model, pyplot):
    model.predict(ROWS)
    with pytest.raises(DataError, match="2 names for 3 classes"):
        model.visualize(TRUTH, ["a", "b"])


def test_labels_without_coordinates_are_not_drawn(model):
    model.predict(ROWS)
    model.preds = np.zeros(7, int)
    with pytest.raises(DataError, match="coordinates of 90 rows for 7 labels; call predict"):
        model.visualize(TRUTH[:7])


def test_parts_in_the_wrong_order():
    learner = n2d.UmapGMM(3)
    with pytest.raises(ConfigError, match="autoencoder: UmapGMM has no encoder; the order is") as e:
        n2d.n2d(learner, _NoNetwork())
    assert [problem.path for problem in e.value.problems] == ["autoencoder", "manifold_learner"]
    with pytest.raises(ConfigError, match=r"the class UmapGMM has no .* object of it: UmapGMM\("):
        n2d.n2d(_NoNetwork(), n2d.UmapGMM)
    with pytest.raises(ConfigError, match="autoencoder: int has no fit and no encoder; give an"):
        n2d.n2d(10, learner)


@pytest.mark.parametrize(
    ("given", "messages"),
    [
        ({"umap_neighbors": 0}, ["umap_neighbors: must be >= 2, got 0"]),
        ({"umap_dim": 2.5}, ["umap_dim: must be an integer or null, got 2.5"]),
        ({"umap_min_distance": "a"}, ["umap_min_distance: must be a number, got 'a'"]),
        ({"umap_min_distance": 2}, ["umap_min_distance: must be at most 1, got 2"]),
        ({"n_clusters": 0}, ["n_clusters: must be >= 1, got 0"]),
        (
            {"umap_metric": "eucledian", "umap_dim": 0},
            [
                "umap_dim: must be >= 1, got 0",
                "umap_metric: unknown metric 'eucledian'; did you mean 'euclidean'?",
            ],
        ),
        ({"umap_metric": "correlation", "umap_dim": 0}, ["umap_dim: must be >= 1, got 0"]),
    ],
)
def test_a_wrong_option_is_reported_by_the_name_that_was_written(given, messages):
    with pytest.raises(ConfigError) as caught:
        n2d.UmapGMM(**{"n_clusters": 3} | given)
    assert [str(problem) for problem in caught.value.problems] == messages


def test_too_few_rows_are_reported_by_the_name_that_was_written():
    with pytest.raises(DataError) as caught:
        n2d.UmapGMM(2).fit(ROWS[:5])
    assert str(caught.value) == (
        "umap: umap_neighbors=10 needs at least 11 rows, got 5; lower umap_neighbors; "
        "umap: umap_dim=2 needs at least 7 rows, got 5; lower umap_dim"
    )


def test_the_mixture_answers_as_that_of_scikit_learn():
    from sklearn.mixture import GaussianMixture

    ours, theirs = n2d.UmapGMM(3).cluster_manifold.fit(ROWS), GaussianMixture(3)
    for name in ("weights_", "means_", "precisions_cholesky_"):
        setattr(theirs, name, getattr(ours, name))
    np.testing.assert_allclose(ours.covariances_ @ ours.precisions_, [np.eye(2)] * 3, atol=1e-9)
    for name in ("score", "bic", "aic"):
        found, expected = (getattr(own, name)(ROWS) for own in (ours, theirs))
        assert found == pytest.approx(expected, rel=1e-5)
    assert ours.bic(ROWS) == pytest.approx(ours.bic_)
    assert (ours.n_components, ours.get_params()["covariance_type"]) == (3, "full")
    assert n2d.UmapGMM(3).manifold_in_embedding.get_params(deep=False)["n_neighbors"] == 10


@pytest.mark.parametrize(
    ("stage", "name", "library"),
    [
        ("manifold_in_embedding", "graph_", "umap.UMAP"),
        ("manifold_in_embedding", "inverse_transform", "umap.UMAP"),
        ("cluster_manifold", "sample", "sklearn.mixture.GaussianMixture"),
    ],
)
def test_what_only_the_library_has_is_reported(stage, name, library):
    kept = getattr(n2d.UmapGMM(3), stage)
    with pytest.raises(UnsupportedError) as caught:
        getattr(kept, name)
    assert f"has no {name}; it is not {library}, as in n2d 0.3.2" in str(caught.value)
    assert "manifold_cluster_generator(umap.UMAP, " in str(caught.value)
    assert not hasattr(kept, name)


class _OnlyFitPredict:
    def fit_predict(self, x):
        return (np.asarray(x)[:, 0] > 10).astype(int)


class _FitAndFitPredict(_OnlyFitPredict):
    def fit(self, x):
        raise AssertionError("its labels come from fit_predict")


class _NoVerbs:
    pass


class _OnlyFit:
    def fit(self, x):
        return self


@pytest.mark.parametrize("cls", [_OnlyFitPredict, _FitAndFitPredict])
def test_a_clusterer_that_has_only_fit_predict(cls):
    learner = n2d.manifold_cluster_generator(_Flat, {}, cls, {})
    expected = (ROWS[:, 0] > 10).astype(int)
    np.testing.assert_array_equal(learner.fit_predict(ROWS), expected)
    model = n2d.n2d(_NoNetwork(), learner).fit(ROWS)
    np.testing.assert_array_equal(model.predict(), expected)
    with pytest.raises(UnsupportedError, match="cannot label new rows; fit_predict gives"):
        model.predict(ROWS)


@pytest.mark.parametrize("cls", [_NoVerbs, _OnlyFit])
def test_a_clusterer_that_labels_nothing(cls):
    learner = n2d.manifold_cluster_generator(_Flat, {}, cls, {})
    with pytest.raises(UnsupportedError, match=f"{cls.__name__} cannot label its training rows"):
        learner.fit(ROWS)
    learner = n2d.manifold_cluster_generator(cls, {}, _OnlyFitPredict, {})
    with pytest.raises(UnsupportedError, match=f"{cls.__name__} has no fit_transform; give a"):
        learner.fit(ROWS)


def test_the_spelling_of_the_old_quick_start():
    assert n2d.Autoencoder is n2d.AutoEncoder


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("linear_assignment", "scipy.optimize.linear_sum_assignment"),
        ("cluster_acc", r"n2d_framework.metrics.score\(y, labels\)"),
        ("N2D", "n2d_framework.n2d itself"),
        ("generators", "n2d_framework.n2d itself"),
    ],
)
def test_names_of_the_old_package_that_are_gone(name, instead):
    with pytest.raises(
        UnsupportedError, match=f"^{name} of the old package is not here: .*{instead}"
    ):
        getattr(n2d, name)
    assert not hasattr(n2d, "no_such_name")
