"""Clusters of tables with numbers, categories and gaps, next to the methods made for them.

Run as ``python benchmarks/mixed_tables.py credit.csv:class:customer_id mushrooms.csv:class``: each
file with the column of its classes and columns to leave out. ``--made`` adds tables that are
generated or made of scikit-learn's datasets, ``--trios`` compares trios behind the prepare
component ``table``. ``--resamples 200`` asks whether differences to the default are real: it draws
rows with replacement, clusters the drawn ones by each method, and gives the interval of the
difference in ARI over these samples. It needs kmodes and kmedoids (``pip install kmodes
kmedoids``), in an environment of their own. Means over seeds go to standard output as Markdown.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from sklearn.metrics import adjusted_rand_score as ari
from sklearn.metrics import normalized_mutual_info_score as nmi

import n2d_framework as n2d
from n2d_framework.metrics import accuracy

Table = tuple[str, pd.DataFrame, np.ndarray]
#: Behind `table`; the first is the default.
TRIOS: dict[str, tuple[Any, Any, Any, dict[str, Any]]] = {
    "identity, identity, kmeans": ("identity", "identity", "kmeans", {}),
    "famd: pca 10, identity, kmeans": (
        {"name": "pca", "latent_dim": 10}, "identity", "kmeans", {"balance": "famd"}),
    "identity, identity, gmm": ("identity", "identity", "gmm", {}),
    "identity, umap, kmeans": ("identity", "umap", "kmeans", {}),
    "identity, umap, gmm": ("identity", "umap", "gmm", {}),
    "gower: identity, umap manhattan, gmm": (
        "identity", {"name": "umap", "metric": "manhattan"}, "gmm", {"balance": "gower"}),
    "identity, umap 100 neighbours, kmeans": (
        "identity", {"name": "umap", "n_neighbors": 100}, "kmeans", {}),
    "identity, umap, hdbscan": (
        "identity", "umap", {"name": "hdbscan", "min_cluster_size": 50}, {}),
    "dense_ae 60 epochs, umap, gmm": ({"name": "dense_ae", "epochs": 60}, "umap", "gmm", {}),
}  # fmt: skip


def read(argument: str) -> Table:
    """A table from ``path:class[:column,column]``."""
    path, truth, *left = argument.split(":")
    frame = pd.read_csv(path)
    classes = pd.factorize(frame[truth])[0]
    drop = [truth, *(name for part in left for name in part.split(","))]
    return path.rsplit("/", 1)[-1].removesuffix(".csv"), frame.drop(columns=drop), classes


def made() -> Iterator[Table]:
    """Tables of which the classes are known: half of the columns cut to categories, with gaps."""
    from sklearn.datasets import load_breast_cancer, load_iris, load_wine, make_moons

    for load in (load_iris, load_wine, load_breast_cancer):
        data = load(as_frame=True)
        yield load.__name__.removeprefix("load_"), _cut(data.data), data.target.to_numpy()
    x, y = make_moons(600, noise=0.06, random_state=0)
    yield "moons", _cut(pd.DataFrame(np.repeat(x, 2, axis=1)), bins=8), y
    for seed in range(5):
        yield latent_classes(seed)


def _cut(frame: pd.DataFrame, bins: int = 4) -> pd.DataFrame:
    """Every other column as categories by its quantiles, and 3 % of all values missing."""
    frame = frame.rename(columns=str)
    for name in frame.columns[1::2]:
        codes = pd.qcut(frame[name], bins, labels=False, duplicates="drop")
        frame[name] = codes.map("v{}".format).astype(object)
    return frame.mask(np.random.default_rng(0).random(frame.shape) < 0.03)


def latent_classes(seed: int, n: int = 800) -> Table:
    """Numbers and categories that are independent given the class; some say nothing of it."""
    rng = np.random.default_rng(seed)
    k = int(rng.integers(2, 6))
    y = rng.choice(k, n, p=rng.dirichlet(np.full(k, 5.0)))
    columns: dict[str, Any] = {}
    for number in range(int(rng.integers(1, 6))):
        values = rng.normal(0, 1.5, k)[y] + rng.normal(size=n)
        columns[f"number {number}"] = np.exp(values) if rng.random() < 0.3 else values
    columns["noise"] = rng.normal(size=n) * 100
    for number in range(int(rng.integers(3, 9))):
        shares = rng.dirichlet(np.full(int(rng.integers(2, 8)), rng.choice([0.5, 2.0])), k)
        if rng.random() < 0.25:
            shares[:] = shares[0]
        drawn = [rng.choice(shares.shape[1], p=shares[label]) for label in y]
        columns[f"category {number}"] = np.array([f"v{code}" for code in drawn], dtype=object)
    frame = pd.DataFrame(columns)
    return f"latent classes {seed}", frame.mask(rng.random(frame.shape) < 0.03), y


def numbers_of(frame: pd.DataFrame) -> list[str]:
    return [name for name in frame if is_numeric_dtype(frame[name])]


def filled(frame: pd.DataFrame) -> pd.DataFrame:
    """Gaps of numbers by the median, of categories by one of their own; numbers standardized."""
    frame, numbers = frame.copy(), numbers_of(frame)
    for name in frame:
        if name in numbers:
            values = frame[name].fillna(frame[name].median()).astype(float)
            frame[name] = (values - values.mean()) / (values.std(ddof=0) or 1.0)
        else:
            frame[name] = frame[name].fillna("missing").astype(str)
    return frame


def gower(frame: pd.DataFrame) -> np.ndarray:
    """Gower's distances: the mean over columns of differences by range, and of mismatches."""
    frame, numbers = filled(frame), numbers_of(frame)
    total = np.zeros((len(frame), len(frame)))
    for name in frame:
        values = frame[name].to_numpy()
        if name in numbers:
            total += np.abs(values[:, None] - values) / (np.ptp(values) or 1.0)
        else:
            codes = pd.factorize(values)[0]
            total += codes[:, None] != codes
    return total / frame.shape[1]


def k_prototypes(frame: pd.DataFrame, k: int, seed: int) -> np.ndarray:
    from kmodes.kmodes import KModes
    from kmodes.kprototypes import KPrototypes

    frame, numbers = filled(frame), numbers_of(frame)
    places = [place for place, name in enumerate(frame) if name not in numbers]
    rows = frame.to_numpy(dtype=object)
    if not numbers:
        return KModes(k, n_init=5, random_state=seed).fit_predict(rows)
    return KPrototypes(k, n_init=3, random_state=seed).fit_predict(rows, categorical=places)


def gower_pam(frame: pd.DataFrame, k: int, seed: int) -> np.ndarray:
    import kmedoids

    return kmedoids.fasterpam(gower(frame), k, random_state=seed).labels.astype(int)


def gower_hdbscan(frame: pd.DataFrame, k: int, seed: int) -> np.ndarray:
    import hdbscan

    del k, seed
    size = max(15, len(frame) // 50)
    return hdbscan.HDBSCAN(min_cluster_size=size, metric="precomputed").fit_predict(gower(frame))


def onehot_kmeans(frame: pd.DataFrame, k: int, seed: int) -> np.ndarray:
    from sklearn.cluster import KMeans

    rows = pd.get_dummies(filled(frame)).to_numpy(float)
    return KMeans(k, n_init=10, random_state=seed).fit_predict(rows)


def ours(trio: str) -> Callable[[pd.DataFrame, int, int], np.ndarray]:
    *names, options = TRIOS[trio]

    def fit(frame: pd.DataFrame, k: int, seed: int) -> np.ndarray:
        prepare = {"name": "table", **options}
        return n2d.N2D(*names, prepare=prepare, n_clusters=k, random_state=seed).fit_predict(frame)

    return fit


def default(frame: pd.DataFrame, k: int, seed: int) -> np.ndarray:
    """Nothing chosen but the number of clusters and the seed."""
    config = {"model": {"n_clusters": k}, "random_state": seed}
    return n2d.compose(config).fit_predict(frame)


OTHERS: dict[str, Callable[[pd.DataFrame, int, int], np.ndarray]] = {
    "k-modes, k-prototypes": k_prototypes,
    "Gower + PAM": gower_pam,
    "Gower + HDBSCAN": gower_hdbscan,
    "one-hot + k-means": onehot_kmeans,
}


def differences(table: Table, methods: list[str], resamples: int) -> Iterator[str]:
    """Rows of Markdown: how ARI of other methods differs from that of the default, by samples.

    Each sample is one of rows with replacement, of which each method clusters the same ones.
    """
    name, frame, y = table
    k = len(np.unique(y))
    fits = {"default": default, **{method: OTHERS[method] for method in methods}}
    scores: dict[str, list[float]] = {method: [] for method in fits}
    for number in range(resamples):
        rows = np.random.default_rng(number).integers(0, len(y), len(y))
        drawn = frame.iloc[rows].reset_index(drop=True)
        for method, fit in fits.items():
            scores[method].append(ari(y[rows], fit(drawn, k, number)))
    mine = np.array(scores.pop("default"))
    for method, found in scores.items():
        gain = np.array(found) - mine
        low, high = np.quantile(gain, [0.025, 0.975])
        cells = (
            f"{mine.mean():.3f} ± {mine.std():.3f}",
            f"{np.mean(found):.3f}",
            f"{gain.mean():+.3f}",
            f"{low:+.3f} to {high:+.3f}",
            f"{(gain > 0).mean():.2f}",
        )
        yield f"| {name} | {method} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", help="path:class[:column,column]")
    parser.add_argument("--made", action="store_true")
    parser.add_argument("--trios", action="store_true")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--resamples", type=int, metavar="N", help="differences, by N samples")
    parser.add_argument(
        "--only", default=";".join(OTHERS), help="methods of --resamples, by semicolons"
    )
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    chosen = {name: ours(name) for name in TRIOS} if arguments.trios else OTHERS
    tables = [*map(read, arguments.tables), *(made() if arguments.made else ())]
    if arguments.resamples:
        print("| table | method | default's ARI | ARI | difference | 95 % | share above |")
        print("|---" * 7 + "|")
        for table in tables:
            for line in differences(table, arguments.only.split(";"), arguments.resamples):
                print(line, flush=True)
        return
    print("| table | method | clusters | ARI | ACC | NMI | s |\n|---|---|---|---|---|---|---|")
    for name, frame, y in tables:
        for method, fit in {"default": default, **chosen}.items():
            scores = []
            for seed in range(arguments.seeds):
                start = time.perf_counter()
                labels = fit(frame, len(np.unique(y)), seed)
                seconds = time.perf_counter() - start
                found = len(set(labels.tolist()) - {-1})
                scores.append((found, ari(y, labels), accuracy(y, labels), nmi(y, labels), seconds))
            found, *rest = np.mean(scores, axis=0)
            cells = [f"{found:g}", *(f"{score:.3f}" for score in rest[:3]), f"{rest[3]:.1f}"]
            print(f"| {name} | {method} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
