"""Scikit-learn-like classes in a trio, without a plugin."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import DBSCAN, Birch
from sklearn.decomposition import FastICA
from sklearn.manifold import TSNE

import n2d_framework as n2d
from n2d_framework.errors import BundleError, ConfigError, NotInductiveWarning, UnsupportedError


@pytest.fixture
def adapted(digits):
    x, _ = digits
    ica = n2d.adapt("manifolder", FastICA, n_components=5, max_iter=1000)
    birch = n2d.adapt("clusterer", Birch, n_clusters=4)
    return n2d.N2D("pca", ica, birch, n_clusters=10, random_state=0).fit(x)


def test_adapted_classes_play_their_roles(digits, adapted):
    x, _ = digits
    assert adapted.manifold_.shape == (1797, 5)
    assert adapted.n_clusters_ == 4
    assert np.array_equal(adapted.predict(x), adapted.labels_)
    assert adapted.manifolder_.estimator_.random_state is not None


def test_their_options_are_parameters(adapted):
    assert adapted.get_params()["manifolder__options"]["n_components"] == 5


def test_bundles_need_trust_by_type_name(digits, adapted, tmp_path):
    x, _ = digits
    path = tmp_path / "model.n2d"
    adapted.save(path)
    with pytest.raises(BundleError) as caught:
        n2d.load(path)
    needed = ["sklearn.cluster._birch.Birch", "sklearn.cluster._birch._CFNode",
              "sklearn.cluster._birch._CFSubcluster"]  # fmt: skip
    assert any(name in str(caught.value) for name in needed)
    again = _load_with_growing_trust(path)
    assert np.array_equal(again.predict(x), adapted.predict(x))
    assert np.array_equal(again.transform(x), adapted.transform(x))


def _load_with_growing_trust(path):
    import ast
    import re

    trusted: list[str] = []
    for _ in range(3):
        try:
            return n2d.load(path, trusted=trusted)
        except BundleError as error:
            listed = re.search(r"trusted=(\[.*?\])", str(error))
            assert listed, error
            trusted += ast.literal_eval(listed.group(1))
    return n2d.load(path, trusted=trusted)


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
