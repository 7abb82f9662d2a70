"""A comparison as a run of MLflow with one below it for each cell."""

from __future__ import annotations

import mlflow
import pytest

import n2d_framework as n2d

pytestmark = pytest.mark.usefixtures("store", "toys")


def grid(**more):
    return {
        "data": "blobs",
        "embedders": ["in_epochs"],
        "manifolders": ["identity"],
        "clusterers": [{"name": "kmeans", "n_clusters": [2, 3], "n_init": 1}],
        "dbcv_rows": 0,
    } | more


def split(found):
    (parent,) = [run for run in found if "mlflow.parentRunId" not in run.data.tags]
    return parent, [run for run in found if run is not parent]


def test_cells_are_runs_below_the_comparison(blobs, runs, tmp_path):
    found = n2d.compare(grid(), tmp_path / "out", data={"blobs": blobs})
    parent, cells = split(runs())
    assert parent.info.run_name == "comparison out"
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics["cells.done"] == 2
    listed = mlflow.MlflowClient().list_artifacts(parent.info.run_id)
    assert [item.path for item in listed] == ["table.csv"]
    assert {run.data.tags["mlflow.parentRunId"] for run in cells} == {parent.info.run_id}
    table = found.table.set_index("cell")
    assert {run.data.tags["n2d.cell"] for run in cells} == set(table.index)
    for run in cells:
        row = table.loc[run.data.tags["n2d.cell"]]
        assert run.data.metrics["acc"] == pytest.approx(row["acc"])
        assert run.data.params["clusterer.n_clusters"] == str(row["n_clusters"])
        assert run.data.params["data"] == "blobs"
        assert run.data.metrics["seconds.embedder"] > 0
        history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "embedder.loss")
        assert [m.step for m in history] == [1, 2, 3], "trained once, shown by both cells"


def test_failed_cells_are_failed_runs(blobs, runs, tmp_path):
    n2d.compare(grid(manifolders=["always_fails"]), tmp_path / "out", data={"blobs": blobs})
    parent, cells = split(runs())
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics["cells.failed"] == 2
    assert {run.info.status for run in cells} == {"FAILED"}
    assert all("no way" in run.data.tags["n2d.error"] for run in cells)


def test_a_session_with_nothing_to_do_is_not_a_run(blobs, runs, tmp_path):
    for _ in range(2):
        n2d.compare(grid(), tmp_path / "out", data={"blobs": blobs})
    assert len(runs()) == 3


@pytest.mark.slow
def test_workers_in_other_processes_track_through_the_one_that_asked(blobs, runs, tmp_path):
    config = grid(embedders=["pca"])
    n2d.compare(config, tmp_path / "out", data={"blobs": blobs}, workers=2)
    _, cells = split(runs())
    assert sorted(run.data.metrics["n_clusters_found"] for run in cells) == [2, 3]
