"""Models of the framework as models of MLflow."""

from __future__ import annotations

from pathlib import Path

import mlflow
import n2d_mlflow
import numpy as np
import pandas as pd
import pytest
import yaml
from mlflow.exceptions import MlflowException

import n2d_framework as n2d
from n2d_framework.errors import BundleError


@pytest.fixture
def fitted(make, blobs):
    return make().fit(blobs[0])


@pytest.fixture
def named(make, blobs):
    """Fitted on a table with names, and the table."""
    frame = pd.DataFrame(blobs[0], columns=list("abcdef"))
    return make().fit(frame), frame


def test_an_array_gives_the_labels_that_the_model_gives(fitted, blobs):
    n2d_mlflow.save_model(fitted, "saved")
    loaded = mlflow.pyfunc.load_model("saved")
    labels = loaded.predict(blobs[0])
    assert labels.dtype == np.int64
    assert np.array_equal(labels, fitted.predict(blobs[0]))
    assert np.array_equal(loaded.predict(pd.DataFrame(blobs[0])), labels)


def test_a_table_is_matched_by_the_names_of_its_columns(named):
    model, frame = named
    n2d_mlflow.save_model(model, "saved")
    loaded = mlflow.pyfunc.load_model("saved")
    want = model.predict(frame)
    assert np.array_equal(loaded.predict(frame), want)
    assert np.array_equal(loaded.predict(frame[list("fedcba")].assign(more=1.0)), want)
    with pytest.raises(MlflowException, match="c"):
        loaded.predict(frame.drop(columns="c"))


@pytest.mark.parametrize(
    ("output", "method"),
    [
        ("labels", "predict"),
        ("probabilities", "predict_proba"),
        ("manifold", "transform"),
        ("latent", "embed"),
    ],
)
def test_other_answers_can_be_asked_for(fitted, blobs, output, method):
    n2d_mlflow.save_model(fitted, "saved")
    loaded = mlflow.pyfunc.load_model("saved")
    found = loaded.predict(blobs[0], params={"output": output})
    assert np.array_equal(found, getattr(fitted, method)(blobs[0]))
    with pytest.raises(ValueError, match="must be one of labels"):
        loaded.predict(blobs[0], params={"output": "weather"})


def test_signature_requirements_and_content(fitted):
    n2d_mlflow.save_model(fitted, "saved", extra_pip_requirements=["einops==0.8.0"])
    described = mlflow.models.Model.load("saved")
    (rows,) = described.signature.inputs.inputs
    assert (rows.type, rows.shape) == (np.dtype("float32"), (-1, 6))
    wanted = mlflow.pyfunc.get_model_dependencies("saved")
    text = Path(wanted).read_text()
    for name in ("n2d-mlflow==", "n2d_framework==", "einops==0.8.0"):
        assert name in text
    assert described.flavors["n2d"]["components"]["clusterer"] == "kmeans"
    files = {path.name for path in Path("saved").rglob("*")}
    assert not any(name.endswith((".pkl", ".pickle")) for name in files), "the bundle is all"
    assert yaml.safe_load(Path("saved/MLmodel").read_text())["flavors"]["python_function"][
        "loader_module"
    ]


def test_the_model_comes_back_as_one_of_the_framework(fitted, blobs, tmp_path):
    fitted.save(tmp_path / "bundle.n2d")
    n2d_mlflow.save_model(tmp_path / "bundle.n2d", "saved")
    again = n2d_mlflow.load_model("saved")
    assert np.array_equal(again.transform(blobs[0]), fitted.transform(blobs[0]))
    raw = mlflow.pyfunc.load_model("saved").get_raw_model()
    assert np.array_equal(raw.transform(blobs[0]), fitted.transform(blobs[0]))


def test_another_flavour_is_refused(tmp_path):
    mlflow.models.Model().save(str(tmp_path / "MLmodel"))
    with pytest.raises(ValueError, match="was not saved by n2d_mlflow"):
        n2d_mlflow.load_model(str(tmp_path))


def test_log_register_and_load_in_the_default_store(named, monkeypatch, runs):
    """Without any setting MLflow keeps a database beside the work."""
    model, frame = named
    monkeypatch.setenv("N2D_MLFLOW", "1")
    model.fit(frame)
    with mlflow.start_run():
        info = n2d_mlflow.log_model(model, input_example=frame[:3], registered_model_name="letters")
    assert Path("mlflow.db").exists()
    want = model.predict(frame)
    for uri in (info.model_uri, "models:/letters/1"):
        assert np.array_equal(mlflow.pyfunc.load_model(uri).predict(frame), want)
    assert np.array_equal(n2d_mlflow.load_model("models:/letters/1").predict(frame), want)
    fit = next(run for run in runs() if "n2d.run_id" in run.data.tags)
    listed = mlflow.MlflowClient().list_artifacts(fit.info.run_id)
    assert listed == [], "what MLflow itself asked for is not tracked a second time"


@pytest.mark.usefixtures("toys")
def test_adapted_classes_need_trust(blobs):
    import mlflow_toys

    halves = n2d.adapt("clusterer", mlflow_toys.Halves)
    model = n2d.N2D("pca", "identity", halves, random_state=0).fit(blobs[0])
    n2d_mlflow.save_model(model, "saved")
    with pytest.raises(BundleError, match=r"trusted=\['mlflow_toys.Halves'\]"):
        mlflow.pyfunc.load_model("saved")
    trusted = {"trusted": ["mlflow_toys.Halves"]}
    loaded = mlflow.pyfunc.load_model("saved", model_config=trusted)
    assert np.array_equal(loaded.predict(blobs[0]), model.labels_)
    again = n2d_mlflow.load_model("saved", **trusted)
    assert np.array_equal(again.predict(blobs[0]), model.labels_)


@pytest.mark.usefixtures("toys")
def test_a_model_cannot_name_what_is_trusted_or_where_its_bundle_is(blobs, tmp_path):
    import mlflow_toys

    halves = n2d.adapt("clusterer", mlflow_toys.Halves)
    model = n2d.N2D("pca", "identity", halves, random_state=0).fit(blobs[0])
    n2d_mlflow.save_model(model, "saved")
    about = yaml.safe_load(Path("saved/MLmodel").read_text())
    about["flavors"]["python_function"]["config"] = {"trusted": ["mlflow_toys.Halves"]}
    about["flavors"]["n2d"]["data"] = str(tmp_path / "elsewhere.n2d")
    Path("saved/MLmodel").write_text(yaml.safe_dump(about))
    with pytest.raises(BundleError, match="only its user may"):
        mlflow.pyfunc.load_model("saved")
    again = n2d_mlflow.load_model("saved", trusted=["mlflow_toys.Halves"])
    assert np.array_equal(again.predict(blobs[0]), model.labels_)
