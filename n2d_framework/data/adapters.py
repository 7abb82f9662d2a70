"""Rows of kinds that plugins bring: objects and files that their adapters read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import numpy as np

from n2d_framework.core.announcements.extensions import KindSpec
from n2d_framework.core.dataset import Dataset
from n2d_framework.core.rows import Rows
from n2d_framework.errors import DataError, N2DError
from n2d_framework.registry import Catalogue, Entry, default_catalogue

__all__ = ["adapted_file", "adapted_suffixes", "read_by_adapter"]


def read_by_adapter(x: Any) -> Any:
    """Read an object of a library that the adapter of a kind knows.

    Parameters
    ----------
    x : object
        Anything; or a list or tuple whose first item is an object of such a library.

    Returns
    -------
    object
        A :class:`~n2d_framework.core.dataset.Dataset`, or `x` if no adapter knows it.

    Raises
    ------
    DataError
        If the adapter cannot read it.
    """
    if isinstance(x, (Dataset, Rows, np.ndarray)):
        return x
    first = x[0] if isinstance(x, (list, tuple)) and len(x) else x
    library = type(first).__module__.partition(".")[0]
    for entry in default_catalogue().kinds():
        if library in entry.spec.libraries:
            return _read(entry, x, "X")
    return x


def adapted_file(path: Path, catalogue: Catalogue) -> Dataset | None:
    """Read a file whose name ends as an adapter's do; ``None`` if it ends as no adapter's.

    Parameters
    ----------
    path : Path
    catalogue : Catalogue

    Raises
    ------
    DataError
        If there is no such file, or the adapter cannot read it.
    """
    for entry in catalogue.kinds():
        if path.name.lower().endswith(entry.spec.suffixes):
            if not path.is_file():
                raise DataError(f"{path} does not exist, or is not a file")
            found = _read(entry, path, str(path))
            name = path.name[: path.name.index(".", 1)] if "." in path.name[1:] else path.name
            return attrs.evolve(found, name=found.name or name)
    return None


def adapted_suffixes(catalogue: Catalogue) -> list[str]:
    """Ends of names of files that adapters read."""
    return [suffix for entry in catalogue.kinds() for suffix in entry.spec.suffixes]


def _read(entry: Entry[KindSpec], source: Any, where: str) -> Dataset:
    kind = entry.spec.name
    try:
        found = entry.spec.load()(source)
    except N2DError:
        raise
    except Exception as error:  # an adapter may raise anything on what it is given
        raise DataError(
            f"{where}: the adapter of the kind {kind!r} ({entry.distribution} {entry.version}) "
            f"failed with {type(error).__name__}: {error}"
        ) from error
    rows = isinstance(found, Dataset) and (
        isinstance(found.x, Rows) or len(getattr(found.x, "shape", ())) >= 2
    )
    if not rows:
        raise DataError(
            f"{where}: the adapter of the kind {kind!r} ({entry.distribution} {entry.version}) "
            "must return a Dataset whose x is an array of rows, a sparse matrix or Rows"
        )
    adapted_dataset: Dataset = attrs.evolve(found, modality=kind)
    return adapted_dataset
