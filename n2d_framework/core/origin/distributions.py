"""The distribution of an entry point, also where an installation is damaged."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

__all__ = ["distribution_of"]


def distribution_of(point: EntryPoint) -> tuple[str, str]:
    """Name and version of the distribution that announces an entry point.

    Parameters
    ----------
    point : EntryPoint

    Returns
    -------
    name : str
        ``"unknown"`` where the installation has lost it.
    version : str
        Empty where the installation has lost it.
    """
    try:
        about: Any = None if point.dist is None else point.dist.metadata
    except FileNotFoundError:  # of the package importlib_metadata, which replaces the finders
        about = None
    if about is None:
        return ("unknown", "")
    return (about.get("Name") or "unknown", about.get("Version") or "")
