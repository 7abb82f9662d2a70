"""Scalers and encoder as an ONNX model: the same latent rows, or no file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from scipy.sparse import csr_array
from typer.testing import CliRunner

import n2d_framework as n2d
from n2d_framework.bundle import onnx_export
from n2d_framework.cli import app
from n2d_framework.networks import (
    ACTIVATIONS,
    Layer,
    Network,
    conv_decoder,
    conv_encoder,
    plan_to_onnx,
)
from n2d_framework.plugin import OnnxGraph, UnsupportedError

ARCHIVES = Path(__file__).parents[1] / "archives"


def archive(name: str) -> Path:
    [path] = ARCHIVES.glob(f"v*/{name}-*-*.n2d")
    return path


def session_of(model: Path | bytes) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])


def latent_of(path: Path, rows: np.ndarray) -> np.ndarray:
    return session_of(path).run(["latent"], {"rows": rows.astype(np.float32)})[0]


def assert_alike(found: np.ndarray, expected: np.ndarray, tolerance: float = 1e-5) -> None:
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= tolerance * np.ptp(expected)


def fitted(path: Path, x: object, embedder: object = "identity", **more: object) -> n2d.N2D:
    model = n2d.N2D(embedder, "identity", "kmeans", n_clusters=2, random_state=0, **more).fit(x)
    model.save(path)
    return model


@pytest.fixture
def rows() -> np.ndarray:
    """Columns of very different offsets and spreads."""
    rng = np.random.default_rng(0)
    spreads, offsets = np.array([0.1, 1.0, 40.0, 1e3]), np.array([0.0, 30.0, -500.0, 1e4])
    return (rng.normal(size=(60, 4)) * spreads + offsets).astype(np.float32)


@pytest.mark.parametrize("name", ["dense_ae", "denoising_ae", "conv_ae", "pca"])
def test_an_exported_model_gives_the_latent_rows_of_its_bundle(tmp_path, name):
    path, given = archive(name), np.load(ARCHIVES / "v1" / "rows.npz")["rows"]
    done = n2d.export_onnx(path, tmp_path / "encoder.onnx")
    expected = n2d.load(path).embed(given)
    assert_alike(latent_of(tmp_path / "encoder.onnx", given), expected)
    assert_alike(latent_of(tmp_path / "encoder.onnx", given[7:8]), expected[7:8])
    assert (done.row_shape, done.latent_dim) == ((8, 8), expected.shape[1])
    assert done.size == (tmp_path / "encoder.onnx").stat().st_size
    assert 0 <= done.deviation <= done.tolerance


@pytest.mark.parametrize("per", ["feature", "array"])
@pytest.mark.parametrize("scaler", ["minmax", "standard", "maxabs", "none"])
@pytest.mark.parametrize(
    "embedder", ["identity", {"name": "pca", "whiten": True}, "random_projection"], ids=str
)
def test_raw_rows_go_in(tmp_path, rows, scaler, per, embedder):
    model = fitted(tmp_path / "m.n2d", rows, embedder, prepare={"name": scaler, "per": per})
    n2d.export_onnx(tmp_path / "m.n2d", tmp_path / "m.onnx")
    assert_alike(latent_of(tmp_path / "m.onnx", rows), model.embed(rows))


def test_scalers_follow_each_other(tmp_path, rows):
    model = fitted(tmp_path / "m.n2d", rows, "pca", prepare=["minmax", "standard"])
    n2d.export_onnx(tmp_path / "m.n2d", tmp_path / "m.onnx")
    assert_alike(latent_of(tmp_path / "m.onnx", rows), model.embed(rows))


def test_the_model_says_what_it_is(tmp_path, rows):
    table = pd.DataFrame(rows, columns=["width", "größe", "age", "income"])
    fitted(tmp_path / "m.n2d", table, scaler="standard")
    done = n2d.export_onnx(tmp_path / "m.n2d", tmp_path / "m.onnx")
    model = onnx.load(tmp_path / "m.onnx")
    said = {item.key: item.value for item in model.metadata_props}
    digest = n2d.inspect(tmp_path / "m.n2d").sha256
    assert (model.producer_name, model.producer_version) == ("n2d_framework", n2d.__version__)
    assert said["bundle_sha256"] == done.bundle_sha256 == digest
    assert tuple(json.loads(said["columns"])) == done.columns == tuple(table)
    assert float(said["largest_deviation"]) == done.deviation <= float(said["tolerance"])
    assert int(said["golden_rows"]) == done.golden_rows >= 5
    assert said["compared_by"] == f"onnxruntime {onnxruntime.__version__}"


def test_the_reference_compares_where_there_is_no_runtime(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, "absent", list)
    done = n2d.export_onnx(archive("conv_ae"), tmp_path / "encoder.onnx")
    assert done.runtime == f"onnx.reference {onnx.__version__}"
    assert done.deviation <= 1e-5


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_each_activation_and_odd_images(activation):
    plan = conv_encoder((5, 8, 2), (3, 4), (3, 2), (2, 3), (6,), 4, activation)
    rng = np.random.default_rng(1)
    weights = {
        layer.name: {
            name: rng.normal(size=shape).astype(np.float32)
            for name, shape in layer.weight_shapes().items()
        }
        for layer in plan
    }
    graph, x = OnnxGraph(), rng.normal(size=(9, 80)).astype(np.float32)
    model = graph.model(plan_to_onnx(graph, plan, weights, "rows"), (80,), 4, "0")
    [found] = session_of(model.SerializeToString()).run(None, {"rows": x})
    assert_alike(found, Network(plan, weights)(x))


def test_a_layer_without_a_form_is_refused():
    plan = conv_decoder((4, 4, 1), (2,), (3,), (2,), (), 3, "relu")
    deconv: Layer = plan[-1]
    with pytest.raises(UnsupportedError, match=r"'deconv_0' of kind 'deconv'.*dense, conv"):
        plan_to_onnx(OnnxGraph(), (deconv,), {}, "rows")


def test_other_embedders_are_named_with_those_that_can(tmp_path):
    for name in ("nmf", "truncated_svd"):
        with pytest.raises(UnsupportedError, match=rf"'{name}' cannot .*conv_ae.*dense_ae.*pca"):
            n2d.export_onnx(archive(name), tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("x", "storage"),
    [
        ({"town": ["Ulm", "Bonn"] * 20, "age": list(range(40))}, "columns of a table"),
        (csr_array(np.eye(40, 6, dtype=np.float32)), "sparse rows"),
    ],
    ids=["table", "sparse"],
)
def test_other_rows_than_numbers_are_refused(tmp_path, x, storage):
    embedder = "truncated_svd" if storage == "sparse rows" else "identity"
    fitted(tmp_path / "m.n2d", x, embedder)
    with pytest.raises(UnsupportedError, match=storage):
        n2d.export_onnx(tmp_path / "m.n2d", tmp_path / "m.onnx")


def test_without_golden_rows_nothing_is_proved(tmp_path, rows):
    fitted(tmp_path / "m.n2d", rows).save(tmp_path / "m.n2d", keep_rows=False)
    with pytest.raises(n2d.N2DError, match=r"m\.n2d: it keeps no golden rows"):
        n2d.export_onnx(tmp_path / "m.n2d", tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()


@pytest.mark.parametrize("scaler", ["minmax", "standard"])
def test_what_float32_cannot_hold_is_refused(tmp_path, scaler):
    """Seconds of one day, fifty years after 1970: as float32 they are 128 s apart."""
    rng = np.random.default_rng(0)
    x = np.column_stack([1.7e9 + rng.uniform(0, 86_400, 50), rng.normal(size=50)])
    fitted(tmp_path / "m.n2d", x, scaler=scaler)
    (tmp_path / "m.onnx").write_text("before")
    with pytest.raises(n2d.N2DError, match=r"differ by .* of their span on 5 golden rows"):
        n2d.export_onnx(tmp_path / "m.n2d", tmp_path / "m.onnx", overwrite=True)
    assert (tmp_path / "m.onnx").read_text() == "before"
    assert {path.name for path in tmp_path.iterdir()} == {"m.n2d", "m.onnx"}


def test_values_beyond_float32_are_refused(tmp_path):
    x = np.random.default_rng(0).normal(size=(50, 2)) * 1e300
    fitted(tmp_path / "m.n2d", x, scaler="standard")
    with pytest.raises(UnsupportedError, match="too large"):
        n2d.export_onnx(tmp_path / "m.n2d", tmp_path / "m.onnx")


def test_the_command(tmp_path):
    bundle, target = archive("dense_ae"), tmp_path / "encoder.onnx"
    words = ["export", str(bundle), "--onnx", str(target)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "(batch, 8, 8) -> latent (batch, 5)" in done.stdout
    assert "golden rows it differs from the bundle by" in done.stdout
    before = target.read_bytes()
    again = CliRunner().invoke(app, words)
    assert again.exit_code == 1
    assert "encoder.onnx exists" in again.output
    assert "--overwrite" in again.output
    over = CliRunner().invoke(app, [*words, "--overwrite", "--json"])
    assert json.loads(over.stdout)["bundle_sha256"] == n2d.inspect(bundle).sha256
    assert target.read_bytes() == before


def test_the_runtime_reports_nothing_and_keeps_no_file(tmp_path):
    """It would, from its import on: to its maker, and in the home of the user."""
    code = "from n2d_framework.cli import main; main()"
    words = ["export", str(archive("pca")), "--onnx", str(tmp_path / "m.onnx")]
    home = tmp_path / "home"
    names = ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME")
    around = {name: value for name, value in os.environ.items() if name not in names}
    subprocess.run(
        [sys.executable, "-c", code, *words], env=around | {"HOME": str(home)}, check=True
    )
    assert "onnxruntime" not in " ".join(map(str, home.rglob("*")))
