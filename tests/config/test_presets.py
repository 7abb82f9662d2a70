"""Compositions with a name, in configurations, on the command line and in Python."""

from __future__ import annotations

import pytest

import n2d_framework as n2d
from n2d_framework.config import read_config
from n2d_framework.config.checking import resolve_composition
from n2d_framework.errors import ConfigError, UnknownComponentError
from n2d_framework.plugin import PresetSpec
from n2d_framework.registry import default_catalogue


def parts(config):
    return config.composition.describe()


def test_presets_are_compositions_that_can_be_made():
    found = default_catalogue().presets()
    assert {"fast", "augmented"} <= {entry.spec.name for entry in found}
    for entry in found:
        resolve_composition(**entry.spec.model)


def test_a_preset_is_the_components_of_a_configuration():
    chosen = n2d.preset("fast")
    written = read_config({"model": {"preset": "fast", "n_clusters": 4}})
    assert parts(written) == parts(read_config({"model": {**chosen, "n_clusters": 4}}))
    assert "embedder" not in written.composition.left_open
    assert "clusterer" in written.composition.left_open
    flagged = read_config({"model": {"preset": "augmented"}}, ["model.preset=fast"])
    assert parts(flagged)["embedder"] == parts(written)["embedder"] | {"latent_dim": None}
    model = n2d.N2D(**chosen, n_clusters=4)
    assert model.get_params()["embedder__schedule"] == "cosine"
    chosen["embedder"]["epochs"] = 1
    assert n2d.preset("fast")["embedder"]["epochs"] == 20


def test_what_is_written_beside_a_preset_changes_it():
    tree = {"model": {"preset": "fast", "embedder": {"epochs": 3}, "clusterer": "kmeans"}}
    found = parts(read_config(tree, ["model.embedder.batch_size=64"]))
    embedder = found["embedder"]
    assert (embedder["epochs"], embedder["batch_size"]) == (3, 64)
    assert embedder["schedule"] == "cosine"
    assert found["clusterer"]["name"] == "kmeans"
    other = parts(read_config({"model": {"preset": "fast", "embedder": "pca"}}))
    assert other["embedder"]["name"] == "pca"


@pytest.mark.parametrize(
    ("tree", "overrides", "said"),
    [
        ({"preset": "fsat"}, [], "unknown preset 'fsat'; did you mean 'fast'"),
        ({}, ["model.preset=nothing-alike"], "unknown preset 'nothing-alike'"),
        ({"preset": 3}, [], "must be the name of a preset, got 3"),
        ({"preset": ["fast"]}, [], "must be the name of a preset"),
        ({"preset": "fast", "embedder": {"epoch": 3}}, [], "epochs"),
    ],
)
def test_wrong_presets_are_refused_with_their_path(tree, overrides, said):
    with pytest.raises(ConfigError) as caught:
        read_config({"model": tree}, overrides)
    assert said in str(caught.value)
    assert "model." in str(caught.value)


@pytest.mark.parametrize(
    "model", [{}, {"embeder": "pca"}, {"n_clusters": 3}, {"embedder": 3}, "pca"], ids=str
)
def test_an_announcement_maps_roles_to_components(model):
    with pytest.raises(ValueError, match="PresetSpec: model"):
        PresetSpec(name="mine", summary="One line", model=model)


def test_two_plugins_may_have_a_preset_of_one_name(install_plugin, fresh_catalogue):
    source = """
from n2d_framework.plugin import PresetSpec, hookimpl

@hookimpl
def n2d_presets():
    yield PresetSpec(name="mine", summary="One line", model={"embedder": "pca"})
"""
    install_plugin("one_plugin", source, distribution="one")
    install_plugin("other_plugin", source, distribution="other")
    found = fresh_catalogue()
    with pytest.raises(n2d.N2DError, match="one:mine"):
        n2d.preset("mine", catalogue=found)
    assert n2d.preset("other:mine", catalogue=found) == {"embedder": "pca"}
    with pytest.raises(UnknownComponentError, match="unknown preset"):
        n2d.preset("yours", catalogue=found)
