"""Frequency with which a mixture finds the classes on our UMAP layouts and on umap-learn's.

Run as ``python benchmarks/umap_reliability.py LATENT.npz ... [--seeds 20] [--record FILE]``; each
file has latent rows `z` and classes `y` (``--make FOLDER`` trains seven autoencoders on usps,
mnist_test, the test part of fashion, and letter.npz of the folder N2D_DATA, and writes such files).
On each latent space and with each seed both lay the rows out with equal options, and the mixture of
all defaults clusters the coordinates. Every layout is appended to the record, from which an
interrupted run resumes.

Prints, for each latent space and over all: mean accuracy, share of layouts on which the classes
are found (accuracy within .05 of the best of all on that space); unless ``--labels-only``, layout
energy (cross entropy of the graph per row) and the shares of the 5, 15, 50 and 150 nearest rows
kept; and the paired differences with 95 % intervals (bootstrap over pairs within each space).
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from n2d_builtin.common.threads import available_threads
from n2d_builtin.neighbors.neighbors import ExactNeighbors

NEIGHBORS, DIMENSION, SCALES = 20, 10, (5, 15, 50, 150)
FOUND_WITHIN, SAMPLED = 0.05, 1000
#: Dataset (or a file in the folder of datasets), its first row, and the seeds of autoencoders.
MADE = {
    "usps": ("usps", 0, (0, 2)),
    "mnist_test": ("mnist_test", 0, (0, 1)),
    "fashion_test": ("fashion", 60_000, (0, 1)),
    "letter": ("letter.npz", 0, (0,)),
}


def ours(z: np.ndarray, seed: int) -> np.ndarray:
    from n2d_builtin.umap.umap import Umap
    from n2d_framework.plugin import FitContext

    model = Umap(n_neighbors=NEIGHBORS, n_components=DIMENSION)
    return model.fit_transform(z, context=FitContext(seed=seed, n_jobs=available_threads()))


def library(z: np.ndarray, seed: int) -> np.ndarray:
    from n2d_builtin.umap.umap_start import import_umap

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = import_umap().UMAP(
            n_neighbors=NEIGHBORS, n_components=DIMENSION, min_dist=0.0, random_state=seed
        )
        return model.fit_transform(z)


LAYOUTS = {"ours": ours, "umap-learn": library}


def energy(z: np.ndarray, embedding: np.ndarray) -> float:
    """Cross entropy of graph and layout per row; pairs without an edge from a sample."""
    from n2d_builtin.umap import umap_library as umap

    a, b = umap.curve(1.0, 0.0)
    knn = ExactNeighbors(z).query_self(NEIGHBORS)
    graph = umap.neighbor_graph(*knn, set_op_mix_ratio=1.0, local_connectivity=1.0).tocoo()

    def closeness(i: np.ndarray, j: np.ndarray) -> np.ndarray:
        squared = ((embedding[i].astype(float) - embedding[j]) ** 2).sum(axis=1)
        return 1.0 / (1.0 + a * squared**b)

    n = len(z)
    attracted = -(graph.data * np.log(closeness(graph.row, graph.col))).sum() / n
    i, j = np.random.default_rng(0).integers(0, n, (2, 400_000))
    apart = closeness(i[i != j], j[i != j])
    # What the descent minimizes: negative rows are drawn in proportion to a row's edges.
    drawn = 5.0 * graph.data.sum() / n
    return float(attracted - drawn * np.log(np.maximum(1.0 - apart, 1e-4)).mean())


def kept(z: np.ndarray, embedding: np.ndarray) -> list[float]:
    """Shares of the nearest rows of a sample that are nearest in the layout too."""
    some = np.random.default_rng(0).choice(len(z), min(len(z), SAMPLED), replace=False)
    most = SCALES[-1] + 1
    before, after = (
        ExactNeighbors(rows).query(rows[some], most)[0][:, 1:]
        for rows in (z, np.ascontiguousarray(embedding, dtype=np.float32))
    )
    return [
        float(
            np.mean(
                [np.intersect1d(p[:k], q[:k]).size / k for p, q in zip(before, after, strict=True)]
            )
        )
        for k in SCALES
    ]


def measured(
    z: np.ndarray, y: np.ndarray, embedding: np.ndarray, seed: int, labels_only: bool
) -> dict[str, Any]:
    from n2d_builtin.gmm.gmm import GaussianMixture
    from n2d_framework.metrics import assess
    from n2d_framework.plugin import FitContext

    rows = np.ascontiguousarray(embedding, dtype=np.float32)
    context = FitContext(seed=seed, n_jobs=available_threads())
    found = GaussianMixture(n_clusters=len(np.unique(y))).fit(rows, context=context)
    one: dict[str, Any] = {"acc": assess(y, found.labels_)["acc"]}
    if not labels_only:
        one |= {"energy": energy(z, embedding), "kept": kept(z, embedding)}
    return one


def record(path: Path, files: list[Path], seeds: int, labels_only: bool) -> list[dict[str, Any]]:
    done = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    known = {(one["space"], one["seed"], one["layout"]) for one in done}
    for seed in range(seeds):
        for file in files:
            stored = np.load(file)
            z = np.ascontiguousarray(stored["z"], dtype=np.float32)
            for layout, function in LAYOUTS.items():
                if (file.stem, seed, layout) in known:
                    continue
                started = time.perf_counter()
                embedding = function(z, seed)
                seconds = time.perf_counter() - started
                one = {"space": file.stem, "seed": seed, "layout": layout, "seconds": seconds}
                one |= measured(z, stored["y"], embedding, seed, labels_only)
                done.append(one)
                with path.open("a") as stream:
                    stream.write(json.dumps(one) + "\n")
    return done


def paired(done: list[dict[str, Any]], key: str) -> dict[str, np.ndarray]:
    """Differences ours - umap-learn by latent space."""
    values = {(one["space"], one["seed"], one["layout"]): one[key] for one in done}
    spaces: dict[str, list[float]] = {}
    for space, seed, layout in values:
        if layout == "ours" and (space, seed, "umap-learn") in values:
            difference = values[space, seed, layout] - values[space, seed, "umap-learn"]
            spaces.setdefault(space, []).append(difference)
    return {space: np.array(found, dtype=float) for space, found in spaces.items()}


def interval(spaces: dict[str, np.ndarray]) -> tuple[float, float, float]:
    """Mean over all pairs, with a 95 % interval: pairs are drawn again within each space."""
    rng = np.random.default_rng(0)
    draws = [
        np.mean([rng.choice(values, len(values)).mean() for values in spaces.values()])
        for _ in range(4000)
    ]
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(np.mean([values.mean() for values in spaces.values()])), float(low), float(high)


def show(done: list[dict[str, Any]]) -> None:
    best: dict[str, float] = {}
    for one in done:
        best[one["space"]] = max(best.get(one["space"], 0.0), one["acc"])
    for one in done:
        one["found"] = float(one["acc"] > best[one["space"]] - FOUND_WITHIN)
    whole = all("energy" in one for one in done)
    print("| latent space | layout | layouts | ACC mean (worst) | found |", end="")
    print(" energy | kept |\n|---|---|---|---|---|---|---|" if whole else "\n|---|---|---|---|---|")
    for space in best:
        for layout in LAYOUTS:
            some = [o for o in done if o["space"] == space and o["layout"] == layout]
            if not some:
                continue
            acc, found = (np.array([o[key] for o in some]) for key in ("acc", "found"))
            line = f"| {space} | {layout} | {len(some)} | {acc.mean():.3f} ({acc.min():.3f}) | "
            line += f"{found.mean():.2f} |"
            if whole:
                near = " ".join(f"{v:.3f}" for v in np.mean([o["kept"] for o in some], axis=0))
                line += f" {np.mean([o['energy'] for o in some]):.3f} | {near} |"
            print(line)
    for key in ("acc", "found", "energy")[: 3 if whole else 2]:
        spaces = paired(done, key)
        mean, low, high = interval(spaces)
        pairs = sum(len(values) for values in spaces.values())
        print(f"ours - umap-learn, {key}: {mean:+.4f} [{low:+.4f}, {high:+.4f}] over {pairs} pairs")


def make(folder: Path) -> None:
    import n2d_framework as n2d
    from n2d_framework.data import load

    folder.mkdir(parents=True, exist_ok=True)
    for name, (dataset, first, seeds) in MADE.items():
        stored = Path(os.environ.get("N2D_DATA", ".")) / dataset
        data = load(stored if stored.is_file() else dataset)
        x = data.x[first:]
        classes, y = np.unique(data.y[first:], return_inverse=True)
        for seed in seeds:
            embedder = {"name": "dense_ae", "epochs": 60, "latent_dim": DIMENSION}
            model = n2d.N2D(
                embedder, "identity", "kmeans", n_clusters=len(classes), random_state=seed
            )
            np.savez(folder / f"{name}_{seed}.npz", z=model.fit(x).latent_, y=y)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--record", type=Path, default=Path("umap_reliability.jsonl"))
    parser.add_argument("--labels-only", action="store_true")
    parser.add_argument("--make", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    if arguments.make:
        make(arguments.make)
        return
    show(record(arguments.record, arguments.files, arguments.seeds, arguments.labels_only))


if __name__ == "__main__":
    main()
