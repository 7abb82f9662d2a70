"""Scikit-learn-like classes in a trio, without a plugin."""

from __future__ import annotations

import jsonschema
import numpy as np
import pytest
from sklearn.cluster import DBSCAN
from sklearn.decomposition import FastICA
from sklearn.manifold import TSNE

import n2d_framework as n2d
from n2d_framework.config import run_schema
from n2d_framework.config.adapted_classes import adapting_name, as_written
from n2d_framework.errors import (
    BundleError,
    ConfigError,
    NotInductiveWarning,
    StateError,
    UnsupportedError,
)

FOREIGN = """
import numpy as np

class Halves:
    def __init__(self, axis=0):
        self.axis = axis

    def fit(self, x):
        self.middle_ = np.median(x[:, self.axis])
        return self

    def predict(self, x):
        return (x[:, self.axis] > self.middle_).astype(int)

class Hidden(Halves):
    def fit(self, x):
        self.secret_ = (i for i in ())
        return super().fit(x)
"""


@pytest.fixture
def foreign(install_plugin):
    install_plugin("foreign", FOREIGN)
    import foreign

    return foreign


@pytest.fixture
def adapted(digits, foreign):
    x, _ = digits
    ica = n2d.adapt("manifolder", FastICA, n_components=5, max_iter=1000)
    halves = n2d.adapt("clusterer", foreign.Halves, axis=1)
    return n2d.N2D("pca", ica, halves, n_clusters=10, random_state=0).fit(x)


def test_adapted_classes_play_their_roles(digits, adapted):
    x, _ = digits
    assert adapted.manifold_.shape == (1797, 5)
    assert adapted.n_clusters_ == 2
    assert np.array_equal(adapted.predict(x), adapted.labels_)
    assert adapted.manifolder_.estimator_.random_state is not None


def test_their_options_are_parameters(adapted):
    assert adapted.get_params()["manifolder__options"]["n_components"] == 5


def test_bundles_need_trust_by_type_name(digits, adapted, tmp_path):
    x, _ = digits
    path = tmp_path / "model.n2d"
    adapted.save(path)
    with pytest.raises(BundleError, match=r"trusted=\['foreign.Halves'\]"):
        n2d.load(path)
    again = n2d.load(path, trusted=["foreign.Halves"])
    assert np.array_equal(again.predict(x), adapted.predict(x))
    assert np.array_equal(again.transform(x), adapted.transform(x))


def test_what_skops_cannot_store_is_refused_at_save(digits, foreign, tmp_path):
    x, _ = digits
    hidden = n2d.adapt("clusterer", foreign.Hidden)
    model = n2d.N2D("pca", "identity", hidden, n_clusters=2, random_state=0).fit(x)
    with pytest.raises(StateError, match="foreign:Hidden: it cannot be stored"):
        model.save(tmp_path / "model.n2d")
    assert list(tmp_path.glob("*.n2d")) == []


@pytest.mark.filterwarnings("ignore::n2d_framework.errors.NotInductiveWarning")
def test_a_class_that_cannot_place_new_rows_is_fitted_only(digits):
    x, _ = digits
    tsne = n2d.adapt("manifolder", TSNE, n_components=2, max_iter=250, perplexity=10)
    dbscan = n2d.adapt("clusterer", DBSCAN, eps=5.0)
    with pytest.warns(NotInductiveWarning):
        model = n2d.N2D("pca", tsne, dbscan, n_clusters=10, random_state=0).fit(x[:200])
    assert model.manifold_.shape == (200, 2)
    with pytest.raises(UnsupportedError, match="adapted_once"):
        model.predict(x)


def test_what_cannot_be_adapted_is_refused():
    with pytest.raises(ConfigError, match="lacks what a clusterer needs"):
        n2d.adapt("clusterer", dict)
    with pytest.raises(ConfigError, match="role"):
        n2d.adapt("embeder", FastICA)
    with pytest.raises(ConfigError, match="plain values"):
        n2d.adapt("manifolder", FastICA, fun=np.tanh)


def test_config_files_may_name_code_only_where_permitted():
    model = {"clusterer": {"name": "adapted", "factory": "sklearn.cluster:Birch"}}
    tree = {"model": {"embedder": "pca", "manifolder": "identity", **model}}
    with pytest.raises(ConfigError, match=r"model.clusterer: 'adapted' imports code"):
        n2d.compose(tree)
    assert n2d.compose(tree, allow_code=True).clusterer["name"] == "adapted"


def adapting(role="clusterer", **value):
    model = {"embedder": "pca", "manifolder": "identity", "clusterer": "kmeans"}
    return {"model": model | {role: value}}


def test_a_configuration_adapts_a_class_as_python_does(digits, tmp_path):
    x, _ = digits
    path = tmp_path / "adapting.yaml"
    path.write_text(
        "model:\n"
        "  embedder: pca\n"
        "  manifolder: {adapt: sklearn.decomposition:FastICA, n_components: 5, max_iter: 1000}\n"
        "  clusterer: {name: kmeans, n_clusters: 10}\n"
    )
    configured = n2d.compose(path, allow_code=True).fit(x)
    ica = n2d.adapt("manifolder", FastICA, n_components=5, max_iter=1000)
    python = n2d.N2D("pca", ica, {"name": "kmeans", "n_clusters": 10}, random_state=0).fit(x)
    assert np.array_equal(configured.manifold_, python.manifold_)
    assert np.array_equal(configured.labels_, python.labels_)
    assert (
        configured.set_params(manifolder__options={"n_components": 3}).fit(x).manifold_.shape[1]
        == 3
    )


def test_a_class_that_cannot_place_new_rows_is_known_by_its_methods(digits):
    tree = adapting(adapt="sklearn.cluster:DBSCAN", eps=30.0)
    with pytest.warns(NotInductiveWarning):
        model = n2d.compose(tree, allow_code=True).fit(digits[0][:100])
    assert model.clusterer["name"] == "adapted_once"


def test_nothing_is_imported_without_permission(install_plugin):
    install_plugin("dangerous", "raise SystemExit('imported')")
    with pytest.raises(ConfigError, match=r"model.clusterer: 'dangerous:Thing' imports code"):
        n2d.compose(adapting(adapt="dangerous:Thing"))
    grid = {"embedders": ["pca"], "manifolders": ["identity"], "data": "digits"}
    with pytest.raises(ConfigError, match=r"clusterers\[0\]: 'dangerous:Thing' imports code"):
        n2d.compare(grid | {"clusterers": [{"adapt": "dangerous:Thing"}]}, "nowhere")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"adapt": "sklearn.cluster:Brich"}, r"model.clusterer.adapt: .*has no attribute 'Brich'"),
        ({"adapt": "not_there:Thing"}, r"model.clusterer.adapt: .*No module named 'not_there'"),
        ({"adapt": "sklearn.cluster"}, r'model.clusterer.adapt: is the class as "package.module'),
        ({"adapt": 3}, r"model.clusterer.adapt: is the class as"),
        ({"adapt": "builtins:dict"}, r"model.clusterer.adapt: .*lacks what a clusterer needs"),
        (
            {"adapt": "sklearn.cluster:Birch", "n_cluster": 3},
            r"model.clusterer.n_cluster: unknown option; did you mean 'n_clusters'",
        ),
        ({"adapt": "sklearn.cluster:Birch", "name": "gmm"}, "both name and adapt"),
    ],
)
def test_what_is_wrong_with_an_adapted_class_is_said_with_its_place(value, said):
    with pytest.raises(ConfigError, match=said):
        n2d.compose(adapting(**value), allow_code=True)


def test_all_problems_are_reported_at_once():
    tree = adapting(adapt="sklearn.cluster:Brich")
    tree["model"]["embedder"] = {"name": "pca", "latent_dims": 3}
    with pytest.raises(ConfigError) as caught:
        n2d.compose(tree, allow_code=True)
    places = {problem.path for problem in caught.value.problems}
    assert places == {"model.clusterer.adapt", "model.embedder.latent_dims"}


def test_in_python_the_class_itself_is_given():
    with pytest.raises(ConfigError, match=r"n2d.adapt\(role, cls\)"):
        n2d.N2D("pca", "identity", {"adapt": "sklearn.cluster:Birch"}).composition()


def test_the_schema_knows_the_form():
    schema = run_schema()
    jsonschema.validate(adapting(adapt="sklearn.cluster:Birch", n_clusters=3), schema)
    for wrong in ({"adapt": "sklearn.cluster"}, {"adapt": "a:B", "name": "kmeans"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(adapting(**wrong), schema)


WRAPPING = """
from n2d_framework.plugin import ComponentSpec, hookimpl

@hookimpl
def n2d_components():
    yield ComponentSpec(
        role="manifolder", name="wrapped", factory="wrapping:Wrapped", summary="Wraps a class",
        imports_code=True, adapts=True,
    )
"""


def test_plugins_may_announce_components_that_stand_for_a_class(use_plugin):
    options = {"factory": "here:Map", "options": {"width": 2}}
    assert as_written("wrapped", options) == ("wrapped", options)
    use_plugin("wrapping", WRAPPING)
    for name in ("wrapped", "wrapping:wrapped", "adapted", "n2d_framework:adapted_once"):
        assert as_written(name, options) == ("here:Map", {"width": 2})
    assert as_written("umap", options) == ("umap", options)
    assert adapting_name("manifolder", FastICA) == "adapted"
    assert adapting_name("manifolder", TSNE) == "adapted_once"
