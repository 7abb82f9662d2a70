"""Matrix products whose result depends on nothing but the row: exact integer sums in float64.

A BLAS product rounds differently with the number of rows, the position of a row and the
number of threads. Here both factors are rounded first, to integers of so few bits that every
product and every partial sum is below 2**53 and hence exact in float64; sums of exact numbers
have no order. This is one slice of the scheme of Ozaki et al. 2012 (Numerical Algorithms 59,
"Error-free transformations of matrix multiplication"). With 2000 terms 21 bits remain for
each factor, relative to the largest of its row or column: an error like float32's.
"""

from __future__ import annotations

import math

import attrs
import numpy as np
from numpy.typing import NDArray

from n2d_framework.types import AnyArray

__all__ = ["ExactMatrix", "multiply", "prepare"]

_MANTISSA = 53
# Keeps scale factors of rows that are all but zero within float64.
_LEAST_EXPONENT = -900


@attrs.frozen(eq=False)
class ExactMatrix:
    """The right factor, rounded once.

    Attributes
    ----------
    integers : float64 array of shape (k, n)
        Integers of at most `bits` bits.
    scale : float64 array of shape (n,)
        Powers of two, by which the columns were multiplied.
    bits : int
    """

    integers: NDArray[np.float64]
    scale: NDArray[np.float64]
    bits: int


def prepare(matrix: AnyArray) -> ExactMatrix:
    """Round the right factor of :func:`multiply`.

    Parameters
    ----------
    matrix : array of shape (k, n)

    Returns
    -------
    ExactMatrix
    """
    terms = max(1, len(matrix))
    bits = (_MANTISSA - math.ceil(math.log2(terms))) // 2
    wide = np.asarray(matrix, dtype=np.float64)
    scale = _scale(np.abs(wide).max(axis=0, initial=0.0), bits)
    return ExactMatrix(np.ascontiguousarray(np.rint(wide * scale)), scale, bits)


def multiply(x: NDArray[np.float64], matrix: ExactMatrix) -> NDArray[np.float64]:
    """Multiply rows by a prepared matrix.

    Parameters
    ----------
    x : float64 array of shape (rows, k)
        Each row is rounded relative to its own largest value.
    matrix : ExactMatrix
        From :func:`prepare`.

    Returns
    -------
    float64 array of shape (rows, n)
        Each row the same bits whatever the other rows, the threads or the BLAS.
    """
    largest = np.maximum(x.max(axis=1, initial=0.0), -x.min(axis=1, initial=0.0))
    scale = _scale(largest, matrix.bits)[:, None]
    product: NDArray[np.float64] = np.rint(x * scale) @ matrix.integers
    product /= scale
    product /= matrix.scale
    return product


def _scale(largest: NDArray[np.float64], bits: int) -> NDArray[np.float64]:
    """Powers of two that bring `largest` just below ``2**bits``."""
    exponents = np.maximum(np.frexp(largest)[1], _LEAST_EXPONENT)
    scale: NDArray[np.float64] = np.ldexp(1.0, bits - exponents)
    return scale
