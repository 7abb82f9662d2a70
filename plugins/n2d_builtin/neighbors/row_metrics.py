"""Metrics of rows: what each takes, and how a search compares rows by it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Final, Literal, TypeAlias

import attrs
import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.checked_rows import check_features, refuse
from n2d_framework.plugin import AnyArray, DataError, DataWarning

__all__ = [
    "LINEAR",
    "MEASURES",
    "Metric",
    "check_metric",
    "check_values",
    "comparable",
    "refuse_no_codes",
    "shape_problems",
]

Metric: TypeAlias = Literal[
    "euclidean", "manhattan", "chebyshev", "cosine", "correlation", "hamming", "jaccard", "dice",
    "canberra", "braycurtis", "hellinger", "haversine", "precomputed",
]  # fmt: skip

#: Rows that are changed at once, which bounds the memory.
_AT_ONCE = 16_384
#: Rows by which columns are judged; fewer than the second differ by chance.
_LOOKED_AT, _FEWEST = 4096, 10

_Domain: TypeAlias = Callable[[AnyArray], AnyArray]


@attrs.frozen
class Measure:
    """One metric.

    Attributes
    ----------
    plain : str
        The metric of the kernels by which :attr:`rows` are compared.
    rows : callable
        Rows as they are compared: at distance 0 exactly if they are equal.
    distance : callable or None
        The distance, from that of the kernel.
    outside : callable or None
        Where values of rows are ones that the metric does not take.
    takes : str
        What it takes, for the message.
    """

    plain: str
    rows: Callable[[AnyArray], AnyArray] = np.ascontiguousarray
    distance: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None
    outside: _Domain | None = None
    takes: str = ""


def _unit(rows: AnyArray, zero: AnyArray) -> AnyArray:
    """Rows of length 1, and one more coordinate in which only the rows without direction have 1."""
    rows = rows / np.where(zero, 1.0, np.abs(rows).max(axis=1, keepdims=True))
    # A running sum adds in the same order for any number of rows; a plain sum does not.
    length = np.sqrt(np.cumsum(rows * rows, axis=1)[:, -1:])
    return np.ascontiguousarray(np.hstack([rows / np.where(zero, 1.0, length), zero]))


def _directions(x: AnyArray) -> AnyArray:
    rows = np.asarray(x, dtype=np.float64)
    return _unit(rows, np.abs(rows).max(axis=1, keepdims=True) == 0)


def _profiles(x: AnyArray) -> AnyArray:
    """Deviations from the mean of the row; none where all its values are equal."""
    rows = np.asarray(x, dtype=np.float64)
    flat = rows.max(axis=1, keepdims=True) == rows.min(axis=1, keepdims=True)
    centred = rows - np.cumsum(rows, axis=1)[:, -1:] / rows.shape[1]
    return _unit(np.where(flat, 0.0, centred), flat)


def _roots(x: AnyArray) -> AnyArray:
    return _directions(np.sqrt(np.asarray(x, dtype=np.float64)))


def _on_sphere(x: AnyArray) -> AnyArray:
    """Points of the unit sphere, from latitude and longitude in radians."""
    latitude, longitude = np.asarray(x, dtype=np.float64).T
    ring = np.cos(latitude)
    return np.stack([ring * np.cos(longitude), ring * np.sin(longitude), np.sin(latitude)], axis=1)


def _half_square(chord: NDArray[np.float64]) -> NDArray[np.float64]:
    return chord * chord / 2


def _angle(chord: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(2 * np.arcsin(np.minimum(chord / 2, 1.0)))


def _no_coordinates(x: AnyArray) -> AnyArray:
    return np.asarray(np.abs(x) > np.array([np.pi / 2, 2 * np.pi], dtype=np.float32))


def _negative(x: AnyArray) -> AnyArray:
    return np.asarray(x < 0)


def _not_binary(x: AnyArray) -> AnyArray:
    return np.asarray((x != 0) & (x != 1))


_positive = partial(Measure, outside=_negative, takes="numbers of 0 or more")
_binary = partial(Measure, outside=_not_binary, takes="0 and 1")

MEASURES: Final[dict[str, Measure]] = {
    "euclidean": Measure("euclidean"),
    "manhattan": Measure("manhattan"),
    "chebyshev": Measure("chebyshev"),
    "cosine": Measure("euclidean", _directions, _half_square),
    "correlation": Measure("euclidean", _profiles, _half_square),
    "hellinger": _positive("euclidean", _roots, lambda chord: chord / np.sqrt(2.0)),
    "haversine": Measure(
        "euclidean",
        _on_sphere,
        _angle,
        outside=_no_coordinates,
        takes="latitude and longitude in radians, at most pi/2 and 2 pi in size",
    ),
    "hamming": Measure("hamming"),
    "jaccard": _binary("jaccard"),
    "dice": _binary("dice"),
    "canberra": Measure("canberra"),
    "braycurtis": _positive("braycurtis"),
    "precomputed": _positive("precomputed"),
}


#: Metrics under which means of rows make sense as they are; for the others, those of the rows that
#: are compared.
LINEAR: Final = frozenset({"euclidean", "manhattan", "chebyshev", "cosine"})


def comparable(x: AnyArray, metric: Metric) -> AnyArray:
    """Rows as a search compares them, such as scaled to unit length for cosine.

    Parameters
    ----------
    x : float32 array of shape (n, d)
    metric : Metric

    Returns
    -------
    array of shape (n, e)
        C-contiguous. Rows are equal if they are at distance 0.
    """
    rows = MEASURES[metric].rows
    if len(x) <= _AT_ONCE or rows is np.ascontiguousarray:
        return rows(x)
    first = rows(x[:_AT_ONCE])
    found = np.empty((len(x), first.shape[1]), dtype=first.dtype)
    for start in range(0, len(x), _AT_ONCE):
        found[start : start + _AT_ONCE] = rows(x[start : start + _AT_ONCE])
    return found


def shape_problems(metric: Metric, row_shape: tuple[int, ...]) -> list[str]:
    """Reasons why rows of that shape cannot be compared by the metric; ``()`` is not known yet."""
    if metric != "haversine" or row_shape in ((), (2,)):
        return []
    return [f"metric 'haversine' takes rows of latitude and longitude, got rows of {row_shape}"]


def check_metric(x: AnyArray, metric: Metric, name: str, points: AnyArray | None = None) -> None:
    """Refuse rows that the metric does not take, or that do not match those of the fit.

    Parameters
    ----------
    x : array of shape (n, d)
    metric : Metric
    name : str
        Of the component, for the message.
    points : array of shape (l, d), optional
        Rows of the fit, for new rows; ``None`` for the rows of the fit themselves.

    Raises
    ------
    DataError
        With row and column of the first value that is not taken.
    """
    if metric == "precomputed":
        reason = _square_problem(x) if points is None else _width_problem(x, points)
        refuse([f"{name}: metric 'precomputed' takes {reason}"] if reason else [])
    elif points is not None:
        check_features(x, points.shape[1], name)
    refuse([f"{name}: {reason}" for reason in shape_problems(metric, x.shape[1:])])
    check_values(x, metric, name)
    if metric == "hamming" and points is None:
        refuse_no_codes(x, name)


#: Metrics of SciPy and scikit-learn, which classes of theirs take, that treat every number but 0
#: as 1.
_OF_OTHERS = frozenset(
    {"rogerstanimoto", "russellrao", "sokalmichener", "sokalsneath", "yule", "kulsinski"}
)


def check_values(x: AnyArray, metric: str, name: str) -> None:
    """Refuse values that a metric does not take, also if it is known to other libraries only.

    Parameters
    ----------
    x : array of shape (n, d)
    metric : str
    name : str
        Of the component, for the message.

    Raises
    ------
    DataError
        With row and column of the first value that is not taken.
    """
    measure = MEASURES["jaccard"] if metric in _OF_OTHERS else MEASURES.get(metric)
    if measure is None:
        return
    if measure.outside is not None and (outside := measure.outside(x)).any():
        row, column = np.argwhere(outside)[0]
        raise DataError(
            f"{name}: metric {metric!r} takes {measure.takes}; row {row}, column {column} is "
            f"{x[row, column]:g} ({int(outside.any(axis=1).sum())} of {len(x)} rows have such "
            "values); choose another metric, or prepare rows without a scaler that moves them"
        )


def refuse_no_codes(x: AnyArray, name: str) -> None:
    """Refuse rows under Hamming's distance whose values are not codes, and warn of some columns.

    Where most values of a column are in one row only, rows differ in it whatever they are: the
    distance then says nothing, and with such columns alone all rows are equally far apart.
    """
    chosen = np.linspace(0, len(x) - 1, min(len(x), _LOOKED_AT)).astype(np.int64)
    rows = np.unique(np.asarray(x[chosen], dtype=np.float32) + 0.0, axis=0)
    lonely = [
        int((np.unique(column, return_counts=True)[1] == 1).sum()) > len(rows) / 2
        for column in rows.T
    ]
    if len(rows) < _FEWEST or not any(lonely):
        return
    first, columns = lonely.index(True), len(lonely)
    found = (
        f"{name}: metric 'hamming' counts the columns in which two rows differ, so that it takes "
        f"codes; in {sum(lonely)} of {columns} columns, first in column {first}, most values are "
        "in one row only"
    )
    if all(lonely):
        raise DataError(
            f"{found}, so that all rows are equally far apart; choose another metric, such as "
            "'euclidean', or give it rows of codes by the embedder 'identity'"
        )
    warnings.warn(f"{found}, and say nothing", DataWarning, stacklevel=3)


def _square_problem(x: AnyArray) -> str:
    """The fault of a matrix of distances between the rows of a fit; empty if it has none."""
    if x.ndim != 2 or x.shape[0] != x.shape[1]:
        return f"the distances of all rows to each other, an array of shape (n, n), got {x.shape}"
    if np.diagonal(x).any():
        return (
            "distances that are 0 from a row to itself; pass them unchanged, by scaler='none' and "
            "the embedder 'identity'"
        )
    if np.abs(x - x.T).max(initial=0.0) > 1e-5 * x.max(initial=0.0):
        return "distances that are the same in both directions"
    return ""


def _width_problem(x: AnyArray, points: AnyArray) -> str:
    if x.ndim == 2 and x.shape[1] > points.max(initial=0):
        return ""
    return f"the distances of each new row to all rows of the fit, got rows of {x.shape[1:]}"
