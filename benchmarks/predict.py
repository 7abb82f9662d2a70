"""Predict with a saved model, beside the same model kept by hand with pickle.

Run as ``python benchmarks/predict.py [DATA]`` (default: digits). Fits
``dense_ae -> umap -> gmm``, saves it, and measures, alternating in one run:

* ours: the bundle, loaded and asked in fresh processes and in a warm one;
* by hand: the same encoder as a Keras file, umap-learn's ``UMAP`` and scikit-learn's mixture
  fitted on the same latent rows and pickled, asked by ``encoder.predict``, ``transform`` and
  ``predict``: what the ``n2d`` package does.

Every figure is a median; the last column is the ratio.
"""

from __future__ import annotations

import argparse
import os
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

FRESH = {
    "ours": "import numpy as np, n2d_framework as n2d, time; n2d.load('ours.n2d');"
    "t = time.perf_counter(); m = n2d.load('ours.n2d'); l = time.perf_counter() - t;"
    "m.predict(np.load('row.npy')); print(l)",
    "by hand": "import numpy as np, keras, pickle, umap, sklearn.mixture, time;"
    "t = time.perf_counter(); e = keras.models.load_model('encoder.keras');"
    "u, g = pickle.load(open('by_hand.pickle', 'rb')); l = time.perf_counter() - t;"
    "x = np.load('row.npy'); g.predict(u.transform(e.predict(x.reshape(1, -1), verbose=0)));"
    "print(l)",
}


def median_seconds(function: Callable[[], Any], runs: int) -> float:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def fresh_process(code: str, folder: Path) -> tuple[float, float]:
    """Wall seconds of a process that loads and predicts one row; seconds of the loading."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    return time.perf_counter() - start, float(done.stdout.split()[-1])


def build_by_hand(model: Any, scaled: np.ndarray, folder: Path) -> tuple[Any, Any, Any]:
    """The same encoder in Keras, and umap-learn and the mixture fitted on the same latents."""
    import keras
    import umap
    from sklearn.mixture import GaussianMixture

    stored = model.to_snapshot().parts["embedder"]["encoder"]
    weights = [layer[name] for layer in stored.values() for name in ("kernel", "bias")]
    depth = len(stored)
    layers: list[Any] = [keras.Input((scaled.shape[1],))]
    for i in range(depth):
        activation = "relu" if i < depth - 1 else None
        layers.append(keras.layers.Dense(weights[2 * i].shape[1], activation))
    encoder = keras.Sequential(layers)
    encoder.set_weights(weights)
    encoder.save(folder / "encoder.keras")
    latent = encoder.predict(scaled, batch_size=1024, verbose=0)
    assert np.allclose(latent, model.latent_, rtol=1e-3, atol=1e-3)
    reducer = umap.UMAP(n_neighbors=20, min_dist=0.0, n_components=10, random_state=0)
    manifold = reducer.fit_transform(latent)
    mixture = GaussianMixture(10, n_init=10, random_state=0).fit(manifold)
    with (folder / "by_hand.pickle").open("wb") as file:
        pickle.dump((reducer, mixture), file)
    return encoder, reducer, mixture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", default="digits")
    parser.add_argument("--epochs", type=int, default=10)
    arguments = parser.parse_args()
    import n2d_framework as n2d
    from n2d_framework.data import load

    x = load(arguments.data).x
    folder = Path(tempfile.mkdtemp(prefix="n2d-predict-"))
    embedder = {"name": "dense_ae", "epochs": arguments.epochs}
    model = n2d.N2D(embedder, "umap", "gmm", n_clusters=10, random_state=0).fit(x)
    model.save(folder / "ours.n2d")
    np.save(folder / "row.npy", x[:1])
    span = x.max() - x.min() if x.ndim > 2 else np.ptp(x, axis=0)
    low = x.min() if x.ndim > 2 else x.min(axis=0)
    scaled = ((x - low) / np.where(span == 0, 1, span)).astype(np.float32).reshape(len(x), -1)
    encoder, reducer, mixture = build_by_hand(model, scaled, folder)
    loaded = n2d.load(folder / "ours.n2d")
    noisy = x[::-1].astype(np.float32) * np.float32(0.999)
    flat = scaled[::-1] * np.float32(0.999)

    def ours(rows: slice) -> Callable[[], Any]:
        return lambda: loaded.predict(noisy[rows])

    def by_hand(rows: slice) -> Callable[[], Any]:
        return lambda: mixture.predict(
            reducer.transform(encoder.predict(flat[rows], verbose=0, batch_size=1024))
        )

    table: list[tuple[str, float, float]] = []
    one, everything = slice(0, 1), slice(None)
    for function in (ours(one), by_hand(one)):
        function()
    table.append(
        ("one row, warm (ms)", *(1e3 * median_seconds(f(one), 30) for f in (ours, by_hand)))
    )
    bulk = [len(x) / median_seconds(f(everything), 3) for f in (ours, by_hand)]
    table.append(("rows per second", *bulk))
    size = x.astype(np.float32).nbytes
    files = (["ours.n2d"], ["encoder.keras", "by_hand.pickle"])
    sizes = [sum((folder / name).stat().st_size for name in names) for names in files]
    table.append(("file / float32 training data", sizes[0] / size, sizes[1] / size))
    parts = n2d.inspect(folder / "ours.n2d").part_sizes
    learners = parts["manifolder"] + parts["clusterer"]
    pickled = (folder / "by_hand.pickle").stat().st_size
    table.append(("umap and gmm / training data", learners / size, pickled / size))
    fresh: dict[str, list[tuple[float, float]]] = {name: [] for name in FRESH}
    for _ in range(3):
        for name, code in FRESH.items():
            fresh[name].append(fresh_process(code, folder))
    for index, what in ((0, "one row, fresh process (s)"), (1, "load beyond imports (s)")):
        values = [statistics.median(run[index] for run in fresh[name]) for name in FRESH]
        table.append((what, *values))
    print(f"{arguments.data}: {len(x)} rows of {x[0].size} values")
    print(f"{'':<32}{'ours':>12}{'by hand':>12}{'ours / by hand':>16}")
    for what, a, b in table:
        print(f"{what:<32}{a:>12.4g}{b:>12.4g}{a / b:>16.3g}")


if __name__ == "__main__":
    main()
