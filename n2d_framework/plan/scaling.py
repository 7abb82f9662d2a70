"""Scaling of input values: the same shift and factor at fit and at prediction."""

from __future__ import annotations

from typing import Literal

import numpy as np

from n2d_framework.config.models import ScalerConfig
from n2d_framework.core.arrays.single_precision import collapse, column_of
from n2d_framework.core.learned import learned
from n2d_framework.core.options import component
from n2d_framework.core.protocols import FitContext
from n2d_framework.errors import DataError
from n2d_framework.types import AnyArray

__all__ = ["Scaler"]

_CHUNK = 4096
#: Offset, in spreads, from which float32 would lose half of its digits to it.
_WIDEST_OFFSET = 2.0**12


@component
class Scaler(ScalerConfig):
    """Maps input values to float32, by ``(x - shift) * factor``.

    Attributes
    ----------
    name, per : str
        Options: which scaler, and whether it works per feature or for the whole array.
    shift_, factor_ : array
        Learned; of the shape of a row, or of shape ``()``.
    per_ : {"feature", "array"}
        What ``per="auto"`` came to.
    """

    shift_: AnyArray = learned(shape=..., dtype="float64")
    factor_: AnyArray = learned(shape="_shape", dtype="float64", gt=0)
    per_: Literal["feature", "array"] = learned(dtype=str, choices=("feature", "array"))

    def check_input(self, n_rows: int, row_shape: tuple[int, ...]) -> list[str]:
        """Why rows of a shape cannot be scaled by what was learned, if anything was."""
        del n_rows
        if self.shift_ is None or self.shift_.shape in ((), row_shape):
            return []
        return [f"its state is for rows of shape {self.shift_.shape}, the model's have {row_shape}"]

    def fit(self, x: AnyArray, *, context: FitContext | None = None) -> Scaler:
        """Learn shift and factor from rows; a constant feature gets the factor 1.

        Nothing is compared with an absolute number: a feature is constant if all its values are
        equal, in whatever unit.

        Raises
        ------
        DataError
            If a spread is beyond float64, or if different values of a column would become the
            same in float32.
        """
        del context
        self.per_ = self._resolve_per(x)
        axis = 0 if self.per_ == "feature" else None
        shape = x.shape[1:] if self.per_ == "feature" else ()
        shift, spread = np.zeros(shape), np.ones(shape)
        if self.name != "none":
            low, high = x.min(axis=axis), x.max(axis=axis)
            ends = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
            if self.name == "minmax":
                shift, spread = ends[0], _span(*ends)
            elif self.name == "standard":
                shift, spread = _moments(x, *ends)
            else:
                spread = np.maximum(*map(np.abs, ends))
            equal = (low == high) & (self.name != "maxabs")
            shift = np.where(equal, ends[0], shift) if self.name != "maxabs" else shift
            spread = np.where(equal | (spread == 0), 1.0, spread)
        with np.errstate(over="ignore"):
            factor = np.asarray(1.0 / spread)
        _refuse_extreme(spread, factor, self.name)
        self.shift_, self.factor_ = np.asarray(shift, dtype=np.float64), factor
        self._refuse_collapse(x)
        return self

    def _resolve_per(self, x: AnyArray) -> Literal["feature", "array"]:
        if self.per != "auto":
            return self.per
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
        plain = self.name == "none"
        with np.errstate(over="ignore"):
            for start in range(0, len(x), _CHUNK):
                rows = slice(start, start + _CHUNK)
                scaled[rows] = x[rows] if plain else (x[rows] - self.shift_) * self.factor_
                scaled[rows] += np.float32(0)  # equal values are equal bits: no -0
                if not np.isfinite(scaled[rows]).all():
                    row, *column = (int(i) for i in np.argwhere(~np.isfinite(scaled[rows]))[0])
                    raise DataError(
                        f"row {start + row}, {column_of(column)}: a value is too large for float32 "
                        f"after the "
                        f"{self.name!r} scaler; scale the data before, or choose another "
                        "scaler"
                    )
        return scaled

    def inverse_transform(self, x: AnyArray) -> AnyArray:
        """Undo the scaling.

        Parameters
        ----------
        x : float32 array of shape (n, *row_shape)

        Returns
        -------
        array of the same shape
            float32; float64 where the units of the data need it: an offset thousands of times
            the spread (dates as seconds), or values beyond the range of float32.

        Raises
        ------
        DataError
            If a value is too large even so.
        """
        if self.name == "none":
            return x
        with np.errstate(over="ignore"):
            found: AnyArray = x / self.factor_ + self.shift_
            if not self._wide():
                found = found.astype(np.float32)
        if not np.isfinite(found).all():
            raise DataError(f"a reconstructed value is too large for {found.dtype}")
        return found

    def _wide(self) -> bool:
        """Return whether float32 cannot hold the data in their own units."""
        spread, single = 1.0 / self.factor_, np.finfo(np.float32)
        with np.errstate(over="ignore"):
            offset, reach = np.abs(self.shift_) * self.factor_, np.abs(self.shift_) + spread
        return bool(
            (offset > _WIDEST_OFFSET).any()
            or (reach > single.max).any()
            or (spread < single.tiny).any()
        )

    def _refuse_collapse(self, x: AnyArray) -> None:
        if self.name == "none" and x.dtype == np.float32:
            return
        lost = collapse(x, self.transform)
        if not lost:
            return
        offset = self.name in ("none", "maxabs") or self.per_ == "array"
        remedy = (
            "scale by another scaler (standard or minmax, per: feature)"
            if offset
            else "take its logarithm, subtract what its values have in common"
        )
        raise DataError(f"{lost}, after the {self.name!r} scaler; {remedy}, or leave it out")

    @property
    def _shape(self) -> tuple[int, ...]:
        return self.shift_.shape

    def check_learned(self) -> list[str]:
        """Reasons why a state that was read cannot be that of a scaler."""
        if (self.per_ == "array") == (self._shape == ()):
            return []
        return [f"state 'shift' has the shape {self._shape}, 'per' is {self.per_!r}"]


def _refuse_extreme(spread: AnyArray, factor: AnyArray, name: str) -> None:
    for wrong, what in (
        (~np.isfinite(spread), "spread is too large for float64; divide it by a constant"),
        (~np.isfinite(factor), "spread is too small for float64; multiply it by a constant"),
    ):
        if wrong.any():
            place = [int(i) for i in np.argwhere(wrong)[0]]
            where = column_of(place) if place else "x"
            raise DataError(f"{where}: its {what} before the {name!r} scaler")


def _span(low: AnyArray, high: AnyArray) -> AnyArray:
    with np.errstate(over="ignore"):
        return np.asarray(high - low)


def _moments(x: AnyArray, low: AnyArray, high: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Mean and standard deviation in float64 and bounded memory, whatever the units.

    Values are brought near 1 by a power of two, which is exact, so that no square overflows or
    underflows; the second moment is about the mean, which is corrected once.
    """
    _, exponent = np.frexp(np.maximum(np.abs(low), np.abs(high)))
    axis = 0 if low.ndim else None
    count = len(x) if low.ndim else x.size

    def mean(power: int, centre: AnyArray) -> AnyArray:
        total = np.zeros(low.shape)
        for start in range(0, len(x), _CHUNK):
            part = np.ldexp(x[start : start + _CHUNK].astype(np.float64), -exponent)
            total += ((part - centre) ** power).sum(axis=axis)
        return np.asarray(total / count)

    centre = mean(1, np.zeros(low.shape))
    centre = centre + mean(1, centre)
    deviation = np.sqrt(mean(2, centre))
    return np.ldexp(centre, exponent), np.ldexp(deviation, exponent)
