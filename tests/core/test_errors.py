"""Hints of errors."""

from __future__ import annotations

import pytest

from n2d_framework.errors import did_you_mean


@pytest.mark.parametrize(
    ("noun", "several"),
    [("suffix", "suffixes"), ("study", "studies"), ("key", "keys"), ("loss", "losses"),
     ("metric", "metrics"), ("switch", "switches")],
)  # fmt: skip
def test_what_is_known_is_named_in_the_plural(noun, several):
    assert did_you_mean("nothing like it", ["b", "a"], noun=noun) == f"known {several}: a, b"


def test_the_closest_name_comes_first():
    assert did_you_mean("kmean", ["kmeans", "gmm"]) == "did you mean 'kmeans'?"
