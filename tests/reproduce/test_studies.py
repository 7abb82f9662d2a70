"""The files of the studies: recipes that can be run, numbers that belong to them."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import numpy as np
import pytest
import yaml

from n2d_framework.config.compare_schema import compare_schema
from n2d_framework.config.comparison_config import read_compare_config
from n2d_framework.errors import ConfigError
from n2d_framework.experiment import plan_comparison
from n2d_framework.registry import Catalogue, default_catalogue
from n2d_framework.reproduce import STUDIES, read_study
from n2d_framework.reproduce import study as study_module

DEEP = Path(__file__).parents[2] / "plugins" / "n2d-deep"
CASES = [(name, data) for name in STUDIES for data in read_study(name).data_names]


@pytest.fixture(scope="module")
def valid():
    """Checks a tree against the live schema, which takes a while to build."""
    schema = compare_schema()
    return jsonschema.validators.validator_for(schema)(schema).validate


@pytest.fixture(params=STUDIES)
def study(request):
    return read_study(request.param)


def config_of(name, data, **changes):
    study = read_study(name)
    settings = {"n_clusters": 10, "seeds": 2, "epochs": None} | changes
    return study.config(data, study.runs(data), **settings)


@pytest.mark.parametrize(("name", "data"), CASES)
def test_the_recipe_of_each_dataset_is_a_comparison(name, data, valid):
    config = config_of(name, data)
    valid(config)
    read_compare_config(config)


@pytest.mark.parametrize("name", STUDIES)
def test_the_shipped_comparison_is_one_by_itself(name, valid):
    folder = Path(study_module.__file__).with_name("studies")
    recipe = yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))
    valid(recipe["comparison"])


@pytest.mark.parametrize(("name", "data"), CASES)
def test_each_method_is_one_cell_per_seed(name, data):
    study, spec = read_study(name), default_catalogue().dataset(data).spec
    x = np.random.default_rng(0).random((1100, *spec.row_shape), dtype=np.float32)
    planned = plan_comparison(config_of(name, data), data={data: x})
    trios = {str(method.trio) for method in study.runs(data)}
    assert len(planned.plan.cells) == 2 * len(trios)


def test_every_dataset_is_known_by_name(study):
    specs = [default_catalogue().dataset(name).spec for name in study.data_names]
    assert all(spec.n_classes for spec in specs)


def test_numbers_belong_to_methods_data_and_columns_of_their_table(study):
    for table in study.tables:
        assert set(table.methods) <= set(study.methods)
        assert set(table.numbers) <= set(table.methods)
        for method, by_data in table.numbers.items():
            assert set(by_data) <= set(table.data), method
            for scores in by_data.values():
                assert set(scores) <= set(table.metrics), method
                assert all(isinstance(v, float) and 0 <= v <= 1 for v in scores.values())


def test_what_others_measured_is_of_a_known_row(study):
    for other in study.others:
        assert other.method in study.methods
        assert other.data in study.data_names
        assert other.source.startswith("https://")


def test_every_method_is_in_a_table(study):
    used = {name for table in study.tables for name in table.methods}
    assert used == set(study.methods)
    assert all(bool(method.adds) == bool(method.plugin) for method in study.methods.values())


def test_what_needs_a_plugin_says_so_where_it_is_not_installed(monkeypatch):
    method = read_study("thesis").methods["dcec"]
    monkeypatch.setattr(study_module, "default_catalogue", lambda: Catalogue.from_entry_points([]))
    assert method.lacking() == (
        "it needs the embedder 'dcec' of the plugin n2d-deep, which is not installed"
    )


@pytest.mark.skipif(not DEEP.is_dir(), reason="the plugin's sources are not here")
def test_what_needs_a_plugin_is_run_where_it_is_installed(use_plugin, monkeypatch):
    monkeypatch.syspath_prepend(str(DEEP))
    if "dcec" not in {entry.spec.name for entry in default_catalogue().components("embedder")}:
        use_plugin("deep_again", "from n2d_deep.plugin import n2d_components")
    study = read_study("thesis")
    methods = study.runs("mnist", ["kmeans", "dcec", "dcec_gamma1"])
    assert [method.id for method in methods] == ["kmeans", "dcec_gamma1", "dcec"]
    config = study.config("mnist", methods, n_clusters=10, seeds=1, epochs=7)
    x = np.random.default_rng(0).random((300, 28, 28), dtype=np.float32)
    cells = plan_comparison(config, data={"mnist": x}).plan.cells
    deep = [cell.embedder.steps[-1].prototype for cell in cells if "dcec" in cell.embedder.label]
    assert [(item.gamma, item.epochs, item.n_clusters) for item in deep] == [
        (1, 7, 10),
        (0.1, 7, 10),
    ]
    assert len(cells) == 3


def test_published_numbers_of_the_paper():
    (table, readme) = read_study("paper").tables
    found = {name: tuple(scores.values()) for name, scores in table.numbers["n2d"].items()}
    assert found == {
        "mnist": (0.979, 0.942), "mnist_test": (0.948, 0.882), "usps": (0.958, 0.901),
        "fashion": (0.672, 0.684), "pendigits": (0.885, 0.863), "har": (0.801, 0.683),
    }  # fmt: skip
    assert readme.published("package", "har")["acc"] == 0.81212


def test_published_numbers_of_the_thesis():
    tables = {table.id: table for table in read_study("thesis").tables}
    assert tables["12.1"].published("pca_hdbscan", "fashion")["acc"] == 0.5275
    assert tables["12.2"].published("umap2_hdbscan", "mnist") == {"nmi": 0.9177}
    assert tables["13.1"].published("dcec", "mnist") == {
        "nmi": 0.8898,
        "ari": 0.8552,
        "acc": 0.8924,
    }


def test_the_paper_is_run_by_its_recipe():
    grid = read_compare_config(config_of("paper", "usps"))
    network = grid.choices["embedder"][1].choices[-1].filled(10).component
    assert (network.hidden, network.latent_dim) == ((500, 500, 2000), 10)
    assert (network.epochs, network.batch_size, network.precision) == (1000, 256, "float32")
    umap = grid.choices["manifolder"][1].choices[-1].filled(10).component
    assert (umap.n_components, umap.n_neighbors, umap.min_dist) == (10, 20, 0.0)


def test_har_is_taken_as_it_is():
    assert config_of("paper", "har")["scaler"] == "none"
    assert "scaler" not in config_of("paper", "usps")


def test_epochs_change_every_autoencoder_and_nothing_else():
    before, after = config_of("thesis", "mnist"), config_of("thesis", "mnist", epochs=3)
    trained = [item for item in before["embedders"] if "epochs" in item]
    assert 2 <= len(trained) < len(before["embedders"])  # plugins bring further ones
    assert all(item["epochs"] > 3 for item in trained)
    expected = [{**item, "epochs": 3} if item in trained else item for item in before["embedders"]]
    assert after == before | {"embedders": expected}


def test_hdbscan_is_scored_as_the_thesis_did():
    methods = read_study("thesis").methods
    assert methods["umap2_hdbscan"].column("nmi") == "nmi_clustered"
    assert methods["umap2_hdbscan"].column("coverage") == "coverage"
    assert methods["umap2_hdbscan_all"].column("nmi") == "nmi"


def test_an_unknown_study_is_refused():
    with pytest.raises(ConfigError, match="did you mean 'paper'"):
        read_study("papers")
