"""Small data and small networks."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits


@pytest.fixture(scope="session")
def digits() -> np.ndarray:
    """200 images of digits, flat: (200, 64) float32 in [0, 1]."""
    return (load_digits().data[:200] / 16).astype(np.float32)
