"""Prototypes of clusters of series, and when and by what they differ from others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs
import numpy as np

from n2d_framework.core.arrays.contrasts import feature_contrasts, grouped
from n2d_framework.metrics.cluster_profile import Contrast, Profile
from n2d_framework.metrics.contents.observed_series import ObservedSeries
from n2d_framework.types import AnyArray, FloatArray, IntArray

__all__ = [
    "Prototype",
    "Window",
    "by_windows",
    "prototypes",
    "shown_steps",
    "telling_windows",
    "window_means",
]

#: Rows of a cluster whose quartiles are computed, drawn evenly from it.
_MOST_ROWS = 5000
#: A window is where the effect is at least this share of its greatest one there.
_OF_PEAK = 0.5
#: A step counts if this share of the rows of a cluster have it, and this share of the others, of
#: which at least so many: with fewer, an effect may be chance.
_KNOWN, _KNOWN_OTHERS, _LEAST_OTHERS = 0.5, 0.1, 5
#: Half the width of a 95 % interval, in standard errors.
_NORMAL = 1.96


@attrs.frozen(eq=False)
class Prototype:
    """Prototype of the series of a cluster.

    Attributes
    ----------
    mean, low, high : float64 array of shape (channels, steps)
        Mean and quartiles at each step, of the rows that have the step; NaN where none has.
    rows : int64 array of shape (channels, steps)
        How many rows have it.
    """

    mean: FloatArray
    low: FloatArray
    high: FloatArray
    rows: IntArray


@attrs.frozen
class Window:
    """A stretch of time in which a channel sets a cluster apart.

    Attributes
    ----------
    channel, first, last : int
    contrast : Contrast
        Of the mean of the stretch.
    """

    channel: int
    first: int
    last: int
    contrast: Contrast


def shown_steps(n_steps: int, most: int) -> IntArray:
    """At most so many steps, evenly spaced, with the first and the last."""
    return np.unique(np.linspace(0, n_steps - 1, min(n_steps, most)).round().astype(np.int64))


def prototypes(
    series: ObservedSeries, labels: IntArray, steps: IntArray | None = None
) -> dict[int, Prototype]:
    """Make the prototype of each cluster.

    Parameters
    ----------
    series : ObservedSeries
    labels : int64 array of shape (n,)
    steps : int array, optional
        Which steps; all by default.

    Returns
    -------
    dict of int to Prototype
        By label. Quartiles are those of at most 5,000 rows of a cluster.
    """
    return {
        label: _prototype(series, own, slice(None) if steps is None else steps)
        for label, own in grouped(labels)
    }


def _prototype(series: ObservedSeries, own: AnyArray, steps: slice | IntArray) -> Prototype:
    from scipy.stats import quantile

    quartiles = np.array([[0.25], [0.75]])
    made = []
    for channel in range(len(series.channels)):
        values = series.channel(channel, own)[:, steps]
        known = ~np.isnan(values)
        count = known.sum(axis=0)
        total = np.where(known, values, 0.0).sum(axis=0)
        mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        if len(values) > _MOST_ROWS:
            values = values[np.linspace(0, len(values) - 1, _MOST_ROWS).astype(int)]
        low, high = quantile(values, quartiles, axis=0, nan_policy="omit")
        made.append((mean, low, high, count))
    mean, low, high, rows = (np.array(part) for part in zip(*made, strict=True))
    return Prototype(mean, low, high, rows.astype(np.int64))


def telling_windows(
    series: ObservedSeries, labels: IntArray, number: int
) -> Mapping[int, tuple[Window, ...]]:
    """Find when, and in which channel, each cluster differs most from all other rows.

    For each stretch of steps in which a cluster lies to the same side of the others, the window is
    where the effect (Cohen's d of a step) is at least half of its greatest. What is compared then
    is the mean of each row in the window; rows of which nothing is known there do not count. Steps
    that fewer than half of the rows of the cluster have, or hardly any others, are left out.

    Parameters
    ----------
    series : ObservedSeries
    labels : int64 array of shape (n,)
    number : int
        At most so many for each cluster.

    Returns
    -------
    mapping of int to tuple of Window
        By label; by descending absolute effect.
    """
    groups = grouped(labels)
    if len(groups) < 2 or not number:
        return {label: () for label, _ in groups}
    tried: dict[int, list[tuple[float, int, int, int]]] = {label: [] for label, _ in groups}
    for channel in range(len(series.channels)):
        effects = _effects_of_steps(series.channel(channel), [own for _, own in groups])
        for (label, _), of_steps in zip(groups, effects, strict=True):
            tried[label] += [(one[0], channel, one[1], one[2]) for one in _stretches(of_steps)]
    chosen = {label: sorted(those, reverse=True)[:number] for label, those in tried.items()}
    found: dict[int, list[Window]] = {label: [] for label, _ in groups}
    for channel in sorted({one[1] for those in chosen.values() for one in those}):
        values = series.channel(channel)
        for label, own in groups:
            inside = np.zeros(len(labels), dtype=bool)
            inside[own] = True
            for _, of_channel, first, last in chosen[label]:
                if of_channel == channel:
                    name = f"{series.channels[channel]} at {series.steps.span(first, last)}"
                    contrast = _contrast(values[:, first : last + 1], inside, name)
                    if contrast is not None:
                        found[label].append(Window(channel, first, last, contrast))
    return {
        label: tuple(sorted(windows, key=lambda window: -abs(window.contrast.effect)))
        for label, windows in found.items()
    }


def by_windows(
    profiles: Iterable[Profile], windows: Mapping[int, Sequence[Window]]
) -> list[Profile]:
    """Let the windows of :func:`telling_windows` be what sets each cluster apart."""
    return [
        attrs.evolve(one, contrasts=tuple(window.contrast for window in windows[one.label]))
        for one in profiles
    ]


def window_means(series: ObservedSeries, window: Window) -> FloatArray:
    """Mean of each row in a window: (n,) float64, NaN where nothing is known."""
    return _means(series.channel(window.channel)[:, window.first : window.last + 1])


def _effects_of_steps(values: AnyArray, members: list[AnyArray]) -> AnyArray:
    """Cohen's d of each group against the others at each step, 0 of a step that too few have.

    Returns
    -------
    array of shape (groups, steps)
    """
    known = ~np.isnan(values)
    counts = np.maximum(known.sum(axis=0), 1)
    centre = np.where(known, values, 0.0).sum(axis=0) / counts
    away = np.where(known, values - centre, 0.0)
    spread = np.sqrt((away**2).sum(axis=0) / counts)
    away = away / np.where(spread > 0, spread, 1.0)
    sums = np.array([away[own].sum(axis=0) for own in members])
    squares = np.array([(away[own] ** 2).sum(axis=0) for own in members])
    rows = np.array([known[own].sum(axis=0) for own in members])
    others, n = rows.sum(axis=0) - rows, np.maximum(rows, 1)
    m = np.maximum(others, 1)
    mean, mean_of_others = sums / n, (sums.sum(axis=0) - sums) / m
    within = squares - n * mean**2 + (squares.sum(axis=0) - squares) - m * mean_of_others**2
    pooled = np.sqrt(np.maximum(within, 0.0) / np.maximum(rows + others, 1))
    # What does not vary within groups has an effect without bounds.
    effects = (mean - mean_of_others) / np.maximum(pooled, 1e-6)
    sizes = np.array([len(own) for own in members])[:, None]
    rest = sizes.sum() - sizes
    often = (rows >= np.maximum(1, _KNOWN * sizes)) & (
        others >= np.maximum(np.minimum(_LEAST_OTHERS, rest), _KNOWN_OTHERS * rest)
    )
    found: AnyArray = np.where(often, effects, 0.0)
    return found


def _stretches(effects: AnyArray) -> Iterator[tuple[float, int, int]]:
    """Greatest effect, first and last step of the window of each stretch on one side."""
    sides = np.sign(effects)
    ends = np.flatnonzero(np.diff(sides)) + 1
    for part in np.split(np.arange(len(effects)), ends):
        if not sides[part[0]]:
            continue
        sizes = np.abs(effects[part])
        peak = int(sizes.argmax())
        weak = np.flatnonzero(sizes < _OF_PEAK * sizes[peak])
        before, after = weak[weak < peak], weak[weak > peak]
        first = int(before[-1]) + 1 if len(before) else 0
        last = int(after[0]) - 1 if len(after) else len(part) - 1
        yield float(sizes[peak]), int(part[first]), int(part[last])


def _means(values: AnyArray) -> FloatArray:
    known = ~np.isnan(values)
    counts = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    found: FloatArray = np.where(counts > 0, total / np.maximum(counts, 1), np.nan)
    return found


def _contrast(values: AnyArray, inside: AnyArray, name: str) -> Contrast | None:
    """Compare means of rows; nothing if one side has none, or there is no difference."""
    means = _means(values)
    known = ~np.isnan(means)
    if not (inside & known).any() or not (~inside & known).any():
        return None
    compared = feature_contrasts(means[known, None], inside[known])
    own, rest = int(compared.sizes[1]), int(compared.sizes[0])
    effect = float(compared.effects[1, 0])
    if effect == 0:
        return None
    variance = (own + rest) / (own * rest) + effect**2 / (2 * (own + rest))
    reach = _NORMAL * float(np.sqrt(variance))
    low, high = float(compared.means[1, 0]), float(compared.others[1, 0])
    return Contrast(name, effect, effect - reach, effect + reach, low, high)
