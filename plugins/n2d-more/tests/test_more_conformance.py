"""The framework's kit on everything this distribution brings."""

from n2d_framework.testing import conformance

test_conformance = conformance("n2d-more")
