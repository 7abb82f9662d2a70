"""Across processes: the same seed gives the same bytes; using a model needs no Keras."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

from n2d_builtin.autoencoders.dense import DenseAutoencoder
from n2d_framework.plugin import FitContext

TRAIN = """
import hashlib, sys
import numpy as np
from sklearn.datasets import load_digits
from n2d_framework.plugin import FitContext
from n2d_builtin.autoencoders.dense import DenseAutoencoder
from n2d_builtin.autoencoders.conv import ConvAutoencoder

x = (load_digits().data[:600] / 16).astype(np.float32)
context = FitContext(seed=1, n_jobs=int(sys.argv[1]))
models = [
    DenseAutoencoder(epochs=2),
    ConvAutoencoder(epochs=1, filters=(8, 16), image_shape=(8, 8)),
]
for model in models:
    z = model.fit(x, context=context).transform(x)
    print(hashlib.sha256(z.tobytes()).hexdigest())
"""

USE = """
import sys
import numpy as np
from n2d_builtin.autoencoders.conv import ConvAutoencoder
from n2d_builtin.autoencoders.dense import DenseAutoencoder
from n2d_builtin.autoencoders.denoising import DenoisingAutoencoder
heavy = {"keras", "tensorflow", "jax", "torch", "sklearn", "numba", "scipy"}
print(sorted(heavy & set(sys.modules)))

stored = np.load(sys.argv[1])
encoder, decoder = {}, {}
for name in stored.files:
    net, layer, weight = (*name.split("/"), "", "")[:3]
    if net in ("encoder", "decoder"):
        {"encoder": encoder, "decoder": decoder}[net].setdefault(layer, {})[weight] = stored[name]
model = DenseAutoencoder(hidden=(50, 20), epochs=1)
model.set_state({
    "row_shape": [64], "latent_dim": 10, "history": {"loss": stored["loss"]}, "best_epoch": 1,
    "precision": "float32", "encoder": encoder, "decoder": decoder,
})
z = model.transform(stored["x"])
print(np.array_equal(z, stored["z"]), np.array_equal(model.reconstruct(z), stored["rows"]))
print(sorted(heavy & set(sys.modules)))
"""


def _run(code, *arguments, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


@pytest.mark.slow
def test_same_seed_in_two_processes_and_with_two_thread_counts(capsys, monkeypatch):
    """BLAS threads and n_jobs change nothing, for the same threads of the Keras backend."""
    monkeypatch.setattr(sys, "argv", ["-c", "1"])
    with threadpool_limits(1, user_api="blas"):
        exec(TRAIN, {})
    first = capsys.readouterr().out.split("\n")[:-1]
    assert first == _run(TRAIN, "2", OPENBLAS_NUM_THREADS="2")
    assert len(set(first)) == 2


def test_a_stored_model_answers_alike_and_without_keras(tmp_path):
    x = (load_digits().data[:100] / 16).astype(np.float32)
    model = DenseAutoencoder(hidden=(50, 20), epochs=1).fit(x, context=FitContext())
    state = model.get_state()
    z = model.transform(x)
    arrays = {
        f"{net}/{layer}/{weight}": array
        for net in ("encoder", "decoder")
        for layer, weights in state[net].items()
        for weight, array in weights.items()
    }
    rows = model.reconstruct(z)
    loss = state["history"]["loss"]
    path = tmp_path / "stored.npz"
    np.savez(path, x=x, z=z, rows=rows, loss=loss, **arrays)
    light, equal, still_light = _run(USE, str(path), OPENBLAS_NUM_THREADS="1")
    assert light == still_light == "[]"
    assert equal == "True True"
