"""Machine on which numbers were measured: processor, versions, and how fast it multiplies matrices.

Run as ``python benchmarks/machine.py`` to see it; the other scripts import it.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["best_seconds", "description", "matrix_peak"]

_SIDE = 2048
_PACKAGES = (
    "n2d_framework", "numpy", "keras", "tensorflow", "scikit-learn", "umap-learn", "numba", "dask"
)  # fmt: skip


def best_seconds(function: Callable[[], Any], repeats: int = 5) -> float:
    """Least wall time of several calls, after one that does not count."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def matrix_peak() -> dict[str, float]:
    """GFLOP/s of a 2048 x 2048 product: NumPy and TensorFlow float32, TensorFlow bfloat16."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    work = 2 * _SIDE**3 / 1e9
    matrix = np.random.default_rng(0).random((_SIDE, _SIDE), dtype=np.float32)
    found = {"float32, NumPy": work / best_seconds(lambda: matrix @ matrix)}
    for dtype in ("float32", "bfloat16"):
        tensor = tf.cast(matrix, dtype)
        found[f"{dtype}, TensorFlow"] = work / best_seconds(
            lambda tensor=tensor: tf.matmul(tensor, tensor)[0, 0].numpy()
        )
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    facts = {
        key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)
    }
    flags = set(facts.get("flags", "").split())
    known = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in flags]
    return f"{facts.get('model name', platform.machine())} ({', '.join(known) or 'no vectors'})"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def description() -> str:
    """One Markdown paragraph: processor, cores, system, versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{package} {_version(package)}" for package in _PACKAGES)
    return (
        f"Machine: {_processor()}, {len(os.sched_getaffinity(0))} cores; "
        f"{memory:.0f} GiB; Python {platform.python_version()}; {versions}."
    )


if __name__ == "__main__":
    print(description())
    for name, speed in matrix_peak().items():
        print(f"{name}: {speed:.0f} GFLOP/s")
