"""Times of the steps of series, and how they are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import attrs
import numpy as np

from n2d_framework.readable import readable_number
from n2d_framework.types import AnyArray, FloatArray

__all__ = ["StepNames", "StepTimes"]

#: Deviation from even spacing, as a share of the whole, that rounding explains.
_EVEN = 1e-9
#: Units of durations in seconds, the greatest first, and from how many of one on it is used.
_UNITS = ((86_400.0, "days"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))
_USED_FROM = 2.0


@attrs.frozen
class StepTimes:
    """Times that all series of a table share.

    Attributes
    ----------
    values : tuple of float
        Of the steps; dates and durations in seconds. Of evenly spaced ones the first and the last.
    dated : bool
        Whether they are points in time, or durations, and not numbers.
    since_start : bool
        Whether they count from the first time of each series: else they are the same for all.
    """

    values: tuple[float, ...]
    dated: bool
    since_start: bool

    @classmethod
    def of(cls, times: FloatArray, *, dated: bool) -> Self:
        """Times that series share.

        Parameters
        ----------
        times : float64 array of shape (n, steps)
            The same for all since the first of each.
        dated : bool
        """
        since_start = bool((times[:, 0] != times[0, 0]).any())
        shared = times[0] - times[0, 0] if since_start else times[0]
        even = np.linspace(shared[0], shared[-1], len(shared))
        if float(np.abs(shared - even).max()) <= _EVEN * float(np.ptp(shared)):
            shared = shared[[0, -1]]
        return cls(tuple(shared.tolist()), dated, since_start)

    def of_steps(self, steps: int) -> FloatArray:
        """The time of each of so many steps."""
        if len(self.values) == steps:
            return np.array(self.values)
        return np.linspace(self.values[0], self.values[-1], steps)

    def as_json(self) -> dict[str, Any]:
        """Plain values, as a bundle stores them."""
        return attrs.asdict(self) | {"values": list(self.values)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The times of what :meth:`as_json` gave."""
        return cls(tuple(map(float, data["values"])), data["dated"], data["since_start"])


@attrs.frozen
class StepNames:
    """Steps of series as people read them.

    Attributes
    ----------
    axis : str
        What the steps are, such as ``"step"`` or the name of the column of times.
    texts : tuple of str
        Of each step, such as ``"12"`` or ``"2024-05-01 06:00"``.
    before, after : str
        Words around one step or several.
    joint : str
        Between the first step and the last.
    """

    axis: str
    texts: tuple[str, ...]
    before: str = ""
    after: str = ""
    joint: str = "\N{EN DASH}"

    @classmethod
    def counted(cls, steps: int) -> Self:
        """Steps without times, counted from 0."""
        return cls("step", tuple(map(str, range(steps))), before="step ")

    @classmethod
    def of_shares(cls, steps: int) -> Self:
        """Steps that were interpolated from the first time of each series to its last."""
        shares = (np.arange(steps) * (100 / (steps - 1))).round().astype(int)
        return cls(
            "share of each series, from its first time to its last, in %",
            tuple(map(str, shares.tolist())),
            after=" % of the series",
        )

    @classmethod
    def of_times(cls, times: StepTimes, name: str, steps: int) -> Self:
        """Steps with times.

        Parameters
        ----------
        times : StepTimes
        name : str
            Of the column of times.
        steps : int
        """
        values = times.of_steps(steps)
        if times.dated and not times.since_start:
            day, texts = _dates(values)
            return cls(f"{name}, {day}" if day else name, texts, joint=" to ")
        unit = ""
        if times.dated:
            size, unit = next(
                (one for one in _UNITS if float(np.ptp(values)) >= _USED_FROM * one[0]), _UNITS[-1]
            )
            values = values / size
        texts = tuple(map(readable_number, values.tolist()))
        since = " from the start" if times.since_start else ""
        if times.dated:
            return cls(f"{name}, {unit}{since}", texts, after=f" {unit}{since}")
        return cls(f"{name}{since}", texts, before=f"{name} ", after=since)

    def span(self, first: int, last: int) -> str:
        """Words for the steps from `first` to `last`."""
        words = self.texts[first]
        if self.texts[last] != words:
            words = f"{words}{self.joint}{self.texts[last]}"
        return f"{self.before}{words}{self.after}"


def _dates(seconds: AnyArray) -> tuple[str, tuple[str, ...]]:
    """Points in time as days, or with as much of the time of day as they have.

    The day comes first where it is the same for all.
    """
    instants = (seconds * 1e6).round().astype("datetime64[us]")
    unit = next(
        (unit for unit in ("D", "m", "s") if (instants == instants.astype(f"M8[{unit}]")).all()),
        "ms",
    )
    written = np.datetime_as_string(instants, unit=unit)  # type: ignore[call-overload]
    days = {text[:10] for text in written.tolist()}
    if unit != "D" and len(days) == 1:
        return days.pop(), tuple(text[11:] for text in written.tolist())
    return "", tuple(text.replace("T", " ") for text in written.tolist())
