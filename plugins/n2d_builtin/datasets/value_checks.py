"""Rules for the values in a file: rows of finite numbers in a known range, integer classes."""

from __future__ import annotations

import numpy as np

from n2d_framework.plugin import AnyArray, DataError

__all__ = ["BYTES", "PERCENT", "SIGNED", "UNIT", "Span", "in_span", "integers", "real_numbers"]

#: Least and greatest value of a dataset.
Span = tuple[float, float]

BYTES: Span = (0.0, 255.0)
PERCENT: Span = (0.0, 100.0)
SIGNED: Span = (-1.0, 1.0)
UNIT: Span = (0.0, 1.0)

#: How far a value may be off its range by rounding.
_SLACK = 1e-6
#: Beyond, floats skip integers.
_MOST_CLASSES = 2.0**53
#: Rounded values times 255 are this close to the number they were made of.
_WHOLE = 1e-3


def real_numbers(values: AnyArray, where: str, what: str) -> AnyArray:
    """The values, if they are finite real numbers.

    Parameters
    ----------
    values : array
    where : str
        The files, for the message.
    what : str
        What the values are, such as ``"rows"``.

    Raises
    ------
    DataError
    """
    if values.dtype.kind not in "buif":
        raise DataError(
            f"{where}: the {what} are of type {values.dtype}, not real numbers; put the right "
            "file there"
        )
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise DataError(
            f"{where}: the {what} hold NaN or infinite values; remove those, or put the right "
            "file there"
        )
    return values


def integers(labels: AnyArray, where: str) -> AnyArray:
    """Classes as int64.

    Raises
    ------
    DataError
        If one is not an integer; it is never rounded.
    """
    real_numbers(labels, where, "labels")
    wrong = np.flatnonzero((np.rint(labels) != labels) | (np.abs(labels) > _MOST_CLASSES))
    if len(wrong):
        raise DataError(
            f"{where}: labels must be integers, but that of row {wrong[0]} is "
            f"{labels[wrong[0]]:g}; put the right file there"
        )
    return labels.astype(np.int64)


def in_span(values: AnyArray, where: str, name: str, span: Span) -> AnyArray:
    """Rows in the range of their dataset.

    Rows of bytes and of per cent that came scaled to [0, 1] are scaled back; where that gives
    integers, they are bytes again.

    Parameters
    ----------
    values : array
        Finite real numbers.
    where : str
        The files, for the message.
    name : str
        The dataset.
    span : tuple of two floats

    Raises
    ------
    DataError
        If they are in another range, such as [-1, 1] for bytes.
    """
    if not values.size:
        return values
    low, high = span
    least, most = float(values.min()), float(values.max())
    scaled_alike = span in (BYTES, PERCENT)
    if scaled_alike and least >= -_SLACK and 0 < most <= 1 + _SLACK:
        return _scaled_back(values, span)
    # Bytes of which none reaches a tenth of the range were scaled to some other one.
    faint = scaled_alike and 1 < most < high / 10
    if faint or not low - _SLACK <= least <= most <= high + _SLACK:
        also = ", or from 0 to 1" if scaled_alike else ""
        raise DataError(
            f"{where}: values go from {least:g} to {most:g}, but those of {name} go from "
            f"{low:g} to {high:g}{also}; scale them, or put the right file there"
        )
    return values


def _scaled_back(values: AnyArray, span: Span) -> AnyArray:
    kind = np.float32 if values.dtype.itemsize < 8 else np.float64
    scaled: AnyArray = np.clip(np.multiply(values, span[1], dtype=kind), *span)
    whole: AnyArray = np.rint(scaled)
    if np.abs(scaled - whole).max() > _WHOLE:
        return scaled
    return whole.astype(np.uint8) if span == BYTES else whole
