"""The products of inference: as accurate as float32, the same bits in any company."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from n2d_framework.networks.exact_products import multiply, prepare


def _factors(rows: int, inner: int, columns: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, inner)) * 10.0 ** rng.integers(-5, 5, (rows, 1))
    return x, rng.standard_normal((inner, columns)).astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(1, 70),
    inner=st.integers(1, 300),
    columns=st.integers(1, 70),
    seed=st.integers(0, 2**16),
)
def test_as_accurate_as_float32(rows, inner, columns, seed):
    x, matrix = _factors(rows, inner, columns, seed)
    error = np.abs(multiply(x, prepare(matrix)) - x @ matrix.astype(np.float64))
    bound = np.abs(x).max(axis=1)[:, None] * np.abs(matrix).max(axis=0)[None, :] * inner
    assert (error <= bound * 2.0**-20).all()


@pytest.mark.parametrize(("inner", "columns"), [(64, 500), (500, 784), (2000, 10), (33, 5)])
def test_same_bits_in_any_batch_order_and_thread_count(inner, columns):
    x, matrix = _factors(301, inner, columns)
    prepared = prepare(matrix)
    with threadpool_limits(1):
        whole = multiply(x, prepared)
    for threads in (1, 2):
        with threadpool_limits(threads):
            for size in (1, 7, 64, 100):
                parts = [multiply(x[i : i + size], prepared) for i in range(0, len(x), size)]
                assert np.array_equal(np.concatenate(parts), whole)
            assert np.array_equal(multiply(x[::-1].copy(), prepared)[::-1], whole)


def test_no_rounding_beyond_that_of_the_factors():
    """Whatever order the sum takes, it is the exact sum of the rounded factors."""
    x, matrix = _factors(20, 2000, 3)
    prepared = prepare(matrix)
    scale = np.ldexp(1.0, prepared.bits - np.frexp(np.abs(x).max(axis=1))[1])[:, None]
    whole = np.rint(x * scale).astype(np.int64).astype(object)
    exact = whole @ prepared.integers.astype(np.int64).astype(object)
    expected = exact.astype(np.float64) / scale / prepared.scale
    assert np.array_equal(multiply(x, prepared), expected)


@pytest.mark.parametrize("value", [0.0, 1e-310, 1e-45, 3e38])
def test_extreme_rows_stay_finite(value):
    x = np.full((2, 8), value)
    out = multiply(x, prepare(np.ones((8, 3), dtype=np.float32)))
    assert np.isfinite(out).all()
    assert np.allclose(out, 8 * value, rtol=1e-5, atol=1e-300)


def test_columns_of_zeros_and_empty_batches():
    matrix = prepare(np.zeros((4, 2), dtype=np.float32))
    assert not multiply(np.ones((3, 4)), matrix).any()
    assert multiply(np.empty((0, 4)), matrix).shape == (0, 2)
