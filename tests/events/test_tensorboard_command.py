"""``--tensorboard`` of n2d run and n2d compare."""

from __future__ import annotations

import io

import numpy as np
import pytest
from event_files import images, scalars
from PIL import Image
from typer.testing import CliRunner

from n2d_framework.cli import app

RUN = """
data: digits
model:
  embedder: {name: pca, latent_dim: 4}
  manifolder: identity
  clusterer: {name: kmeans, n_clusters: 10, n_init: 1}
"""
GRID = """
data: digits
embedders: [{name: pca, latent_dim: 4}]
manifolders: [identity]
clusterers: [{name: kmeans, n_clusters: 10, n_init: 1}]
dbcv_rows: 0
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("N2D_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("N2D_TENSORBOARD", raising=False)
    (tmp_path / "run.yaml").write_text(RUN)
    (tmp_path / "grid.yaml").write_text(GRID)


def call(*words):
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result


def test_a_run_shows_scores_and_pictures(tmp_path):
    call("run", "run.yaml", "--tensorboard", "board", "--quiet")
    (run,) = (tmp_path / "board").iterdir()
    found = scalars(run)
    assert {"scores/acc", "scores/nmi", "seconds/total"} <= set(found)
    pictures = images(run)
    assert set(pictures) >= {"figures/clusters", "figures/truth_and_prediction"}
    written = tmp_path / "n2d-out" / "run" / "plots" / "clusters.png"
    with Image.open(io.BytesIO(pictures["figures/clusters"])) as shown, Image.open(written) as file:
        assert np.array_equal(np.asarray(shown), np.asarray(file.convert("RGB")))


def test_the_environment_switches_it_on(tmp_path, monkeypatch):
    call("run", "run.yaml", "--quiet", "--no-plots")
    assert not (tmp_path / "board").exists()
    monkeypatch.setenv("N2D_TENSORBOARD", "board")
    call("compare", "grid.yaml", "--quiet")
    (cell,) = (tmp_path / "board").glob("*-grid-comparison/digits/*/seed0")
    assert 0.5 < scalars(cell)["scores/acc"][0][1] < 1
