"""Products of matrices that give a row the same bits in any company, at any place."""

from __future__ import annotations

from collections.abc import Callable

from n2d_builtin.common.one_thread import one_blas_thread
from n2d_framework.plugin import AnyArray, in_blocks

__all__ = ["PRODUCT_ROWS", "with_same_products"]

#: Rows of every product. Kernels of BLAS take rows in groups of 2 to 24 and what is left over in
#: another way, whose last bits may differ; 96 is a multiple of all these groups.
PRODUCT_ROWS = 96


def with_same_products(function: Callable[[AnyArray], AnyArray], x: AnyArray) -> AnyArray:
    """Apply a row-wise function, whose products are in float64, to rows on one thread of BLAS.

    With several threads, each gets a share of a product, which may cut a group.

    Parameters
    ----------
    function : callable
        Maps an array of 96 rows to an array of 96 rows.
    x : array of shape (n, ...)

    Returns
    -------
    array of shape (n, ...)
    """
    with one_blas_thread():
        return in_blocks(function, x, block=PRODUCT_ROWS, least=PRODUCT_ROWS)
