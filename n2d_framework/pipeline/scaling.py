"""Scaling of input values: the same shift and factor at fit and at prediction."""

from __future__ import annotations

from typing import Literal

import attrs
import numpy as np

from n2d_framework.config.models import ScalerConfig
from n2d_framework.core.state import State, need
from n2d_framework.errors import DataError, StateError
from n2d_framework.types import AnyArray

__all__ = ["Scaler"]

_CHUNK = 4096


@attrs.define(eq=False)
class Scaler:
    """Maps input values to float32, by ``(x - shift) * factor``.

    Attributes
    ----------
    config : ScalerConfig
        Which scaler, and whether it works per feature or for the whole array.
    shift_, factor_ : array
        Learned; of the shape of a row, or of shape ``()``.
    per_ : {"feature", "array"}
        What ``per="auto"`` came to.
    """

    config: ScalerConfig
    shift_: AnyArray = attrs.field(factory=lambda: np.zeros(()), init=False)
    factor_: AnyArray = attrs.field(factory=lambda: np.ones(()), init=False)
    per_: Literal["feature", "array"] = attrs.field(default="array", init=False)

    def fit(self, x: AnyArray) -> Scaler:
        """Learn shift and factor from rows; a constant feature gets the factor 1."""
        self.per_ = self._resolve_per(x)
        axis = 0 if self.per_ == "feature" else None
        shape = x.shape[1:] if self.per_ == "feature" else ()
        shift, spread = np.zeros(shape), np.ones(shape)
        if self.config.name == "minmax":
            shift = np.asarray(x.min(axis=axis), dtype=np.float64)
            spread = np.asarray(x.max(axis=axis), dtype=np.float64) - shift
        elif self.config.name == "standard":
            shift = np.asarray(x.mean(axis=axis, dtype=np.float64))
            spread = _deviation(x, shift)
        elif self.config.name == "maxabs":
            low, high = x.min(axis=axis), x.max(axis=axis)
            spread = np.maximum(np.abs(low.astype(np.float64)), np.abs(high.astype(np.float64)))
        tiny = spread <= np.finfo(np.float64).eps * np.maximum(1.0, np.abs(shift))
        self.shift_ = shift
        self.factor_ = np.asarray(1.0 / np.where(tiny, 1.0, spread))
        return self

    def _resolve_per(self, x: AnyArray) -> Literal["feature", "array"]:
        if self.config.per != "auto":
            return self.config.per
        return "array" if x.ndim > 2 or x.dtype == np.uint8 else "feature"

    def transform(self, x: AnyArray) -> AnyArray:
        """Scale rows.

        Parameters
        ----------
        x : array of shape (n, *row_shape)

        Returns
        -------
        array of the same shape, float32, C-contiguous; always a copy

        Raises
        ------
        DataError
            If a value is too large for float32 after scaling.
        """
        scaled = np.empty(x.shape, dtype=np.float32)
        plain = self.config.name == "none"
        with np.errstate(over="ignore"):
            for start in range(0, len(x), _CHUNK):
                rows = slice(start, start + _CHUNK)
                scaled[rows] = x[rows] if plain else (x[rows] - self.shift_) * self.factor_
                if not np.isfinite(scaled[rows]).all():
                    row = start + int(np.argwhere(~np.isfinite(scaled[rows]))[0][0])
                    raise DataError(
                        f"row {row}: a value is too large for float32 after the "
                        f"{self.config.name!r} scaler; scale the data before, or choose another "
                        "scaler"
                    )
        return scaled

    def inverse_transform(self, x: AnyArray) -> AnyArray:
        """Undo the scaling; returns float32.

        Raises
        ------
        DataError
            If a value is too large for float32.
        """
        if self.config.name == "none":
            return x
        with np.errstate(over="ignore"):
            found: AnyArray = (x / self.factor_ + self.shift_).astype(np.float32)
        if not np.isfinite(found).all():
            raise DataError("a reconstructed value is too large for float32")
        return found

    def get_state(self) -> State:
        """What was learned."""
        return {"shift": self.shift_, "factor": self.factor_, "per": self.per_}

    def set_state(self, state: State) -> None:
        """Put back what :meth:`get_state` returned."""
        shift, factor = need(state, "shift", np.ndarray), need(state, "factor", np.ndarray)
        per = need(state, "per", str)
        if shift.shape != factor.shape or per not in ("feature", "array"):
            raise StateError("scaler: shift and factor do not belong together")
        if (per == "array") != (shift.shape == ()):
            raise StateError(f"scaler: shift has the shape {shift.shape}, per is {per!r}")
        for name, array in (("shift", shift), ("factor", factor)):
            if array.dtype != np.float64 or not np.isfinite(array).all():
                raise StateError(f"scaler: {name} must be finite numbers of float64")
        if not (factor > 0).all():
            raise StateError("scaler: factor must be positive")
        self.shift_, self.factor_, self.per_ = shift, factor, per


def _deviation(x: AnyArray, mean: AnyArray) -> AnyArray:
    """Standard deviation in float64 and bounded memory."""
    axis = 0 if mean.ndim else None
    total = np.zeros(mean.shape)
    for start in range(0, len(x), _CHUNK):
        total += np.square(x[start : start + _CHUNK] - mean).sum(axis=axis)
    count = len(x) if mean.ndim else x.size
    return np.asarray(np.sqrt(total / count))
