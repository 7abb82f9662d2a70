"""Resources of this machine, found out without importing anything heavy."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from n2d_framework.core.origin.code import extra_requirements, requirements
from n2d_framework.networks.keras_backend import chosen_backend
from n2d_framework.networks.precision import processor_instructions

__all__ = ["backend", "gpus", "hardware", "libraries", "required", "version_of"]

_FLAGS = ("avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "sve")
_BACKENDS = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}
_THREADS = (
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
)  # fmt: skip


def required() -> list[str]:
    """Names of the distributions that the framework needs."""
    return requirements("n2d_framework")


def libraries() -> dict[str, str | None]:
    """Installed versions of what the framework needs or can use; ``None`` where missing."""
    optional = [*extra_requirements("n2d_framework", "all"), "jax", "torch"]
    return {name: version_of(name) for name in dict.fromkeys([*required(), *optional])}


def version_of(name: str) -> str | None:
    """Installed version of a distribution; ``None`` if it is missing."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def hardware() -> dict[str, Any]:
    """Processor, usable cores and memory."""
    affinity = getattr(os, "sched_getaffinity", None)
    return {
        "processor": _processor(),
        "features": _features(),
        "cores": os.cpu_count() or 1,
        "usable_cores": len(affinity(0)) if affinity else os.cpu_count() or 1,
        "memory": _memory(),
        "thread_variables": {name: os.environ[name] for name in _THREADS if name in os.environ},
    }


def _cpuinfo() -> str:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _processor() -> str:
    named = re.search(r"^model name\s*:\s*(.+)$", _cpuinfo(), re.MULTILINE)
    return named[1].strip() if named else platform.processor() or platform.machine()


def _features() -> list[str]:
    present = set(processor_instructions())
    return [flag for flag in _FLAGS if flag in present]


def _memory() -> int | None:
    """Bytes this process may use: the machine's, or the container's limit if that is less."""
    sizes = []
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        sizes.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text().strip() if limit.is_file() else "max"
    if text.isdigit():
        sizes.append(int(text))
    return min(sizes, default=None)


def backend() -> tuple[str, str]:
    """The backend that Keras would use, and what says so."""
    name, said = chosen_backend()
    version = version_of(_BACKENDS.get(name, name))
    return f"{name} {version or '(not installed)'}", said


def gpus() -> list[str]:
    """Names of NVIDIA GPUs, as their driver lists them."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        listed = subprocess.run(  # noqa: S603  # a program of the driver, without arguments of users
            [program, "-L"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line.strip() for line in listed.stdout.splitlines() if line.startswith("GPU")]
