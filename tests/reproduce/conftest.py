"""A user's own folder of data with few rows; nothing can be downloaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def stand_in(digits) -> Callable[[Path, str, int, int], None]:
    """Writes the first digits, in another size, as if they were another dataset."""

    def write(folder: Path, name: str, rows: int, side: int) -> None:
        x, y = digits
        factor = -(-side // 8)
        images = np.kron(x[:rows].reshape(-1, 8, 8) / 16, np.ones((1, factor, factor)))
        np.savez(folder / f"{name}.npz", x=images[:, :side, :side].astype("f4"), y=y[:rows])

    return write


@pytest.fixture
def own_data(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.setenv("N2D_DATA", str(folder))
    monkeypatch.setenv("N2D_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("N2D_OFFLINE", "1")
    return folder
