"""Numbers of a table at a common scale, one for each column, whatever their units."""

from __future__ import annotations

from typing import Final, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from n2d_framework.plugin import AnyArray, learned

__all__ = ["HOW", "Balance", "Measures"]

#: Treatments of numbers, as a state has them.
HOW: Final = {"standard": 0, "robust": 1, "log": 2, "quantile": 3}
#: Numbers of which moments are taken at once.
_AT_ONCE: Final = 1 << 22
#: Ranks among the training rows are kept at so many quantiles.
_QUANTILES: Final = 201
#: The standard deviation of a normal distribution, as a share of the distance of its quartiles.
_OF_QUARTILES: Final = 0.7413


@attrs.frozen
class Balance:
    """Weights of columns of different kinds against each other.

    Attributes
    ----------
    name : str
        As the option of the component.
    """

    name: str

    def of_category(self, share: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values that stand for categories of these shares of rows."""
        if self.name == "famd":
            return np.asarray(1.0 / np.sqrt(share))
        return np.full(share.shape, 0.5 if self.name == "gower" else 1.0)

    def of_either(self, share: NDArray[np.float64]) -> NDArray[np.float64]:
        """One value that parts two categories as far as a value for each would."""
        if self.name == "famd":
            return np.asarray(1.0 / np.sqrt(share * (1.0 - share)))
        return np.full(share.shape, np.sqrt(2.0) if self.name == "mismatch" else 1.0)

    def of_number(self, deviation: AnyArray, extent: AnyArray) -> AnyArray:
        """Divisor of numbers of that standard deviation and range."""
        return extent if self.name == "gower" else deviation


@attrs.frozen(eq=False)
class Measures:
    """Knowledge of ``m`` columns of numbers.

    A value ``v`` becomes ``(how(v / 2**exponent) - mean) * factor``, a missing one 0. Columns with
    the factor 0 have one value only, and no feature.

    Attributes
    ----------
    how : int8 array
        Of :data:`HOW`.
    exponent : int32 array
        Powers of two that bring the column near 1; exact.
    centre, spread : float64 arrays
        For ``log``.
    knots : float64 array of shape (201, q)
        Quantiles of the columns treated by ``quantile``, in their order.
    mean, factor : float64 arrays
    missing : float64 array
        What a missing value becomes in the feature that says so; 0 where there is none.
    """

    how: NDArray[np.int8] = learned(shape=..., dtype="int8", ge=0, le=3, init=True)
    exponent: NDArray[np.int32] = learned(shape=..., dtype="int32", ge=-1100, le=1100, init=True)
    centre: NDArray[np.float64] = learned(shape=..., dtype="float64", init=True)
    spread: NDArray[np.float64] = learned(shape=..., dtype="float64", gt=0, init=True)
    knots: NDArray[np.float64] = learned(shape=..., dtype="float64", init=True)
    mean: NDArray[np.float64] = learned(shape=..., dtype="float64", init=True)
    factor: NDArray[np.float64] = learned(shape=..., dtype="float64", ge=0, init=True)
    missing: NDArray[np.float64] = learned(shape=..., dtype="float64", ge=0, init=True)

    @classmethod
    def of(
        cls, values: AnyArray, how: AnyArray, places: AnyArray, balance: Balance, least: float
    ) -> Self:
        """Learn from numbers.

        Parameters
        ----------
        values : float64 array of shape (n, m)
            NaN where missing.
        how : int8 array of shape (m,)
        places : int64 array of shape (m,)
            The column of the table that each is of; several share its weight, and the one feature
            for missing values.
        balance : Balance
        least : float
            Least share of missing values that has a feature; more than 1 for none.
        """
        step = max(1, _AT_ONCE // max(1, len(values)))
        found = [
            cls._of_some(values[:, start : start + step], how[start : start + step], balance, least)
            for start in range(0, max(1, len(how)), step)
        ]
        arrays = zip(*map(attrs.astuple, found), strict=True)
        made = cls(*(np.concatenate(parts, axis=-1) for parts in arrays))
        parts = np.bincount(places, weights=made.factor > 0, minlength=1)
        factor = made.factor / np.sqrt(np.maximum(parts, 1.0)[places])
        first = np.concatenate([[True], np.diff(places) > 0])[: len(places)]
        return attrs.evolve(made, factor=factor, missing=np.where(first, made.missing, 0.0))

    @classmethod
    def _of_some(cls, values: AnyArray, how: AnyArray, balance: Balance, least: float) -> Self:
        gaps = np.isnan(values)
        known = np.where(gaps, 0.0, values)
        exponent = np.frexp(np.abs(known).max(axis=0, initial=0.0))[1].astype(np.int32)
        share = gaps.mean(axis=0)
        counts = np.maximum((~gaps).sum(axis=0), 1)
        shape = how.shape
        flat = cls(
            how=how, exponent=exponent, centre=np.zeros(shape), spread=np.ones(shape),
            knots=np.zeros((_QUANTILES, 0)), mean=np.zeros(shape), factor=np.zeros(shape),
            missing=np.zeros(shape),
        )  # fmt: skip
        made = flat.with_curves(np.ldexp(values, -exponent))
        curved = np.where(gaps, 0.0, made.curved(values))

        def mean_of(numbers: AnyArray) -> AnyArray:
            return np.asarray(np.where(gaps, 0.0, numbers).sum(axis=0) / counts)

        mean = mean_of(curved)
        mean = mean + mean_of(curved - mean)
        deviation = np.sqrt(mean_of(np.square(curved - mean)))
        low = np.where(gaps, np.inf, curved).min(axis=0, initial=np.inf)
        high = np.where(gaps, -np.inf, curved).max(axis=0, initial=-np.inf)
        varies = (high > low) & (deviation > 0)
        extent = np.where(varies, high - low, 1.0)
        # Of two values, whatever they are, the difference is what counts.
        either = varies & (gaps | (curved == low) | (curved == high)).all(axis=0)
        share_of_high = ((mean - low) / extent)[either]
        robust = (how == HOW["robust"]) & varies & ~either
        if robust.any():
            first, middle, last = np.nanquantile(
                np.where(gaps, np.nan, curved)[:, robust], [0.25, 0.5, 0.75], axis=0
            )
            between = _OF_QUARTILES * (last - first)
            mean[robust] = middle
            deviation[robust] = np.where(between > 0, between, deviation[robust])
        factor = 1.0 / np.where(varies, balance.of_number(deviation, extent), 1.0)
        factor[either] = balance.of_either(share_of_high) / extent[either]
        factor = np.where(varies, factor, 0.0)
        said = (share >= least) & (share > 0) & (share < 1)
        # The mean is half as far, squared, from a value as two values are from each other.
        half = balance.of_either(np.where(said, share, 0.5)) / np.sqrt(2.0)
        missing = np.where(said, half, 0.0)
        return attrs.evolve(made, mean=mean, factor=factor, missing=missing)

    def with_curves(self, near: AnyArray) -> Self:
        """The same with centres, spreads and quantiles of columns that are bent."""
        centre, spread = self.centre.copy(), self.spread.copy()
        seen: AnyArray = np.asarray(~np.isnan(near).all(axis=0))
        for column in np.flatnonzero((self.how == HOW["log"]) & seen):
            values = near[:, column][~np.isnan(near[:, column])]
            centre[column] = np.median(values)
            apart = np.abs(values - centre[column])
            spread[column] = np.median(apart) or apart.mean() or 1.0
        ranked = [
            np.nanquantile(near[:, column], np.linspace(0, 1, _QUANTILES))
            if seen[column]
            else np.zeros(_QUANTILES)
            for column in np.flatnonzero(self.how == HOW["quantile"])
        ]
        knots = np.stack(ranked, axis=1) if ranked else self.knots
        return attrs.evolve(self, centre=centre, spread=spread, knots=knots)

    def curved(self, values: AnyArray) -> AnyArray:
        """Values before they are shifted and scaled."""
        near: AnyArray = np.ldexp(values, -self.exponent)
        for column in np.flatnonzero(self.how == HOW["log"]):
            apart = np.ascontiguousarray(near[:, column] - self.centre[column])
            near[:, column] = np.arcsinh(apart / self.spread[column])
        ranks = np.linspace(0, 1, _QUANTILES)
        for knots, column in zip(self.knots.T, np.flatnonzero(self.how == HOW["quantile"]),
                                 strict=True):  # fmt: skip
            given = near[:, column]
            # Equal values have the middle of their ranks.
            low = np.interp(given, knots, ranks)
            high = -np.interp(-given, -knots[::-1], -ranks[::-1])
            near[:, column] = np.where(np.isnan(given), np.nan, (low + high) / 2)
        return near

    def transform(self, values: AnyArray) -> AnyArray:
        """Features of numbers of shape (n, m), then those that say which were missing."""
        kept = self.factor > 0
        curved = (self.curved(values) - self.mean) * self.factor
        curved = np.where(np.isnan(values), 0.0, curved)[:, kept]
        said = self.missing > 0
        return np.hstack([curved, np.isnan(values)[:, said] * self.missing[said]])

    def deviations(self, values: AnyArray, columns: list[int]) -> AnyArray:
        """Distances of numbers from the means of the fit in some columns, as features have them."""
        return np.asarray(np.abs((self.curved(values) - self.mean) * self.factor)[:, columns])

    def names(self, columns: list[str]) -> list[str]:
        """Names of the features."""
        kept = [name for name, factor in zip(columns, self.factor, strict=True) if factor > 0]
        said = [name for name, value in zip(columns, self.missing, strict=True) if value > 0]
        return [*kept, *(f"{name} missing" for name in said)]

    def check_learned(self) -> list[str]:
        """Reasons why what was read from a state cannot be used."""
        shapes = {array.shape for array in attrs.astuple(self) if array is not self.knots}
        ranked = int((self.how == HOW["quantile"]).sum())
        right = shapes == {(len(self.how),)} and self.knots.shape == (_QUANTILES, ranked)
        return [] if right else ["its arrays do not fit together"]
