"""Scalers: the same shift and factor at fit and at prediction."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from n2d_framework.plugin import (
    AnyArray,
    DataError,
    FitContext,
    OnnxGraph,
    component,
    learned,
    option,
    require_fitted,
)

__all__ = ["MaxAbs", "MinMax", "Standard", "Unscaled"]

_CHUNK = 4096
#: Offset, in spreads, from which float32 would lose half of its digits to it.
_WIDEST_OFFSET = 2.0**12

Per = Literal["feature", "array"]


@component
class _Scaler:
    """Maps values by ``(x - shift) * factor``, in float64.

    Attributes
    ----------
    shift_, factor_ : float64 array
        Of the shape of a row, or of shape ``()``.
    per_ : {"feature", "array"}
        What ``per="auto"`` came to.
    """

    _name: ClassVar[str]
    _said: ClassVar[str]

    per: Literal["auto", "feature", "array"] = option(
        "auto",
        help="feature: each feature by its own range; array: all values by one range, as for "
        "pixels; auto: array for images, for other rows of more than one dimension and for "
        "bytes (uint8), feature otherwise.",
    )
    shift_: NDArray[np.float64] | None = learned(shape=..., dtype="float64")
    factor_: NDArray[np.float64] | None = learned(shape="_shape", dtype="float64", gt=0)
    per_: Per | None = learned(dtype=str, choices=("feature", "array"))

    def _shift_and_spread(
        self, x: AnyArray, low: AnyArray, high: AnyArray, weights: AnyArray | None
    ) -> tuple[AnyArray, AnyArray]:
        """Offset and divisor, from the ends of each range in float64."""
        raise NotImplementedError

    def fit(self, x: Any, *, context: FitContext) -> Self:
        """Learn shift and factor from rows of real numbers, of shape ``(n, *row_shape)``.

        Nothing is compared with an absolute number: a feature is constant if all its values are
        equal, in whatever unit. It gets the factor 1. Rows of weight 0 do not count.

        Raises
        ------
        DataError
            If a spread is beyond float64.
        """
        per, weights = self._resolve_per(x), context.weights
        if weights is not None:
            x, weights = x[weights > 0], weights[weights > 0]
        axis = 0 if per == "feature" else None
        low, high = (_dense(end).astype(np.float64) for end in (x.min(axis=axis), x.max(axis=axis)))
        shift, spread = self._shift_and_spread(x, low, high, weights)
        spread = np.where(spread == 0, 1.0, spread)
        with np.errstate(over="ignore"):
            factor = np.asarray(1.0 / spread)
        self._refuse_extreme(spread, factor)
        self.shift_, self.factor_ = np.asarray(shift, dtype=np.float64), factor
        self.per_ = per
        return self

    def _resolve_per(self, x: Any) -> Per:
        if self.per != "auto":
            return self.per
        return "array" if x.ndim > 2 or x.dtype == np.uint8 else "feature"

    def _learned(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return require_fitted(self.shift_, self._name), require_fitted(self.factor_, self._name)

    def output_shape(self, row_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of a row: it is not changed.

        Raises
        ------
        DataError
            If it is fitted on rows of another shape.
        """
        if self.shift_ is not None and self.shift_.shape not in ((), row_shape):
            raise DataError(
                f"{self._name} was fitted on rows of shape {self.shift_.shape} and got rows of "
                f"shape {row_shape}; pass rows of the same features"
            )
        return row_shape

    def transform(self, x: Any) -> Any:
        """Scale rows: an array (or CSR array) of the same shape, float64.

        Raises
        ------
        DataError
            If rows have another shape than those of the fit.
        StateError
            If not fitted.
        """
        shift, factor = self._learned()
        self.output_shape(x.shape[1:])
        with np.errstate(over="ignore"):
            if isinstance(x, np.ndarray):
                return np.asarray((x - shift) * factor)
            # Sparse rows come only where zero stays zero.
            found = x.astype(np.float64)
            found.data *= factor if self.per_ == "array" else factor[found.indices]
            return found

    def treatments(self, x: Any) -> list[tuple[str, str]]:
        """Say what is done to rows, in plain words."""
        self._learned()
        whole = self.per_ == "array"
        what = "all values together" if whole else "each feature by itself"
        return [(what, self._said)]

    def to_onnx(self, graph: OnnxGraph, rows: str) -> str:
        """Add the scaling to a graph, in float64 as here; `rows` and result by their names."""
        shift, factor = self._learned()
        moved = graph.apply("Sub", graph.cast(rows, "float64"), graph.constant(shift))
        return graph.apply("Mul", moved, graph.constant(factor))

    def inverse_transform(self, x: AnyArray) -> AnyArray:
        """Undo the scaling.

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
        shift, factor = self._learned()
        with np.errstate(over="ignore"):
            found: AnyArray = x / factor + shift
            if not _wide(shift, factor):
                found = found.astype(np.float32)
        if not np.isfinite(found).all():
            raise DataError(f"a reconstructed value is too large for {found.dtype}")
        return found

    def _refuse_extreme(self, spread: AnyArray, factor: AnyArray) -> None:
        for wrong, what in (
            (~np.isfinite(spread), "spread is too large for float64; divide it by a constant"),
            (~np.isfinite(factor), "spread is too small for float64; multiply it by a constant"),
        ):
            if wrong.any():
                place = ", ".join(str(int(i)) for i in np.argwhere(wrong)[0])
                where = f"column {place}" if place else "x"
                raise DataError(f"{where}: its {what} before the {self._name!r} scaler")

    @property
    def _shape(self) -> tuple[int, ...]:
        return require_fitted(self.shift_, self._name).shape

    def check_learned(self) -> list[str]:
        """Reasons why a state that was read cannot be that of a scaler."""
        if (self.per_ == "array") == (self._shape == ()):
            return []
        return [f"state 'shift' has the shape {self._shape}, 'per' is {self.per_!r}"]


@component
class MinMax(_Scaler):
    """Scales to [0, 1]: the least value becomes 0 and the largest 1."""

    _name: ClassVar[str] = "minmax"
    _said: ClassVar[str] = "brought to [0, 1] by the least and the largest value"

    def _shift_and_spread(
        self, x: AnyArray, low: AnyArray, high: AnyArray, weights: AnyArray | None
    ) -> tuple[AnyArray, AnyArray]:
        with np.errstate(over="ignore"):
            return low, np.asarray(high - low)


@component
class Standard(_Scaler):
    """Scales to mean 0 and variance 1."""

    _name: ClassVar[str] = "standard"
    _said: ClassVar[str] = "brought to mean 0 and variance 1"

    def _shift_and_spread(
        self, x: AnyArray, low: AnyArray, high: AnyArray, weights: AnyArray | None
    ) -> tuple[AnyArray, AnyArray]:
        mean, deviation = _moments(x, low, high, weights)
        equal = low == high
        return np.where(equal, low, mean), np.where(equal, 1.0, deviation)


@component
class MaxAbs(_Scaler):
    """Scales to [-1, 1] by the largest absolute value; zero stays zero."""

    _name: ClassVar[str] = "maxabs"
    _said: ClassVar[str] = "brought to [-1, 1] by the largest absolute value"

    def _shift_and_spread(
        self, x: AnyArray, low: AnyArray, high: AnyArray, weights: AnyArray | None
    ) -> tuple[AnyArray, AnyArray]:
        return np.zeros(low.shape), np.maximum(np.abs(low), np.abs(high))


@component
class Unscaled(_Scaler):
    """Passes values on as they are."""

    _name: ClassVar[str] = "none"
    _said: ClassVar[str] = "passed on as it is"

    def _shift_and_spread(
        self, x: AnyArray, low: AnyArray, high: AnyArray, weights: AnyArray | None
    ) -> tuple[AnyArray, AnyArray]:
        return np.zeros(low.shape), np.ones(low.shape)

    def transform(self, x: Any) -> Any:
        """The rows themselves, in their type."""
        self._learned()
        self.output_shape(x.shape[1:])
        return x

    def to_onnx(self, graph: OnnxGraph, rows: str) -> str:
        """The rows themselves."""
        return rows

    def inverse_transform(self, x: AnyArray) -> AnyArray:
        """The rows themselves."""
        return x


def _dense(ends: Any) -> AnyArray:
    """The ends of ranges, which come as a sparse array where rows are sparse."""
    return np.asarray(ends.toarray() if hasattr(ends, "toarray") else ends)


def _wide(shift: AnyArray, factor: AnyArray) -> bool:
    """Return whether float32 cannot hold the data in their own units."""
    spread, single = 1.0 / factor, np.finfo(np.float32)
    with np.errstate(over="ignore"):
        offset, reach = np.abs(shift) * factor, np.abs(shift) + spread
    return bool(
        (offset > _WIDEST_OFFSET).any()
        or (reach > single.max).any()
        or (spread < single.tiny).any()
    )


def _moments(
    x: AnyArray, low: AnyArray, high: AnyArray, weights: AnyArray | None
) -> tuple[AnyArray, AnyArray]:
    """Mean and standard deviation in float64 and bounded memory, whatever the units.

    Values are brought near 1 by a power of two, which is exact, so that no square overflows or
    underflows; the second moment is about the mean, which is corrected once.
    """
    _, exponent = np.frexp(np.maximum(np.abs(low), np.abs(high)))
    axis = 0 if low.ndim else None
    count = len(x) if weights is None else weights.sum()
    count = count if low.ndim else count * x[:1].size

    def mean(power: int, centre: AnyArray) -> AnyArray:
        total = np.zeros(low.shape)
        for start in range(0, len(x), _CHUNK):
            rows = slice(start, start + _CHUNK)
            part = (np.ldexp(x[rows].astype(np.float64), -exponent) - centre) ** power
            if weights is not None:
                part *= weights[rows].reshape(-1, *[1] * (x.ndim - 1))
            total += part.sum(axis=axis)
        return np.asarray(total / count)

    centre = mean(1, np.zeros(low.shape))
    centre = centre + mean(1, centre)
    deviation = np.sqrt(mean(2, centre))
    return np.ldexp(centre, exponent), np.ldexp(deviation, exponent)
