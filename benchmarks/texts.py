"""Clusterings of texts next to BERTopic: quality, seconds, memory, and what a saved model answers.

Run as ``python benchmarks/texts.py news20.parquet reuters_r8.parquet --bertopic PYTHON``, where
files have the columns ``text`` and ``label`` and PYTHON is the interpreter of an environment with
BERTopic, umap-learn and hdbscan (``pip install --no-deps bertopic``, then its dependencies but
sentence-transformers). Each fit is a process of its own, on one thread, so that its memory can be
measured; BERTopic is handed the embeddings of our default, which are made in another process, and
gets the number of classes as the others do, where it can take it. The table goes to standard
output as Markdown.
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
from pathlib import Path
from typing import Any

import numpy as np

#: The default for texts.
EMBEDDER, MANIFOLDER, CLUSTERER = "feature_union", {"name": "umap", "n_components": 5}, "kmeans"
#: Models of ours, by name.
OURS: dict[str, dict[str, Any]] = {
    "the default: feature_union / umap / kmeans": {},
    "feature_union / umap / gmm": {"clusterer": "gmm"},
    "tfidf_svd / umap / kmeans": {"embedder": "tfidf_svd"},
    "static_words / umap / kmeans": {"embedder": "static_words"},
}
#: Models of BERTopic, by what is changed.
THEIRS = {f"BERTopic, {about}": about for about in ("k-means", "defaults", "nr_topics")}
_SCORES = (
    "nmi",
    "ari",
    "clusters",
    "noise",
    "embed_s",
    "fit_s",
    "mib",
    "reload_s",
    "saved_mb",
    "same",
)


def read(path: str) -> tuple[list[str], np.ndarray]:
    import pandas as pd

    table = pd.read_parquet(path)
    return table["text"].tolist(), pd.factorize(table["label"])[0]


def ours(name: str, path: str, seed: int, folder: Path) -> dict[str, Any]:
    import n2d_framework as n2d

    texts, y = read(path)
    embed = time.perf_counter()
    parts = {"embedder": EMBEDDER, "manifolder": MANIFOLDER, "clusterer": CLUSTERER}
    options = parts | OURS[name]
    model = n2d.N2D(
        **options, n_clusters=len(np.unique(y)), random_state=seed, n_jobs=1, store=folder / "store"
    )
    _embedded(model, texts)
    start = time.perf_counter()
    labels = model.fit_predict(texts)
    took = time.perf_counter() - start
    expected = model.predict(texts)
    saved = folder / "model.n2d"
    model.save(saved)
    again = time.perf_counter()
    found = n2d.load(saved).predict(texts[:500])
    return {
        "labels": labels.tolist(), "embed_s": start - embed, "fit_s": took,
        "reload_s": time.perf_counter() - again, "saved_mb": saved.stat().st_size / 1e6,
        "same": float((found == expected[:500]).mean()),
    }  # fmt: skip


def _embedded(model: Any, texts: list[str]) -> None:
    """Let the store keep the latent rows, so that the fit that follows does not make them again."""
    import n2d_framework as n2d

    options = model.get_params(deep=False)
    n2d.N2D(
        **{**options, "manifolder": "identity", "clusterer": {"name": "kmeans", "n_init": 1}}
    ).fit(texts)


def theirs(name: str, path: str, seed: int, folder: Path) -> dict[str, Any]:
    from bertopic import BERTopic
    from hdbscan import HDBSCAN
    from sklearn.cluster import KMeans
    from umap import UMAP

    texts, y = read(path)
    latent, k = np.load(folder / "latent.npy"), len(np.unique(y))
    about = THEIRS[name]
    manifold = UMAP(15, n_components=5, min_dist=0.0, metric="cosine", random_state=seed)
    clusterer = (
        KMeans(k, n_init=20, random_state=seed)
        if about == "k-means"
        else HDBSCAN(min_cluster_size=10, prediction_data=True)
    )
    topics = BERTopic(
        embedding_model=None, umap_model=manifold, hdbscan_model=clusterer,
        nr_topics=k + 1 if about == "nr_topics" else None,
    )  # fmt: skip
    start = time.perf_counter()
    labels, _ = topics.fit_transform(texts, latent)
    took = time.perf_counter() - start
    expected, _ = topics.transform(texts[:500], latent[:500])
    saved = folder / "topics"
    topics.save(str(saved), serialization="safetensors", save_ctfidf=True)
    again = time.perf_counter()
    found, _ = BERTopic.load(str(saved)).transform(texts[:500], latent[:500])
    return {
        "labels": np.asarray(labels).tolist(), "fit_s": took,
        "reload_s": time.perf_counter() - again,
        "saved_mb": sum(file.stat().st_size for file in saved.iterdir()) / 1e6,
        "same": float((np.asarray(found) == np.asarray(expected)).mean()),
    }  # fmt: skip


def embed(path: str, seed: int, target: Path) -> float:
    """Write latent rows of the default to a file; returns the seconds that they took."""
    from n2d_framework.plugin import FitContext, resolve

    texts = np.array(read(path)[0], dtype=object)
    start = time.perf_counter()
    component = resolve("embedder", EMBEDDER)
    np.save(target, component.fit_transform(texts, context=FitContext(seed=seed)))
    return time.perf_counter() - start


def one(arguments: argparse.Namespace) -> None:
    """One fit in this process; its scores as a line of JSON."""
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    fit = ours if arguments.one in OURS else theirs
    found = fit(arguments.one, arguments.files[0], arguments.seed, Path(arguments.folder))
    labels, y = np.array(found.pop("labels")), read(arguments.files[0])[1]
    found |= {
        "nmi": normalized_mutual_info_score(y, labels),
        "ari": adjusted_rand_score(y, labels),
        "clusters": len(set(labels.tolist()) - {-1}),
        "noise": float((labels == -1).mean()),
        "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(found))


def in_a_process(python: str, name: str, path: str, seed: int, folder: Path) -> dict[str, float]:
    command = [python, __file__, path, "--one", name, "--seed", str(seed), "--folder", str(folder)]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    ran = subprocess.run(
        command, env={**os.environ, **threads}, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        sys.exit(f"{name} on {path}: {ran.stderr}")
    return json.loads(ran.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--bertopic", default="")
    parser.add_argument("--only", default="", help="names that contain this")
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--folder", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        one(arguments)
        return
    print("| data | model | " + " | ".join(_SCORES) + " |")
    print("|---" * (2 + len(_SCORES)) + "|")
    for path in arguments.files:
        for name in [*OURS, *(THEIRS if arguments.bertopic else ())]:
            if arguments.only in name:
                rows = []
                for seed in range(arguments.seeds):
                    with tempfile.TemporaryDirectory(prefix="n2d-texts-") as folder:
                        made = {}
                        if name in THEIRS:
                            made["embed_s"] = embed(path, seed, Path(folder) / "latent.npy")
                        python = arguments.bertopic if name in THEIRS else sys.executable
                        rows.append(made | in_a_process(python, name, path, seed, Path(folder)))
                means = [np.mean([row[score] for row in rows]) for score in _SCORES]
                spread = np.std([row["nmi"] for row in rows])
                cells = [f"{means[0]:.3f} ± {spread:.3f}", *(f"{mean:.3g}" for mean in means[1:])]
                print(f"| {Path(path).stem} | {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
