"""Rows on which the scripts about neighbours, manifolds and clusterers are run."""

from __future__ import annotations

from typing import Any

import numpy as np

DIMENSION = 10


def latent_rows(name: str, rows: int | None) -> tuple[np.ndarray, np.ndarray | None]:
    if name.endswith(".npz") and "z" in np.load(name).files:
        stored = np.load(name)
        z, y = np.ascontiguousarray(stored["z"][:rows], dtype=np.float32), stored.get("y")
    else:
        z, y = _reduced(_loaded(name), rows, DIMENSION), _loaded(name).y
    return z, None if y is None else y[:rows]


def rows_of(name: str, rows: int | None, dimensions: int) -> np.ndarray:
    """Rows of a dataset in their first principal components; 0: as they are."""
    return _reduced(_loaded(name), rows, dimensions)


def _loaded(name: str) -> Any:
    from n2d_framework.data import load

    return load(name)


def _reduced(data: Any, rows: int | None, dimensions: int) -> np.ndarray:
    from sklearn.decomposition import PCA

    x = np.asarray(data.x, dtype=np.float32).reshape(len(data.x), -1)
    if dimensions:
        x = PCA(dimensions, random_state=0).fit_transform(x)
    return np.ascontiguousarray(x[:rows], dtype=np.float32)
