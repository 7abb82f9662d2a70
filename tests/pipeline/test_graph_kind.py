"""A plugin that brings a kind of rows, with its adapter, components, plot, panel and command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from n2d_framework import N2D, load
from n2d_framework.cli import app
from n2d_framework.config import read_config
from n2d_framework.data import load as load_data
from n2d_framework.errors import CompositionError, DataError
from n2d_framework.plugin import Rows

SOURCE = Path(__file__).parents[1] / "inputs" / "graph_plugin.py"
TRIO = {"embedder": "spectrum", "manifolder": "identity", "clusterer": "kmeans", "n_clusters": 2}


def edges_of(sparse: bool, seed: int) -> list[tuple[int, int]]:
    rng = np.random.default_rng(seed)
    share = 0.2 if sparse else 0.8
    return [(a, b) for a in range(8) for b in range(a) if rng.random() < share]


@pytest.fixture
def graphs(use_plugin):
    """Twenty sparse and twenty dense graphs of eight nodes, and the plugin that reads them."""
    use_plugin(
        "graph_plugin",
        SOURCE.read_text(),
        distribution="n2d-graphs",
        commands="graph-info = graph_plugin:graph_info",
    )
    import graph_plugin

    return [graph_plugin.Graph(8, edges_of(i < 20, i)) for i in range(40)]


@pytest.fixture
def file(graphs, tmp_path):
    """The same graphs in a file."""
    listed = [{"name": f"g{i}", "nodes": 8, "edges": graph.edges} for i, graph in enumerate(graphs)]
    path = tmp_path / "many.graphs"
    path.write_text(json.dumps(listed))
    return path


def test_objects_of_the_kind_are_fitted_described_saved_and_predicted(graphs, tmp_path):
    model = N2D(**TRIO, describe="degrees", random_state=0).fit(graphs)
    assert len(set(model.labels_[:20])) == len(set(model.labels_[20:])) == 1
    sparse, dense = (model.descriptions_["degrees"][str(model.labels_[i])] for i in (0, 39))
    assert sparse < dense
    model.save(tmp_path / "model.n2d")
    again = load(tmp_path / "model.n2d")
    np.testing.assert_array_equal(again.predict(graphs), model.labels_)
    assert again.descriptions_ == model.descriptions_


def test_clusters_are_described_by_the_default_for_such_rows_unless_none_is_wanted(graphs, file):
    with_default = N2D(**TRIO, random_state=0).fit(graphs)
    assert with_default.composition_.describe()["describe"] == {"name": "degrees"}
    assert [*with_default.descriptions_] == ["degrees"]
    with_default.stability(graphs, resamples=0, seeds=2)
    without = N2D(**TRIO, describe=[], random_state=0).fit(graphs)
    assert without.descriptions_ == {}
    # What is written down repeats the run.
    for model in (with_default, without):
        written = {"data": str(file), "model": model.composition_.describe()}
        again = read_config(written).composition.for_rows(Rows.of(load_data(file)))
        assert again.describe() == model.composition_.describe()
    # Rows of numbers have no such default.
    numbers = N2D(**TRIO | {"embedder": "identity"}, random_state=0).fit(np.eye(8))
    assert "describe" not in numbers.composition_.describe()


def test_files_of_the_kind_are_read_with_their_ids(file):
    data = load_data(file)
    assert (data.modality, data.x.shape, data.ids[3], data.name) == (
        "graph", (40, 8, 8), "g3", "many",
    )  # fmt: skip


def test_a_component_for_another_kind_is_refused_with_what_fits(graphs):
    with pytest.raises(
        CompositionError, match=r"'pca' takes vector, and gets graph; use .*spectrum"
    ):
        N2D(**TRIO | {"embedder": "pca"}).fit(graphs)


def test_a_component_for_graphs_is_refused_for_numbers(graphs):
    with pytest.raises(CompositionError, match="embedder 'spectrum' takes graph"):
        N2D(**TRIO).fit(np.ones((30, 8, 8)))
    with pytest.raises(CompositionError, match="describe 'degrees' takes graph"):
        N2D("pca", "identity", "kmeans", n_clusters=2, describe="degrees").fit(np.eye(9))


def test_what_the_adapter_cannot_read_is_reported(graphs, tmp_path):
    import graph_plugin

    with pytest.raises(DataError, match="equally many nodes"):
        N2D(**TRIO).fit([*graphs, graph_plugin.Graph(9, [])])
    broken = tmp_path / "broken.graphs"
    broken.write_text("[")
    with pytest.raises(DataError, match=r"adapter of the kind 'graph' \(n2d-graphs 1.0\) failed"):
        load_data(broken)


def test_the_command_line_knows_all_of_it(file, monkeypatch, tmp_path):
    monkeypatch.setenv("N2D_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    call = CliRunner().invoke
    assert call(app, ["graph-info", str(file)]).output == "40 graphs of 8 nodes\n"
    settings = [f"model.{key}={value}" for key, value in TRIO.items()] + ["model.describe=degrees"]
    flags = [word for setting in settings for word in ("--set", setting)]
    done = call(app, ["run", str(file), *flags, "--out", "out"])
    assert done.exit_code == 0, done.output
    assert "degrees" in done.stdout
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert set(record["descriptions"]["degrees"]) == {"0", "1"}
    assert (tmp_path / "out" / "plots" / "mean_degrees.png").is_file()
    assert json.loads((tmp_path / "out" / "descriptions.json").read_text())["degrees"]
