"""The other stages beside the libraries called by hand with their best settings.

Run as ``python benchmarks/manifolds.py [DATA] [--rows N] [--runs R] [--only NAME ...]`` (default:
digits). DATA as in ``umap_stage.py``: latent rows of 10 dimensions, of which ``hdbscan-2`` has the
first two. Ours and the library take turns in one process, on all processors:

* t-SNE beside openTSNE with its own exact neighbours;
* Isomap on 2,000 landmarks beside scikit-learn's, fitted on the same rows, placing all;
* HDBSCAN beside the hdbscan package, both followed by labels and data for prediction;
* GMM (10 starts) beside scikit-learn's.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from latents import latent_rows

from n2d_builtin.common.threads import available_threads
from n2d_builtin.gmm.gmm import GaussianMixture
from n2d_builtin.hdbscan.hdbscan import Hdbscan
from n2d_builtin.isomap.isomap import Isomap
from n2d_builtin.tsne.tsne import Tsne
from n2d_framework.plugin import FitContext

Case = tuple[Callable[[np.ndarray], Any], Callable[[np.ndarray], Any]]
LANDMARKS = 2000


def context() -> FitContext:
    return FitContext(seed=0, n_jobs=available_threads())


def open_tsne(z: np.ndarray) -> Any:
    from openTSNE import TSNE

    return TSNE(neighbors="exact", n_jobs=available_threads(), random_state=0).fit(z)


def sklearn_isomap(z: np.ndarray) -> Any:
    from sklearn.manifold import Isomap as Theirs

    some = np.random.default_rng(0).choice(len(z), min(LANDMARKS, len(z)), replace=False)
    model = Theirs(n_neighbors=10, n_components=10, n_jobs=available_threads())
    return model.fit(z[some]).transform(z)


def hdbscan_package(z: np.ndarray) -> Any:
    from hdbscan import HDBSCAN

    jobs = available_threads()
    return HDBSCAN(min_cluster_size=50, prediction_data=True, core_dist_n_jobs=jobs).fit(z)


def sklearn_mixture(z: np.ndarray) -> Any:
    from sklearn.mixture import GaussianMixture as Theirs

    return Theirs(10, n_init=10, random_state=0).fit_predict(z)


def our_hdbscan(z: np.ndarray) -> Any:
    return Hdbscan(min_cluster_size=50).fit(z, context=context())


CASES: dict[str, Case] = {
    "tsne": (lambda z: Tsne().fit_transform(z, context=context()), open_tsne),
    "isomap": (
        lambda z: (
            Isomap(n_components=10, max_landmarks=LANDMARKS).fit(z, context=context()).transform(z)
        ),
        sklearn_isomap,
    ),
    "hdbscan-2": (lambda z: our_hdbscan(z[:, :2]), lambda z: hdbscan_package(z[:, :2])),
    "hdbscan-10": (our_hdbscan, hdbscan_package),
    "gmm": (
        lambda z: GaussianMixture(n_clusters=10).fit(z, context=context()).labels_,
        sklearn_mixture,
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", default="digits")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=list(CASES))
    arguments = parser.parse_args()
    z, _ = latent_rows(arguments.data, arguments.rows)
    print(f"{arguments.data}: {z.shape[0]} x {z.shape[1]}, {available_threads()} processors")
    print(f"{'stage':<12}{'ours, s':>10}{'library, s':>12}{'library / ours':>16}")
    warnings.simplefilter("ignore")
    for name in arguments.only:
        seconds: list[list[float]] = [[], []]
        for function in CASES[name]:
            function(z[:1000])
        for _ in range(arguments.runs):
            for spent, function in zip(seconds, CASES[name], strict=True):
                started = time.perf_counter()
                function(z)
                spent.append(time.perf_counter() - started)
        ours, library = map(statistics.median, seconds)
        print(f"{name:<12}{ours:>10.2f}{library:>12.2f}{library / ours:>16.2f}", flush=True)


if __name__ == "__main__":
    main()
