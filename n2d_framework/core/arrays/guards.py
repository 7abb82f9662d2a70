"""Refusals common to all components: to answer before the fit, and rows of another width."""

from __future__ import annotations

from typing import TypeVar

from n2d_framework.errors import DataError, StateError
from n2d_framework.types import AnyArray

__all__ = ["check_features", "require_fitted"]

T = TypeVar("T")


def require_fitted(value: T | None, name: str) -> T:
    """Return `value`, which fitting sets, or say that `name` is not fitted.

    Parameters
    ----------
    value : object or None
        A learned field.
    name : str
        Name of the component, for the message.

    Raises
    ------
    StateError
        If `value` is ``None``.
    """
    if value is None:
        raise StateError(f"{name} is not fitted; call fit or set_state first")
    return value


def check_features(x: AnyArray, expected: int, name: str) -> None:
    """Refuse rows that have not as many features as those of the fit.

    Parameters
    ----------
    x : array of shape (n, d)
    expected : int
        Number of features of the training rows.
    name : str
        Name of the component, for the message.

    Raises
    ------
    DataError
        If `x` is not a matrix of that width.
    """
    if x.ndim != 2 or x.shape[1] != expected:
        raise DataError(
            f"{name} was fitted on rows of {expected} features and got an array of shape "
            f"{x.shape}; pass rows of the same features"
        )
