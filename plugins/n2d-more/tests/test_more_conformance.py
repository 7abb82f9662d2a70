"""The framework's kit on everything this distribution brings."""

from importlib.util import find_spec

import pytest

from n2d_framework.testing import conformance

NEEDS_PACMAP = pytest.mark.skipif(find_spec("pacmap") is None, reason="needs pacmap")

test_conformance = conformance("n2d-more", marks={"manifolder/pacmap": NEEDS_PACMAP})
