"""Starts of a mixture: which is kept, and whether some are from merged clusters.

Run as ``python benchmarks/mixture_starts.py DATA... [--seeds 5] [--rows N] [--unbalanced]``. DATA
are names of datasets or files. Rows are laid out by UMAP with its defaults, once per seed, and
clustered by mixtures: ten starts from k-means of which the likeliest, or that of the largest
modularity, is kept, and the default, which adds five from merged clusters. ``--unbalanced`` leaves
another share of each class, from 100 % to 6 %. Prints a table in Markdown: accuracy for each seed.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from machine import description

import n2d_framework as n2d
from n2d_framework.data import load
from n2d_framework.metrics import score
from n2d_framework.plugin import AnyArray

MIXTURES = {
    "likelihood": {"n_init": 10, "init": "kmeans", "selection": "likelihood"},
    "modularity": {"n_init": 10, "init": "kmeans"},
    "merged": {},
}


def unbalanced(y: AnyArray) -> AnyArray:
    """Numbers of rows, of each class in turn a smaller share."""
    classes = np.unique(y)
    shares = np.geomspace(1.0, 0.06, len(classes))
    members = [np.flatnonzero(y == one) for one in classes]
    return np.concatenate(
        [rows[: round(len(rows) * share)] for rows, share in zip(members, shares, strict=True)]
    )


def accuracies(x: Any, y: AnyArray, seed: int) -> list[float]:
    """Accuracy of each mixture, on one layout."""
    count = len(np.unique(y))
    layout = n2d.N2D("identity", "umap", "kmeans", n_clusters=count, random_state=seed).fit(x)
    coordinates = layout.transform(x)
    found = []
    for options in MIXTURES.values():
        mixture = {"name": "gmm", **options}
        model = n2d.N2D(
            "identity", "identity", mixture, n_clusters=count, random_state=seed, prepare=[]
        ).fit(coordinates)
        found.append(score(y, model.labels_)["acc"])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="+")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rows", type=int, help="take that many rows, the first ones")
    parser.add_argument("--unbalanced", action="store_true")
    arguments = parser.parse_args()
    print(description())
    print(f"\n| data | rows | seed | {' | '.join(MIXTURES)} |\n|---|---|---|---|---|---|")
    for path in arguments.data:
        data = load(path)
        x, y = np.asarray(data.x)[: arguments.rows], np.asarray(data.y)[: arguments.rows]
        if arguments.unbalanced:
            chosen = unbalanced(y)
            x, y = x[chosen], y[chosen]
        for seed in range(arguments.seeds):
            found = " | ".join(f"{one:.3f}" for one in accuracies(x, y, seed))
            print(f"| {data.name} | {len(x)} | {seed} | {found} |", flush=True)


if __name__ == "__main__":
    main()
