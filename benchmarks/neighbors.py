"""Neighbours of all rows among themselves, beside scikit-learn's and pynndescent's searches.

Run as ``python benchmarks/neighbors.py [DATA] [--rows N] [--dimensions D ...] [--k K]`` (default:
digits). Rows are brought to each of the given numbers of dimensions by principal components; 0
leaves them as they are. All contenders search on all processors, in one process, one after the
other: ours, scikit-learn's ``brute`` and ``kd_tree`` (the tree up to 20 dimensions
only), and pynndescent, after a search of few rows, with which it compiles. Prints seconds,
the ratio to ours, and the share of our neighbours that each found (of equal distances either
counts).
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from latents import rows_of
from machine import description

from n2d_builtin.common.threads import available_threads
from n2d_builtin.neighbors.neighbors import ExactNeighbors

TREE_DIMENSIONS = 20
Search = Callable[[np.ndarray, int], np.ndarray]


def ours(x: np.ndarray, k: int) -> np.ndarray:
    return ExactNeighbors(x).query_self(k, n_jobs=available_threads())[1]


def scikit_learn(algorithm: str) -> Search:
    def search(x: np.ndarray, k: int) -> np.ndarray:
        from sklearn.neighbors import NearestNeighbors

        model = NearestNeighbors(algorithm=algorithm, n_jobs=available_threads()).fit(x)
        return model.kneighbors(x, k)[0]

    return search


def pynndescent(x: np.ndarray, k: int) -> np.ndarray:
    from pynndescent import NNDescent

    index = NNDescent(x, n_neighbors=k, random_state=0, n_jobs=available_threads())
    return index.neighbor_graph[1]


def seconds(search: Search, x: np.ndarray, k: int) -> tuple[float, np.ndarray]:
    search(x[:2500], k)
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = search(x, k)
    return time.perf_counter() - started, found


def contenders(width: int) -> dict[str, Search]:
    found: dict[str, Search] = {"ours": ours, "scikit-learn brute": scikit_learn("brute")}
    if width <= TREE_DIMENSIONS:
        found["scikit-learn kd_tree"] = scikit_learn("kd_tree")
    return found | {"pynndescent": pynndescent}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", default="digits")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--dimensions", type=int, nargs="+", default=[0, 20, 10])
    parser.add_argument("--k", type=int, default=20)
    arguments = parser.parse_args()
    print(
        f"{description()}\n\n| rows | by | s | ours is faster by | found |\n|---|---|---|---|---|"
    )
    for dimensions in arguments.dimensions:
        x = rows_of(arguments.data, arguments.rows, dimensions)
        measured: dict[str, Any] = {
            name: seconds(search, x, arguments.k) for name, search in contenders(x.shape[1]).items()
        }
        time_of_ours, exact = measured["ours"]
        farthest = exact[:, -1:] * (1 + 1e-5)
        for name, (spent, distances) in measured.items():
            share = float(np.mean(distances <= farthest))
            cells = [f"{x.shape[0]} x {x.shape[1]}", name, f"{spent:.1f}"]
            print(f"| {' | '.join(cells)} | {spent / time_of_ours:.1f} | {share:.4f} |", flush=True)


if __name__ == "__main__":
    main()
