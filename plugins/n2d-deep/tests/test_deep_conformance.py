"""The framework's kit on everything this distribution brings."""

import pytest

from n2d_framework.testing import conformance

#: They share nearly all of their code with idec.
SLOW = ("embedder/dec", "embedder/dcec")

test_conformance = conformance("n2d-deep", marks=dict.fromkeys(SLOW, pytest.mark.slow))
