"""Libraries that some work needs and a bare installation lacks: which, and what installs them."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping
from typing import Final

from n2d_framework.errors import MissingLibraryError

__all__ = ["EXTRAS", "absent", "install_command", "lack_of", "require_extra"]

#: Modules that the extras of the distribution bring for the framework's own work. What components
#: are fitted with is announced by their specs.
EXTRAS: Final[Mapping[str, tuple[str, ...]]] = {
    "compare": ("dask", "distributed", "hdbscan", "matplotlib", "pandas", "pyarrow",
                "scikit_posthocs", "statsmodels"),
    "distributed": ("dask", "distributed", "pyarrow"),
    "images": ("PIL",),
    "onnx": ("onnx",),
    "plots": ("matplotlib",),
    "search": ("optuna",),
    "tables": ("pyarrow",),
    "tensorboard": ("tensorboardX",),
    "zarr": ("zarr",),
}  # fmt: skip


def absent(modules: Iterable[str]) -> list[str]:
    """Modules that cannot be imported here; none of the others is imported.

    Parameters
    ----------
    modules : iterable of str
        Top-level names.
    """
    return [name for name in modules if importlib.util.find_spec(name) is None]


def install_command(requirement: str) -> str:
    """The command that installs a distribution, with or without extras."""
    return f'pip install "{requirement}"'


def lack_of(modules: Iterable[str], requirement: str) -> str:
    """Say which modules are missing, and what installs them; empty if none is.

    Parameters
    ----------
    modules : iterable of str
        Top-level names.
    requirement : str
        The distribution that brings them, such as ``n2d_framework[umap]``.
    """
    lacking = absent(modules)
    if not lacking:
        return ""
    are = "is" if len(lacking) == 1 else "are"
    names = " and ".join(filter(None, [", ".join(lacking[:-1]), lacking[-1]]))
    return f"needs {names}, which {are} not installed; {install_command(requirement)}"


def require_extra(extra: str, what: str) -> None:
    """Refuse work whose libraries are not installed, before it begins.

    Parameters
    ----------
    extra : str
        A key of :data:`EXTRAS`.
    what : str
        The work, as the message begins.

    Raises
    ------
    MissingLibraryError
        With the command that installs them.
    """
    lack = lack_of(EXTRAS[extra], f"n2d_framework[{extra}]")
    if lack:
        raise MissingLibraryError(f"{what} {lack}")
