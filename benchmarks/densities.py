"""Local radii that a layout keeps: `umap` with and without `densmap`, beside umap-learn's.

Run as ``python benchmarks/densities.py [DATA ...] [--seeds N]`` with .npz files of rows ``x`` or
``z`` and classes ``y``; without, the digits of scikit-learn and clusters of different width made
up. Half of the rows are laid out in two dimensions with equal options, the other half placed
(umap-learn places none with densMAP). Printed are the correlation of the logarithms of the mean
distance to the 15 nearest rows in the data and in the layout, the same for the rows that were
placed (among the rows laid out), the accuracy of classes by the ten nearest rows of the layout,
for both, and processor seconds.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from machine import description
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from n2d_builtin.umap.umap import Umap
from n2d_framework.plugin import FitContext

NEIGHBORS, CLUSTERS, ROWS, MOST = 15, 8, 4000, 4000

Placed = tuple[np.ndarray, np.ndarray | None]


def clusters() -> tuple[np.ndarray, np.ndarray]:
    """Equally many rows in clusters of ten features, the widest 16 times the narrowest."""
    rng = np.random.default_rng(0)
    y = np.arange(ROWS) % CLUSTERS
    centres = rng.normal(size=(CLUSTERS, 10)) * 12
    widths = np.geomspace(0.25, 4.0, CLUSTERS)
    return (centres[y] + widths[y, None] * rng.normal(size=(ROWS, 10))).astype(np.float32), y


def rows_of(name: str) -> tuple[np.ndarray, np.ndarray]:
    if name == "clusters":
        return clusters()
    if name == "digits":
        x, y = load_digits(return_X_y=True)
    else:
        with np.load(name) as found:
            x, y = found["z" if "z" in found else "x"], found["y"]
    some = np.random.default_rng(0).permutation(len(x))[:MOST]
    return x.reshape(len(x), -1)[some].astype(np.float32), y[some]


def radii(rows: np.ndarray, among: np.ndarray | None = None) -> np.ndarray:
    """Logarithms of the mean distance to the nearest rows, other than the row itself."""
    search = NearestNeighbors(n_neighbors=NEIGHBORS).fit(rows if among is None else among)
    found = search.kneighbors(None if among is None else rows)[0].mean(axis=1)
    return np.log(found + 1e-9)


def ours(rows: np.ndarray, new: np.ndarray, seed: int, *, densmap: bool) -> Placed:
    model = Umap(n_neighbors=NEIGHBORS, n_components=2, min_dist=0.1, densmap=densmap)
    model.fit(rows, context=FitContext(seed=seed))
    return model.transform(rows), model.transform(new)


def library(rows: np.ndarray, new: np.ndarray, seed: int, *, densmap: bool) -> Placed:
    from n2d_builtin.umap.umap_start import import_umap

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = import_umap().UMAP(
            n_neighbors=NEIGHBORS, min_dist=0.1, densmap=densmap, random_state=seed
        )
        return model.fit_transform(rows), None if densmap else model.transform(new)


LAYOUTS: dict[str, Callable[..., Placed]] = {"ours": ours, "umap-learn": library}


def measured(name: str, seeds: int) -> list[str]:
    x, y = rows_of(name)
    half = len(x) // 2
    known, new, classes, classes_new = x[:half], x[half:], y[:half], y[half:]
    before, before_new = radii(known), radii(new, known)
    lines = []
    for layout, function in LAYOUTS.items():
        for densmap in (False, True):
            found = []
            for seed in range(seeds):
                started = time.process_time()
                at, placed = function(known, new, seed, densmap=densmap)
                seconds = time.process_time() - started
                kept = np.corrcoef(before, radii(at))[0, 1]
                there = vote_new = np.nan
                if placed is not None:
                    there = np.corrcoef(before_new, radii(placed, at))[0, 1]
                    vote_new = KNeighborsClassifier(10).fit(at, classes).score(placed, classes_new)
                vote = cross_val_score(KNeighborsClassifier(10), at, classes, cv=5).mean()
                found.append((kept, there, vote, vote_new, seconds))
            kept, there, vote, vote_new, seconds = np.mean(found, axis=0)
            spread = np.ptp([one[0] for one in found])
            cells = f"{kept:.3f} ± {spread / 2:.3f} | {there:.3f} | {vote:.3f} | {vote_new:.3f} "
            cells += f"| {seconds:.1f}"
            chosen = "yes" if densmap else "no"
            lines.append(f"| {Path(name).stem} | {layout} | {chosen} | {cells} |")
            print(lines[-1], flush=True)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="*", default=["clusters", "digits"])
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    print(description(), flush=True)
    print(
        "| rows | layout | densmap | radii kept | of placed rows | classes | of placed rows | s |"
    )
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for name in arguments.data:
        measured(name, arguments.seeds)


if __name__ == "__main__":
    main()
