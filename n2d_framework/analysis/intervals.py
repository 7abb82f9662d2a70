"""Means over seeds with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from n2d_framework.analysis.result_tables import AXES, methods
from n2d_framework.types import AnyArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "FEW_SEEDS", "bootstrap_interval", "bootstrap_intervals", "leaderboard", "seed_warnings",
    "summary",
]  # fmt: skip

#: With fewer seeds an interval is reported as rough.
FEW_SEEDS = 5
_RESAMPLES = 9999
#: Samples that are resampled at once: bounds the memory.
_AT_ONCE = 64


def bootstrap_interval(values: Any, *, confidence: float = 0.95) -> tuple[float, float]:
    """Percentile bootstrap interval of a mean (scipy.stats.bootstrap), always the same one.

    Parameters
    ----------
    values : array-like of shape (n,)
        Without missing values.
    confidence : float, default 0.95

    Returns
    -------
    (low, high)
        ``nan`` with fewer than two values: one value says nothing of the spread.
    """
    low, high = bootstrap_intervals(
        np.asarray(values, dtype=np.float64)[None], confidence=confidence
    )
    return float(low[0]), float(high[0])


def bootstrap_intervals(samples: Any, *, confidence: float = 0.95) -> tuple[AnyArray, AnyArray]:
    """Intervals of many means; up to rounding each is that of :func:`bootstrap_interval`.

    Parameters
    ----------
    samples : array-like of shape (n_samples, n)
        Without missing values.
    confidence : float, default 0.95

    Returns
    -------
    low, high : float64 arrays of shape (n_samples,)
        ``nan`` where `n` is less than two.
    """
    from scipy.stats import bootstrap

    array = np.asarray(samples, dtype=np.float64)
    low, high = np.full((2, len(array)), np.nan)
    if array.shape[1] < 2:
        return low, high
    same = (array == array[:, :1]).all(axis=1)
    low[same] = high[same] = array[same, 0]
    varied = np.flatnonzero(~same)
    for chunk in np.split(varied, range(_AT_ONCE, len(varied), _AT_ONCE)):
        if len(chunk):
            # Rows are resampled by the same draws: alone, a row would have got these as well.
            found = bootstrap(
                (array[chunk],), np.mean, axis=-1, confidence_level=confidence,
                n_resamples=_RESAMPLES, method="percentile", rng=np.random.default_rng(0),
            )  # fmt: skip
            low[chunk], high[chunk] = found.confidence_interval
    return low, high


def leaderboard(table: pd.DataFrame, metric: str, *, ascending: bool) -> pd.DataFrame:
    """Methods of each dataset by the mean of a score, the best first.

    Parameters
    ----------
    table : DataFrame
        As of :attr:`Comparison.table`.
    metric : str
    ascending : bool
        Whether less is better.

    Returns
    -------
    DataFrame
        ``data``, ``method``, the axes, ``seeds`` (with a score), ``failed``, ``mean``,
        ``low``, ``high``. Failed cells never count as zero: they are counted beside.
    """
    import pandas as pd

    named = table.assign(method=methods(table))
    rows = []
    for (data, method), group in named.groupby(["data", "method"], sort=False):
        values = group[metric].dropna()
        low, high = bootstrap_interval(values)
        axes = {name: group[name].iloc[0] for name in AXES if name != "data"}
        rows.append(
            {"data": data, "method": method, **axes, "seeds": len(values)}
            | {"failed": int(group["status"].isin(("failed", "lost")).sum())}
            | {"mean": float(values.mean()) if len(values) else float("nan")}
            | {"low": low, "high": high}
        )
    board = pd.DataFrame(rows)
    order = {name: place for place, name in enumerate(dict.fromkeys(board["data"]))}
    board = board.assign(place=board["data"].map(order))
    board = board.sort_values(
        ["place", "mean"], ascending=[True, ascending], na_position="last", kind="stable"
    )
    return board.drop(columns="place").reset_index(drop=True)


def seed_warnings(table: pd.DataFrame) -> list[str]:
    """Claims that the number of seeds does not allow."""
    seeds = table["seed"].nunique()
    if seeds == 1:
        return ["one seed: no interval, and no claim that one method is better than another"]
    if seeds < FEW_SEEDS:
        return [f"{seeds} seeds: the intervals are rough and too narrow; use {FEW_SEEDS} or more"]
    return []


def summary(
    table: pd.DataFrame, metrics: Sequence[str], by: str, *, ascending: bool
) -> pd.DataFrame:
    """Texts for a paper: one row per dataset and method, one column per metric.

    Parameters
    ----------
    table : DataFrame
    metrics : sequence of str
    by : str
        Metric by which rows are ordered.
    ascending : bool
        Whether less of it is better.
    """
    import pandas as pd

    order = leaderboard(table, by, ascending=ascending)[["data", "method", "seeds"]]
    for metric in metrics:
        board = leaderboard(table, metric, ascending=False)
        texts = [
            _text(*row) for row in zip(board["mean"], board["low"], board["high"], strict=True)
        ]
        column = pd.DataFrame({"data": board["data"], "method": board["method"], metric: texts})
        order = order.merge(column, on=["data", "method"], how="left", sort=False)
    return order


def _text(mean: float, low: float, high: float) -> str:
    if np.isnan(mean):
        return "-"
    digits = 3 if abs(mean) < 100 else 0
    if np.isnan(low):
        return f"{mean:.{digits}f}"
    return f"{mean:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
