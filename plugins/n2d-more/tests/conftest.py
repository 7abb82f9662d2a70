"""Small data and small networks."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits


@pytest.fixture(scope="session")
def digits() -> np.ndarray:
    """200 images of digits: (200, 8, 8) float32 in [0, 1]."""
    return (load_digits().images[:200] / 16).astype(np.float32)
