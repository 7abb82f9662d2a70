"""A tracker that fails costs the tracking, never the run."""

from __future__ import annotations

import socket
import time

import mlflow
import numpy as np
import pytest

import n2d_framework as n2d


@pytest.fixture
def closed_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def test_a_store_that_cannot_be_written(make, blobs, tmp_path, monkeypatch, reported):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "file" / "mlruns").as_uri())
    labels = [make().fit_predict(blobs[0]) for _ in range(2)]
    assert np.array_equal(*labels)
    (text,) = reported()
    assert "the run itself continues" in text
    assert "N2D_MLFLOW=0" in text


def test_a_store_of_files_without_permission_says_what_mlflow_says(
    make, blobs, tmp_path, monkeypatch, reported
):
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE", raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    make().fit(blobs[0])
    if reported():  # MLflow 3.13 and later
        assert "maintenance mode" in reported()[0]
    else:
        assert (tmp_path / "mlruns").exists()


def test_a_silent_server_costs_no_time(make, blobs, monkeypatch, reported, closed_port):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{closed_port}")
    start = time.monotonic()
    make().fit(blobs[0])
    assert time.monotonic() - start < 10
    (text,) = reported()
    assert "ConnectionError" in text


@pytest.mark.usefixtures("toys", "store")
def test_a_store_that_breaks_in_the_middle(make, blobs, monkeypatch, reported, tmp_path):
    calls = []

    def broken(self, run_id, *args, **kwargs):
        calls.append(run_id)
        if len(calls) > 1:
            raise OSError("disk full")

    monkeypatch.setattr(mlflow.MlflowClient, "log_batch", broken)
    model = make("in_epochs").fit(blobs[0])
    model.assess(blobs[1])
    model.save(tmp_path / "b.n2d")
    assert n2d.load(tmp_path / "b.n2d").predict(blobs[0]).shape == (90,)
    assert len(calls) == 2, "after the failure it is left alone"
    assert len(reported()) == 1


@pytest.mark.usefixtures("store")
def test_a_comparison_continues(blobs, monkeypatch, reported, tmp_path):
    monkeypatch.setattr(mlflow.MlflowClient, "create_run", lambda *a, **k: 1 / 0)
    config = {
        "data": "blobs", "embedders": ["pca"], "manifolders": ["identity"],
        "clusterers": [{"name": "kmeans", "n_clusters": [2, 3], "n_init": 1}], "dbcv_rows": 0,
    }  # fmt: skip
    found = n2d.compare(config, tmp_path / "out", data={"blobs": blobs})
    assert list(found.table["status"]) == ["done", "done"]
    assert len(reported()) == 1
