"""A small comparison that was run, and a browser to look at its report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from imagining import imagined

import n2d_framework as n2d
from n2d_framework.core.dataset import Dataset
from n2d_framework.experiment import Comparison


@pytest.fixture(scope="session")
def small(digits, tmp_path_factory) -> Comparison:
    """Images with classes and rows without, two seeds, a baseline, and what cannot be run."""
    x, y = digits
    images = Dataset(
        name="few", x=x[:300].reshape(-1, 8, 8), y=y[:300], modality="image",
        names=tuple(f"digit {value}" for value in range(10)),
    )  # fmt: skip
    config = {
        "embedders": ["pca", "identity"],
        "manifolders": ["identity", {"name": "pca", "n_components": [2, 5]}],
        "clusterers": [
            {"name": "kmeans", "n_init": 2},
            {"name": "gmm", "n_init": 1},
            {"name": "hdbscan", "min_cluster_size": 10},
        ],
        "n_clusters": 10,
        "seeds": 2,
        "dbcv_rows": 100,
        "baseline": {"embedder": "identity", "manifolder": "identity", "clusterer": "kmeans"},
    }
    data = {"few": images, "plain": x[:200, :20]}
    out = tmp_path_factory.mktemp("small") / "out"
    return n2d.compare(config, out, data=data, n_jobs=1)


@pytest.fixture(scope="session")
def named() -> dict[str, Any]:
    """Rows with ids, and classes: strings; numbers, of which -1 is noise; names from the data."""
    from sklearn.datasets import load_iris

    flowers = load_iris()
    rows, codes = flowers.data[::2], flowers.target[::2]
    frame = pd.DataFrame(rows, index=[f"plant {number}" for number in range(len(rows))])
    marked = np.where(np.arange(len(rows)) % 6 == 0, -1, 2 * codes + 3)
    kept = codes != 1
    return {
        "strings": (frame, np.array(["setosa", "=versi\ncolor", "virginica"])[codes]),
        "marked": (rows, marked),
        "names": Dataset(name="names", x=rows[kept], y=codes[kept], names=("a", "b", "c")),
    }


@pytest.fixture(scope="session")
def classes(named, tmp_path_factory) -> Comparison:
    """A comparison of what has names, with the cells that the four panels need."""
    config = {
        "embedders": ["identity"],
        "manifolders": ["identity", {"name": "pca", "n_components": [2, 3]}],
        "clusterers": [{"name": "kmeans", "n_init": 2}, {"name": "hdbscan", "min_cluster_size": 5}],
        "n_clusters": 4,
        "seeds": 1,
        "dbcv_rows": 0,
    }
    out = tmp_path_factory.mktemp("classes") / "out"
    return n2d.compare(config, out, data=named, n_jobs=1)


@pytest.fixture(scope="session")
def written(small) -> Path:
    """The report of the small comparison."""
    return small.report(pictures=3)


@pytest.fixture(scope="session")
def huge(tmp_path_factory) -> Path:
    """The report of ten thousand cells."""
    out = tmp_path_factory.mktemp("huge")
    comparison = imagined(out, (5, 10, 20, 5), 2, failed=17)
    assert len(comparison.table) == 10_000
    return comparison.report(pictures=0)


@pytest.fixture(scope="session")
def few(digits) -> tuple[np.ndarray, np.ndarray]:
    """150 digits as flat rows, and their classes."""
    x, y = digits
    return x[:150], y[:150]
