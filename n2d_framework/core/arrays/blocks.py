"""Row-wise functions in blocks of bounded size, so that no row depends on its company."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from n2d_framework.types import AnyArray

__all__ = ["in_blocks"]


def in_blocks(
    function: Callable[[AnyArray], AnyArray], x: AnyArray, *, block: int = 1024, least: int = 32
) -> AnyArray:
    """Apply a row-wise function block by block, padding short blocks.

    Matrix products of few rows take other code paths than those of many (a batch of one row
    is a matrix-vector product) and differ in the last bits. Every block is padded with
    copies of its last row up to a multiple of `least` rows, so that all go the same way;
    memory stays bounded by `block` rows.

    That is not enough for products in float32: some kernels of OpenBLAS (those for AVX2) give a row
    other last bits by its place in a block of any size. In float64, blocks of 96 rows were the same
    at every place with each of its kernels, on one thread; with more, each has a share of a block.

    Parameters
    ----------
    function : callable
        Maps an array of ``m`` rows to an array of ``m`` rows.
    x : array of shape (n, ...)
        Rows; `n` may be 0 only if `function` accepts `least` rows of zeros.
    block : int, default 1024
        Rows given to `function` at once; a multiple of `least`.
    least : int, default 32
        Blocks are padded to a multiple of it.

    Returns
    -------
    array of shape (n, ...)
    """
    n = len(x)
    if n == 0:
        return function(np.zeros((least, *x.shape[1:]), dtype=x.dtype))[:0]
    parts = []
    for start in range(0, n, block):
        rows = x[start : start + block]
        short = -len(rows) % least
        if short:
            rows = np.concatenate([rows, np.repeat(rows[-1:], short, axis=0)])
        parts.append(function(rows)[: min(block, n - start)])
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
