"""Sizes of memory as users write them, and what this process takes."""

from __future__ import annotations

import re
from pathlib import Path

from n2d_framework.errors import ConfigError, Problem

__all__ = ["GIB", "memory_size", "memory_text", "own_memory"]

GIB = 1 << 30
_UNITS = {
    "": GIB, "gib": GIB, "mib": 1 << 20, "tib": 1 << 40, "gb": 10**9, "mb": 10**6, "tb": 10**12,
}  # fmt: skip


def memory_size(value: object, path: str = "memory") -> float:
    """A size of memory in GiB.

    Parameters
    ----------
    value : str or float
        ``"4GiB"``, ``"800 MiB"``, ``"4GB"``; a number is one of GiB.
    path : str, default "memory"
        What it is called where users give it, for messages.

    Raises
    ------
    ConfigError
        If it is not a positive size.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", str(value))
    unit = None if match is None else _UNITS.get(match[2].lower())
    if isinstance(value, bool) or match is None or unit is None or not float(match[1]):
        raise ConfigError([Problem(path, f"must be a size such as 4GiB or 800MiB, got {value!r}")])
    return float(match[1]) * unit / GIB


def memory_text(gib: float) -> str:
    """A size in GiB for people, rounded up: ``1.3 GiB``."""
    return f"{-(-gib * 10 // 1) / 10:.1f} GiB"


def own_memory() -> float:
    """Memory of this process that is not pages of files, in GiB.

    Where the system does not say so, all its resident memory.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        status = ""
    found = re.search(r"^RssAnon:\s+(\d+) kB$", status, re.MULTILINE)
    if found is not None:
        return int(found[1]) * 1024 / GIB
    import psutil

    return float(psutil.Process().memory_info().rss) / GIB
