"""Do methods differ over datasets? Friedman's test, what follows it, and the usual diagram."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs
import numpy as np

from n2d_framework.analysis.paired import DECIMALS, holm, signed_rank
from n2d_framework.analysis.result_tables import methods
from n2d_framework.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = [
    "Posthoc", "Significance", "compare_methods", "compare_scores", "critical_difference",
    "score_matrix",
]  # fmt: skip

Posthoc: TypeAlias = Literal["nemenyi", "wilcoxon-holm"]
#: Demsar 2006: the chi-square approximation of Friedman's test is good from here on.
_ENOUGH_DATA = 10
#: With five pairs, Wilcoxon's two-sided p cannot be below 0.0625.
_WILCOXON_DATA = 6


@attrs.frozen(eq=False)
class Significance:
    """Differences of methods over several datasets.

    Attributes
    ----------
    metric : str
    scores : DataFrame
        Datasets by methods: means over seeds.
    ranks : Series
        Mean rank of each method, 1 is best; ties share ranks.
    statistic, p_value : float
        Friedman's test; ``nan`` where it cannot be computed.
    posthoc : {"nemenyi", "wilcoxon-holm"}
    p_values : DataFrame or None
        Methods by methods, corrected for their number.
    warnings : list of str
        What the data are too few for.
    """

    metric: str
    scores: pd.DataFrame = attrs.field(repr=False)
    ranks: pd.Series[float] = attrs.field(repr=False)
    statistic: float
    p_value: float
    posthoc: str
    p_values: pd.DataFrame | None = attrs.field(repr=False)
    warnings: list[str]

    def diagram(self, ax: Axes | None = None, *, alpha: float = 0.05) -> Axes:
        """Critical-difference diagram; see :func:`critical_difference`."""
        return critical_difference(self, ax, alpha=alpha)


def score_matrix(table: pd.DataFrame, metric: str) -> tuple[pd.DataFrame, list[str]]:
    """Means over seeds of every dataset and method that are complete.

    Parameters
    ----------
    table : DataFrame
    metric : str

    Returns
    -------
    matrix : DataFrame
        Datasets by methods.
    reported : list of str
        Methods left out because they have no score on some dataset.
    """
    named = table.assign(method=methods(table))
    matrix = named.pivot_table(
        index="data", columns="method", values=metric, aggfunc="mean", sort=False, dropna=False
    )
    matrix = matrix.dropna(axis="index", how="all").round(DECIMALS)
    complete = matrix.dropna(axis="columns")
    absent = [str(name) for name in matrix.columns if name not in complete.columns]
    reported = [f"left out, for lack of a score on some dataset: {', '.join(absent)}"]
    return complete, reported if absent else []


def compare_methods(
    table: pd.DataFrame,
    metric: str,
    *,
    less_is_better: bool = False,
    posthoc: str = "nemenyi",
) -> Significance:
    """Friedman's test over datasets, then every pair of methods.

    Parameters
    ----------
    table : DataFrame
        As of :attr:`Comparison.table`.
    metric : str
    less_is_better : bool, default False
    posthoc : {"nemenyi", "wilcoxon-holm"}, default "nemenyi"
        Nemenyi's test on mean ranks (Demsar 2006), or Wilcoxon's signed-rank test of each pair
        with Holm's correction (Benavoli et al. 2016).

    Returns
    -------
    Significance

    Raises
    ------
    DataError
        If `posthoc` is unknown, or no method has a score on every dataset.
    """
    _require_known(posthoc)
    scores, reported = score_matrix(table, metric)
    if scores.empty:
        raise DataError(f"no method has a {metric!r} on every dataset")
    found = compare_scores(scores, metric, less_is_better=less_is_better, posthoc=posthoc)
    return attrs.evolve(found, warnings=[*reported, *found.warnings])


def compare_scores(
    scores: pd.DataFrame,
    metric: str,
    *,
    less_is_better: bool = False,
    posthoc: str = "nemenyi",
) -> Significance:
    """The same tests, from a score of every method on every dataset.

    Parameters
    ----------
    scores : DataFrame
        Datasets by methods, without gaps.
    metric, less_is_better, posthoc
        As for :func:`compare_methods`.
    """
    _require_known(posthoc)
    reported = _too_few(*scores.shape, posthoc)
    ranks = scores.rank(axis="columns", ascending=less_is_better).mean().sort_values()
    statistic = p_value = float("nan")
    p_values = None
    n_data, n_methods = scores.shape
    if n_data >= 2 and n_methods >= 3:
        statistic, p_value = _friedman(scores)
        if np.isnan(p_value):
            reported.append("all methods have the same ranks everywhere: there is nothing to test")
        else:
            p_values = _pairs(scores, posthoc)
    return Significance(metric, scores, ranks, statistic, p_value, posthoc, p_values, reported)


def _require_known(posthoc: str) -> None:
    if posthoc not in ("nemenyi", "wilcoxon-holm"):
        raise DataError(f"posthoc must be 'nemenyi' or 'wilcoxon-holm', got {posthoc!r}")


def _too_few(n_data: int, n_methods: int, posthoc: str) -> list[str]:
    reported = []
    if n_methods < 3:
        reported.append(
            f"{n_methods} methods: Friedman's test needs three; use a paired comparison"
        )
    if n_data < 2:
        reported.append("one dataset: nothing can be said beyond it, so nothing is tested")
    elif posthoc == "wilcoxon-holm" and n_data < _WILCOXON_DATA:
        reported.append(
            f"{n_data} datasets: Wilcoxon's test cannot be significant with fewer than "
            f"{_WILCOXON_DATA}"
        )
    if 2 <= n_data < _ENOUGH_DATA:
        reported.append(
            f"{n_data} datasets: the test is approximate and weak below {_ENOUGH_DATA}; no "
            "difference found does not mean that there is none"
        )
    return reported


def _friedman(scores: pd.DataFrame) -> tuple[float, float]:
    from scipy.stats import friedmanchisquare

    with np.errstate(all="ignore"):
        found = friedmanchisquare(*scores.to_numpy().T)
    return float(found.statistic), float(found.pvalue)


def _pairs(scores: pd.DataFrame, posthoc: str) -> pd.DataFrame:
    import pandas as pd
    import scikit_posthocs as sp

    values = scores.to_numpy()
    found = sp.posthoc_nemenyi_friedman(values) if posthoc == "nemenyi" else _wilcoxon_holm(values)
    return pd.DataFrame(np.asarray(found), index=scores.columns, columns=scores.columns)


def _wilcoxon_holm(values: np.ndarray) -> np.ndarray:
    """Wilcoxon's test of every pair of columns, corrected for their number."""
    first, second = np.triu_indices(values.shape[1], 1)
    pairs = zip(first, second, strict=True)
    plain = [signed_rank((values[:, a] - values[:, b]).round(DECIMALS)) for a, b in pairs]
    found = np.eye(values.shape[1])
    found[first, second] = found[second, first] = holm(np.array(plain))
    return found


def critical_difference(
    significance: Significance, ax: Axes | None = None, *, alpha: float = 0.05
) -> Axes:
    """Critical-difference diagram (Demsar 2006): mean ranks, bars join what does not differ.

    Parameters
    ----------
    significance : Significance
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default, which nothing shows or keeps.
    alpha : float, default 0.05

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        If there were too few methods or datasets for a test.
    """
    import scikit_posthocs as sp
    from matplotlib.figure import Figure

    if significance.p_values is None:
        raise DataError(f"nothing was tested: {'; '.join(significance.warnings)}")
    if ax is None:
        height = 1.5 + 0.2 * len(significance.ranks)
        ax = Figure(figsize=(8, height), layout="constrained").subplots()
    keywords: dict[str, Any] = {
        "ax": ax, "alpha": alpha,
        "label_fmt_left": "{label} ({rank:.2f}) ", "label_fmt_right": " ({rank:.2f}) {label}",
    }  # fmt: skip
    sp.critical_difference_diagram(significance.ranks, significance.p_values, **keywords)
    n_data = len(significance.scores)
    ax.set_title(f"mean rank by {significance.metric}, {n_data} datasets", loc="left", fontsize=9)
    return ax
