"""What sharing stages saves, and what a second worker process brings.

    python benchmarks/compare.py            # digits, light grid
    python benchmarks/compare.py --workers  # one process against two

Each cell of a grid is fitted by itself, one after the other and without a store; then the same
grid is compared with stages shared. Labels must be the same.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from pathlib import Path

import n2d_framework as n2d
from n2d_framework.data import load
from n2d_framework.experiment import plan_comparison
from n2d_framework.metrics import assess

GRID = {
    "data": "digits",
    "embedders": [
        {"name": "dense_ae", "hidden": [64, 64], "epochs": 20},
        {"name": "denoising_ae", "hidden": [64, 64], "epochs": 20},
        "pca",
    ],
    "manifolders": [{"name": "umap", "n_neighbors": 10}, "isomap", "pca", "identity"],
    "clusterers": [{"name": "gmm", "n_init": 3}, "kmeans", {"name": "hdbscan"}],
    "seeds": 2,
    "n_clusters": 10,
    "dbcv_rows": 0,
}
#: Cells that are bound by one core: what a second process can bring is seen best.
BOUND = {
    "data": "digits",
    "embedders": [{"name": "pca", "latent_dim": [10, 16, 24, 32]}],
    "manifolders": ["identity"],
    "clusterers": [{"name": "gmm", "n_init": 20}],
    "seeds": 6,
    "n_clusters": 10,
    "dbcv_rows": 0,
}


def one_by_one(config: dict) -> tuple[float, dict[str, float]]:
    """Seconds for all cells without sharing, and the accuracy of each."""
    planned = plan_comparison(config)
    data = load(config["data"])
    start, found = time.perf_counter(), {}
    for cell in planned.plan.cells:
        trio = (
            {"name": variant.choice.entry.qualified_name, **variant.options}
            for variant in (cell.embedder, cell.manifolder, cell.clusterer)
        )
        model = n2d.N2D(*trio, random_state=cell.seed).fit(data.x)
        found[cell.task.id] = assess(data.y, model.labels_, model.manifold_)["acc"]
    return time.perf_counter() - start, found


def shared(config: dict, **how: object) -> tuple[float, dict[str, float]]:
    """Seconds for all cells with stages shared, and the accuracy of each."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        found = n2d.compare(config, Path(folder) / "out", **how)  # type: ignore[arg-type]
        seconds = time.perf_counter() - start
        return seconds, dict(zip(found.table["cell"], found.table["acc"], strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", action="store_true", help="one process against two")
    workers = parser.parse_args().workers
    warnings.simplefilter("ignore")
    if workers:
        first, a = shared(BOUND, n_jobs=1)
        second, b = shared(BOUND, workers=2, n_jobs=1)
        names = "one process", "two processes"
    else:
        shared(GRID | {"seeds": [99], "clusterers": ["kmeans"]})  # imports and compilation
        first, a = one_by_one(GRID)
        second, b = shared(GRID)
        names = "one by one", "shared"
    assert a == b, "the results differ"
    print(f"{len(a)} cells  {names[0]}: {first:.1f} s  {names[1]}: {second:.1f} s")
    print(f"{first / second:.2f} times faster")


if __name__ == "__main__":
    main()
