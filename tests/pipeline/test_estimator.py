"""N2D as a scikit-learn estimator and as a model of rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import n2d_framework as n2d
from n2d_framework import N2D
from n2d_framework.errors import CompositionError, ConfigError, DataError, UnsupportedError
from n2d_framework.pipeline import NotFittedError


def light(**changes) -> N2D:
    return N2D(**({"embedder": "pca", "manifolder": "identity", "clusterer": "kmeans",
                   "n_clusters": 10, "random_state": 0} | changes))  # fmt: skip


def unweighted(estimator: N2D) -> dict[str, str]:
    """Checks that weigh rows; components that cannot do so refuse it by name."""
    if estimator.clusterer == "kmeans":
        return {}
    checks = (
        "check_sample_weights_list",
        "check_sample_weights_not_overwritten",
        "check_sample_weight_equivalence_on_dense_data",
    )
    return dict.fromkeys(checks, "weights are refused")


@parametrize_with_checks(
    [
        N2D("pca", "identity", "kmeans", n_clusters=2),
        N2D("identity", "pca", "gmm", n_clusters=2),
        N2D("identity", "identity", {"name": "hdbscan", "min_cluster_size": 5}),
    ],
    expected_failed_checks=unweighted,
)
def test_scikit_learn_estimator_checks(estimator, check):
    check(estimator)


def test_the_contract_of_a_fitted_model(digits):
    x, y = digits
    model = light()
    labels = model.fit_predict(x)
    assert labels.dtype == np.int64
    assert labels.shape == (1797,)
    assert labels is model.labels_
    assert (model.latent_.dtype, model.latent_.shape) == (np.float32, (1797, 10))
    assert (model.manifold_.dtype, model.manifold_.shape) == (np.float32, (1797, 10))
    assert np.array_equal(model.predict(x), labels)
    assert np.allclose(model.embed(x), model.latent_, rtol=1e-5, atol=1e-5)
    assert model.predict_proba(x).shape == (1797, 10)
    assert np.allclose(model.predict_proba(x).sum(axis=1), 1.0)
    assert model.reconstruct(x).shape == x.shape
    scores = model.assess(y)
    assert {"acc", "nmi", "ari", "ami", "coverage"} <= set(scores)
    assert scores["acc"] > 0.5
    assert model.agreement_["equal"] == 1.0
    assert model.n_clusters_ == 10
    assert set(model.seconds_) == {"embedder", "manifolder", "clusterer"}
    assert all(seconds > 0 for seconds in model.seconds_.values())
    assert model.n_features_in_ == 64


def test_same_seed_same_labels_and_none_is_written_down(digits):
    x, _ = digits
    free = light(random_state=None).fit(x)
    again = light(random_state=free.random_state_).fit(x)
    assert np.array_equal(free.labels_, again.labels_)


def test_n_clusters_reaches_what_follows_it_and_spares_what_was_given():
    composition = N2D({"name": "pca", "latent_dim": 4}, "pca", "gmm", n_clusters=7).composition()
    described = composition.describe()
    assert described["embedder"]["latent_dim"] == 4
    assert described["manifolder"]["n_components"] == 7
    assert described["clusterer"]["n_clusters"] == 7


@pytest.mark.parametrize(
    ("embedder", "manifolder"),
    [("pca", "umap"), ("nmf", "isomap"), ("dense_ae", "spectral"), ("pca", "pca")],
)
def test_dimensions_follow_the_number_of_clusters_only_so_far(embedder, manifolder):
    described = N2D(embedder, manifolder, "kmeans", n_clusters=5000).composition().describe()
    assert described["embedder"]["latent_dim"] == 100
    assert described["manifolder"]["n_components"] == 100
    assert described["clusterer"]["n_clusters"] == 5000


def test_parameters_of_components_are_parameters_of_the_model(digits):
    x, _ = digits
    model = light()
    assert model.get_params()["embedder__latent_dim"] is None
    model.set_params(embedder__latent_dim=5, clusterer__n_init=3)
    assert model.embedder == {"name": "pca", "latent_dim": 5}
    assert model.get_params()["clusterer__n_init"] == 3
    assert model.fit(x).latent_.shape[1] == 5
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert not hasattr(copy, "labels_")
    with pytest.raises(ConfigError, match="did you mean 'latent_dim'"):
        model.set_params(embedder__latent_dims=5)


def test_components_may_be_given_as_objects(digits):
    from n2d_builtin.linear.linear import PCAEmbedder

    x, _ = digits
    given = PCAEmbedder(latent_dim=5)
    model = light(embedder=given).fit(x)
    assert model.latent_.shape[1] == 5
    assert model.embedder_ is not given
    assert clone(model).get_params()["embedder__latent_dim"] == 5


def test_grid_search_over_options_of_components(digits):
    x, y = digits
    search = GridSearchCV(
        light(),
        {"embedder__latent_dim": [2, 10]},
        scoring="adjusted_rand_score",
        cv=2,
        error_score="raise",
    )
    search.fit(x[:400], y[:400])
    assert search.best_params_ == {"embedder__latent_dim": 10}
    label_free = GridSearchCV(light(), {"n_clusters": [5, 10]}, cv=2, error_score="raise")
    assert -1 <= label_free.fit(x[:400]).best_score_ <= 1


def test_pipelines_and_frames(digits):
    x, _ = digits
    labels = make_pipeline(StandardScaler(), light(scaler="none")).fit_predict(x)
    assert len(np.unique(labels)) == 10
    frame = pd.DataFrame(x, columns=[f"p{i}" for i in range(64)])
    model = light().set_output(transform="pandas").fit(frame)
    out = model.transform(frame)
    assert isinstance(out, pd.DataFrame)
    assert list(out.columns) == [f"n2d{i}" for i in range(10)]
    assert list(model.feature_names_in_) == list(frame.columns)
    assert np.array_equal(model.predict(frame[frame.columns[::-1]]), model.labels_)


@pytest.mark.parametrize(
    "convert",
    [
        lambda x: x.astype(np.float16),
        lambda x: x.astype(np.float32),
        lambda x: x.astype(np.int32),
        lambda x: x.astype(np.uint8),
        lambda x: x.astype(object),
        lambda x: np.asfortranarray(x),
        lambda x: np.repeat(x, 2, axis=1)[:, ::2],
        lambda x: x.tolist(),
        pd.DataFrame,
        lambda x: pl.DataFrame(x, schema=[f"p{i}" for i in range(64)]),
    ],
    ids=["float16", "float32", "int32", "uint8", "object", "fortran", "strided", "lists", "pandas",
         "polars"],
)  # fmt: skip
def test_input_of_any_number_type_gives_the_same_clusters(digits, convert):
    x, _ = digits
    x = x[:300]
    expected = light(scaler={"name": "minmax", "per": "array"}).fit_predict(x)
    model = light(scaler={"name": "minmax", "per": "array"})
    assert np.array_equal(model.fit_predict(convert(x)), expected)
    assert np.array_equal(model.predict(convert(x)), expected)


def test_read_only_input_is_left_alone(digits):
    x, _ = digits
    before = x.copy()
    light().fit(x).predict(x)
    assert np.array_equal(x, before)


def test_images_are_flattened_for_components_of_vectors(digits):
    x, _ = digits
    images = x.reshape(-1, 8, 8).astype(np.uint8)
    model = light().fit(images)
    assert model.reconstruct(images[:3]).shape == (3, 8, 8)
    with pytest.raises(DataError, match=r"shape \(64,\), the model was fitted on .* \(8, 8\)"):
        model.predict(x)


def test_integers_are_scaled_by_the_scaler_only(digits):
    x, _ = digits
    pixels = x.astype(np.uint8)
    raw = light(embedder="identity", scaler="none").fit(pixels)
    assert raw.latent_.max() == 16.0
    scaled = light(embedder="identity").fit(pixels)
    assert scaled.latent_.max() == 1.0
    by_array = scaled.to_snapshot().parts["prepare"]
    assert by_array["per"] == "array"


@pytest.mark.parametrize("name", ["minmax", "standard", "maxabs"])
def test_scalers_do_what_they_say(digits, name):
    x, _ = digits
    out = light(embedder="identity", scaler=name).fit(x).latent_
    varied = x.std(axis=0) > 0
    if name == "minmax":
        assert out.min() == 0
        assert out.max() == pytest.approx(1)
    elif name == "standard":
        assert np.allclose(out.mean(axis=0), 0, atol=1e-5)
        assert np.allclose(out.std(axis=0)[varied], 1, atol=1e-5)
    else:
        assert np.abs(out).max() == pytest.approx(1)
    model = light(embedder="identity", scaler=name).fit(x)
    assert np.allclose(model.reconstruct(x), x, atol=1e-4)


def test_duplicates_constant_columns_and_two_rows_work(digits):
    x, _ = digits
    doubled = np.repeat(x[:50], 4, axis=0)
    labels = light(n_clusters=5).fit_predict(doubled)
    assert (labels.reshape(50, 4) == labels.reshape(50, 4)[:, :1]).all()
    constant = np.hstack([x[:50], np.full((50, 3), 7.0)])
    assert light(n_clusters=5, scaler="standard").fit(constant).n_clusters_ == 5
    assert light(n_clusters=2, embedder="identity").fit(x[:2]).n_clusters_ == 2


def bad_cases() -> dict[str, tuple[object, str]]:
    x = np.arange(24.0).reshape(6, 4)
    holes = x.copy()
    holes[4, 2] = np.nan
    infinite = x.copy()
    infinite[5, 0] = np.inf
    return {
        "nan": (holes, "NaN: row 4, column 2"),
        "inf": (infinite, "inf: row 5, column 0"),
        "empty": (np.empty((0, 4)), "0 sample"),
        "one row": (x[:1], "minimum of 2"),
        "no columns": (np.empty((6, 0)), "0 feature"),
        "one dimension": (x[0], "Reshape your data"),
        "scalar": (3.0, "scalar"),
        "texts": (x.astype(str), "texts, not numbers"),
        "objects": (np.where(x == 13, "a", x.astype(object)), "row 3, column 1 is 'a'"),
        "dates": (x.astype("datetime64[s]"), "dates, not numbers"),
        "complex": (x + 1j, "Complex data not supported"),
        "frame": (pd.DataFrame({"a": [1, 2], "b": ["u", "v"]}), "'b' is a category"),
        "equal": (np.ones((6, 4)), "all 6 rows are equal"),
        "huge": (np.where(x == 5, 1e300, x), "too large for float32"),
    }


@pytest.mark.parametrize("name", list(bad_cases()))
def test_bad_input_is_refused_with_its_place(name):
    x, reason = bad_cases()[name]
    scaler = "none" if name == "huge" else "minmax"
    with pytest.raises((CompositionError, DataError), match=reason):
        light(n_clusters=2, scaler=scaler).fit(x)


def test_ragged_and_sparse_input_are_refused():
    from scipy.sparse import csr_matrix

    with pytest.raises(DataError):
        light().fit([[1, 2], [3]])
    with pytest.raises(CompositionError, match="embedder 'pca' takes vector, and gets sparse rows"):
        light().fit(csr_matrix(np.eye(5)))


def test_more_clusters_than_rows_are_refused_before_training(digits):
    x, _ = digits
    with pytest.raises(CompositionError, match=r"kmeans.*10.*5"):
        light().fit(x[:5])


def test_prediction_refuses_what_is_not_like_the_training_rows(digits):
    x, _ = digits
    model = light()
    with pytest.raises(NotFittedError, match="call fit first"):
        model.predict(x)
    model.fit(x)
    with pytest.raises(DataError, match="X has 60 features"):
        model.predict(x[:, :60])
    with pytest.raises(DataError, match="NaN: row 0"):
        model.predict(np.full((1, 64), np.nan))
    with pytest.raises(DataError, match="0 sample"):
        model.predict(x[:0])
    assert model.predict(x[:1]).shape == (1,)


def test_all_wrong_parameters_are_named_at_once(digits):
    x, _ = digits
    model = N2D("pcaa", {"name": "identity", "depth": 3}, "kmeans", scaler="min", n_clusters=0)
    with pytest.raises(ConfigError) as caught:
        model.fit(x)
    assert {p.path for p in caught.value.problems} == {
        "embedder", "manifolder.depth", "scaler", "n_clusters"
    }  # fmt: skip
    assert "pcaa" in repr(model)


def test_abilities_that_are_not_there_are_said(digits):
    x, _ = digits
    model = light().fit(x)
    with pytest.raises(UnsupportedError, match="strengths: clusterer 'kmeans'"):
        model.strengths(x)


def test_composing_from_a_mapping_and_from_python_is_the_same(digits):
    x, _ = digits
    config = {
        "model": {"embedder": "pca", "manifolder": "identity", "clusterer": "kmeans",
                  "n_clusters": 10},
        "random_state": 0,
    }  # fmt: skip
    model = n2d.compose(config)
    assert not hasattr(model, "labels_")
    assert np.array_equal(model.fit_predict(x), light().fit_predict(x))


def test_a_snapshot_gives_the_same_answers(digits):
    x, _ = digits
    model = light().fit(x)
    again = N2D.from_snapshot(model.to_snapshot())
    assert np.array_equal(again.predict(x), model.predict(x))
    assert np.array_equal(again.embed(x), model.embed(x))
    assert np.array_equal(again.labels_, model.labels_)
    assert again.random_state_ == 0
    with pytest.raises(UnsupportedError, match="not kept in a bundle"):
        _ = again.manifold_
    assert np.array_equal(clone(again).fit_predict(x), model.labels_)
