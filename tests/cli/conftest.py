"""Fixtures of the tests of the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from n2d_framework.cli import app


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test works in its own folder, with its own store and no settings of the user."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("N2D_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("N2D_DEBUG", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    return work


@pytest.fixture
def n2d() -> Callable[..., Any]:
    """Run a command in this process."""

    def call(*words: object) -> Any:
        return CliRunner().invoke(app, [str(word) for word in words])

    return call


@pytest.fixture
def blobs(elsewhere: Path) -> Path:
    """Three clusters of 20 rows in four dimensions, with labels."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 20)
    x = rng.normal(size=(60, 4)) + 20 * y[:, None]
    np.savez(elsewhere / "blobs.npz", x=x.astype(np.float32), y=y)
    return elsewhere / "blobs.npz"


@pytest.fixture
def config(elsewhere: Path, blobs: Path) -> Path:
    """A configuration that is fitted in no time."""
    path = elsewhere / "quick.yaml"
    path.write_text(
        "data: blobs.npz\n"
        "model:\n"
        "  embedder: {name: pca, latent_dim: 2}\n"
        "  manifolder: identity\n"
        "  clusterer: {name: kmeans, n_clusters: 3, n_init: 2}\n"
        "random_state: 7\n"
    )
    return path


@pytest.fixture
def bundle(n2d: Callable[..., Any], config: Path, elsewhere: Path) -> Path:
    """A saved model of the three clusters."""
    result = n2d("run", config, "--out", "out", "--no-plots")
    assert result.exit_code == 0, result.output
    return elsewhere / "out" / "quick.n2d"
