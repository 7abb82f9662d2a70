"""Latent rows on which the scripts about manifolds and clusterers are run."""

from __future__ import annotations

import numpy as np

DIMENSION = 10


def latent_rows(name: str, rows: int | None) -> tuple[np.ndarray, np.ndarray | None]:
    if name.endswith(".npz") and "z" in np.load(name).files:
        stored = np.load(name)
        z, y = stored["z"], stored.get("y")
    else:
        from sklearn.decomposition import PCA

        from n2d_framework.data import load

        data = load(name)
        flat = np.asarray(data.x, dtype=np.float32).reshape(len(data.x), -1)
        z, y = PCA(DIMENSION, random_state=0).fit_transform(flat), data.y
    return np.ascontiguousarray(z[:rows], dtype=np.float32), None if y is None else y[:rows]
