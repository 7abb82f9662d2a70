"""Mutated bundles end in BundleError or in values; a longer run is in fuzzing.py."""

from __future__ import annotations

import os

import fuzzing
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from n2d_framework.errors import BundleError
from n2d_framework.storage import decode, encode

#: Cases of a test run; the environment variable asks for more.
CASES = int(os.environ.get("N2D_FUZZ_CASES", "1000"))
#: Cases that once ended wrongly: 2 (allocated the limit), 773 (endless message).
SEEDS = (2, 773)

IMAGE = fuzzing.base_image()


def test_a_campaign_of_mutations(tmp_path):
    result = fuzzing.campaign(tmp_path, range(CASES))
    assert result["bad"] == []
    outcomes = result["outcomes"]
    assert sum(sum(counted.values()) for counted in outcomes.values()) == CASES
    assert outcomes["raw"] == {"refused": len(range(0, CASES, 3))}
    assert outcomes["repaired"]["refused"] > 0
    assert outcomes["forged"]["other"] > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_seeds_that_were_bad_once(tmp_path, seed):
    assert fuzzing.campaign(tmp_path, [seed])["bad"] == []


def test_the_campaign_reports_deaths_and_wrong_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzzing.limited, "watch", _worker_that_dies())
    result = fuzzing.campaign(tmp_path, range(3))
    assert [item[:2] for item in result["bad"]] == [["raw", 0], ["forged", 2]]
    assert result["outcomes"] == {
        "raw": {"bad": 1}, "repaired": {"refused": 1}, "forged": {"bad": 1},
    }  # fmt: skip


def _worker_that_dies():
    repaired, forged = ["repaired", 1], ["forged", 2]
    answers = [
        ([[["raw", 0], "", "started"]], "ended with -11: "),
        (
            [
                [repaired, "", "started"], [repaired, "", "refused", 0.1],
                [forged, "", "started"], [forged, "", "KeyError: 'x'", 0.1],
            ],
            "",
        ),
    ]  # fmt: skip
    return lambda *args: answers.pop(0)


def test_the_original_is_accepted(tmp_path):
    assert fuzzing.Judge(IMAGE, tmp_path / "case.n2d")("raw", IMAGE) == "same"


@pytest.mark.parametrize("size", range(0, len(IMAGE), 4096))
def test_truncation_at_every_4_kib(size):
    with pytest.raises(BundleError):
        decode(IMAGE[:size])
    with pytest.raises(BundleError):
        decode(fuzzing.forging.reseal(IMAGE[: max(size, 512)]))


@given(st.binary(max_size=2000))
@settings(max_examples=100, deadline=None)
def test_any_bytes_behind_a_correct_header(payload):
    with pytest.raises(BundleError):
        decode(fuzzing.forging.sealed(payload))


@given(position=st.integers(0, len(IMAGE) - 1), bit=st.integers(0, 7))
@settings(max_examples=300, deadline=None)
def test_any_flipped_bit_is_noticed(position, bit):
    altered = bytearray(IMAGE)
    altered[position] ^= 1 << bit
    with pytest.raises(BundleError):
        decode(bytes(altered))


def test_what_is_accepted_in_spite_of_changes_is_storable_again():
    """Whatever a reader accepts, a writer can write: no half-checked value slips through."""
    accepted = 0
    for number in range(1, 900, 3):
        family, data = fuzzing.case(number, IMAGE)
        assert family == "repaired"
        try:
            manifest, parts = decode(data)
        except BundleError:
            continue
        accepted += 1
        assert decode(encode(manifest, parts, created=""))
    assert accepted > 0
