"""The framework's kit on everything this distribution brings."""

from importlib.util import find_spec

import pytest

from n2d_framework.testing import conformance

NEEDS_WORDS = pytest.mark.skipif(find_spec("wordllama") is None, reason="needs wordllama")

#: Its tests bring a model.
NEEDS_MODEL = pytest.mark.skip(reason="examined by test_transformer.py")

test_conformance = conformance(
    "n2d-text",
    marks={"embedder/static_words": NEEDS_WORDS, "embedder/transformer": NEEDS_MODEL},
)
