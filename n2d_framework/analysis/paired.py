"""Every method against one of them, on the same datasets and seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from n2d_framework.analysis.intervals import bootstrap_interval, seed_warnings
from n2d_framework.analysis.result_tables import methods

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DECIMALS", "Paired", "against_baseline", "holm", "signed_rank"]

_ENOUGH = 6
#: Scores are compared to so many decimals: what differs by rounding alone is a tie.
DECIMALS = 12


@attrs.frozen(eq=False)
class Paired:
    """Differences to a baseline.

    Attributes
    ----------
    baseline, metric : str
    table : DataFrame
        One row per other method: ``method``, ``pairs``, ``difference`` (mean of method minus
        baseline), ``low`` and ``high`` (95 % bootstrap interval over the pairs), ``wins`` and
        ``losses`` (pairs in which the method is better, and worse), ``p_value`` (Wilcoxon's
        signed-rank test) and ``p_holm`` (corrected for the number of methods).
    unit : {"datasets", "seeds"}
        What a pair is: a dataset (means over seeds), or, with one dataset, a seed.
    warnings : list of str
    """

    baseline: str
    metric: str
    table: pd.DataFrame = attrs.field(repr=False)
    unit: str
    warnings: list[str]


def against_baseline(
    table: pd.DataFrame, metric: str, baseline: str, *, less_is_better: bool = False
) -> Paired:
    """Compare every method with one.

    Parameters
    ----------
    table : DataFrame
        As of :attr:`Comparison.table`.
    metric : str
    baseline : str
        Name of a method.
    less_is_better : bool, default False

    Returns
    -------
    Paired
        The best method first. With several datasets, pairs are datasets, so that it speaks of
        datasets to come; with one, they are seeds, and it speaks of that dataset only.
    """
    import pandas as pd

    named = table.assign(method=methods(table))
    several = named["data"].nunique() > 1
    unit = "data" if several else "seed"
    matrix = named.pivot_table(
        index=unit, columns="method", values=metric, aggfunc="mean", sort=False, dropna=False
    )
    differences = {
        str(name): (matrix[name] - matrix[baseline]).dropna().round(DECIMALS).to_numpy()
        for name in matrix.columns
        if name != baseline
    }
    rows = [_row(name, values, less_is_better) for name, values in differences.items()]
    found = pd.DataFrame(rows, columns=_COLUMNS)
    found["p_holm"] = holm(found["p_value"].to_numpy())
    found = found.sort_values(
        "difference", ascending=less_is_better, kind="stable", ignore_index=True
    )
    reported = seed_warnings(table)
    most = int(found["pairs"].max()) if len(found) else 0
    plural = "datasets" if several else "seeds"
    if not several:
        reported.append("one dataset: differences hold for this dataset only")
    if most < _ENOUGH:
        reported.append(
            f"{most} pairs ({plural}): Wilcoxon's test cannot be significant with fewer than "
            f"{_ENOUGH}"
        )
    return Paired(baseline, metric, found, plural, reported)


_COLUMNS = ["method", "pairs", "difference", "low", "high", "wins", "losses", "p_value"]


def _row(method: str, differences: np.ndarray, less_is_better: bool) -> tuple[object, ...]:
    low, high = bootstrap_interval(differences)
    mean = float(differences.mean()) if len(differences) else float("nan")
    more, less = int((differences > 0).sum()), int((differences < 0).sum())
    wins, losses = (less, more) if less_is_better else (more, less)
    return method, len(differences), mean, low, high, wins, losses, signed_rank(differences)


def signed_rank(differences: np.ndarray) -> float:
    """p-value of Wilcoxon's signed-rank test; 1 where nothing differs, ``nan`` of one pair."""
    from scipy.stats import wilcoxon

    if len(differences) < 2:
        return float("nan")
    if not differences.any():
        return 1.0
    return float(wilcoxon(differences, zero_method="zsplit").pvalue)


def holm(p_values: np.ndarray) -> np.ndarray:
    """p-values with Holm's correction; ``nan`` stays and is not counted."""
    from statsmodels.stats.multitest import multipletests

    corrected = np.full(len(p_values), np.nan)
    known = ~np.isnan(p_values.astype(float))
    if known.any():
        corrected[known] = multipletests(p_values[known], method="holm")[1]
    return corrected
