"""A run of the framework as a run of MLflow."""

from __future__ import annotations

import mlflow
import numpy as np
import pytest
from typer.testing import CliRunner

import n2d_framework as n2d
from n2d_framework.cli import app
from n2d_framework.errors import StageError

pytestmark = pytest.mark.usefixtures("store", "toys")


def artifacts(run, folder=None):
    return {item.path for item in mlflow.MlflowClient().list_artifacts(run.info.run_id, folder)}


def test_options_losses_seconds_and_scores(make, blobs, runs):
    x, y = blobs
    model = make({"name": "in_epochs", "epochs": 5}).fit(x)
    scores = model.assess(y)
    other = model.assess(y[:50], x[:50])
    (run,) = runs()
    assert (run.info.status, run.info.run_name) == ("FINISHED", "in_epochs / identity / kmeans")
    params = run.data.params
    assert params["embedder"] == "in_epochs"
    assert params["embedder.epochs"] == "5"
    assert params["clusterer.n_clusters"] == params["n_clusters"] == "3"
    assert (params["scaler"], params["random_state"], params["row_shape"]) == ("minmax", "0", "6")
    metrics = run.data.metrics
    for name, value in scores.items():
        assert np.isnan(value) or metrics[name] == pytest.approx(value)
    assert metrics["other_rows.acc"] == pytest.approx(other["acc"])
    assert metrics["n_clusters_found"] == 3
    for role in ("embedder", "manifolder", "clusterer", "total"):
        assert metrics[f"seconds.{role}"] > 0
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "embedder.loss")
    assert [(m.step, m.value) for m in history] == [(e, pytest.approx(1 / e)) for e in range(1, 6)]
    assert "embedder.odd" not in metrics, "what is not a number is left out"
    assert run.data.tags["n2d.run_id"] == model.run_id_


def test_every_fit_is_a_run_and_late_scores_find_theirs(make, blobs, runs):
    x, y = blobs
    first, second = make().fit(x), make("in_epochs").fit(x)
    first.assess(y)
    one, two = runs()
    assert "acc" in one.data.metrics
    assert "acc" not in two.data.metrics
    assert second.run_id_ == two.data.tags["n2d.run_id"]


def test_a_saved_bundle_is_a_model_of_mlflow(make, blobs, runs, tmp_path):
    model = make().fit(blobs[0])
    model.save(tmp_path / "b.n2d")
    (run,) = runs()
    uri = f"runs:/{run.info.run_id}/model"
    assert np.array_equal(mlflow.pyfunc.load_model(uri).predict(blobs[0]), model.labels_)


@pytest.mark.parametrize(
    ("mode", "status"), [("ValueError('no way')", "FAILED"), ("KeyboardInterrupt()", "KILLED")]
)
def test_a_run_that_fails_is_marked(make, blobs, runs, mode, status):
    import mlflow_toys

    def fail(self, x, *, context):
        raise eval(mode)

    mlflow_toys.Fails.fit = fail
    with pytest.raises((StageError, KeyboardInterrupt)):
        make(manifolder="always_fails").fit(blobs[0])
    (run,) = runs()
    assert run.info.status == status
    assert "no way" in run.data.tags["n2d.error"] or status == "KILLED"


def test_an_active_run_is_the_parent_and_stays_active(make, blobs, runs):
    with mlflow.start_run() as above:
        make().fit(blobs[0])
        make("in_epochs").fit(blobs[0])
        assert mlflow.active_run().info.run_id == above.info.run_id
        mlflow.log_metric("mine", 1.0)
    children = [run for run in runs() if run.info.run_id != above.info.run_id]
    assert len(children) == 2
    parents = {run.data.tags["mlflow.parentRunId"] for run in children}
    assert parents == {above.info.run_id}
    assert not any("mine" in run.data.metrics for run in children)
    assert mlflow.active_run() is None


def test_the_experiment_is_the_one_that_mlflow_names(make, blobs, runs, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "letters")
    make().fit(blobs[0])
    make().fit(blobs[0])
    found = mlflow.MlflowClient().get_experiment_by_name("letters")
    assert len(runs(found.experiment_id)) == 2
    assert runs() == []


def test_the_command_keeps_labels_figures_and_the_bundle(blobs, runs):
    np.savez("blobs.npz", x=blobs[0], y=blobs[1])
    words = ["run", "blobs.npz", "--quiet", "--no-store", "--set", "model.embedder=in_epochs",
             "--set", "model.manifolder=identity", "--set", "model.clusterer=kmeans",
             "--set", "model.n_clusters=3"]  # fmt: skip
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    (run,) = runs()
    assert run.info.status == "FINISHED"
    assert {"labels.csv", "config.json", "run.json", "figures", "model"} <= artifacts(run)
    assert "figures/clusters.png" in artifacts(run, "figures")
    assert run.data.tags["n2d.data"] == "blobs"
    assert run.data.metrics["acc"] == 1.0
    loaded = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
    want = n2d.load("n2d-out/blobs/blobs.n2d").predict(blobs[0])
    assert np.array_equal(loaded.predict(blobs[0]), want)


def test_switched_off_means_off(make, blobs, store, monkeypatch):
    monkeypatch.setenv("N2D_MLFLOW", "0")
    make().fit(blobs[0])
    assert not store.exists()


def test_long_options_are_cut(make, blobs, runs, monkeypatch):
    from n2d_mlflow.artifact_store import _text

    assert len(_text("x" * 9000)) == 500
    assert _text([1, 2]) == "[1, 2]"
