"""The configuration of a comparison: what is expanded, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from n2d_framework.config.comparison_config import read_compare_config
from n2d_framework.config.expansion import expand_range
from n2d_framework.errors import ConfigError

BASE = {"data": "digits", "embedders": ["identity"], "manifolders": ["identity"]}


def read(**changes):
    return read_compare_config({**BASE, "clusterers": ["kmeans"], **changes})


def problems(**changes) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(**changes)
    return [str(problem) for problem in caught.value.problems]


def test_lists_and_ranges_of_options_are_expanded_the_last_fastest():
    grid = read(
        manifolders=[
            {
                "name": "umap",
                "n_neighbors": [10, 20],
                "n_components": {"from": 2, "to": 6, "step": 2},
            }
        ]
    )
    found = [(c.given["n_neighbors"], c.given["n_components"]) for c in grid.choices["manifolder"]]
    assert found == [(10, 2), (10, 4), (10, 6), (20, 2), (20, 4), (20, 6)]


def test_an_option_that_is_a_list_is_expanded_by_a_list_of_lists_only():
    one = read(embedders=[{"name": "dense_ae", "hidden": [50, 20]}]).choices["embedder"]
    two = read(embedders=[{"name": "dense_ae", "hidden": [[50, 20], [30]]}]).choices["embedder"]
    assert [c.given["hidden"] for c in one] == [[50, 20]]
    assert [c.given["hidden"] for c in two] == [[50, 20], [30]]


def test_an_option_that_may_be_a_number_or_a_list_stays_one_value_as_a_plain_list():
    found = read(embedders=[{"name": "conv_ae", "strides": [2, 2, 1]}]).choices["embedder"]
    assert [c.given["strides"] for c in found] == [[2, 2, 1]]


@given(
    neighbours=st.lists(st.integers(2, 50), min_size=1, max_size=4),
    distances=st.lists(st.floats(0, 0.9), min_size=1, max_size=4),
)
def test_the_grid_has_every_combination(neighbours, distances):
    grid = read(manifolders=[{"name": "umap", "n_neighbors": neighbours, "min_dist": distances}])
    found = [(c.given["n_neighbors"], c.given["min_dist"]) for c in grid.choices["manifolder"]]
    assert found == [(a, b) for a in neighbours for b in distances]


@given(first=st.integers(-50, 50), count=st.integers(0, 40), step=st.integers(1, 7))
def test_a_range_has_both_ends(first, count, step):
    value = {"from": first, "to": first + count * step, "step": step}
    assert expand_range(value, "p") == [first + i * step for i in range(count + 1)]


def test_a_range_of_fractions_reaches_its_end():
    assert expand_range({"from": 0.1, "to": 0.3, "step": 0.1}, "p") == pytest.approx(
        [0.1, 0.2, 0.3]
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"from": 3, "to": 2}, "is empty"),
        ({"from": 0, "to": 2, "step": 0}, "must be positive"),
        ({"from": 0, "to": 1e9}, "more than 10000"),
        ({"from": "a", "to": 2}, "must be a number"),
        ({"from": float("nan"), "to": 2}, "is empty"),
    ],
)
def test_a_range_that_is_none_is_refused(value, said):
    with pytest.raises(ConfigError, match=said):
        expand_range(value, "p")


def test_seeds_are_a_number_or_a_list():
    assert read(seeds=3).seeds == [0, 1, 2]
    assert read(seeds=[7, 3]).seeds == [7, 3]


def test_n_clusters_may_be_a_range():
    grid = read(n_clusters={"from": 2, "to": 5})
    assert grid.n_clusters == [2, 3, 4, 5]
    assert grid.varies


def test_all_problems_are_reported_at_once_with_their_paths():
    found = problems(
        embedders=["pcaa", {"name": "dense_ae", "epochs": [3, -1]}, {"name": "pca", "latent": 3}],
        seeds="three",
    )
    assert any(text.startswith("embedders[0]") and "'pca'" in text for text in found)
    assert any(text.startswith("embedders[1].epochs") for text in found)
    assert any(text.startswith("embedders[2].latent") and "latent_dim" in text for text in found)
    assert any(text.startswith("seeds") for text in found)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"embedders": []}, "embedders: needs at least 1"),
        ({"manifolders": [{"name": "umap", "n_neighbors": []}]}, "n_neighbors: is an empty list"),
        ({"seeds": 0}, "seeds: is the number of seeds"),
        ({"seeds": [1, 1]}, "seeds: 1 is listed twice"),
        ({"seeds": [-1]}, "seeds: must not be negative"),
        ({"n_clusters": {"from": 2, "until": 3}}, "n_clusters: a range is"),
        ({"n_clusters": [3, 3]}, "n_clusters: 3 is listed twice"),
        ({"clusterer": ["kmeans"]}, "clusterers"),
        ({"exclude": [{"embeder": "identity"}]}, "exclude[0].embeder: unknown key"),
        ({"exclude": [{}]}, "exclude[0]: is empty"),
        ({"include": [{"embedder": "pca"}]}, "include[0].embedder: 'pca' is not part"),
        ({"exclude": [{"clusterer": {"n_cluster": 3}}]}, "exclude[0].clusterer.n_cluster"),
        ({"exclude": [{"clusterer": 3}]}, "exclude[0].clusterer: must be a name"),
        ({"baseline": {"clusterer": "gmm"}}, "baseline.clusterer: 'gmm' is not part"),
        (
            {"manifolders": [{"name": "adapted", "factory": "sklearn.decomposition:PCA"}]},
            "manifolders[0]: 'adapted' imports code",
        ),
        ({"timeout": 0}, "timeout: must be > 0"),
        ({"metric": "accc"}, "metric: unknown metric 'accc'; did you mean 'acc'?"),
        ({"metric": "embedder_val_los"}, "did you mean 'embedder_val_loss'?"),
        ({"metric": "dbcv", "dbcv_rows": 0}, "metric: is dbcv, which dbcv_rows: 0 leaves out"),
        ({"metric": "bic"}, "metric: is bic, which no clusterer here has"),
        ({"n_clusters": {"from": 0, "to": 3}}, "n_clusters.from: must be >= 1, got 0"),
        ({"exclude": [{"clusterer": [{"n_inti": 3}]}]}, "n_inti: unknown option; did you mean"),
        ({"baseline": {"scaler": "none"}}, "baseline.scaler: 'none' is not part"),
        ({"baseline": {"clusterer": {"n_init": 77}}}, "baseline.clusterer.n_init: 77 is not part"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(changes, said):
    assert any(said in text for text in problems(**changes)), problems(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"metric": "ami_clustered"},
        {"metric": "embedder_kl_loss"},
        {"metric": "bic", "clusterers": ["gmm"]},
        {"exclude": [{"n_clusters": 3, "seed": [0, 1]}], "n_clusters": [2, 3], "seeds": 2},
        {"exclude": [{"clusterer": {"n_clusters": 3}}], "n_clusters": [2, 3]},
        {"exclude": [{"n_clusters": None}], "clusterers": ["kmeans", "hdbscan"], "n_clusters": 2},
        {"exclude": [{"n_clusters": 7}], "clusterers": [{"name": "kmeans", "n_clusters": 7}]},
        {"exclude": [{"scaler": "none"}], "scaler": ["minmax", {"name": "none", "per": "array"}]},
        {
            "exclude": [{"embedder": {"hidden": [50, 20]}}, {"embedder": {"hidden": [[30], [9]]}}],
            "embedders": [{"name": "dense_ae", "hidden": [[50, 20], [30], [9]]}],
        },
        {"exclude": [{"data": "only known when rows are given"}]},
    ],
)
def test_rules_and_metrics_that_mean_something_are_taken(changes):
    assert read(**changes).config


def test_a_metric_of_a_plugin_is_known(use_plugin):
    source = """
from n2d_framework.plugin import MetricSpec, hookimpl

@hookimpl
def n2d_metrics():
    yield MetricSpec(name="wobble", function="nowhere:wobble", summary="s")
"""
    use_plugin("wobbly", source)
    assert read(metric="wobble").config.metric == "wobble"


def test_a_file_is_named_in_its_problems(tmp_path):
    path = tmp_path / "grid.yaml"
    path.write_text("data: digits\nembedders: [pca]\nmanifolders: [nothing]\nclusterers: [gmm]\n")
    with pytest.raises(ConfigError, match=r"grid\.yaml.*manifolders\[0\]"):
        read_compare_config(path)


@pytest.mark.parametrize(
    ("changes", "good"),
    [
        ({}, True),
        ({"manifolders": [{"name": "umap", "n_neighbors": [10, 20]}]}, True),
        ({"manifolders": [{"name": "umap", "n_neighbors": {"from": 5, "to": 9}}]}, True),
        ({"embedders": [{"name": "dense_ae", "hidden": [[50], [20, 10]]}]}, True),
        ({"n_clusters": {"from": 2, "to": 9}, "seeds": 5}, True),
        ({"manifolders": [{"name": "umap", "n_neighbours": 3}]}, False),
        ({"manifolders": []}, False),
        ({"seeds": "many"}, False),
        ({"n_clusters": 0}, False),
        ({"n_clusters": {"from": 0, "to": 3}}, False),
    ],
)
def test_the_schema_says_what_the_check_says(changes, good):
    from jsonschema import Draft202012Validator

    from n2d_framework.config.compare_schema import compare_schema

    schema = compare_schema()
    Draft202012Validator.check_schema(schema)
    tree = {**BASE, "clusterers": ["kmeans"], **changes}
    assert Draft202012Validator(schema).is_valid(tree) is good
    if good:
        read_compare_config(tree)
    else:
        assert problems(**changes)
