"""Models of more than a trio: prepare, chains of manifolders, refine and describe."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from n2d_framework import N2D, compose, inspect, load
from n2d_framework.errors import ConfigError, DescriptionWarning

CHAIN = ["pca", {"name": "pca", "n_components": 2}]
DENSITY = {"name": "hdbscan", "min_cluster_size": 8}


@pytest.fixture
def rows():
    """Three clusters of forty rows, and ten rows between and around them."""
    rng = np.random.default_rng(0)
    clusters = rng.normal(size=(120, 5)) + 12 * np.repeat([0, 1, 2], 40)[:, None]
    return np.concatenate([clusters, rng.uniform(-10, 34, size=(10, 5))])


def model_of(**more) -> N2D:
    about = {"embedder": "identity", "manifolder": CHAIN, "clusterer": DENSITY, "random_state": 0}
    return N2D(**about | more)


def test_a_chain_is_fitted_predicted_saved_and_shown(rows, tmp_path):
    model = model_of(prepare=["standard", "minmax"]).fit(rows)
    assert [len(c.components_) for c in model.manifolders_] == [2, 2]
    assert model.manifold_.shape == (130, 2)
    model.save(tmp_path / "model.n2d")
    again = load(tmp_path / "model.n2d", verify=True)
    np.testing.assert_array_equal(again.transform(rows), model.transform(rows))
    np.testing.assert_array_equal(again.predict(rows), model.predict(rows))
    parts = [*inspect(tmp_path / "model.n2d").components]
    assert parts == [
        "prepare_0", "prepare_1", "embedder", "manifolder_0", "manifolder_1", "clusterer",
    ]  # fmt: skip


def test_options_in_a_chain_are_parameters():
    model = model_of()
    assert model.get_params()["manifolder__1__n_components"] == 2
    changed = clone(model).set_params(manifolder__1__n_components=3, manifolder__0__whiten=True)
    assert changed.get_params()["manifolder__1__n_components"] == 3
    assert changed.composition().choices("manifolder")[0].option_values()["whiten"]
    assert model.get_params()["manifolder__1__n_components"] == 2
    with pytest.raises(ConfigError, match="there are 2 components"):
        model.set_params(manifolder__2__whiten=True)


def test_a_configuration_has_the_same_words(rows):
    tree = {
        "model": {
            "prepare": ["standard", {"name": "minmax", "per": "array"}],
            "embedder": "identity", "manifolder": CHAIN, "clusterer": DENSITY,
            "refine": "reassign_noise", "describe": ["summary"],
        }
    }  # fmt: skip
    model = compose(tree, ["model.manifolder[0].whiten=true"])
    assert model.composition().choices("manifolder")[0].option_values()["whiten"]
    described = model.composition().describe()
    again = compose({"model": described}).composition().describe()
    assert again == described


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"scaler": "minmax", "prepare": ["standard"]}, "scaler: is short for prepare"),
        ({"embedder": ["pca", "pca"]}, "embedder: takes one component, not a list"),
        ({"manifolder": []}, "manifolder: needs a manifolder, such as umap"),
        ({"manifolder": ["pca", "umpa"]}, "manifolder[1]: unknown manifolder 'umpa'; did you mean"),
        ({"scaler": "minmx"}, "scaler: unknown prepare 'minmx'; did you mean 'minmax'"),
        ({"refine": ["gmm"]}, "there is a clusterer of that name"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(wrong, words):
    with pytest.raises(ConfigError) as caught:
        model_of(**wrong).composition()
    assert words in str(caught.value)


@pytest.mark.parametrize("scaler", ["minmax", "standard", "maxabs", "none"])
def test_a_scaler_is_short_for_one_prepare_step(rows, scaler):
    short, long = (
        model_of(**given).fit(rows) for given in ({"scaler": scaler}, {"prepare": scaler})
    )
    np.testing.assert_array_equal(short.manifold_, long.manifold_)
    assert short.composition().describe() == long.composition().describe()
    assert short.composition().describe()["scaler"] == {"name": scaler, "per": "auto"}


def test_noise_gets_the_same_label_at_fit_and_at_prediction(rows, tmp_path):
    plain, refined = model_of().fit(rows), model_of(refine="reassign_noise").fit(rows)
    noise = plain.labels_ == -1
    assert noise.any()
    assert (refined.labels_ >= 0).all()
    np.testing.assert_array_equal(refined.labels_[~noise], plain.labels_[~noise])
    assert refined.refine_[0].changed_ == noise.sum()
    predicted = refined.predict(rows)
    both = plain.predict(rows) == plain.labels_
    np.testing.assert_array_equal(predicted[both], refined.labels_[both])
    one_by_one = np.concatenate([refined.predict(row[None]) for row in rows[::7]])
    np.testing.assert_array_equal(one_by_one, predicted[::7])
    shares = refined.predict_proba(rows)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert (shares[plain.predict(rows) == -1, -1] == 0).all()
    refined.save(tmp_path / "model.n2d")
    again = load(tmp_path / "model.n2d", verify=True)
    np.testing.assert_array_equal(again.predict(rows), predicted)


def test_rows_far_away_may_stay_noise(rows):
    near = model_of(refine={"name": "reassign_noise", "max_distance": 1e-6}).fit(rows)
    assert (near.labels_ == -1).any()


def test_a_summary_is_in_input_units_with_names(rows, tmp_path):
    frame = pd.DataFrame(rows, columns=list("abcde"))
    frame["b"] = 7.0
    frame["c"] *= 1e6
    model = model_of(describe="summary").fit(frame)
    described = model.descriptions_["summary"]["clusters"]
    assert [item["label"] for item in described] == sorted(set(model.labels_.tolist()))
    for item in described:
        own = frame[model.labels_ == item["label"]]
        assert item["size"] == len(own)
        assert item["share"] == pytest.approx(len(own) / len(frame))
        assert item["features"][2]["mean"] == pytest.approx(own["c"].mean())
        assert item["features"][2]["median"] == pytest.approx(own["c"].median())
        assert item["features"][2]["std"] == pytest.approx(own["c"].std(ddof=0))
        assert "b" not in [feature["feature"] for feature in item["distinctive"]]
    assert (model.labels_ == model_of().fit(frame).labels_).all()
    model.save(tmp_path / "model.n2d")
    assert load(tmp_path / "model.n2d").descriptions_ == model.descriptions_


BROKEN = """
from n2d_framework.plugin import ComponentSpec, component, hookimpl

@hookimpl
def n2d_components():
    yield ComponentSpec(role="describe", name="broken", factory="broken_plugin:Broken",
                        summary="One line.")

@component
class Broken:
    def describe(self, rows):
        raise RuntimeError("no words")
"""


def test_a_description_that_fails_costs_only_itself(rows, use_plugin):
    use_plugin("broken_plugin", BROKEN)
    with pytest.warns(DescriptionWarning, match="describe 'broken' failed: RuntimeError: no words"):
        model = model_of(describe=["broken", "summary"]).fit(rows)
    assert [*model.descriptions_] == ["summary"]


NAMER = """
from n2d_framework.plugin import ComponentSpec, component, hookimpl

@hookimpl
def n2d_components():
    for name in ("namer", "meddler"):
        yield ComponentSpec(role="describe", name=name, factory=f"namer_plugin:{name.title()}",
                            summary="One line.")

@component
class Namer:
    def describe_from(self, descriptions):
        clusters = descriptions["summary"]["clusters"]
        named = [{"label": about["label"], "name": f"size {about['size']}"} for about in clusters]
        clusters.clear()
        return {"clusters": named}

@component
class Meddler:
    def describe(self, rows):
        rows.labels[:] = 0
        return {}
"""


def test_a_namer_sees_descriptions_only_and_the_last_name_counts(rows, use_plugin, tmp_path):
    use_plugin("namer_plugin", NAMER)
    model = model_of(describe=["summary", "namer"]).fit(rows)
    labels, sizes = np.unique(model.labels_[model.labels_ >= 0], return_counts=True)
    assert model.descriptions_["summary"]["clusters"], "a namer gets a copy"
    assert model.cluster_names_ == {
        int(label): f"size {size}" for label, size in zip(labels, sizes, strict=True)
    }
    model.save(tmp_path / "model.n2d")
    assert load(tmp_path / "model.n2d").cluster_names_ == model.cluster_names_
    with pytest.warns(DescriptionWarning, match="describe 'namer' failed: KeyError: 'summary'"):
        model_of(describe=["namer", "summary"]).fit(rows)


def test_a_describe_component_cannot_change_labels(rows, use_plugin):
    use_plugin("namer_plugin", NAMER)
    with pytest.warns(DescriptionWarning, match="'meddler' failed: ValueError: .*read-only"):
        model = model_of(describe="meddler").fit(rows)
    assert (model.labels_ == model_of().fit(rows).labels_).all()
