"""The rows that components are examined with: small, real or as real, always the same."""

from __future__ import annotations

import numpy as np

from n2d_framework.core.roles import role_info
from n2d_framework.core.spec import ComponentSpec
from n2d_framework.types import AnyArray

__all__ = ["N_CLUSTERS", "N_NEW", "N_TRAIN", "WIDTHS", "clouds", "rows_for"]

N_TRAIN, N_NEW, N_CLUSTERS = 120, 40, 4
#: Features of wide rows: more than vector registers hold, and odd numbers.
WIDTHS = (67, 21)


def rows_for(spec: ComponentSpec) -> AnyArray:
    """Rows that suit a component: the first 120 to fit it, the rest to ask it about.

    Parameters
    ----------
    spec : ComponentSpec
        Those that take rows of the data get scikit-learn's digits (flat, or as images of 8 x 8) or
        sequences of 24 steps; the others get four clouds of points.

    Returns
    -------
    array of shape (160, ...), float32
    """
    info = role_info(spec.role)
    if info.takes != "rows":
        return clouds(6 if info.takes == "latent" else 3)
    if spec.input_kinds == ("sequence",):
        return _waves()
    images = _digits()
    return images if spec.input_kinds == ("image",) else images.reshape(len(images), -1)


def _digits() -> AnyArray:
    from sklearn.datasets import load_digits

    return np.ascontiguousarray(load_digits().images[: N_TRAIN + N_NEW] / 16, dtype=np.float32)


def clouds(width: int) -> AnyArray:
    """Four clouds of points: 160 rows of so many features, float32."""
    rng = np.random.default_rng(20)
    n = N_TRAIN + N_NEW
    centres = 6 * rng.normal(size=(N_CLUSTERS, width))
    points = centres[np.arange(n) % N_CLUSTERS] + rng.normal(size=(n, width))
    return np.ascontiguousarray(points, dtype=np.float32)


def _waves() -> AnyArray:
    rng = np.random.default_rng(21)
    n, steps = N_TRAIN + N_NEW, np.arange(24)
    speed = 0.2 + 0.2 * (np.arange(n) % N_CLUSTERS)
    phase = rng.uniform(0, 2 * np.pi, size=n)
    angle = speed[:, None] * steps + phase[:, None]
    waves = np.stack([np.sin(angle), np.cos(angle), 0.1 * rng.normal(size=angle.shape)], axis=-1)
    return np.ascontiguousarray(waves, dtype=np.float32)
