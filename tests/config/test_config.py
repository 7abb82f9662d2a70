from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from n2d_framework.config import read_config, run_schema
from n2d_framework.config.reading import apply_overrides, read_tree
from n2d_framework.errors import ConfigError

YAML = """
data: digits
model:
  scaler: minmax
  embedder: {name: pca, latent_dim: 10}
  manifolder: identity
  clusterer: {name: gmm, n_clusters: 10}
random_state: 3
"""
TOML = """
data = "digits"
random_state = 3
[model]
scaler = "minmax"
embedder = {name = "pca", latent_dim = 10}
manifolder = "identity"
clusterer = {name = "gmm", n_clusters = 10}
"""
TREE = {
    "data": "digits",
    "model": {
        "scaler": "minmax",
        "embedder": {"name": "pca", "latent_dim": 10},
        "manifolder": "identity",
        "clusterer": {"name": "gmm", "n_clusters": 10},
    },
    "random_state": 3,
}


@pytest.mark.parametrize(
    ("suffix", "text"), [("yaml", YAML), ("yml", YAML), ("toml", TOML), ("json", json.dumps(TREE))]
)
def test_three_languages_read_to_one_tree(tmp_path: Path, suffix, text):
    path = tmp_path / f"config.{suffix}"
    path.write_text(text)
    assert read_tree(path) == TREE
    config = read_config(path)
    assert config.data == "digits"
    assert config.random_state == 3
    assert config.model.embedder == {"name": "pca", "latent_dim": 10}


def problems(tree: object, *overrides: str) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        read_config(tree, overrides)
    return {problem.path: problem.message for problem in caught.value.problems}


def test_everything_wrong_is_said_at_once():
    found = problems(
        {
            "dat": "digits",
            "model": {
                "embedder": {"name": "pca", "latent_dim": 0, "epochs": 5},
                "manifolder": {"n_neighbors": 3},
                "clusterer": "kmean",
                "scaler": {"name": "minmax", "per": "row"},
                "n_clusters": "ten",
            },
            "random_state": -1,
        }
    )
    assert "did you mean 'data'?" in found["dat"]
    assert found["model.embedder.latent_dim"] == "must be >= 1, got 0"
    assert "unknown option" in found["model.embedder.epochs"]
    assert "needs a name" in found["model.manifolder"]
    assert "did you mean 'kmeans'?" in found["model.clusterer"]
    assert "'row'" in found["model.scaler.per"]
    assert "an integer" in found["model.n_clusters"]
    assert found["random_state"] == "must be >= 0, got -1"
    assert len(found) == 8


def test_a_model_that_is_not_a_mapping_is_one_problem():
    assert "a mapping" in problems({"model": "pca"})["model"]


def test_the_given_mapping_is_not_changed():
    before = json.dumps(TREE)
    read_config(TREE, ["model.embedder.latent_dim=3", "random_state=4"])
    assert json.dumps(TREE) == before


def test_overrides_reach_into_bare_names_and_lists():
    tree = {"data": "digits", "model": {"embedder": "pca"}, "list": [{"a": 1}, "b"]}
    changed = apply_overrides(
        tree,
        [
            "model.embedder.latent_dim=4",
            "model.n_clusters=3",
            "data.y=label",
            "list[0].a=[1, 2]",
            "new.deep.value=null",
        ],
    )
    assert changed == {
        "data": {"path": "digits", "y": "label"},
        "model": {"embedder": {"name": "pca", "latent_dim": 4}, "n_clusters": 3},
        "list": [{"a": [1, 2]}, "b"],
        "new": {"deep": {"value": None}},
    }


def test_wrong_overrides_are_all_named():
    with pytest.raises(ConfigError) as caught:
        apply_overrides({"seed": 1, "list": []}, ["nosign", "seed.a=1", "list[0]=2", "a={", "=1"])
    assert len(caught.value.problems) == 5
    assert caught.value.source == "--set"


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("c.yaml", "a: [", "not well-formed YAML"),
        ("c.yaml", "a: 1\nb: 2\na: 3", "line 3: 'a' is written twice"),
        ("c.json", '{"a": 1, "a": 2}', "'a' is written twice"),
        ("c.json", "{", "not well-formed JSON"),
        ("c.toml", "a = ", "not well-formed TOML"),
        ("c.yaml", "- 1", "must hold a mapping"),
        ("c.yaml", "!!python/object/apply:os.system ['true']", "not well-formed YAML"),
        ("c.ini", "a", "ends in .json, .toml, .yaml, .yml"),
    ],
)
def test_unreadable_files_say_why_and_where(tmp_path: Path, name, text, reason):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    assert reason in str(caught.value)
    assert str(path) in str(caught.value)


def test_missing_and_binary_files(tmp_path: Path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_config(tmp_path / "none.yaml")
    binary = tmp_path / "b.yaml"
    binary.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_config(binary)


def test_the_schema_accepts_what_the_check_accepts():
    schema = run_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(TREE)
    assert not validator.is_valid({"model": {"embedder": {"name": "pca", "epochs": 5}}})
    assert not validator.is_valid({"model": {"clusterer": "kmean"}})
    assert not validator.is_valid({"dat": 1})


def test_the_schema_knows_every_installed_component(install_plugin, fresh_catalogue):
    install_plugin(
        "my_plugin",
        "from n2d_framework.plugin import ComponentSpec, component, hookimpl, option\n"
        "@component\nclass Mine:\n    width: int = option(3, help='Width.', ge=1)\n"
        "@hookimpl\ndef n2d_components():\n"
        "    yield ComponentSpec(role='embedder', name='mine', factory='my_plugin:Mine',"
        " summary='s')\n"
        "    yield ComponentSpec(role='embedder', name='gone', factory='not_there:Gone',"
        " summary='s')\n",
    )
    validator = jsonschema.Draft202012Validator(run_schema(fresh_catalogue()))
    assert validator.is_valid({"model": {"embedder": {"name": "mine", "width": 2}}})
    assert not validator.is_valid({"model": {"embedder": {"name": "mine", "width": 0}}})
    assert validator.is_valid({"model": {"embedder": {"name": "gone", "whatever": 0}}})
