"""A small stand-in for the data of the old documentation, and one fitted model."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from old_names import N_CLUSTERS, n2d, small_autoencoder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Scripts write into the current folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def rows(digits):
    """500 digits in [0, 1]."""
    return np.ascontiguousarray(digits[0][:500] / 16.0), digits[1][:500]


@pytest.fixture(scope="module")
def trained(trained_once):
    """A model as the README makes it, with its weights in an old-style file; of each test file."""
    model, weights = trained_once
    return copy.copy(model), weights


@pytest.fixture(scope="session")
def trained_once(rows, tmp_path_factory):
    """The same, which no test changes."""
    import keras

    keras.utils.set_random_seed(0)
    x, _ = rows
    model = n2d.n2d(small_autoencoder(x), n2d.UmapGMM(N_CLUSTERS))
    weights = tmp_path_factory.mktemp("weights") / "har.h5"
    model.fit(x, epochs=20, batch_size=64, verbose=0, weight_id=str(weights))
    return model, weights
