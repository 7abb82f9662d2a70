"""Time that a description of many rows takes.

``python benchmarks/describing.py mnist.npz`` fits k-means on the principal components of 70,000
rows of 784, and writes benchmarks/results/describing.md: seconds of ``describe``, by the clock and
of the processor, which other programs on the machine do not lengthen.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np

import n2d_framework as n2d

RESULTS = Path(__file__).with_name("results") / "describing.md"


def main(source: Path) -> None:
    """Measure, and write what was found."""
    with np.load(source) as file:
        rows = np.concatenate([file[name] for name in ("x_train", "x_test")])
    x = rows.reshape(len(rows), -1).astype(np.float32)
    options = {"name": "kmeans", "n_init": 1}
    model = n2d.N2D("pca", "identity", options, n_clusters=10, random_state=0).fit(x)
    load, start, own = os.getloadavg()[0], time.perf_counter(), time.process_time()
    described = model.describe(x)
    clock, processor = time.perf_counter() - start, time.process_time() - own
    RESULTS.write_text(
        "# Describing many rows\n\n"
        f"`python benchmarks/describing.py mnist.npz`: {len(x):,} rows of {x.shape[1]}, "
        f"{len(described['clusters'])} clusters, exemplars, contrasts, and rules from a tree on "
        f"10,000 rows (fidelity {described['fidelity']:.2f}): {clock:.1f} s, of which the "
        f"processor worked {processor:.1f} s; wanted 10 s. {os.cpu_count()} cores, load "
        f"{load:.1f}.\n",
        encoding="utf-8",
    )
    sys.stdout.write(RESULTS.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
