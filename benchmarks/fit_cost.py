"""Costs of fitting at two commits, in turns: features that are not used must cost nothing.

``python benchmarks/fit_cost.py BEFORE NOW``: interpreters of two environments, each with another
commit installed. In turns, five times, each fits three trios on 8,000 rows of 32 numbers, on one
thread, four times; of each trio the least processor time counts. Markdown on standard output.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

ROUNDS, REPEATS = 5, 4
TRIOS: dict[str, tuple[Any, Any, Any]] = {
    "pca → identity → kmeans": (
        {"name": "pca", "latent_dim": 10}, "identity", {"name": "kmeans", "n_init": 3},
    ),
    "identity → umap → gmm": (
        "identity", {"name": "umap", "n_epochs": 50, "n_components": 2},
        {"name": "gmm", "n_init": 2},
    ),
    "dense_ae → identity → kmeans": (
        {"name": "dense_ae", "epochs": 2, "batch_size": 256, "latent_dim": 8}, "identity",
        {"name": "kmeans", "n_init": 3},
    ),
}  # fmt: skip


def measure() -> dict[str, float]:
    """Processor seconds of a fit of each trio, the least of several after the first."""
    import numpy as np
    from sklearn.datasets import make_blobs

    import n2d_framework as n2d

    x = make_blobs(8000, 32, centers=8, random_state=0)[0].astype(np.float32)
    found = {}
    for name, trio in TRIOS.items():
        seconds = []
        for _ in range(REPEATS):
            model = n2d.N2D(*trio, n_clusters=8, random_state=0, n_jobs=1)
            start = time.process_time()
            model.fit(x)
            seconds.append(time.process_time() - start)
        found[name] = min(seconds[1:])
    return found


def main(before: str, now: str) -> None:
    """Measure both, and print the table."""
    rounds: dict[str, list[dict[str, float]]] = {before: [], now: []}
    for _ in range(ROUNDS):
        for python, found in rounds.items():
            command = [python, __file__, "--measure"]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found.append(json.loads(done.stdout.splitlines()[-1]))
    print("| trio | before, s | now, s | ratio |\n|---|---|---|---|")
    for name in TRIOS:
        old, new = (min(one[name] for one in found) for found in rounds.values())
        print(f"| {name} | {old:.3f} | {new:.3f} | {new / old:.2f} |")


if __name__ == "__main__":
    if sys.argv[1:] == ["--measure"]:
        print(json.dumps(measure()))
    else:
        main(*sys.argv[1:])
