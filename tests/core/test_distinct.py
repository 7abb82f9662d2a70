"""Which rows are equal: exact, whatever the hashes are."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from n2d_framework.core.arrays import distinct
from n2d_framework.plugin import distinct_rows, hash_rows

FEW_VALUES = st.sampled_from([0.0, -0.0, 1.0, -1.0, 1e-30, 3e38])


def check(x):
    found = distinct_rows(x)
    flat = x.reshape(len(x), -1)
    np.testing.assert_array_equal(x[found.first][found.inverse], x)
    assert len(found) == len(np.unique(flat + flat.dtype.type(0), axis=0))
    np.testing.assert_array_equal(found.counts, np.bincount(found.inverse))
    assert (np.diff(found.first) > 0).all()
    assert all((found.inverse[:row] != found.inverse[row]).all() for row in found.first)
    assert found.repeated == (len(found) < len(x))


@given(
    st.sampled_from([np.float32, np.float64]).flatmap(
        lambda kind: arrays(
            kind, st.tuples(st.integers(1, 30), st.integers(1, 4)), elements=st.just(0)
        )
    ),
    st.data(),
)
@settings(max_examples=60, deadline=None)
def test_rows_with_few_values(x, data):
    values = data.draw(arrays(np.float64, x.shape, elements=FEW_VALUES))
    check(values.astype(x.dtype))


@pytest.mark.parametrize("dtype", ["u1", "i2", "i8", ">f4", "<f8", "f4"])
@pytest.mark.parametrize("shape", [(400, 3), (200, 5, 7), (60, 300)])
def test_rows_of_any_kind(dtype, shape):
    x = np.random.default_rng(0).integers(0, 3, shape)
    x[::3] = x[0]
    check(x.astype(dtype))
    check(np.asfortranarray(x.astype(dtype))[::2])


def test_wide_rows_that_differ_in_few_values():
    x = np.zeros((50, 784), np.float32)
    x[np.arange(25), np.arange(25) * 31 + 1] = 1
    assert len(distinct_rows(x)) == 26


def test_two_different_rows_with_one_hash(monkeypatch):
    monkeypatch.setattr(distinct, "hash_rows", lambda x, seed=0: np.zeros(len(x), np.uint64))
    check(np.random.default_rng(0).integers(0, 3, (90, 2)).astype(np.float32))


def test_equal_values_have_equal_hashes():
    x = np.array([[0.0, 1.0], [-0.0, 1.0], [1.0, 0.0]], np.float32)
    one, same, other = hash_rows(x)
    assert one == same != other
    assert hash_rows(x, seed=1)[0] != one
    np.testing.assert_array_equal(hash_rows(x[::-1]), hash_rows(x)[::-1])


def test_hashes_are_spread_evenly():
    """Over neighbouring integers, bit by bit, and whatever the seed."""
    x = np.stack(np.meshgrid(np.arange(64), np.arange(64)), -1).reshape(-1, 2).astype(np.float32)
    bits = (hash_rows(x, seed=5)[:, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    assert abs(bits.mean(axis=0) - 0.5).max() < 0.05


def test_hashes_are_the_same_in_other_processes():
    code = (
        "import numpy as np; from n2d_framework.plugin import hash_rows; "
        "print(hash_rows(np.arange(12, dtype='f4').reshape(4, 3), 7).tolist())"
    )
    run = [sys.executable, "-c", code]
    found = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert found.strip() == str(hash_rows(np.arange(12, dtype="f4").reshape(4, 3), 7).tolist())
