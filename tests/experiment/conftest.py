"""Small data and grids for the tests of comparisons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture(scope="session")
def few_digits(digits) -> tuple[np.ndarray, np.ndarray]:
    """300 of the digits, and their classes."""
    x, y = digits
    return x[:300], y[:300]


@pytest.fixture(scope="session")
def digits_file(few_digits, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("data") / "few.npz"
    np.savez(path, x=few_digits[0], y=few_digits[1])
    return path


@pytest.fixture
def grid() -> dict[str, Any]:
    """2 x 2 x 2 x 2 cells, all light."""
    return {
        "embedders": ["pca", "identity"],
        "manifolders": ["identity", {"name": "pca", "n_components": 5}],
        "clusterers": [{"name": "kmeans", "n_init": 2}, {"name": "gmm", "n_init": 1}],
        "seeds": 2,
        "n_clusters": 10,
        "dbcv_rows": 0,
    }


PLUGIN = '''
import os, time
import numpy as np
from n2d_framework.plugin import ComponentSpec, component, hookimpl, learned, need, option

@component
class Odd:
    """Does what `mode` says."""

    mode: str = option("good", help="What to do.")
    sizes: tuple[int, ...] = option((1,), help="Nothing.")
    width_: int = learned()

    def fit(self, x, *, context):
        if self.mode == "raise":
            raise ZeroDivisionError("by zero")
        if self.mode == "sleep":
            time.sleep(60)
        if self.mode == "epochs":
            for epoch in range(6000):
                time.sleep(0.01)
                context.epoch_finished(epoch + 1, 6000, {"loss": 1.0})
        if self.mode == "die":
            os._exit(7)
        if self.mode == "eat":
            self.eaten = [np.ones(1 << 27, dtype=np.uint8) for _ in range(40)]
            time.sleep(60)
        self.width_ = x.shape[1]
        return self

    def transform(self, x):
        return x

    def get_state(self):
        return {"width": self.width_}

    def set_state(self, state):
        self.width_ = need(state, "width", int)

@hookimpl
def n2d_components():
    yield ComponentSpec(role="manifolder", name="odd", factory="odd_grid:Odd", summary="s")
'''


@pytest.fixture
def odd(use_plugin) -> None:
    use_plugin("odd_grid", PLUGIN)
