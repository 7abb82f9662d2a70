"""Fits of rows on disk that do not fit into the memory they may take, and prediction by workers.

Run as ``python benchmarks/out_of_core.py fit FOLDER [--rows N] [--width D] [--memory SIZE]``,
``... peers FOLDER [--rows N] [--width D]`` or ``... predict FOLDER [--rows N]``. FOLDER is on a
disk with room for twice the data, which are written there once and kept.

* ``fit``: ``n2d run --memory`` of ``pca -> umap`` (landmarks) ``-> gmm`` on a ``.npy`` file.
* ``peers``: ``pca -> identity -> kmeans``, out of core and in memory, and scikit-learn's
  ``IncrementalPCA -> MiniBatchKMeans`` by ``partial_fit`` over the same file.
* ``predict``: ``n2d predict`` of a Parquet file, by itself on all cores, then by one and by two
  workers of a ``dask scheduler``, each of one thread on a core of its own.

Memory is the most that is anonymous in all processes of a command together, looked at every 0.1 s:
what is not pages of files.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from distributed import Client
from machine import description

CLUSTERS, INNER, BLOCK = 10, 12, 1 << 14
#: The peer: one process that reads blocks and writes its labels.
PEER = """
import sys, time, numpy as np
from sklearn.decomposition import IncrementalPCA
from sklearn.cluster import MiniBatchKMeans
x = np.load(sys.argv[1], mmap_mode="r")
low, high = x.min(axis=0), x.max(axis=0)
blocks = [slice(i, i + 16384) for i in range(0, len(x), 16384)]
def scaled(b): return (x[b] - low) / (high - low)
pca = IncrementalPCA(10)
for b in blocks: pca.partial_fit(scaled(b))
means = MiniBatchKMeans(10, random_state=0, batch_size=16384)
for b in blocks: means.partial_fit(pca.transform(scaled(b)))
labels = np.concatenate([means.predict(pca.transform(scaled(b))) for b in blocks])
np.savetxt(sys.argv[2], labels, fmt="%d")
"""


def written(folder: Path, rows: int, width: int) -> tuple[Path, Path]:
    """Clusters of which some overlap, as `benchmarks/scaling.py` makes them, and their classes."""
    path, classes = folder / f"{rows}x{width}.npy", folder / f"{rows}x{width}-y.npy"
    if classes.exists():
        return path, classes
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(CLUSTERS, width)) * 0.6
    shapes = (rng.normal(size=(CLUSTERS, INNER, width)) / np.sqrt(INNER)).astype(np.float32)
    y = rng.integers(0, CLUSTERS, rows)
    x = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(rows, width))
    for start in range(0, rows, BLOCK):
        part = slice(start, min(start + BLOCK, rows))
        inner = rng.standard_normal((part.stop - start, INNER), dtype=np.float32)
        block = np.empty((part.stop - start, width), dtype=np.float32)
        for one in range(CLUSTERS):
            mine = y[part] == one
            block[mine] = inner[mine] @ shapes[one] + centres[one]
        x[part] = block
    x.flush()
    np.save(classes, y)
    return path, classes


def watched(command: list[str], others: Sequence[psutil.Process] = ()) -> dict[str, Any]:
    """Seconds, and most anonymous memory of a command, its children and other processes."""
    start, peak = time.perf_counter(), 0.0
    process = subprocess.Popen(command, stderr=subprocess.STDOUT, stdout=subprocess.DEVNULL)
    root = psutil.Process(process.pid)
    while process.poll() is None:
        own = 0
        try:
            for member in (root, *root.children(recursive=True), *others):
                used = member.memory_info()
                own += used.rss - used.shared
        except psutil.NoSuchProcess:
            continue
        peak = max(peak, own / 2**30)
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    return {"seconds": time.perf_counter() - start, "anonymous": peak}


def n2d(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "n2d_framework", *map(str, arguments)]


def config(folder: Path, name: str, data: Path, **model: Any) -> Path:
    path = folder / f"{name}.json"
    about = {"data": str(data), "model": model | {"n_clusters": CLUSTERS}, "random_state": 0}
    path.write_text(json.dumps(about))
    return path


def accuracy(labels: np.ndarray, classes: Path) -> float:
    from n2d_framework.metrics import score

    return float(score(np.load(classes), labels)["acc"])


def labels_of(folder: Path) -> np.ndarray:
    return np.loadtxt(folder / "labels.csv", delimiter=",", skiprows=1, usecols=1, dtype=np.int64)


def fit(folder: Path, rows: int, width: int, memory: str) -> None:
    data, classes = written(folder, rows, width)
    given = config(
        folder, "fit", data, embedder="pca",
        manifolder={"name": "umap", "max_landmarks": 20_000, "transform_epochs": 30},
        clusterer={"name": "gmm", "n_init": 3, "max_landmarks": 20_000},
    )  # fmt: skip
    out = folder / "fit"
    found = watched(
        n2d("run", given, "--memory", memory, "--out", out, "--overwrite", "--no-store")
    )
    record = json.loads((out / "run.json").read_text())
    print(f"{data.stat().st_size / 1e9:.1f} GB, {rows} x {width}, memory {memory}")
    print(f"{found['seconds']:.0f} s, {found['anonymous']:.2f} GiB anonymous at most")
    print(f"ACC {accuracy(labels_of(out), classes):.3f}")
    print(json.dumps({"stages": record["stages"], "seconds": record["seconds"]}, indent=1))


def peers(folder: Path, rows: int, width: int, memory: str) -> None:
    data, classes = written(folder, rows, width)
    model = {"embedder": "pca", "manifolder": "identity",
             "clusterer": {"name": "kmeans", "n_init": 3}}  # fmt: skip
    given = config(folder, "peers", data, **model)
    plain = ["--no-plots", "--no-report", "--no-store", "--overwrite", "--n-jobs", 1]
    print("| what | seconds | anonymous, GiB | ACC |\n|---|---|---|---|")
    for name, more in (("n2d, out of core", ["--memory", memory]), ("n2d, in memory", [])):
        out = folder / "peers"
        found = watched(n2d("run", given, "--out", out, *plain, *more))
        _line(name, found, accuracy(labels_of(out), classes))
    labels = folder / "peer.txt"
    found = watched([sys.executable, "-c", PEER, str(data), str(labels)])
    _line("scikit-learn, incremental", found, accuracy(np.loadtxt(labels, dtype=int), classes))


def predict(folder: Path, rows: int, width: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    data, _ = written(folder, rows, width)
    table, x = data.with_suffix(".parquet"), np.load(data, mmap_mode="r")
    names = [f"f{j}" for j in range(width)]
    if not table.exists():
        with pq.ParquetWriter(table, pa.schema([(name, pa.float32()) for name in names])) as file:
            for start in range(0, rows, 1 << 16):
                block = x[start : start + (1 << 16)]
                file.write_table(pa.table({name: block[:, j] for j, name in enumerate(names)}))
    few = folder / "few.npy"
    np.save(few, x[:40_000])
    given = config(
        folder, "predict", few, embedder="pca",
        manifolder={"name": "umap", "max_landmarks": 20_000},
        clusterer={"name": "gmm", "n_init": 3, "max_landmarks": 20_000},
    )  # fmt: skip
    out = folder / "predict"
    watched(n2d("run", given, "--out", out, "--overwrite", "--no-plots", "--no-report"))
    print("| by | seconds | anonymous, GiB |\n|---|---|---|")
    target = folder / "labels-0.parquet"
    command = n2d("predict", out / "predict.n2d", table, "--overwrite", "-o")
    found = watched([*command, str(target)])
    print(f"| itself | {found['seconds']:.1f} | {found['anonymous']:.2f} |", flush=True)
    for workers in (1, 2):
        with cluster(folder, workers) as (address, others):
            target = folder / f"labels-{workers}.parquet"
            found = watched([*command, str(target), "--scheduler", address], others)
        name = "1 worker" if workers == 1 else f"{workers} workers"
        print(f"| {name} | {found['seconds']:.1f} | {found['anonymous']:.2f} |", flush=True)
    same = {(folder / f"labels-{one}.parquet").read_bytes() for one in (0, 1, 2)}
    print(f"the same table: {len(same) == 1}")


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[tuple[str, list[psutil.Process]]]:
    """A scheduler and workers of one thread, each on a core of its own, started by commands."""
    about = folder / f"scheduler-{workers}.json"
    about.unlink(missing_ok=True)
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    dask = [sys.executable, "-m", "dask"]
    started = [
        subprocess.Popen(
            [*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
             "--scheduler-file", str(about)], **silent,
        )
    ]  # fmt: skip
    while not (about.exists() and about.read_text().endswith("}")):
        time.sleep(0.1)
    address = json.loads(about.read_text())["address"]
    cores = sorted(os.sched_getaffinity(0))
    for core in cores[:workers]:
        worker = subprocess.Popen(
            [*dask, "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard",
             "--memory-limit", "0", "--local-directory", str(folder / "scratch")], **silent,
        )  # fmt: skip
        psutil.Process(worker.pid).cpu_affinity([core])
        started.append(worker)
    try:
        with Client(address) as client:
            client.wait_for_workers(workers, timeout=60)
        yield address, [psutil.Process(process.pid) for process in started]
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait()


def _line(name: str, found: dict[str, Any], acc: float) -> None:
    print(f"| {name} | {found['seconds']:.1f} | {found['anonymous']:.2f} | {acc:.3f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("fit", "peers", "predict"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--memory", default="4GiB")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    os.environ["TMPDIR"] = str(asked.folder)
    print(description(), flush=True)
    if asked.what == "predict":
        predict(asked.folder, asked.rows, asked.width)
    else:
        function = {"fit": fit, "peers": peers}[asked.what]
        function(asked.folder, asked.rows, asked.width, asked.memory)


if __name__ == "__main__":
    main()
