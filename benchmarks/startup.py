"""Time what a person waits for before anything happens: imports and light commands.

Run as ``python benchmarks/startup.py``. Each command is started afresh several times; the
median of the wall times is printed beside the goal. The two bundles, of digits, are made first.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

RUNS = 7
N2D = str(Path(sys.executable).with_name("n2d"))
CASES = (
    ("python -c pass", [sys.executable, "-c", "pass"], None),
    ("import n2d_framework", [sys.executable, "-c", "import n2d_framework"], None),
    ("n2d --help", [N2D, "--help"], 0.3),
    ("n2d components", [N2D, "components"], 0.5),
    ("n2d datasets", [N2D, "datasets"], 0.5),
)


TRIOS = {
    "pca-identity-kmeans": (("pca", "identity", "kmeans"), 1.0),
    "dense_ae-umap-gmm": (({"name": "dense_ae", "epochs": 1}, "umap", "gmm"), 3.0),
}


def predictions(folder: Path) -> list[tuple[str, list[str], float]]:
    """Commands that predict one row, with bundles made for them."""
    from sklearn.datasets import load_digits

    import n2d_framework as n2d

    x = load_digits().data
    np.save(folder / "row.npy", x[:1])
    found = []
    for name, (trio, goal) in TRIOS.items():
        bundle = folder / f"{name}.n2d"
        n2d.N2D(*trio, n_clusters=10, random_state=0).fit(x).save(bundle)
        command = [N2D, "predict", str(bundle), str(folder / "row.npy")]
        found.append((f"n2d predict, {name}", command, goal))
    return found


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    print(f"{'command':<34}{'median s':>10}{'goal s':>10}")
    with tempfile.TemporaryDirectory() as folder:
        for name, command, goal in (*CASES, *predictions(Path(folder))):
            seconds(command)
            median = statistics.median(seconds(command) for _ in range(RUNS))
            print(f"{name:<34}{median:>10.3f}{goal or '':>10}")


if __name__ == "__main__":
    main()
