"""Common parts of the tests: a store of their own, rows, and a component that has epochs."""

from __future__ import annotations

import sys
import warnings

import mlflow
import n2d_mlflow.plugin
import numpy as np
import pytest

import n2d_framework as n2d
from n2d_framework.registry import default_catalogue

TOYS = """
import numpy as np

from n2d_framework.plugin import ComponentSpec, component, hookimpl, option

@hookimpl
def n2d_components():
    yield ComponentSpec(
        role="embedder", name="in_epochs", factory="mlflow_toys:InEpochs", summary="Has epochs.",
        input="vector",
    )
    yield ComponentSpec(
        role="manifolder", name="always_fails", factory="mlflow_toys:Fails", summary="Fails."
    )

@component
class InEpochs:
    epochs: int = option(3, ge=1, help="How many.")

    def fit(self, x, *, context):
        for epoch in range(1, self.epochs + 1):
            context.epoch_finished(epoch, self.epochs, {"loss": 1 / epoch, "odd": float("nan")})
        return self

    def transform(self, x):
        return np.ascontiguousarray(x[:, :4])

    def get_state(self):
        return {}

    def set_state(self, state):
        pass

class Halves:
    def fit(self, x):
        self.middle_ = np.median(x[:, 0])
        return self

    def predict(self, x):
        return (x[:, 0] > self.middle_).astype(int)

@component
class Fails:
    def fit(self, x, *, context):
        raise ValueError("no way")

    def transform(self, x):
        return x

    def get_state(self):
        return {}

    def set_state(self, state):
        pass
"""


@pytest.fixture(autouse=True)
def clean(tmp_path, monkeypatch):
    """No settings of the user, nothing tracked before, a folder of its own."""
    for name in ("N2D_MLFLOW", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID",
                 "MLFLOW_EXPERIMENT_NAME", "N2D_TENSORBOARD"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("N2D_STORE", str(tmp_path / "stages"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    mlflow.set_tracking_uri(None)
    yield
    mlflow.set_tracking_uri(None)
    n2d_mlflow.plugin._trackers.clear()
    n2d_mlflow.plugin._reported.clear()


@pytest.fixture
def store(tmp_path, monkeypatch):
    """MLflow's store of plain files, which is made in no time."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    return tmp_path / "mlruns"


@pytest.fixture
def toys(tmp_path, monkeypatch):
    """Install the components above for the length of a test."""
    site = tmp_path / "site"
    info = site / "mlflow_toys-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mlflow-toys\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[n2d_framework]\ntoys = mlflow_toys\n")
    (site / "mlflow_toys.py").write_text(TOYS)
    monkeypatch.syspath_prepend(str(site))
    default_catalogue.cache_clear()
    yield
    default_catalogue.cache_clear()
    sys.modules.pop("mlflow_toys", None)


@pytest.fixture
def blobs():
    """Rows of three far clusters, and their classes."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 30)
    return (rng.normal(size=(90, 6)) + 30 * y[:, None]).astype(np.float32), y


@pytest.fixture
def make():
    """An unfitted model of the lightest components."""

    def made(embedder="pca", manifolder="identity", **given):
        return n2d.N2D(embedder, manifolder, "kmeans", n_clusters=3, random_state=0, **given)

    return made


@pytest.fixture
def reported():
    """Warnings of tracking, caught."""
    from n2d_framework.plugin import TrackingWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")

        def texts():
            return [str(w.message) for w in caught if issubclass(w.category, TrackingWarning)]

        yield texts


@pytest.fixture
def runs():
    """All runs of the default experiment, the oldest first."""

    def found(experiment="0"):
        listed = mlflow.MlflowClient().search_runs([experiment], order_by=["start_time ASC"])
        return list(listed)

    return found
