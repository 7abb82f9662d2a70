"""Why cells have no score, where nothing failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from n2d_framework.errors import MetricWarning

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["as_text", "no_score", "score_warnings"]

_MARK = f"{MetricWarning.__name__}: "
_MOST = 5


def as_text(warning: Warning | str) -> str:
    """Line of a cell's record about a metric that gave no score."""
    return f"{_MARK}{warning}"


def no_score(table: pd.DataFrame, metric: str) -> str:
    """That no cell has a score, and where to look for the reason.

    Parameters
    ----------
    table : DataFrame
        As of :attr:`Comparison.table`, or some of its rows.
    metric : str
    """
    failed = table["status"].isin(("failed", "lost")).any()
    where = "Comparison.failures" if failed else "the column 'warnings' of Comparison.table"
    return f"no cell has a score {metric!r}; see {where}"


def score_warnings(table: pd.DataFrame, metric: str) -> list[str]:
    """Which metrics gave no score, each reason once; and whether no cell that is done is ranked.

    Parameters
    ----------
    table : DataFrame
        As of :attr:`Comparison.table`.
    metric : str
        What is ranked by.
    """
    lines = (line for text in table["warnings"].dropna() for line in str(text).splitlines())
    reported = list(dict.fromkeys(ln.removeprefix(_MARK) for ln in lines if ln.startswith(_MARK)))
    if len(reported) > _MOST:
        more = f"{len(reported) - _MOST} more metrics without a score: see the column 'warnings'"
        reported = [*reported[:_MOST], more]
    done = table[table["status"] == "done"]
    if len(done) and done[metric].isna().all():
        reported.append(f"no cell has a score {metric!r}: the order of methods means nothing")
    return reported
