"""The UMAP stage beside umap-learn called by hand, in one process, one after the other.

Run as ``python benchmarks/umap_stage.py [DATA] [--rows N] [--runs R]`` (default: digits). DATA is
the name of a dataset or a file; rows are brought to 10 dimensions by principal components first,
and an ``.npz`` file with an array ``z`` is taken as latent rows. The same exact neighbours are
handed to both, so that umap-learn needs no search index and compiles nothing while it is timed:
its best settings for a result that can be repeated. Prints

* seconds of our search for the neighbours on all threads;
* seconds of our stage and of ``umap.UMAP(random_state=0, precomputed_knn=...)``, and the ratio;
* seconds of the parts of our stage: graph, start, layout, on one thread and on all;
* whether the result is the same on 1, 2 and 4 threads, trustworthiness of both, and where there
  are true labels, accuracy and NMI of a mixture (10 starts) on both;
* with ``--fresh``, what the first fit of a process takes beyond its second, with all imports.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from latents import latent_rows

from n2d_builtin.common.threads import available_threads
from n2d_builtin.neighbors.neighbors import ExactNeighbors

NEIGHBORS, DIMENSION = 20, 10
GRAPH = {"set_op_mix_ratio": 1.0, "local_connectivity": 1.0}
Knn = tuple[np.ndarray, np.ndarray]
FRESH = """
import time; started = time.perf_counter()
import sys
import numpy as np
from n2d_builtin.umap.umap import Umap
from n2d_framework.plugin import FitContext
z = np.load(sys.argv[1])
model = Umap(n_components=10)
context = FitContext(seed=0, n_jobs=int(sys.argv[2]))
model.fit(z, context=context)
first = time.perf_counter() - started
started = time.perf_counter()
model.fit(z, context=context)
print(first, time.perf_counter() - started)
"""


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    found = function()
    return time.perf_counter() - started, found


def ours(z: np.ndarray, knn: Knn, n_jobs: int, epochs: int | None = None) -> np.ndarray:
    from n2d_builtin.umap.umap_forces import Forces
    from n2d_builtin.umap.umap_library import curve, fit_embedding

    return fit_embedding(
        z,
        *knn,
        Forces(*curve(1.0, 0.0), 1.0, 5, 1.0),
        n_components=DIMENSION,
        n_epochs=epochs,
        init="spectral",
        metric="euclidean",
        seed=0,
        n_jobs=n_jobs,
        **GRAPH,
    )


def by_hand(z: np.ndarray, knn: Knn, _n_jobs: int, epochs: int | None = None) -> np.ndarray:
    from n2d_builtin.umap.umap_start import import_umap

    indices, distances = knn
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = import_umap().UMAP(
            n_neighbors=NEIGHBORS,
            n_components=DIMENSION,
            min_dist=0.0,
            n_epochs=epochs,
            random_state=0,
            n_jobs=1,
            precomputed_knn=(indices.astype(np.int32), distances.astype(np.float32), None),
        )
        return model.fit_transform(z)


def parts(z: np.ndarray, knn: Knn, n_jobs: int) -> dict[str, float]:
    """Seconds of each part of our stage."""
    from n2d_builtin.common.one_thread import one_blas_thread
    from n2d_builtin.umap import umap_library as library
    from n2d_builtin.umap.umap_forces import Forces
    from n2d_builtin.umap.umap_layout import lay_out
    from n2d_builtin.umap.umap_start import begin

    epochs = 500 if len(z) <= 10_000 else 200
    seconds = {}
    seconds["graph"], graph = timed(
        lambda: library.pruned(library.neighbor_graph(*knn, **GRAPH), epochs)
    )
    with one_blas_thread(look_again=True):
        seconds["start"], start = timed(
            lambda: begin("spectral", z, graph, DIMENSION, 0, "euclidean")
        )
    forces = Forces(*library.curve(1.0, 0.0), 1.0, 5, 1.0)
    seconds["layout"], _ = timed(
        lambda: lay_out(start, graph, forces, n_epochs=epochs, seed=0, n_jobs=n_jobs)
    )
    return seconds


def quality(z: np.ndarray, embedding: np.ndarray, y: np.ndarray | None) -> dict[str, float]:
    from sklearn.manifold import trustworthiness
    from sklearn.mixture import GaussianMixture

    from n2d_framework.metrics import assess

    some = np.random.default_rng(0).choice(len(z), min(len(z), 3000), replace=False)
    found = {"trust": trustworthiness(z[some], embedding[some], n_neighbors=15)}
    if y is not None:
        mixture = GaussianMixture(len(np.unique(y)), n_init=10, random_state=0)
        scores = assess(y, mixture.fit_predict(embedding.astype(float)))
        found |= {name: scores[name] for name in ("acc", "nmi")}
    return found


def fresh(z: np.ndarray, folder: Path) -> list[float]:
    """Seconds of the first fit in a process, with imports, beyond those of its second."""
    np.save(folder / "z.npy", z)
    command = [sys.executable, "-c", FRESH, str(folder / "z.npy"), str(available_threads())]
    runs = [subprocess.run(command, capture_output=True, check=True, text=True) for _ in range(3)]
    times = [[float(value) for value in run.stdout.split()] for run in runs]
    return [first - second for first, second in times]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", default="digits")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--no-quality", action="store_true")
    arguments = parser.parse_args()
    z, y = latent_rows(arguments.data, arguments.rows)
    jobs = available_threads()
    print(f"{arguments.data}: {z.shape[0]} x {z.shape[1]}, {jobs} processors")
    few = ExactNeighbors(z[:1000]).query_self(NEIGHBORS)
    for function in (ours, by_hand):
        function(z[:1000], few, jobs, 5)
    search = ExactNeighbors(z)
    spent, knn = timed(lambda: search.query_self(NEIGHBORS, n_jobs=jobs))
    print(f"neighbours: {spent:.2f} s", flush=True)
    seconds: dict[str, list[float]] = {"ours": [], "umap-learn": []}
    results = {}
    for _ in range(arguments.runs):
        for name, function in (("ours", ours), ("umap-learn", by_hand)):
            spent, results[name] = timed(lambda f=function: f(z, knn, jobs))
            seconds[name].append(spent)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, values in seconds.items():
        print(f"{name}: {medians[name]:.2f} s of {[round(v, 2) for v in values]}")
    print(f"umap-learn / ours: {medians['umap-learn'] / medians['ours']:.2f}", flush=True)
    for threads in dict.fromkeys((1, jobs)):
        text = ", ".join(f"{k} {v:.2f}" for k, v in parts(z, knn, threads).items())
        print(f"ours on {threads} thread(s): {text}", flush=True)
    same = all(np.array_equal(results["ours"], ours(z, knn, threads)) for threads in (1, 2, 4))
    print(f"the same bits on 1, 2 and 4 threads: {same}", flush=True)
    for name, embedding in {} if arguments.no_quality else results.items():
        found = quality(z, embedding, y)
        print(f"{name}: " + ", ".join(f"{key} {value:.4f}" for key, value in found.items()))
    if arguments.fresh:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            print(f"first fit beyond the second, s: {fresh(z, Path(folder))}")


if __name__ == "__main__":
    main()
