"""A part of the rows on which a costly fit is made; the others are placed by it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from n2d_framework.plugin import AnyArray

__all__ = ["counted", "draw"]


def counted(n_rows: int, max_landmarks: int | None) -> tuple[int, str]:
    """How many rows a fit uses, and that number as text for a message."""
    if max_landmarks is None or n_rows <= max_landmarks:
        return n_rows, f"{n_rows}"
    return max_landmarks, f"{max_landmarks} (max_landmarks)"


def draw(x: AnyArray, max_landmarks: int | None, seed: int) -> NDArray[np.float32]:
    """The rows a fit uses: a copy of all, or so many drawn at random, in their order.

    Parameters
    ----------
    x : float32 array of shape (n, d)
    max_landmarks : int or None
        None for all rows.
    seed : int

    Returns
    -------
    float32 array of shape (min(n, max_landmarks), d)
    """
    if max_landmarks is None or len(x) <= max_landmarks:
        return np.array(x, dtype=np.float32, order="C")
    chosen = np.random.default_rng(seed).choice(len(x), max_landmarks, replace=False)
    return np.ascontiguousarray(x[np.sort(chosen)], dtype=np.float32)
