"""Structural attacks with a correct digest: all refused, quickly, in bounded memory."""

from __future__ import annotations

import time
import tracemalloc

import forging
import numpy as np
import pytest
from attacks import attacks

from n2d_framework.errors import BundleError
from n2d_framework.storage import decode

ATTACKS = list(attacks())


def test_the_tools_make_readable_files_when_nothing_is_attacked():
    image = forging.forge(forging.with_part(forging.leaf(np.arange(2000, dtype=np.float32))))
    manifest, parts = decode(image)
    assert manifest == {}
    assert np.array_equal(parts["p"]["x"], np.arange(2000))
    assert len({name for name, _ in ATTACKS}) == len(ATTACKS) > 150


@pytest.mark.parametrize(("name", "make"), ATTACKS, ids=[name for name, _ in ATTACKS])
def test_attack(name, make):
    image = make()
    start = time.perf_counter()
    with pytest.raises(BundleError):
        decode(image)
    assert time.perf_counter() - start < 5
    assert _peak(image) < (256 << 20)


def _peak(image: bytes) -> int:
    """Bytes that the refusal allocates at most."""
    tracemalloc.start()
    try:
        with pytest.raises(BundleError):
            decode(image)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("shape huge _plain", "/p/x: declares"),
        ("bomb that says so", "/p/x: declares 209715200 bytes"),
        ("bomb that lies", "/p/x: compressed data do not give the 1000 bytes"),
        ("soft link", "only plain hard links"),
        ("external link", "only plain hard links"),
        ("name b'../../x'", "'../../x' is not a valid name"),
        ("cycle to the root", "belong to something else|points behind"),
        ("one object by two names", "belong to something else"),
        ("layout virtual", "the storage is not of the kind"),
        ("message external file list in /x", "do not belong here"),
        ("datatype vlen text", "elements of a type that bundles do not use"),
        ("attributes: newer version", "newer than 1.*upgrade"),
        ("manifest deep lists", "not a valid JSON"),
        ("too deep", "nested deeper than 16"),
        ("17,000 nodes", "more than 16384"),
    ],
)
def test_what_is_said(name, message):
    with pytest.raises(BundleError, match=message):
        decode(dict(ATTACKS)[name]())
