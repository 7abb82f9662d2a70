"""Rows of few numbers, for which no embedder is chosen: they are fitted without a network."""

from __future__ import annotations

import json
import logging

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from typer.testing import CliRunner

import n2d_framework as n2d
from n2d_framework.cli import app
from n2d_framework.core.dataset import Dataset
from n2d_framework.plugin import ROLES, Rows

SAID = "without a network, as rows have 3 numbers (at most 64); with one: embedder=dense_ae"


def blobs(width: int = 3) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(size=(60, width)) + 20 * np.repeat([0, 1, 2], 20)[:, None]


def trio(x, **chosen):
    composition = n2d.N2D(**chosen, n_clusters=3).composition()
    return [composition.for_rows(Rows.of(x)).choice(role).name for role in ROLES]


@pytest.mark.parametrize(
    ("shape", "embedder"),
    [((1,), "identity"), ((64,), "identity"), ((8, 8), "identity"),
     ((65,), "dense_ae"), ((9, 8), "dense_ae"), ((8, 8, 3), "dense_ae")],
)  # fmt: skip
def test_the_embedder_follows_from_the_numbers_in_a_row(shape, embedder):
    assert trio(np.zeros((4, *shape))) == [embedder, "umap", "gmm"]


def test_what_is_chosen_stays():
    assert trio(blobs(), embedder="dense_ae") == ["dense_ae", "umap", "gmm"]
    assert trio(blobs(), embedder={"name": "pca", "latent_dim": 2})[0] == "pca"
    assert trio(blobs(), clusterer="kmeans") == ["identity", "umap", "kmeans"]
    assert trio(blobs(), **n2d.preset("fast"))[0] == "dense_ae"
    changed = n2d.N2D(n_clusters=3).set_params(embedder__epochs=2)
    assert changed.embedder == {"name": "dense_ae", "epochs": 2}


def test_series_are_not_taken_for_narrow_rows():
    series = Dataset(name="loads", x=blobs(), modality="sequence")
    assert trio(series) == ["dense_ae", "umap", "gmm"]
    assert trio(Dataset(name="lengths", x=blobs(), modality="vector"))[0] == "identity"


def test_columns_of_several_kinds_have_in_python_what_a_run_gives_them():
    frame = pd.DataFrame({"size": blobs()[:, 0], "kind": list("ab") * 30})
    assert trio(frame) == ["identity", "identity", "kmeans"]


def test_a_model_without_a_choice_is_fitted_saved_and_cloned(tmp_path, caplog):
    x = blobs()
    model = n2d.N2D(n_clusters=3, random_state=0)
    with caplog.at_level(logging.INFO, logger="n2d_framework"):
        model.fit(x)
    assert sum(SAID in message for message in caplog.messages) == 1
    assert model.history_ == {}
    scaled = (x - x.min(axis=0)) / (x.max(axis=0) - x.min(axis=0))
    np.testing.assert_allclose(model.latent_, scaled, atol=1e-6)
    assert len(set(model.labels_)) == 3
    again = clone(model)
    assert again.embedder is None
    np.testing.assert_array_equal(again.fit_predict(x), model.labels_)
    model.save(tmp_path / "narrow.n2d")
    loaded = n2d.load(tmp_path / "narrow.n2d")
    np.testing.assert_array_equal(loaded.predict(x), model.labels_)
    assert loaded.composition().choice("embedder").name == "identity"


def test_a_run_says_that_there_is_no_network(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("N2D_STORE", str(tmp_path / "store"))
    np.savez("blobs.npz", x=blobs())
    usual = ["run", "blobs.npz", "-k", "3", "--no-plots", "--no-report", "--json",
             "--set", "model.manifolder=identity"]  # fmt: skip
    result = CliRunner().invoke(app, usual)
    assert result.exit_code == 0, result.output
    assert " ".join(result.stderr.split()).count(SAID) == 1
    assert json.loads(result.stdout)["config"]["model"]["embedder"] == {"name": "identity"}
    chosen = CliRunner().invoke(app, [*usual, "--set", "model.embedder=pca", "--out", "chosen"])
    assert chosen.exit_code == 0, chosen.output
    assert "without a network" not in chosen.stderr
