"""Placing of new rows by umap, and labels of new rows by hdbscan: seconds per row, and how well.

Run as ``python benchmarks/placing.py [DATA ...] [--seeds N] [--only quality|seconds]`` with .npz
files of rows ``x`` or ``z`` and classes ``y``; without, scikit-learn's digits. Half of the rows are
laid out, and the other half placed by the built-in umap as it is now, as it was for states of
version 1, and by umap-learn's ``transform`` on the same embedding. What is compared is the
accuracy of the classes of the ten nearest rows of the embedding, and the share of the nearest rows
in the embedding that are nearest rows of the new one in the data. Then 20,000 landmarks of ten
features from ``benchmarks/scaling.py``'s rows: milliseconds that processors computed for a row,
also where others use them, and milliseconds that passed.
"""

from __future__ import annotations

import argparse
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
from hdbscan import HDBSCAN, approximate_predict
from machine import description
from scaling import synthetic
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from n2d_builtin.hdbscan.hdbscan import Hdbscan
from n2d_builtin.umap.umap import Umap
from n2d_framework.plugin import FitContext, State

NEIGHBOURS, LANDMARKS, PLACED = 20, 20_000, 2000


def rows_of(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows in at most ten dimensions, and classes."""
    if path == "digits":
        x, y = load_digits(return_X_y=True)
    else:
        with np.load(path) as found:
            names = ("z", "y") if "z" in found else ("x_test", "y_test")
            x, y = (found[name] for name in names)
    x = x.reshape(len(x), -1).astype(np.float32)[:20_000]
    if x.shape[1] > 10:
        x = PCA(10, random_state=0).fit_transform(x)
    return np.ascontiguousarray(x, dtype=np.float32), y[:20_000]


def as_version_1(state: State) -> State:
    """The state as an older version would have written it."""
    return Umap.upgrade_state({k: v for k, v in state.items() if k != "placing"}, 1)


def theirs(model: Umap, rows: np.ndarray) -> object:
    """umap-learn's model with the given embedding."""
    from n2d_builtin.umap.umap_start import import_umap

    options = {"n_neighbors": model.n_neighbors, "min_dist": 0.0, "n_epochs": 11}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = import_umap().UMAP(n_components=model.n_components_, **options).fit(rows)
    peer.embedding_, peer.n_epochs = np.array(model.embedding_), None
    return peer


def scores(
    model: Umap, y: np.ndarray, new: np.ndarray, y_new: np.ndarray, at: np.ndarray
) -> tuple[float, float]:
    """Accuracy by the ten nearest in the embedding, and neighbours that are kept."""
    vote = KNeighborsClassifier(10).fit(model.embedding_, y)
    near = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(model.latent_)
    near = near.kneighbors(new, return_distance=False)
    found = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(model.embedding_)
    found = found.kneighbors(at, return_distance=False)
    kept = np.mean([np.isin(a, b).mean() for a, b in zip(found, near, strict=True)])
    return vote.score(at, y_new), kept


def quality(path: str, seeds: int) -> list[str]:
    x, y = rows_of(path)
    lines = []
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(x))
        half = len(x) // 2
        old_rows, new_rows = x[order[:half]], x[order[half:]]
        y_old, y_new = y[order[:half]], y[order[half:]]
        model = Umap(n_components=10).fit(old_rows, context=FitContext(seed=seed, n_jobs=2))
        # Equal rows are embedded once.
        _, first = np.unique(old_rows, axis=0, return_index=True)
        y_old = y_old[np.sort(first)]
        older = Umap(n_components=10)
        older.set_state(as_version_1(model.get_state()))
        peer = theirs(model, model.latent_)
        found = [
            scores(model, y_old, new_rows, y_new, at)
            for at in (
                model.transform(new_rows),
                older.transform(new_rows),
                peer.transform(new_rows),
            )
        ]
        cells = " | ".join(f"{acc:.4f} / {kept:.3f}" for acc, kept in found)
        lines.append(f"| {Path(path).stem} | {seed} | {cells} |")
        print(lines[-1], flush=True)
    return lines


def seconds() -> list[str]:
    x, _ = synthetic(LANDMARKS + PLACED)
    rows = PCA(10, random_state=0).fit_transform(x).astype(np.float32, order="C")
    known, new = rows[:LANDMARKS], rows[LANDMARKS:]
    context = FitContext(seed=0, n_jobs=2)
    umap = Umap(n_components=10, n_neighbors=NEIGHBOURS, n_epochs=20).fit(known, context=context)
    older = Umap(n_components=10, n_neighbors=NEIGHBOURS)
    older.set_state(as_version_1(umap.get_state()))
    hdbscan = Hdbscan(min_cluster_size=50).fit(known, context=context)
    before = Hdbscan(min_cluster_size=50)
    before.set_state(Hdbscan.upgrade_state(hdbscan.get_state(), 3))
    package = HDBSCAN(min_cluster_size=50, prediction_data=True).fit(known)
    lines = []
    for name, place in (
        ("umap", umap.transform),
        ("umap, state of version 1", older.transform),
        ("umap-learn", theirs(umap, known).transform),
        ("hdbscan", hdbscan.predict),
        ("hdbscan, state of version 3", before.predict),
        ("the hdbscan package", partial(approximate_predict, package)),
    ):
        place(new[:300])
        began, computed = time.perf_counter(), time.process_time()
        place(new)
        wall, computed = time.perf_counter() - began, time.process_time() - computed
        lines.append(f"| {name} | {computed / PLACED * 1e3:.3f} | {wall / PLACED * 1e3:.3f} |")
        print(lines[-1], flush=True)
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="*", default=["digits"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", choices=["quality", "seconds"])
    arguments = parser.parse_args()
    print(description())
    if arguments.only != "seconds":
        print("| rows | seed | ours | ours, version 1 | umap-learn |\n|---|---|---|---|---|")
        for path in arguments.data:
            quality(path, arguments.seeds)
    if arguments.only != "quality":
        print("| 20,000 landmarks | ms of processors a row | ms a row |\n|---|---|---|")
        seconds()
