"""All rows of many: neighbours, HDBSCAN and pca → umap → gmm, beside their peers in the same call.

Run as ``python benchmarks/many_rows.py PART [--rows N] [--peers PYTHON]`` with PART one of:

- ``neighbors``: the 20 nearest by cosine among rows of a mixture of 200 von Mises-Fisher clusters
  in 384 dimensions: ours in cells on 1, 2 and 4 threads (same bits), its recall on a sample, and
  our exact search of 4,000 of the rows, from which the time for all is reckoned.
- ``hdbscan``: ten principal components of the rows of ``scaling.py``.
- ``hdbscan2``: 50 round clusters in the plane, and noise.
- ``umap``: the rows of ``scaling.py``, pca → umap → gmm on all rows.
- ``mnist``: the 70,000 images of ``$N2D_DATA/mnist.npz`` as they are,
  umap → gmm without a network.

PYTHON is that of an environment with ``fast_hdbscan``, ``evoc`` and ``umap-learn``; without it,
only ours is measured. ``N2D_THREADS`` are the numbers of threads with which ``neighbors`` is
repeated (default ``1 4``). Each contender is a process of its own, compiled beforehand on few
rows, one after the other. Seconds are wall clock; processor seconds show what other work on the
machine has taken away.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

WIDTH, CLUSTERS, CONCENTRATION, NEIGHBORS = 384, 200, 500.0, 20
MIN_CLUSTER_SIZE, MIN_SAMPLES = 50, 15
FEW = 3000
EXACT_ROWS = 4000


def directions(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """A mixture of von Mises-Fisher clusters, drawn as in Wood 1994."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(CLUSTERS, WIDTH))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    y = rng.integers(0, CLUSTERS, rows)
    half = (WIDTH - 1) / 2
    b = half / (CONCENTRATION + np.hypot(CONCENTRATION, half))
    edge = (1 - b) / (1 + b)
    level = CONCENTRATION * edge + 2 * half * np.log(1 - edge**2)
    along, left = np.empty(rows), np.arange(rows)
    while len(left):
        z = rng.beta(half, half, len(left))
        found = (1 - (1 + b) * z) / (1 - (1 - b) * z)
        height = CONCENTRATION * found + 2 * half * np.log(1 - edge * found) - level
        good = height >= np.log(rng.uniform(size=len(left)))
        along[left[good]] = found[good]
        left = left[~good]
    x = np.empty((rows, WIDTH), np.float32)
    for start in range(0, rows, 20_000):
        part = slice(start, start + 20_000)
        centre, w = centres[y[part]], along[part, None]
        across = rng.normal(size=centre.shape)
        across -= (across * centre).sum(axis=1, keepdims=True) * centre
        across /= np.linalg.norm(across, axis=1, keepdims=True)
        x[part] = w * centre + np.sqrt(1 - w**2) * across
    return x, y


def synthetic(rows: int) -> tuple[np.ndarray, np.ndarray]:
    from scaling import synthetic

    return synthetic(rows)


def components(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Ten principal components of the rows of ``scaling.py``."""
    x, y = synthetic(rows)
    _, axes = np.linalg.eigh(np.cov(x[:100_000].T))
    return ((x - x.mean(axis=0, dtype=np.float64)) @ axes[:, ::-1][:, :10]).astype(np.float32), y


def plane(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """50 round clusters of several widths, and 5 % of noise."""
    rng = np.random.default_rng(0)
    centres = rng.uniform(-40, 40, (50, 2))
    y = rng.integers(0, 50, rows)
    widths = rng.uniform(0.3, 2.0, 50)
    x = centres[y] + rng.normal(size=(rows, 2)) * widths[y, None]
    noise = rng.random(rows) < 0.05
    x[noise] = rng.uniform(-50, 50, (int(noise.sum()), 2))
    return x.astype(np.float32), np.where(noise, -1, y)


def mnist(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """MNIST's images as rows, from 0 to 1."""
    with np.load(Path(os.environ["N2D_DATA"]) / "mnist.npz") as found:
        x = np.concatenate([found["x_train"], found["x_test"]])[:rows]
        y = np.concatenate([found["y_train"], found["y_test"]])[:rows]
    return x.reshape(len(x), -1).astype(np.float32) / 255, y


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    wall, processor = time.perf_counter(), time.process_time()
    found = work()
    measured = {"s": time.perf_counter() - wall, "processor_s": time.process_time() - processor}
    # (The system's ru_maxrss begins with that of the process that started this one.)
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return found, {**measured, "peak_MiB": int(status["VmHWM"].split()[0]) / 1024}


def ours_neighbors(x: np.ndarray, _y: np.ndarray) -> dict[str, Any]:
    from n2d_builtin.neighbors.cells import CellNeighbors
    from n2d_builtin.neighbors.neighbors import ExactNeighbors

    def search(rows: np.ndarray, threads: int) -> tuple[CellNeighbors, np.ndarray, np.ndarray]:
        made = CellNeighbors(rows, "cosine")
        made.learn(NEIGHBORS, seed=0, n_jobs=threads)
        return made, *made.query_self(NEIGHBORS, n_jobs=threads)

    search(x[:20_000], 2)
    (made, indices, distances), measured = timed(lambda: search(x, 2))
    cells = made.cells
    measured |= {"cells": len(cells.centres), "probes": cells.probes, "recall": cells.recall}
    del made
    exact = ExactNeighbors(x, "cosine")
    exact.query(x[:600], NEIGHBORS)
    some = np.random.default_rng(1).choice(len(x), EXACT_ROWS, replace=False)
    query = partial(exact.query, x[some], NEIGHBORS, n_jobs=2)
    (there, nearest), cost = timed(query)
    assert (there[:, 0] == some).all()
    measured["exact_s_reckoned"] = cost["s"] * len(x) / EXACT_ROWS
    measured["exact_processor_s_reckoned"] = cost["processor_s"] * len(x) / EXACT_ROWS
    hits = distances[some] <= nearest[:, -1:] * (1 + 1e-5)
    measured["recall_measured"] = float((hits.sum(axis=1) - 1).mean() / (NEIGHBORS - 1))
    del exact
    for threads in map(int, os.environ.get("N2D_THREADS", "1 4").split()):
        again = search(x, threads)
        same = np.array_equal(again[1], indices) and np.array_equal(again[2], distances)
        measured[f"same_bits_{threads}_threads"] = same
    return measured


def ours_hdbscan(x: np.ndarray, _y: np.ndarray) -> dict[str, Any]:
    from n2d_builtin.common.threads import available_threads
    from n2d_builtin.hdbscan import hdbscan_library
    from n2d_builtin.hdbscan.hdbscan import Hdbscan
    from n2d_framework.plugin import FitContext

    def fit(rows: np.ndarray, **options: Any) -> Hdbscan:
        made = Hdbscan(min_cluster_size=MIN_CLUSTER_SIZE, min_samples=MIN_SAMPLES, **options)
        return made.fit(rows, context=FitContext(n_jobs=available_threads()))

    many, hdbscan_library.MANY_ROWS = hdbscan_library.MANY_ROWS, 0
    fit(x[:FEW])
    hdbscan_library.MANY_ROWS = many
    model, measured = timed(lambda: fit(x))
    return measured | {"labels": model.labels_}


def exact_labels(x: np.ndarray, _y: np.ndarray) -> dict[str, Any]:
    """The hdbscan package with its exact spanning tree, on the same neighbours."""
    from n2d_builtin.hdbscan import hdbscan_library

    hdbscan_library.MANY_ROWS = len(x)
    from n2d_builtin.hdbscan.hdbscan import Hdbscan
    from n2d_framework.plugin import FitContext

    made = Hdbscan(
        min_cluster_size=MIN_CLUSTER_SIZE, min_samples=MIN_SAMPLES, approx_min_span_tree=False
    )
    model, measured = timed(lambda: made.fit(x, context=FitContext()))
    return measured | {"labels": model.labels_}


def fast_hdbscan(x: np.ndarray, _y: np.ndarray) -> dict[str, Any]:
    import fast_hdbscan

    def fit(rows: np.ndarray) -> Any:
        made = fast_hdbscan.HDBSCAN(min_cluster_size=MIN_CLUSTER_SIZE, min_samples=MIN_SAMPLES)
        return made.fit(rows)

    fit(x[:FEW])
    model, measured = timed(lambda: fit(x))
    return measured | {"labels": model.labels_}


def ours_trio(x: np.ndarray, y: np.ndarray, embedder: str = "pca") -> dict[str, Any]:
    import n2d_framework as n2d

    def fit(rows: np.ndarray) -> Any:
        umap = {"name": "umap", "n_neighbors": 20}
        mixture = {"name": "gmm", "n_init": 3, "max_landmarks": 20_000}
        return n2d.N2D(embedder, umap, mixture, n_clusters=10, random_state=0).fit(rows)

    few = fit(x[:FEW])
    few.predict(x[FEW : 2 * FEW])
    model, measured = timed(lambda: fit(x))
    measured |= {f"{step}_s": seconds for step, seconds in model.seconds_.items()}
    measured["recall"] = model.manifolder_.neighbor_recall_
    measured["acc"] = float(model.assess(y)["acc"])
    return measured | {"labels": model.labels_}


def ours_without(x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    return ours_trio(x, y, "identity")


def umap_learn(x: np.ndarray, _y: np.ndarray) -> dict[str, Any]:
    import umap
    from sklearn.decomposition import PCA
    from sklearn.mixture import GaussianMixture

    def fit(rows: np.ndarray) -> np.ndarray:
        latent = PCA(10).fit_transform(rows)
        made = umap.UMAP(n_neighbors=20, min_dist=0.0, n_components=10, n_jobs=-1)
        return GaussianMixture(10, n_init=3).fit_predict(made.fit_transform(latent))

    fit(x[:5000])
    labels, measured = timed(lambda: fit(x))
    return measured | {"labels": labels}


def evoc(x: np.ndarray, _y: np.ndarray, reduced: bool = True) -> dict[str, Any]:
    import evoc
    from sklearn.decomposition import PCA

    def fit(rows: np.ndarray) -> np.ndarray:
        if reduced:
            rows = PCA(10).fit_transform(rows)
        return evoc.EVoC(n_neighbors=20).fit_predict(rows)

    fit(x[:FEW])
    labels, measured = timed(lambda: fit(x))
    return measured | {"labels": labels}


def evoc_raw(x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    return evoc(x, y, reduced=False)


Contender = Callable[[np.ndarray, np.ndarray], dict[str, Any]]
#: Per part its rows, their number, our contenders and those of the other environment.
PARTS: dict[str, tuple[Callable[[int], Any], int, list[Contender], list[Contender]]] = {
    "neighbors": (directions, 200_000, [ours_neighbors], []),
    "hdbscan": (components, 200_000, [ours_hdbscan, exact_labels], [fast_hdbscan]),
    "hdbscan2": (plane, 1_000_000, [ours_hdbscan, exact_labels], [fast_hdbscan]),
    "umap": (synthetic, 200_000, [ours_trio], [umap_learn, evoc]),
    "mnist": (mnist, 70_000, [ours_without], [evoc_raw]),
}


def run_one(name: str, folder: Path) -> None:
    given = np.load(folder / "rows.npz")
    found = globals()[name](given["x"], given["y"])
    labels = found.pop("labels", None)
    if labels is not None:
        np.save(folder / f"{name}.npy", labels)
    print(json.dumps(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=[*PARTS, "one"])
    parser.add_argument("--rows", type=int)
    parser.add_argument("--peers")
    parser.add_argument("--only", nargs="*", help="contenders; default all")
    parser.add_argument("--one", nargs=2, metavar=("CONTENDER", "FOLDER"))
    arguments = parser.parse_args()
    if arguments.one:
        run_one(arguments.one[0], Path(arguments.one[1]))
        return
    from machine import description
    from sklearn.metrics import adjusted_rand_score

    make, usual, ours, theirs = PARTS[arguments.part]
    x, y = make(arguments.rows or usual)
    print(f"{description()}\n\n{arguments.part}, {x.shape[0]} x {x.shape[1]}\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "rows.npz", x=x, y=y)
        first: np.ndarray | None = None
        runs = [(sys.executable, one) for one in ours]
        runs[1:1] = [(arguments.peers, one) for one in theirs if arguments.peers]
        for python, contender in runs:
            name = contender.__name__
            if arguments.only and name not in arguments.only:
                continue
            command = [python, __file__, "one", "--one", name, folder]
            environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment)
            found = json.loads(done.stdout.splitlines()[-1])
            stored = Path(folder) / f"{name}.npy"
            if stored.exists():
                labels = np.load(stored)
                first = labels if first is None else first
                found["clusters"] = len(np.unique(labels[labels >= 0]))
                found["noise"] = float(np.mean(labels < 0))
                found["ari_with_classes"] = adjusted_rand_score(y, labels)
                found["ari_with_ours"] = adjusted_rand_score(first, labels)
            print(f"{name}:", json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
