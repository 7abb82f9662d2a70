"""Events of a comparison, for listeners and plugins."""

from __future__ import annotations

import json

import pytest

import n2d_framework as n2d
from n2d_framework.core.events import (
    CellFinished,
    ComparisonFinished,
    ComparisonStarted,
    FilesWritten,
    RunStarted,
    StageFinished,
)
from n2d_framework.errors import OutputError
from n2d_framework.experiment import open_comparison


def grid(**more):
    return {
        "data": "few",
        "embedders": ["pca"],
        "manifolders": ["identity"],
        "clusterers": [{"name": "kmeans", "n_clusters": [3, 5]}],
        "dbcv_rows": 0,
    } | more


@pytest.fixture
def data(digits):
    return {"few": (digits[0][:300], digits[1][:300])}


def compared(data, out, **more):
    heard = []
    config = more.pop("config", {})
    found = n2d.compare(grid(**config), out, data=data, listeners=[heard.append], **more)
    return heard, found


def test_cells_are_reported_with_their_scores_and_stages(data, tmp_path):
    heard, found = compared(data, tmp_path / "out")
    assert len({event.run_id for event in heard}) == 1
    started = heard[0]
    assert isinstance(started, ComparisonStarted)
    assert (started.folder, started.n_cells, started.n_waiting) == (str(tmp_path / "out"), 2, 2)
    assert isinstance(heard[-2], ComparisonFinished)
    assert heard[-2].error is None
    assert heard[-1] == FilesWritten(
        started.run_id, {"table": (str(tmp_path / "out" / "table.csv"),)}
    )
    assert not any(isinstance(event, RunStarted) for event in heard)
    stages = {event.key: event for event in heard if isinstance(event, StageFinished)}
    cells = [event for event in heard if isinstance(event, CellFinished)]
    table = found.table.set_index("cell")
    assert len(cells) == 2
    for cell in cells:
        row = table.loc[cell.cell]
        assert (cell.status, cell.data, cell.random_state) == ("done", "few", row["seed"])
        assert cell.scores["acc"] == row["acc"]
        assert "embedder_seconds" not in cell.scores
        assert set(cell.seconds) == set(cell.stages) == {"embedder", "manifolder", "clusterer"}
        assert set(cell.stages.values()) <= set(stages)
        described = cell.composition["clusterer"]
        assert described["name"] == "kmeans"
        options = {key: value for key, value in described.items() if key != "name"}
        assert options == json.loads(row["clusterer_options"])
        assert cell.method.startswith("pca / identity / kmeans(n_clusters=")


def test_a_session_reports_only_what_it_does(data, tmp_path):
    compared(data, tmp_path / "out")
    heard, _ = compared(data, tmp_path / "out")
    assert [type(event) for event in heard] == [FilesWritten]


def test_reports_are_reported_with_the_session_that_made_them(data, tmp_path):
    heard, found = compared(data, tmp_path / "out")
    first = len(heard)
    elsewhere = found.report(tmp_path / "elsewhere.html", pictures=0)
    again = found.report(pictures=0)
    run_id = heard[0].run_id
    assert heard[first:] == [
        FilesWritten(run_id, {"report": (str(elsewhere),)}),
        FilesWritten(run_id, {"report": (str(again),)}),
    ]
    with pytest.raises(OutputError):
        found.report(tmp_path / "nowhere" / "report.html", pictures=0)
    open_comparison(tmp_path / "out").report(pictures=0)
    assert len(heard) == first + 2, "what was not written, or by a later session, is not reported"


def test_a_failed_cell_is_reported_with_its_error(data, tmp_path, use_plugin):
    use_plugin("fails", FAILS)
    heard, _ = compared(data, tmp_path / "out", config={"manifolders": ["always_fails"]})
    cells = [event for event in heard if isinstance(event, CellFinished)]
    assert [(cell.status, cell.scores) for cell in cells] == [("failed", {})] * 2
    assert all("no way" in str(cell.error) for cell in cells)
    assert all(set(cell.seconds) == {"embedder"} for cell in cells)


def test_a_comparison_that_stops_says_why(data, tmp_path, use_plugin):
    use_plugin("fails", FAILS.replace("ValueError('no way')", "KeyboardInterrupt"))
    heard = []
    with pytest.raises(KeyboardInterrupt):
        n2d.compare(
            grid(manifolders=["always_fails"]),
            tmp_path / "out",
            data=data,
            listeners=[heard.append],
        )
    assert isinstance(heard[-1], ComparisonFinished)
    assert "KeyboardInterrupt" in str(heard[-1].error)


FAILS = """
from n2d_framework.plugin import ComponentSpec, component, hookimpl

@hookimpl
def n2d_components():
    yield ComponentSpec(
        role="manifolder", name="always_fails", factory="fails:Fails", summary="Fails."
    )

@component
class Fails:
    def fit(self, x, *, context):
        raise ValueError('no way')

    def transform(self, x):
        return x

    def get_state(self):
        return {}

    def set_state(self, state):
        pass
"""
