"""Small texts of four subjects."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from text_samples import texts_of


@pytest.fixture(scope="session")
def texts() -> NDArray[np.object_]:
    """120 texts; every fourth is of the same subject."""
    return texts_of(120)[0]


@pytest.fixture(scope="session")
def subjects() -> NDArray[np.int64]:
    """Their subjects."""
    return texts_of(120)[1]


@pytest.fixture(scope="session")
def new_texts() -> NDArray[np.object_]:
    """40 further texts."""
    return texts_of(40, seed=1)[0]
