"""Growth of seconds and memory with the number of rows, from 10^3 to 10^6.

Run as ``python benchmarks/scaling.py [--most N] [--out FOLDER]``. Rows are synthetic: 10 clusters
in 64 features, some of them overlapping. Every run is a process of its own, so that its peak
memory is its own; it fits a trio and predicts the same rows in pieces. Writes ``scaling.json``
and ``scaling.png`` into FOLDER and prints a table and the exponents: the slope of log seconds
over log rows on the last two decades. A run that FOLDER already has is not made again.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from machine import description

LANDMARKS = 20_000
TRIOS: dict[str, tuple[Any, Any, Any]] = {
    "pca-identity-kmeans": ("pca", "identity", {"name": "kmeans", "n_init": 3}),
    "pca-umap-gmm": (
        "pca",
        {"name": "umap", "n_neighbors": 20, "max_landmarks": LANDMARKS},
        {"name": "gmm", "n_init": 3, "max_landmarks": LANDMARKS},
    ),
    "pca-isomap-kmeans": (
        "pca",
        {"name": "isomap", "max_landmarks": 1000},
        {"name": "kmeans", "n_init": 3},
    ),
    "pca-identity-hdbscan": (
        "pca",
        "identity",
        {"name": "hdbscan", "min_cluster_size": 50, "max_landmarks": LANDMARKS},
    ),
}


def synthetic(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """10 clusters in 64 features: random affine images of 12-dimensional normal rows."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(10, 64)) * 0.6
    shapes = rng.normal(size=(10, 12, 64)) / np.sqrt(12)
    y = np.random.default_rng(1).integers(0, 10, rows)
    x = np.empty((rows, 64), dtype=np.float32)
    noise = np.random.default_rng(2)
    for start in range(0, rows, 50_000):
        part = slice(start, start + 50_000)
        inner = noise.normal(size=(len(y[part]), 12))
        x[part] = centres[y[part]] + np.einsum("nk,nkf->nf", inner, shapes[y[part]])
    return x, y


def one(name: str, rows: int) -> dict[str, Any]:
    import n2d_framework as n2d

    x, y = synthetic(rows)
    few = n2d.N2D(*TRIOS[name], n_clusters=10, random_state=0)
    few.fit(x[:1000])  # compiles, or reads what was compiled
    few.predict(x[:1000])
    begin_memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model = n2d.N2D(*TRIOS[name], n_clusters=10, random_state=0)
    started = time.perf_counter()
    model.fit(x)
    fit = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    step = 20_000
    labels = np.concatenate([model.predict(x[s : s + step]) for s in range(0, rows, step)])
    predict = time.perf_counter() - started
    scores = model.assess(y)
    return {
        "trio": name,
        "rows": rows,
        "fit_s": fit,
        "predict_s": predict,
        "fit_peak_MiB": peak / 1024,
        "before_fit_MiB": begin_memory / 1024,
        "predict_growth_MiB": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 1024,
        "same_labels": float(np.mean(labels == model.labels_)),
        "acc": float(scores["acc"]),
        "nmi": float(scores["nmi"]),
    }


def exponent(runs: list[dict[str, Any]], key: str) -> float:
    """Slope of the logarithms over the last two decades of rows."""
    last = [run for run in runs if run["rows"] * 100 >= runs[-1]["rows"]]
    if len(last) < 2:
        return float("nan")
    return float(
        np.polyfit(np.log([run["rows"] for run in last]), np.log([run[key] for run in last]), 1)[0]
    )


def table(results: list[dict[str, Any]], names: list[str]) -> str:
    """Seconds, memory and scores of all runs, and the exponents, in Markdown."""
    lines = [
        "| trio | rows | fit, s | predict, s | peak of the fit, MiB | predict adds, MiB | ACC |",
        "|---|---|---|---|---|---|---|",
    ]
    slopes = ["| trio | fit | predict |", "|---|---|---|"]
    for name in names:
        runs = sorted((r for r in results if r["trio"] == name), key=lambda run: run["rows"])
        for run in runs:
            cells = [f"{run[key]:.3g}" for key in ("fit_s", "predict_s")]
            cells += [f"{run[key]:.0f}" for key in ("fit_peak_MiB", "predict_growth_MiB")]
            lines.append(f"| {name} | {run['rows']:,} | {' | '.join(cells)} | {run['acc']:.3f} |")
        exponents = [f"{exponent(runs, key):.2f}" for key in ("fit_s", "predict_s")]
        slopes.append(f"| {name} | {' | '.join(exponents)} |")
    return "\n".join([*lines, "", "Exponents over the last two decades of rows:", "", *slopes])


def draw(results: list[dict[str, Any]], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
    keys = (("fit_s", "fit, s"), ("predict_s", "predict, s"), ("fit_peak_MiB", "peak, MiB"))
    for axis, (key, title) in zip(axes, keys, strict=True):
        for name in TRIOS:
            runs = [run for run in results if run["trio"] == name]
            if runs:
                rows = [run["rows"] for run in runs]
                axis.loglog(rows, [run[key] for run in runs], marker="o", label=name)
        axis.set(xlabel="rows", title=title)
        axis.grid(visible=True, which="major", alpha=0.3)
    axes[0].legend(fontsize=8)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, default=Path("scaling"))
    parser.add_argument("--trios", nargs="*", default=list(TRIOS))
    parser.add_argument("--one", nargs=2, metavar=("TRIO", "ROWS"))
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(one(arguments.one[0], int(arguments.one[1]))))
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    stored = arguments.out / "scaling.json"
    results = json.loads(stored.read_text()) if stored.exists() else []
    sizes = [n for n in (1000, 10_000, 100_000, 1_000_000) if n <= arguments.most]
    for rows in sizes:
        for name in arguments.trios:
            if any(run["trio"] == name and run["rows"] == rows for run in results):
                continue
            command = [sys.executable, __file__, "--one", name, str(rows)]
            environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment)
            results.append(json.loads(done.stdout.splitlines()[-1]))
            print(results[-1], flush=True)
            stored.write_text(json.dumps(results, indent=1))
    draw(results, arguments.out / "scaling.png")
    print(f"\n{description()}\n\n{table(results, arguments.trios)}")


if __name__ == "__main__":
    main()
