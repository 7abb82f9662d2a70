"""Accuracy that a choice without classes costs: rankings judged by regret.

Run as ``N2D_DATA=FOLDER python benchmarks/label_free_choice.py WORK [-o FILE]``. FOLDER has the
files of SETS; WORK keeps one comparison for each, so that a second run measures rankings only.

Each set is a grid of 26 trios and two seeds on at most ROWS rows. A ranking picks one clustering
of the grid without the classes. Its *regret* is the accuracy (or mutual information) of the best
clustering of the grid less that of the one it picks; ties count with the mean of those tied. Which
sets are looked at to choose a ranking, and on which it is judged, was fixed before anything ran.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from machine import description
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score
from sklearn.preprocessing import StandardScaler

import n2d_framework as n2d
from n2d_builtin.gmm.graph_modularity import NeighborGraph
from n2d_framework.data import load
from n2d_framework.data.sets.directories import data_folder
from n2d_framework.metrics import dbcv, silhouette
from n2d_framework.metrics.neighbor_graph import NeighborGraph as CommonGraph

ROWS, SEED = 400, 0
CHOICE = ("usps", "letter", "digits", "wine", "pbmc", "mushrooms")
JUDGED = ("mnist_test", "fashion", "satimage", "r8", "breast_cancer", "iris")


def part(x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """At most ROWS rows, drawn, as float32 vectors, and their classes as codes."""
    codes = np.unique(np.asarray(y), return_inverse=True)[1]
    chosen = np.random.default_rng(SEED).permutation(len(codes))[:ROWS]
    chosen.sort()
    rows = np.asarray(x)[chosen].reshape(len(chosen), -1).astype(np.float32)
    return rows, codes[chosen]


def file(name: str) -> str:
    folder = data_folder()
    assert folder is not None, "set N2D_DATA"
    return str(folder / name)


def known(path: str) -> tuple[np.ndarray, np.ndarray]:
    data = load(path)
    return part(data.x, data.y)


def standard(loader: Callable[..., Any]) -> tuple[np.ndarray, np.ndarray]:
    x, y = loader(return_X_y=True)
    return part(StandardScaler().fit_transform(x), y)


def mushrooms() -> tuple[np.ndarray, np.ndarray]:
    table = pd.read_csv(file("mushrooms_categorical.csv")).drop(columns="customer_id")
    return part(pd.get_dummies(table.drop(columns="class").fillna("none")), table["class"])


def r8() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    table = pd.read_parquet(file("reuters_r8.parquet"))
    words = TfidfVectorizer(max_features=5000, sublinear_tf=True, stop_words="english")
    found = words.fit_transform(table["text"].fillna(""))
    return part(TruncatedSVD(100, random_state=0).fit_transform(found), table["label"])


def pbmc() -> tuple[np.ndarray, np.ndarray]:
    data = load({"path": file("pbmc68k_reduced.h5ad"), "y": "obs/bulk_labels"})
    return part(data.x, data.y)


SETS: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {
    "usps": lambda: known("usps"),
    "mnist_test": lambda: known("mnist_test"),
    "fashion": lambda: known("fashion"),
    "digits": lambda: known("digits"),
    "letter": lambda: known(file("letter.npz")),
    "satimage": lambda: known(file("satimage.npz")),
    "pbmc": pbmc,
    "mushrooms": mushrooms,
    "r8": r8,
    "wine": lambda: standard(load_wine),
    "breast_cancer": lambda: standard(load_breast_cancer),
    "iris": lambda: standard(load_iris),
}


def compared(name: str, work: Path) -> tuple[n2d.Comparison, np.ndarray]:
    rows, y = SETS[name]()
    k, width = len(np.unique(y)), min(10, rows.shape[1] - 1)
    config = {
        "embedders": [
            "identity",
            {"name": "pca", "latent_dim": width},
            {"name": "dense_ae", "hidden": [128], "epochs": 20, "batch_size": 32},
        ],
        "manifolders": ["identity", {"name": "umap", "n_components": [2, 5]}],
        "clusterers": [{"name": "kmeans", "n_init": 3}, {"name": "gmm", "n_init": 1}, "hdbscan"],
        "exclude": [{"embedder": "identity", "manifolder": "identity", "clusterer": "gmm"}],
        "n_clusters": k,
        "seeds": 2,
        "dbcv_rows": 400,
    }
    return n2d.compare(config, work / name, data={name: (rows, y)}), rows


def common_space(rows: np.ndarray) -> np.ndarray:
    """The rows themselves, as at most 50 principal components."""
    n = min(50, *rows.shape)
    return PCA(n, random_state=0).fit_transform(rows)


def ranked(values: Any) -> np.ndarray:
    """Ranks, the best 1; what has no value is last."""
    return pd.Series(values).round(9).rank(ascending=False, na_option="bottom").to_numpy()


def alone(labels: np.ndarray) -> np.ndarray:
    """Labels in which each row of noise is a cluster of its own."""
    found = labels.copy()
    noise = found < 0
    found[noise] = found.max() + 1 + np.arange(noise.sum())
    return found


def centrality(ranks: np.ndarray) -> np.ndarray:
    """Agreement of each ranking with the others: the leading eigenvector of correlations."""
    corr = np.clip(np.corrcoef(ranks), 0, None)
    return np.abs(np.linalg.eigh(np.nan_to_num(corr))[1][:, -1])


def output(found: n2d.Comparison, key: str) -> np.ndarray:
    """Labels or coordinates that a stage gave."""
    return np.asarray(found.store.read(key)[1]["output"]["values"])


def spaces(found: n2d.Comparison, cells: pd.DataFrame) -> list[np.ndarray]:
    """Each distinct space of the grid: what manifolders gave."""
    keys = cells["manifolder_key"].unique()
    return [output(found, key).astype(np.float64) for key in keys]


def rankings(found: n2d.Comparison, rows: np.ndarray) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Cells that are done, and by each ranking a value for each; more is better."""
    table = found.table
    cells = table[table["status"] == "done"].reset_index(drop=True)
    labels = [output(found, key) for key in cells["clusterer_key"]]
    poor = cells["n_clusters_found"].to_numpy() < 2
    common = common_space(rows)
    coverage = np.array([(lab >= 0).mean() for lab in labels])
    k = int(cells["n_clusters"].dropna().iloc[0])
    clean = [alone(lab) for lab in labels]

    def judged(values: Any) -> np.ndarray:
        return np.where(poor, np.nan, np.asarray(values, float))

    def graph(points: np.ndarray) -> np.ndarray:
        made = NeighborGraph.of(points.astype(np.float32), k, seed=0, n_jobs=1)
        if len(made.rows) != len(points):
            return np.full(len(labels), np.nan)
        return judged([made.modularity(lab) for lab in clean])

    sil, joined = judged(cells["silhouette"]), CommonGraph.of(rows)
    every = spaces(found, cells)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        within = np.array(
            [judged([silhouette(s, lab, max_rows=400) for lab in labels]) for s in every]
        )
        across_modularity = np.array([graph(s) for s in every])
        result = {
            "silhouette, own space (default of 0.1)": sil,
            "silhouette, own space, times coverage": sil * coverage,
            "DBCV, own space": judged(cells["dbcv"]),
            "silhouette, common space": judged([silhouette(common, lab) for lab in labels]),
            "DBCV, common space": judged([dbcv(common, lab, max_rows=400) for lab in labels]),
            "modularity, common space (the default)": judged(
                [joined.modularity(lab) for lab in labels]
            ),
            "reconstruction": judged(-cells["embedder_loss"].astype(float)),
        }
    covered = judged(within * coverage)
    space_ranks = np.array([ranked(values) for values in covered])
    graph_ranks = np.array([ranked(values) for values in across_modularity])
    weights = centrality(space_ranks)
    result["silhouette, ranks over all spaces"] = judged(-space_ranks.mean(axis=0))
    result["silhouette, spaces weighted by agreement (ACE)"] = judged(
        -(weights @ space_ranks) / weights.sum()
    )
    result["modularity, mean over all spaces"] = judged(np.nanmean(across_modularity, axis=0))
    result["modularity, ranks over all spaces"] = judged(-graph_ranks.mean(axis=0))
    n = len(labels)
    ari, ami = np.eye(n), np.full((n, n), np.nan)
    seeds = cells["seed"].to_numpy()
    for a, b in combinations(range(n), 2):
        ari[a, b] = ari[b, a] = adjusted_rand_score(clean[a], clean[b])
        if seeds[a] == seeds[b]:
            ami[a, b] = ami[b, a] = adjusted_mutual_info_score(labels[a], labels[b])
    trio = cells[["embedder", "manifolder", "clusterer"]].agg("/".join, axis=1).to_numpy()
    same = trio[:, None] == trio[None, :]
    other = ~same
    stability = np.array([ari[i][same[i] & (np.arange(n) != i)].mean() for i in range(n)])
    result["stability over seeds"] = judged(stability)
    result["agreement (ARI) with other trios"] = judged((ari * other).sum(1) / other.sum(1))
    result["agreement (AMI) with other trios"] = judged(
        np.nanmean(np.where(other, ami, np.nan), axis=1)
    )
    three = [result["silhouette, own space (default of 0.1)"], result["DBCV, own space"], stability]
    result["ranks of silhouette, DBCV, stability (label_free)"] = judged(
        -np.mean([ranked(judged(v)) for v in three], axis=0)
    )
    modularity = result["modularity, common space (the default)"]
    agreement = result["agreement (AMI) with other trios"]
    result["ranks of modularity and agreement (AMI)"] = judged(
        -(ranked(modularity) + ranked(agreement)) / 2
    )
    result["ranks of modularity, agreement, own silhouette"] = judged(
        -(ranked(modularity) + ranked(agreement) + ranked(sil * coverage)) / 3
    )
    return cells, result


def regret(values: np.ndarray, scores: np.ndarray) -> float:
    """Loss of the pick; the mean over those that are tied, and over all where nothing is known."""
    if np.isnan(values).all():
        return float(scores.max() - scores.mean())
    top = np.nanmax(values)
    return float(scores.max() - scores[np.isclose(values, top, rtol=0, atol=1e-9)].mean())


def measured(name: str, work: Path) -> dict[str, Any]:
    """Regrets of every ranking on one set."""
    cells, result = rankings(*compared(name, work))
    acc, nmi = cells["acc"].to_numpy(), cells["nmi"].to_numpy()
    result["any (mean of all)"] = np.zeros(len(acc))
    regrets = [
        {"data": name, "ranking": ranking, "acc": regret(values, acc), "nmi": regret(values, nmi)}
        for ranking, values in result.items()
    ]
    return {"best": f"{acc.max():.3f} / {nmi.max():.3f}", "regrets": regrets}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--only", default=",".join((*CHOICE, *JUDGED)))
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    best: dict[str, str] = {}
    for name in arguments.only.split(","):
        kept = arguments.work / f"{name}.json"
        if not kept.exists():
            kept.write_text(json.dumps(measured(name, arguments.work)))
        known = json.loads(kept.read_text())
        rows += known["regrets"]
        best[name] = known["best"]
        print(name, "best", best[name], flush=True)
    text = "\n\n".join(page(pd.DataFrame(rows), best))
    print(text)
    if arguments.output is not None:
        arguments.output.write_text(text + "\n")


def page(frame: pd.DataFrame, best: dict[str, str]) -> list[str]:
    parts = [description()]
    for score in ("acc", "nmi"):
        wide = frame.pivot_table(index="ranking", columns="data", values=score, sort=False)
        for title, group in (("for the choice", CHOICE), ("judged", JUDGED)):
            names = [name for name in group if name in wide]
            if not names:
                continue
            part_ = wide[names].copy()
            part_.insert(0, "mean", part_.mean(axis=1))
            part_.insert(1, "worst", wide[names].max(axis=1))
            lines = [f"Regret in {score.upper()}, sets {title}:", ""]
            lines.append("| ranking | " + " | ".join(part_.columns) + " |")
            lines.append("|---" * (len(part_.columns) + 1) + "|")
            for ranking, values in part_.sort_values("mean").iterrows():
                lines.append(f"| {ranking} | " + " | ".join(f"{v:.3f}" for v in values) + " |")
            parts.append("\n".join(lines))
    parts.append("Best ACC / NMI of the grids: " + ", ".join(f"{k} {v}" for k, v in best.items()))
    return parts


if __name__ == "__main__":
    main()
