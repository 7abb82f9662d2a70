"""Several processes: the same table, whoever is killed, and whoever else is at work."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.slow

LAUNCH = [sys.executable, "-m", "n2d_framework.cli", "compare"]


@pytest.fixture(scope="module")
def config(digits_file, tmp_path_factory) -> Path:
    """24 cells of 3 + 6 + 24 stages a second or so of work in all."""
    path = tmp_path_factory.mktemp("config") / "grid.json"
    grid = {
        "data": str(digits_file),
        "embedders": ["pca", "identity", {"name": "pca", "latent_dim": 15}],
        "manifolders": ["identity", {"name": "pca", "n_components": 5}],
        "clusterers": [{"name": "gmm", "n_init": [3, 4]}, {"name": "kmeans", "n_init": [9, 10]}],
        "n_clusters": 10,
        "dbcv_rows": 150,
    }
    path.write_text(json.dumps(grid))
    return path


@pytest.fixture(scope="module")
def whole(config, tmp_path_factory) -> tuple[bytes, float]:
    """The table of an uninterrupted run in one process, and how long it took."""
    out = tmp_path_factory.mktemp("whole") / "out"
    start = time.monotonic()
    finish(start_compare(config, out))
    return (out / "table.csv").read_bytes(), time.monotonic() - start


def start_compare(config: Path, out: Path, *more: str) -> subprocess.Popen[bytes]:
    command = [*LAUNCH, str(config), "--out", str(out), "--n-jobs", "1", "--quiet", *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes]) -> None:
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said.decode()


def entries(out: Path) -> dict[str, tuple[int, int]]:
    """Finished stages, each with what changes when it is written again."""
    found = {}
    for path in (out / "stages").rglob("*.stage"):
        about = path.stat()
        found[path.name] = (about.st_ino, about.st_mtime_ns)
    return found


def wait_for_entries(out: Path, process: subprocess.Popen[bytes], least: int) -> None:
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        if len(entries(out)) >= least:
            return
        time.sleep(0.01)


@pytest.mark.parametrize("least", [3, 12, 25])
def test_a_killed_driver_loses_and_repeats_nothing(config, whole, least, tmp_path):
    out = tmp_path / "out"
    process = start_compare(config, out)
    wait_for_entries(out, process, least)
    time.sleep(random.random() * 0.1)
    process.kill()
    process.communicate()
    before = entries(out)
    assert len(before) >= min(least, 3)
    finish(start_compare(config, out))
    after = entries(out)
    assert {name: after[name] for name in before} == before
    assert len(after) == 2 + 3 + 6 + 24
    assert (out / "table.csv").read_bytes() == whole[0]


@pytest.mark.parametrize("least", [3, 10, 20])
def test_a_killed_worker_loses_and_repeats_nothing(config, whole, least, tmp_path):
    out = tmp_path / "out"
    process = start_compare(config, out, "--workers", "2")
    wait_for_entries(out, process, least)
    before = entries(out)
    workers = [
        child
        for child in psutil.Process(process.pid).children(recursive=True)
        if "spawn_main" in " ".join(child.cmdline())
    ]
    assert len(workers) >= 2
    os.kill(random.choice(workers).pid, signal.SIGKILL)
    finish(process)
    after = entries(out)
    assert {name: after[name] for name in before} == before
    assert (out / "table.csv").read_bytes() == whole[0]


def test_a_killed_driver_takes_its_workers_along(config, whole, tmp_path):
    out = tmp_path / "out"
    process = start_compare(config, out, "--workers", "2")
    wait_for_entries(out, process, 8)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []
    finish(start_compare(config, out, "--workers", "2"))
    assert (out / "table.csv").read_bytes() == whole[0]


def test_several_comparisons_at_once_on_one_store_and_folder(config, whole, tmp_path):
    store = ("--store", str(tmp_path / "stages"))
    processes = [start_compare(config, tmp_path / name, *store) for name in ("a", "b", "a")]
    for process in processes:
        finish(process)
    for name in ("a", "b"):
        assert (tmp_path / name / "table.csv").read_bytes() == whole[0]


def test_a_scheduler_and_workers_started_by_hand(config, whole, tmp_path):
    address_file = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker"]
    file = ("--scheduler-file", str(address_file))
    scratch = ("--local-directory", str(tmp_path / "scratch"))
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = [
        subprocess.Popen(
            [*dask, "--host", "127.0.0.1", "--port", "0", "--no-dashboard", *file],
            **quiet,
        )
    ]
    try:
        deadline = time.monotonic() + 60
        while not address_file.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        address = json.loads(address_file.read_text())["address"]
        started += [
            subprocess.Popen(
                [*worker, address, "--nthreads", "1", "--no-dashboard", *scratch],
                **quiet,
            )
            for _ in range(2)
        ]
        out = tmp_path / "out"
        store = ("--store", str(tmp_path / "shared"))
        finish(start_compare(config, out, "--scheduler", address, *store))
        assert (out / "table.csv").read_bytes() == whole[0]
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(timeout=30)
