"""Into how many parts a cluster is split, by where its rows are or by fitting again on them."""

from __future__ import annotations

from typing import Any

import numpy as np

from n2d_framework.errors import DataError, N2DError
from n2d_framework.plan.run_plan import StepsAgain
from n2d_framework.types import NOISE, AnyArray, IntArray

__all__ = ["parts_by_place", "parts_by_refit"]


def parts_by_place(component: Any, coordinates: AnyArray, label: int) -> int:
    """Into how many parts the rows of a cluster fall.

    Parameters
    ----------
    component : object
        Counts the parts: ``number_of_parts(m)``.
    coordinates : array of shape (n, m)
        Of the rows of the cluster.
    label : int
        Its id, for the message.

    Raises
    ------
    DataError
        If they do not fall into parts.
    """
    return _found(
        component.number_of_parts(coordinates),
        label,
        len(coordinates),
        "give n_clusters to split it all the same",
    )


def parts_by_refit(
    component: Any, again: StepsAgain, own: IntArray, label: int, number: int | None
) -> int:
    """Into how many parts the rows of a cluster fall, fitted by themselves.

    Parameters
    ----------
    component : object
        Counts the parts, where the clusterer does not.
    again : StepsAgain
    own : int64 array of shape (n,)
        Positions of the rows.
    label : int
        Id of the cluster, for messages.
    number : int, optional
        As it was asked for.

    Raises
    ------
    DataError, StageError
        If they do not fall into parts, or cannot be fitted.
    UnsupportedError
        If a number is asked for, and the clusterer finds it itself.
    """
    otherwise = "give n_clusters to split it all the same"
    try:
        if again.finds_n_clusters:
            otherwise = "split it by where its rows are, without a refit"
            labels = again.labels(own, number)
            number = len(np.unique(labels[labels != NOISE]))
        elif number is None:
            number = component.number_of_parts(again.coordinates(own))
    except N2DError as error:
        raise type(error)(f"split of cluster {label}: {error}") from error
    return _found(number, label, len(own), otherwise)


def _found(number: int, label: int, n_rows: int, otherwise: str) -> int:
    if number < 2:
        raise DataError(
            f"split of cluster {label}: nothing was found, its {n_rows} rows do not fall into "
            f"parts; {otherwise}"
        )
    return number
