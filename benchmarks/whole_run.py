"""A whole run in a fresh process beside ``n2d`` 0.3.2: load, fit, assess, save.

Run as ``python benchmarks/whole_run.py --peers PYTHON [--data usps] [--epochs 60]``, where PYTHON
is the interpreter of an environment with ``n2d==0.3.2``. Both train d-500-500-2000-10 on the same
rows for as many epochs, fit UMAP (10 dimensions, 20 neighbours, min_dist 0) and a mixture with
their own defaults, and save. The package's ``assess`` fails on today's NumPy, so that its labels
are scored by ours. Prints a table in Markdown: seconds of each part, of the whole process, scores.
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
from pathlib import Path
from typing import Any

import numpy as np


class Clock:
    """Seconds of the parts of a run, in order."""

    def __init__(self) -> None:
        self.parts: dict[str, float] = {}
        self._last = time.perf_counter()

    def __call__(self, part: str) -> None:
        """End a part."""
        now = time.perf_counter()
        self.parts[part] = now - self._last
        self._last = now


def ours(folder: Path, epochs: int, n_clusters: int) -> dict[str, float]:
    clock = Clock()
    import n2d_framework as n2d

    clock("import")
    x, y = np.load(folder / "x.npy"), np.load(folder / "y.npy")
    clock("load")
    model = n2d.N2D(
        {"name": "dense_ae", "epochs": epochs}, "umap", "gmm", n_clusters=n_clusters, random_state=0
    ).fit(x)
    clock("fit")
    model.assess(y)
    clock("assess")
    model.save(folder / "ours.n2d")
    clock("save")
    np.save(folder / "labels.npy", model.labels_)
    return clock.parts | {f"fit: {name}": value for name, value in model.seconds_.items()}


def n2d_package(folder: Path, epochs: int, n_clusters: int) -> dict[str, float]:
    clock = Clock()
    np.int = int  # type: ignore[attr-defined]  # noqa: NPY001 - the package expects it
    # umap-learn imports it where it is, and ClustPy's may not fit the PyTorch beside it.
    sys.modules["torchvision"] = None  # type: ignore[assignment]
    import n2d

    clock("import")
    x = np.load(folder / "x.npy")
    clock("load")
    model = n2d.n2d(
        n2d.AutoEncoder(x.shape[1], n_clusters),
        n2d.UmapGMM(n_clusters, umap_dim=n_clusters, umap_neighbors=20),
    )
    model.fit(x, epochs=epochs, batch_size=256, verbose=0)
    clock("fit")
    labels = model.predict(x)
    clock("assess")
    n2d.save_n2d(model, str(folder / "encoder.h5"), str(folder / "manifold.pickle"))
    clock("save")
    np.save(folder / "labels.npy", labels)
    return clock.parts


CONTENDERS: dict[str, Callable[[Path, int, int], dict[str, float]]] = {
    "ours": ours,
    "n2d": n2d_package,
}


def run(name: str, python: str, folder: Path, epochs: int, n_clusters: int) -> dict[str, Any]:
    """Run one contender in a fresh process; its parts, and the seconds of the whole process."""
    start = time.perf_counter()
    command = [python, __file__, "--child", name, "--folder", str(folder)]
    done = subprocess.run(
        [*command, "--epochs", str(epochs), "--n-clusters", str(n_clusters)],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        check=False,
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{name} failed:\n{done.stderr[-2000:]}")
    return {**json.loads(done.stdout.splitlines()[-1]), "whole process": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", help="interpreter of the environment with n2d")
    parser.add_argument("--data", default="usps")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--n-clusters", type=int, default=10)
    parser.add_argument("--contenders", nargs="+", default=list(CONTENDERS))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        contender = CONTENDERS[arguments.child]
        print(json.dumps(contender(arguments.folder, arguments.epochs, arguments.n_clusters)))
        return
    from machine import description

    from n2d_framework.data import load
    from n2d_framework.metrics import score

    data = load(arguments.data)
    rows = np.asarray(data.x, dtype=np.float32).reshape(len(data.x), -1)
    print(f"{description()}\n\n{arguments.data}, {len(rows)} rows, {arguments.epochs} epochs\n")
    found: dict[str, dict[str, Any]] = {}
    for name in arguments.contenders:
        with tempfile.TemporaryDirectory() as folder:
            np.save(Path(folder) / "x.npy", rows / max(float(rows.max()), 1e-9))
            np.save(Path(folder) / "y.npy", data.y)
            python = sys.executable if name == "ours" else arguments.peers
            found[name] = run(name, python, Path(folder), arguments.epochs, arguments.n_clusters)
            scores = score(data.y, np.load(Path(folder) / "labels.npy"))
            found[name] |= {"ACC": scores["acc"], "NMI": scores["nmi"]}
    parts = [*found["ours"]]
    print("| part | " + " | ".join(found) + " |\n|---|" + "---|" * len(found))
    for part in dict.fromkeys(parts):
        values = [f"{run[part]:.3g}" if part in run else "" for run in found.values()]
        print(f"| {part} | " + " | ".join(values) + " |")
    if "n2d" in found:
        ratio = found["n2d"]["whole process"] / found["ours"]["whole process"]
        print(f"\nOurs is {ratio:.2f} times as fast.")


if __name__ == "__main__":
    main()
