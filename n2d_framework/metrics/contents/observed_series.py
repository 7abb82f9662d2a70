"""Series with their channels and times, of which some steps may not be known."""

from __future__ import annotations

import attrs
import numpy as np

from n2d_framework.core.rows.step_times import StepNames
from n2d_framework.types import AnyArray, FloatArray, IntArray

__all__ = ["ObservedSeries"]


@attrs.frozen(eq=False)
class ObservedSeries:
    """Rows that are series.

    Attributes
    ----------
    values : array of shape (n, steps, channels)
        In their own units. NaN where nothing is known.
    channels : tuple of str
        Their names.
    steps : StepNames
    lengths : int64 array of shape (n,), optional
        Steps of each row from the first on that are known: what follows is padding.
    """

    values: AnyArray
    channels: tuple[str, ...]
    steps: StepNames
    lengths: IntArray | None = None

    @property
    def n_steps(self) -> int:
        """Number of steps, padding included."""
        return int(self.values.shape[1])

    def channel(self, channel: int, rows: AnyArray | None = None) -> FloatArray:
        """Values of a channel: (n, steps) float64, NaN where nothing is known.

        Parameters
        ----------
        channel : int
        rows : int array of shape (m,), optional
            Of these rows.
        """
        chosen: AnyArray = np.arange(len(self.values)) if rows is None else rows
        found = np.array(self.values[chosen, :, channel], dtype=np.float64)
        if self.lengths is not None:
            found[np.arange(self.n_steps) >= self.lengths[chosen, None]] = np.nan
        return found

    def filled(self) -> AnyArray:
        """Rows as features, in which what is not known is the mean of the step and channel.

        Returns
        -------
        array of shape (n, steps * channels)
        """
        if self.lengths is None and not _has_gaps(self.values):
            return self.values.reshape(len(self.values), -1)
        found = np.empty(self.values.shape)
        for channel in range(len(self.channels)):
            values = self.channel(channel)
            known = ~np.isnan(values)
            sums, counts = np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0)
            means = sums / np.maximum(counts, 1)
            found[:, :, channel] = np.where(known, values, means)
        return found.reshape(len(found), -1)

    def value_names(self) -> tuple[str, ...]:
        """A name for each value of a row: its channel and step."""
        spans = [self.steps.span(step, step) for step in range(self.n_steps)]
        return tuple(f"{channel} at {span}" for span in spans for channel in self.channels)


def _has_gaps(values: AnyArray) -> bool:
    return values.dtype.kind == "f" and bool(np.isnan(values).any())
