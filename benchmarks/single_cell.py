"""Cell types of PBMC next to scanpy, and sparse rows too many to be dense.

Run as ``python benchmarks/single_cell.py FILE.h5ad --scanpy PYTHON`` where the plugin
``n2d-leiden`` is installed; ``PYTHON`` is the interpreter of an environment with scanpy, leidenalg
and igraph. All start from the same coordinates (``obsm/X_pca``) and are compared with
``obs/bulk_labels``, for ``--seeds`` seeds. ``--sparse`` adds 100,000 rows of 50,000 columns at
density .001 through ``truncated_svd``, each pipeline in a process of its own, whose anonymous
memory is looked at twenty times a second. The tables go to standard output as Markdown.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import machine
import numpy as np

OURS: dict[str, tuple[Any, ...]] = {
    "identity → identity → leiden": ("identity", "identity", "leiden"),
    "identity → umap → hdbscan": ("identity", "umap", "hdbscan"),
}
SCANPY = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import scanpy as sc
found = []
data = sc.read_h5ad(sys.argv[1])
for seed in range(int(sys.argv[2])):
    start = time.perf_counter()
    sc.pp.neighbors(data, use_rep="X_pca", random_state=seed)
    options = {"flavor": "igraph", "n_iterations": 2, "directed": False}
    sc.tl.leiden(data, random_state=seed, **(options if sys.argv[3] == "igraph" else {}))
    found.append((data.obs["leiden"].astype(int).tolist(), time.perf_counter() - start))
print(json.dumps(found))
"""
ROWS, COLUMNS, DENSITY = 100_000, 50_000, 0.001
SPARSE: dict[str, tuple[str, str]] = {
    "truncated_svd → identity → kmeans": ("identity", "kmeans"),
    "truncated_svd → umap → kmeans": ("umap", "kmeans"),
}


def ours(path: str, trio: tuple[Any, ...], seeds: int) -> list[tuple[np.ndarray, float]]:
    """Labels and seconds for each seed."""
    import n2d_framework as n2d
    from n2d_framework import data

    cells = data.load({"path": path, "x": "obsm/X_pca"})
    found = []
    for seed in range(seeds):
        start = time.perf_counter()
        model = n2d.N2D(*trio, scaler="none", random_state=seed).fit(cells)
        found.append((model.labels_, time.perf_counter() - start))
    return found


def theirs(python: str, path: str, flavor: str, seeds: int) -> list[tuple[np.ndarray, float]]:
    """The same of scanpy."""
    command = [python, "-c", SCANPY, path, str(seeds), flavor]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = said.stdout.strip().splitlines()
    return [(np.array(labels), seconds) for labels, seconds in json.loads(lines[-1])]


def row(name: str, found: list[tuple[np.ndarray, float]], y: np.ndarray) -> str:
    """One line of the table."""
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    ari = [adjusted_rand_score(y, labels) for labels, _ in found]
    nmi = [normalized_mutual_info_score(y, labels) for labels, _ in found]
    numbers = [len(set(labels.tolist()) - {-1}) for labels, _ in found]
    seconds = min(seconds for _, seconds in found)
    return (
        f"| {name} | {np.mean(ari):.3f} ± {np.std(ari):.3f} | {np.mean(nmi):.3f} "
        f"| {min(numbers)} to {max(numbers)} | {seconds:.2f} |"
    )


def anonymous() -> int:
    """Bytes of anonymous memory of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("this system does not say how much memory is anonymous")


def sparse(manifolder: str, clusterer: str) -> None:
    """Fit and predict sparse rows in this process, and print what they took."""
    import scipy.sparse as sp

    import n2d_framework as n2d

    rng = np.random.default_rng(0)
    made = sp.random_array((ROWS, COLUMNS), density=DENSITY, rng=rng, format="csr", dtype="f4")
    peak, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            peak[0] = max(peak[0], anonymous())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    model = n2d.N2D("truncated_svd", manifolder, clusterer, n_clusters=8, random_state=0)
    model.fit(made)
    fitted = time.perf_counter()
    same = float((model.predict(made[:1000]) == model.labels_[:1000]).mean())
    done.set()
    watcher.join()
    print(json.dumps([fitted - start, peak[0], same]))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", nargs="?", help="AnnData with obsm/X_pca and obs/bulk_labels")
    parser.add_argument("--scanpy", help="interpreter of an environment with scanpy")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--sparse", action="store_true")
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    if arguments.work:
        sparse(*arguments.work)
        return
    print(machine.description(), "\n")
    if arguments.path:
        from n2d_framework import data

        y = data.load({"path": arguments.path, "x": "obsm/X_pca", "y": "obs/bulk_labels"}).y
        print("| pipeline | ARI | NMI | clusters | s, best |\n|---|---|---|---|---|")
        for flavor in ("leidenalg", "igraph") if arguments.scanpy else ():
            found = theirs(arguments.scanpy, arguments.path, flavor, arguments.seeds)
            print(row(f"scanpy: neighbors → leiden ({flavor})", found, y), flush=True)
        for name, trio in OURS.items():
            print(row(name, ours(arguments.path, trio, arguments.seeds), y), flush=True)
    if arguments.sparse:
        print("\n| pipeline | fit, s | anonymous memory, GiB | labels given back |")
        print("|---|---|---|---|")
        for name, (manifolder, clusterer) in SPARSE.items():
            command = [sys.executable, __file__, "--work", manifolder, clusterer]
            said = subprocess.run(command, capture_output=True, text=True, check=True)
            seconds, peak, same = json.loads(said.stdout.strip().splitlines()[-1])
            print(f"| {name} | {seconds:.0f} | {peak / 2**30:.2f} | {same:.3f} |", flush=True)


if __name__ == "__main__":
    main()
