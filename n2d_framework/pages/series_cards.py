"""Series on a page: the prototype of each cluster as small charts, and the curve of each row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from n2d_framework.metrics.contents.observed_series import ObservedSeries
from n2d_framework.metrics.contents.prototypes import (
    Prototype,
    Window,
    prototypes,
    shown_steps,
    telling_windows,
    window_means,
)
from n2d_framework.pages.data_map import packed_numbers
from n2d_framework.pages.map_columns import MapColumn
from n2d_framework.readable import readable_number
from n2d_framework.types import AnyArray, IntArray

__all__ = ["CHART_HEIGHT", "CHART_WIDTH", "SeriesView"]

#: Size of a chart in its own units, and the free border around the lines.
CHART_WIDTH, CHART_HEIGHT, _BORDER = 320, 96, 4
#: Steps of a chart and of the curve of a row; of longer series evenly spaced ones.
_CHART_STEPS, _CURVE_STEPS = 80, 48
#: Channels that have a chart on a card, and of which rows have curves.
_CHARTS, _CURVES = 4, 3
#: Rows that have a curve, and windows of a cluster that are named.
_MOST_CURVES, _WINDOWS = 5000, 6
#: Windows by which the map is coloured.
_MOST_COLUMNS = 8
#: Levels of a curve, and the byte of a gap.
_LEVELS, _GAP = 254, 255


@attrs.frozen(eq=False)
class SeriesView:
    """Clusters of series, as a page shows them.

    Attributes
    ----------
    series : ObservedSeries
    windows : mapping of int to tuple of Window
        What sets each cluster apart, by its label.
    steps : int array
        Steps that charts show.
    by_label : mapping of int to Prototype
        At these steps.
    everything : Prototype
        Of all rows.
    """

    series: ObservedSeries
    windows: Mapping[int, tuple[Window, ...]]
    steps: IntArray
    by_label: Mapping[int, Prototype]
    everything: Prototype

    @classmethod
    def of(cls, series: ObservedSeries, labels: IntArray) -> SeriesView:
        """Look at series by their clusters."""
        steps = shown_steps(series.n_steps, _CHART_STEPS)
        whole = prototypes(series, np.zeros(len(labels), dtype=np.int64), steps)[0]
        windows = telling_windows(series, labels, _WINDOWS)
        return cls(series, windows, steps, prototypes(series, labels, steps), whole)

    def charts(self, label: int) -> dict[str, Any]:
        """Charts of the channels of a cluster, those that set it apart first.

        Parameters
        ----------
        label : int

        Returns
        -------
        dict
            ``charts`` with ``title``, ``said`` (the chart in words), ``band``, ``line`` and
            ``usual`` (points of SVG polygons and polylines), ``low`` and ``high`` of the axis;
            ``left_out``, how many channels have none; ``axis`` and ``times`` beneath all.
        """
        order = list(dict.fromkeys(window.channel for window in self.windows[label]))
        order += [i for i in range(len(self.series.channels)) if i not in order]
        chosen = sorted(order[:_CHARTS])
        texts = self.series.steps.texts
        return {
            "charts": [self._chart(label, channel) for channel in chosen],
            "left_out": len(order) - len(chosen),
            "axis": self.series.steps.axis,
            "times": [texts[0], texts[(len(texts) - 1) // 2], texts[-1]],
        }

    def _chart(self, label: int, channel: int) -> dict[str, Any]:
        own = self.by_label[label]
        low, high = self._range(channel)
        mean, name = own.mean[channel], self.series.channels[channel]
        band = [
            [*run, *backwards]
            for run, backwards in zip(
                self._runs(own.high[channel], low, high),
                [run[::-1] for run in self._runs(own.low[channel], low, high)],
                strict=True,
            )
        ]
        return {
            "title": name,
            "said": f"{name}: {self._said(mean)}",
            "band": [" ".join(run) for run in band],
            "lines": [" ".join(run) for run in self._runs(mean, low, high)],
            "usual": [" ".join(r) for r in self._runs(self.everything.mean[channel], low, high)],
            "low": readable_number(low),
            "high": readable_number(high),
        }

    def _range(self, channel: int) -> tuple[float, float]:
        """The least and the greatest value that any chart of a channel shows."""
        values = np.concatenate([
            part[channel]
            for one in (*self.by_label.values(), self.everything)
            for part in (one.mean, one.low, one.high)
        ])  # fmt: skip
        known = values[np.isfinite(values)]
        return (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)

    def _said(self, mean: AnyArray) -> str:
        """The mean in words: where it begins and ends, its greatest and least value."""
        known = np.flatnonzero(np.isfinite(mean))
        if not len(known):
            return "nothing is known"
        span = self.series.steps.span
        places = {
            "begins at": known[0],
            "is least with": known[np.argmin(mean[known])],
            "is greatest with": known[np.argmax(mean[known])],
            "ends at": known[-1],
        }
        return "the mean " + ", ".join(
            f"{what} {readable_number(float(mean[i]))} ({span(self.steps[i], self.steps[i])})"
            for what, i in places.items()
        )

    def _runs(self, values: AnyArray, low: float, high: float) -> list[list[str]]:
        """Points of lines, broken where nothing is known."""
        last = max(self.series.n_steps - 1, 1)
        x = _BORDER + (CHART_WIDTH - 2 * _BORDER) * self.steps / last
        share = (values - low) / (high - low) if high > low else values * 0 + 0.5
        y = CHART_HEIGHT - _BORDER - (CHART_HEIGHT - 2 * _BORDER) * share
        known = np.isfinite(values)
        parts = np.split(np.arange(len(values)), np.flatnonzero(np.diff(known)) + 1)
        return [[f"{x[i]:.1f},{y[i]:.1f}" for i in part] for part in parts if known[part[0]]]

    def _most_telling(self) -> list[Window]:
        """Windows of all clusters, the greatest effects first, without repetition."""
        every = [window for windows in self.windows.values() for window in windows]
        every.sort(key=lambda window: -abs(window.contrast.effect))
        found: dict[tuple[int, int, int], Window] = {}
        for one in every:
            found.setdefault((one.channel, one.first, one.last), one)
        return [*found.values()]

    def columns(self) -> list[MapColumn]:
        """Means in the windows that set clusters apart most, to colour a map by."""
        return [
            MapColumn(window.contrast.feature, "number", window_means(self.series, window))
            for window in self._most_telling()[:_MOST_COLUMNS]
        ]

    def curves(self, rows: AnyArray) -> dict[str, Any]:
        """Curves of rows, for the script.

        Parameters
        ----------
        rows : int array
            In the order of the points; the first of them have curves.

        Returns
        -------
        dict
            ``channels`` with ``name``, ``low``, ``high`` and ``values``, a byte for each row and
            step; ``steps`` and ``count`` of rows; ``first`` and ``last`` time.
        """
        shown = rows[:_MOST_CURVES]
        steps = shown_steps(self.series.n_steps, _CURVE_STEPS)
        order = list(dict.fromkeys(window.channel for window in self._most_telling()))
        order += [i for i in range(len(self.series.channels)) if i not in order]
        made = []
        for channel in sorted(order[:_CURVES]):
            values = self.series.channel(channel, shown)[:, steps]
            known = np.isfinite(values)
            some = values[known]
            low, high = (float(some.min()), float(some.max())) if len(some) else (0.0, 0.0)
            share = (np.where(known, values, low) - low) / ((high - low) or 1.0)
            levels = np.where(known, (share * _LEVELS).round(), _GAP).astype("<u1")
            made.append({
                "name": self.series.channels[channel],
                "low": readable_number(low),
                "high": readable_number(high),
                "values": packed_numbers(levels.reshape(-1)),
            })  # fmt: skip
        texts = self.series.steps.texts
        return {
            "channels": made, "steps": len(steps), "count": len(shown),
            "first": texts[0], "last": texts[-1], "axis": self.series.steps.axis,
        }  # fmt: skip
