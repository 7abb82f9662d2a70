"""Clusterings of texts next to BERTopic: quality, seconds, memory, and what a saved model answers.

Run as ``python benchmarks/texts.py news20.parquet reuters_r8.parquet --bertopic PYTHON``, where
files have the columns ``text`` and ``label`` and PYTHON is the interpreter of an environment with
BERTopic. All seeds of a model run in one process, on one thread, after a fit of a few rows that is
not counted. BERTopic is handed the embeddings of our default, which are made in another process,
and the number of classes where it can take it; its models of one seed share the UMAP, whose
seconds count for each. ``fit`` and ``embed`` are seconds of computing (of the processor, which
other jobs lengthen less than those of the clock), ``mib`` is the peak of the process, ``same`` the
share of 500 labels that a saved and reloaded model repeats. Both name clusters by their words.
The table goes to standard output as Markdown, single fits to standard error.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

#: What is changed in the model that a run of texts has by default.
OURS: dict[str, dict[str, Any]] = {
    "the default": {},
    "gmm": {"clusterer": "gmm"},
    "tfidf_svd": {"embedder": "tfidf_svd"},
    "static_words": {"embedder": "static_words"},
}
#: Models of BERTopic.
THEIRS = ("k-means", "defaults", "nr_topics")
_SCORES = (
    "nmi", "ari", "clusters", "noise", "embed", "fit", "mib", "reload", "saved_mb", "same",
)  # fmt: skip
_WARM = 300


def read(path: str) -> tuple[list[str], np.ndarray]:
    import pandas as pd

    table = pd.read_parquet(path)
    return table["text"].tolist(), pd.factorize(table["label"])[0]


def ours(name: str, path: str, seeds: int, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    import n2d_framework as n2d

    texts, y = read(path)
    k = len(np.unique(y))

    def made(seed: int, **changed: Any) -> Any:
        config = {"model": {**OURS[name], "n_clusters": k, **changed}, "random_state": seed}
        return n2d.compose(config, n_jobs=1, store=folder / "store")

    made(0).fit(texts[:_WARM])
    quick = {"manifolder": "identity", "clusterer": {"name": "kmeans", "n_init": 1}, "describe": []}
    for seed in range(seeds):
        start = time.process_time()
        made(seed, **quick).fit(texts)  # the store keeps the latent rows for the fit that follows
        embedded = time.process_time()
        model = made(seed)
        labels = model.fit_predict(texts)
        took = time.process_time() - embedded
        expected = model.predict(texts[:500])
        saved = folder / "model.n2d"
        model.save(saved)
        again = time.perf_counter()
        found = n2d.load(saved).predict(texts[:500])
        yield name, {
            "labels": labels, "embed": embedded - start, "fit": took,
            "reload": time.perf_counter() - again, "saved_mb": saved.stat().st_size / 1e6,
            "same": float((found == expected).mean()),
        }  # fmt: skip


def theirs(
    names: list[str], path: str, seeds: int, folder: Path
) -> Iterator[tuple[str, dict[str, Any]]]:
    from umap import UMAP

    texts, y = read(path)
    k, latent = len(np.unique(y)), np.load(folder / "0.npy")
    small = UMAP(15, n_components=5, metric="cosine", random_state=0).fit(latent[:_WARM])
    _topics("defaults", small, k, 0).fit(texts[:_WARM], latent[:_WARM])
    for seed in range(seeds):
        latent = np.load(folder / f"{seed}.npy")
        start = time.process_time()
        umap = UMAP(15, n_components=5, min_dist=0.0, metric="cosine", random_state=seed)
        umap.fit(latent)
        shared = time.process_time() - start
        for name in names:
            topics = _topics(name, umap, k, seed)
            start = time.process_time()
            labels, _ = topics.fit_transform(texts, latent)
            took = shared + time.process_time() - start
            expected, _ = topics.transform(texts[:500], latent[:500])
            saved = folder / f"{name}-{seed}"
            topics.save(str(saved), serialization="safetensors", save_ctfidf=True)
            again = time.perf_counter()
            loaded = type(topics).load(str(saved))
            found, _ = loaded.transform(texts[:500], latent[:500])
            yield name, {
                "labels": np.asarray(labels), "fit": took, "reload": time.perf_counter() - again,
                "saved_mb": sum(file.stat().st_size for file in saved.iterdir()) / 1e6,
                "same": float((np.asarray(found) == np.asarray(expected)).mean()),
            }  # fmt: skip


class Fitted:
    """A UMAP that was fitted, for a model that would fit it again."""

    def __init__(self, umap: Any) -> None:
        self.umap = umap

    def fit(self, *_: Any, **__: Any) -> Fitted:
        """Nothing is left to do."""
        return self

    def transform(self, rows: Any) -> Any:
        """Coordinates of the rows of the fit, or of others."""
        whole = len(rows) == len(self.umap.embedding_)
        return self.umap.embedding_ if whole else self.umap.transform(rows)


def _topics(name: str, umap: Any, k: int, seed: int) -> Any:
    from bertopic import BERTopic
    from hdbscan import HDBSCAN
    from sklearn.cluster import KMeans

    if name == "k-means":
        clusterer = KMeans(k, n_init=20, random_state=seed)
    else:
        clusterer = HDBSCAN(min_cluster_size=10, prediction_data=True)
    return BERTopic(
        embedding_model=None, umap_model=Fitted(umap), hdbscan_model=clusterer,
        nr_topics=k + 1 if name == "nr_topics" else None,
    )  # fmt: skip


def embed(path: str, seed: int, target: Path) -> float:
    """Write latent rows of the default to a file; returns the seconds that they took."""
    from n2d_framework.plugin import FitContext, resolve

    texts = np.array(read(path)[0], dtype=object)
    start = time.process_time()
    component = resolve("embedder", "feature_union")
    np.save(target, component.fit_transform(texts, context=FitContext(seed=seed)))
    return time.process_time() - start


def scored(name: str, found: dict[str, Any], y: np.ndarray) -> None:
    """Print the scores of a fit as a line of JSON."""
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    labels = found.pop("labels")
    found |= {
        "name": name,
        "nmi": normalized_mutual_info_score(y, labels),
        "ari": adjusted_rand_score(y, labels),
        "clusters": len(set(labels.tolist()) - {-1}),
        "noise": float((labels == -1).mean()),
        "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(found), flush=True)


def in_a_process(
    python: str, side: str, names: list[str], path: str, seeds: int, folder: str
) -> Iterator[dict[str, Any]]:
    """Scores of all fits of some models, as they come."""
    command = [python, __file__, path, "--side", side, "--only", ",".join(names)]
    command += ["--seeds", str(seeds), "--folder", folder]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    process = subprocess.Popen(
        command, env={**os.environ, **threads}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("{"):
            yield json.loads(line)
    if process.wait():
        sys.exit(f"{side}, {', '.join(names)} on {path} failed")


def table(path: str, names: list[str], side: str, arguments: argparse.Namespace) -> None:
    """Print the rows of some models."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory(prefix="n2d-texts-") as folder:
        seconds = []
        if side == "BERTopic":
            seeds = range(arguments.seeds)
            seconds = [embed(path, seed, Path(folder) / f"{seed}.npy") for seed in seeds]
        python = sys.executable if side == "ours" else arguments.bertopic
        for one in in_a_process(python, side, names, path, arguments.seeds, folder):
            found = rows[one.pop("name")]
            found.append(({"embed": seconds[len(found)]} if seconds else {}) | one)
            print(path, side, names, json.dumps(one), file=sys.stderr, flush=True)
    for name, found in rows.items():
        means = [np.mean([row[score] for row in found]) for score in _SCORES]
        spread = np.std([row["nmi"] for row in found])
        cells = [f"{means[0]:.3f} ± {spread:.3f}", *(f"{mean:.3g}" for mean in means[1:])]
        print(f"| {Path(path).stem} | {side}: {name} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--bertopic", default="", metavar="PYTHON")
    parser.add_argument("--only", default="", help="names of models, by commas")
    parser.add_argument("--side", choices=("ours", "BERTopic"), help="only one of both")
    parser.add_argument("--folder", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    only = arguments.only.split(",") if arguments.only else [*OURS, *THEIRS]
    mine, other = ([name for name in names if name in only] for names in (OURS, THEIRS))
    if arguments.folder:
        path, y = arguments.files[0], read(arguments.files[0])[1]
        folder = Path(arguments.folder)
        fits = (
            ours(mine[0], path, arguments.seeds, folder)
            if arguments.side == "ours"
            else theirs(other, path, arguments.seeds, folder)
        )
        for name, found in fits:
            scored(name, found, y)
        return
    print("| data | model | " + " | ".join(_SCORES) + " |")
    print("|---" * (2 + len(_SCORES)) + "|")
    for path in arguments.files:
        if arguments.side != "BERTopic":
            for name in mine:
                table(path, [name], "ours", arguments)
        if arguments.bertopic and other and arguments.side != "ours":
            table(path, other, "BERTopic", arguments)


if __name__ == "__main__":
    main()
