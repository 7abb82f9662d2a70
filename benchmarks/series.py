"""Clusters of time series: autoencoders of n2d-sequence next to methods without a network.

In an environment with aeon, which pins other versions than ours, ``python benchmarks/series.py
--export FOLDER`` writes the datasets that aeon's wheel carries, with their catch22 features. Where
n2d-sequence is installed, ``python benchmarks/series.py FOLDER`` clusters them: k-means of raw
rows, of rows standardized one by one, of catch22 features and of principal components, UMAP and a
mixture of rows, and the same behind autoencoders. ``--variants`` compares options of the
convolutional one. All get the number of classes. Means over seeds, as Markdown.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SETS = ("BasicMotions", "JapaneseVowels", "ItalyPowerDemand", "OSULeaf", "ACSF1")
Series = dict[str, np.ndarray]
Labels = Callable[[Series, int, int], np.ndarray]


def export(folder: Path) -> None:
    """Series padded by zeros at their end, lengths, catch22 features and classes, as .npz."""
    from aeon.datasets import load_classification
    from aeon.transformations.collection.feature_based import Catch22

    folder.mkdir(parents=True, exist_ok=True)
    for name in SETS:
        found, classes = load_classification(name)
        lengths = np.array([one.shape[-1] for one in found])
        x = np.zeros((len(found), lengths.max(), found[0].shape[0]))
        for row, one in enumerate(found):
            x[row, : one.shape[-1]] = one.T
        features = Catch22(replace_nans=True).fit_transform(found)
        y = np.unique(classes, return_inverse=True)[1]
        np.savez_compressed(folder / f"{name}.npz", x=x, lengths=lengths, y=y, catch22=features)
        print(name, x.shape, f"lengths {lengths.min()} to {lengths.max()}", len(np.unique(y)))


def equal(series: Series) -> np.ndarray:
    """Series of one length: shorter ones interpolated, as for long tables."""
    x, lengths = series["x"], series["lengths"]
    steps = x.shape[1]
    if lengths.min() == steps:
        return x
    median = max(2, round(float(np.median(lengths))))
    at = np.linspace(0, 1, median)
    return np.stack(
        [
            np.stack(
                [np.interp(at, np.linspace(0, 1, n), row[:n, c]) for c in range(x.shape[2])], 1
            )
            for row, n in zip(x, lengths, strict=True)
        ]
    )


def standardized(x: np.ndarray) -> np.ndarray:
    """Each channel of each series to mean 0 and deviation 1, as is custom for the UCR archive."""
    spread = x.std(axis=1, keepdims=True)
    return (x - x.mean(axis=1, keepdims=True)) / np.where(spread > 1e-8, spread, 1.0)


def k_means(rows: np.ndarray, k: int, seed: int) -> np.ndarray:
    from sklearn.cluster import KMeans

    return KMeans(k, n_init=10, random_state=seed).fit_predict(rows.reshape(len(rows), -1))


def features(series: Series) -> np.ndarray:
    x = series["catch22"].reshape(len(series["x"]), -1)
    spread = x.std(axis=0)
    return (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def ours(embedder: Any, *, rows: Callable[[Series], np.ndarray] = equal) -> Labels:
    """UMAP and a mixture behind an embedder."""

    def fit(series: Series, k: int, seed: int) -> np.ndarray:
        import n2d_framework as n2d
        from n2d_framework.plugin import Dataset

        x, chosen = rows(series), embedder
        if isinstance(embedder, dict) and series["lengths"].min() < series["x"].shape[1]:
            x, chosen = series["x"], {**embedder, "padding_value": 0.0}
        scaler = "none" if isinstance(embedder, dict) else "minmax"
        data = Dataset(name="series", x=x, modality="sequence")
        model = n2d.N2D(chosen, "umap", "gmm", scaler=scaler, n_clusters=k, random_state=seed)
        return model.fit(data).labels_

    return fit


METHODS: dict[str, Labels] = {
    "k-means of rows": lambda s, k, seed: k_means(equal(s), k, seed),
    "k-means of standardized rows": lambda s, k, seed: k_means(standardized(equal(s)), k, seed),
    "k-means of catch22": lambda s, k, seed: k_means(features(s), k, seed),
    "rows, umap, gmm": ours("identity"),
    "standardized rows, umap, gmm": ours("identity", rows=lambda s: standardized(equal(s))),
    "pca, umap, gmm": ours("pca"),
    "conv1d_ae, umap, gmm": ours({"name": "conv1d_ae"}),
    "gru_ae, umap, gmm": ours({"name": "gru_ae"}),
    "lstm_ae, umap, gmm": ours({"name": "lstm_ae"}),
}
VARIANTS: dict[str, Labels] = {
    name: ours({"name": "conv1d_ae", **options})
    for name, options in {
        "as it is": {},
        "100 epochs": {"epochs": 100},
        "50 epochs": {"epochs": 50},
        "normalize: series": {"normalize": "series"},
        "pooling: max": {"pooling": "max"},
        "pooling: flatten": {"pooling": "flatten"},
        "series, flatten": {"normalize": "series", "pooling": "flatten"},
        "series, max": {"normalize": "series", "pooling": "max"},
        "batch 16": {"batch_size": 16},
        "batch 16, max": {"batch_size": 16, "pooling": "max"},
        "latent_dim 20": {"latent_dim": 20},
        "jitter, scaling": {"augmentation": {"jitter": 0.05, "scaling": 0.1}},
        "crop, warp": {"augmentation": {"crop": 0.1, "warp": 0.5}},
    }.items()
}
#: Longer series take recurrent networks minutes for each seed.
_LONGEST_RECURRENT = 150


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--export", action="store_true", help="write the datasets there, with aeon")
    parser.add_argument("--variants", action="store_true")
    parser.add_argument("--only", nargs="*", default=(), help="methods whose names hold a word")
    parser.add_argument("--sets", nargs="*", default=SETS)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.export:
        export(arguments.folder)
        return
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    from n2d_framework.metrics import accuracy

    warnings.simplefilter("ignore")
    chosen = VARIANTS if arguments.variants else METHODS
    print("| series | method | ACC | NMI | ARI | s |\n|---|---|---|---|---|---|")
    for name in arguments.sets:
        with np.load(arguments.folder / f"{name}.npz") as file:
            series = {key: file[key] for key in file}
        y = series["y"]
        for method, fit in chosen.items():
            recurrent = method.startswith(("gru", "lstm"))
            wanted = not arguments.only or any(word in method for word in arguments.only)
            if not wanted or (recurrent and series["x"].shape[1] > _LONGEST_RECURRENT):
                continue
            scores = []
            for seed in range(arguments.seeds):
                start = time.perf_counter()
                labels = fit(series, len(np.unique(y)), seed)
                seconds = time.perf_counter() - start
                scores.append(
                    (accuracy(y, labels), normalized_mutual_info_score(y, labels),
                     adjusted_rand_score(y, labels), seconds)
                )  # fmt: skip
            acc, nmi, ari, seconds = np.mean(scores, axis=0)
            spread = np.std([score[0] for score in scores])
            print(
                f"| {name} | {method} | {acc:.3f} ± {spread:.3f} | {nmi:.3f} | {ari:.3f} "
                f"| {seconds:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
