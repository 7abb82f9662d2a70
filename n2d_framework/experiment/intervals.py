"""Means over seeds with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from n2d_framework.experiment.tables import AXES, methods

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FEW_SEEDS", "bootstrap_interval", "leaderboard", "seed_warnings", "summary"]

#: With fewer seeds an interval is told to be rough.
FEW_SEEDS = 5
_RESAMPLES = 9999


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
    from scipy.stats import bootstrap

    sample = np.asarray(values, dtype=np.float64)
    if len(sample) < 2:
        return float("nan"), float("nan")
    if (sample == sample[0]).all():
        return float(sample[0]), float(sample[0])
    found = bootstrap(
        (sample,), np.mean, confidence_level=confidence, n_resamples=_RESAMPLES,
        method="percentile", rng=np.random.default_rng(0),
    )  # fmt: skip
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def leaderboard(table: pd.DataFrame, metric: str, *, ascending: bool) -> pd.DataFrame:
    """Methods of each data set by the mean of a score, the best first.

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
    """What the number of seeds allows nobody to claim."""
    seeds = table["seed"].nunique()
    if seeds == 1:
        return ["one seed: no interval, and no claim that one method is better than another"]
    if seeds < FEW_SEEDS:
        return [f"{seeds} seeds: the intervals are rough and too narrow; use {FEW_SEEDS} or more"]
    return []


def summary(table: pd.DataFrame, metrics: Sequence[str], by: str) -> pd.DataFrame:
    """Texts for a paper: one row per data set and method, one column per metric.

    Parameters
    ----------
    table : DataFrame
    metrics : sequence of str
    by : str
        Metric by which rows are ordered.
    """
    import pandas as pd

    from n2d_framework.metrics import LESS_IS_BETTER

    less = by in LESS_IS_BETTER or by == "bic"
    order = leaderboard(table, by, ascending=less)[["data", "method", "seeds"]]
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
