"""Claims that the results allow: tests over datasets, the baseline, rankings without labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from markupsafe import Markup

from n2d_framework.analysis.comparison_view import ComparisonView
from n2d_framework.analysis.intervals import seed_warnings
from n2d_framework.analysis.label_free import CRITERIA, RANKING
from n2d_framework.analysis.result_tables import methods
from n2d_framework.analysis.significance import score_matrix
from n2d_framework.core.scores import NEED_TRUTH
from n2d_framework.errors import ConfigError, DataError
from n2d_framework.report.svg import svg

if TYPE_CHECKING:
    import pandas as pd

    from n2d_framework.analysis.significance import Significance

__all__ = ["MOST_METHODS", "MOST_READ", "statistics"]

#: Tests of all pairs, and their diagram, are made for so many methods at most.
MOST_METHODS = 30
#: Labels of so many cells are read from the store at most.
MOST_READ = 3000
_ROWS = 25
#: From so many methods on, the winner's luck is reported.
_MANY = 20


def statistics(comparison: ComparisonView) -> dict[str, Any]:
    """Everything that the page says about what differs and what may be by chance.

    Parameters
    ----------
    comparison : ComparisonView

    Returns
    -------
    dict
        ``warnings``; ``significance``, ``baseline``, ``label_free``, each ``None`` where it
        does not apply, or with a ``reason`` why it is not there.
    """
    done = comparison.table[comparison.table["status"] == "done"]
    if done.empty:
        return {
            "warnings": ["no cell is done: there is nothing to compare yet"],
            "significance": None, "baseline": None, "label_free": None,
        }  # fmt: skip
    return {
        "warnings": _warnings(comparison),
        "significance": _or_reason(_significance, comparison),
        "baseline": _or_reason(_baseline, comparison),
        "label_free": _or_reason(_label_free, comparison),
    }


def _or_reason(part: Callable[[ComparisonView], Any], comparison: ComparisonView) -> Any:
    try:
        return part(comparison)
    except (ConfigError, DataError) as error:
        return {"reason": str(error)}


def _warnings(comparison: ComparisonView) -> list[str]:
    table = comparison.table
    found = list(seed_warnings(table))
    if table["data"].nunique() == 1:
        found.append("one dataset: nothing here speaks of other data")
    if "acc" not in comparison.metrics:
        found.append(
            "no dataset has true classes: rankings are by criteria that need none, and may "
            "disagree with what you would call right"
        )
    if comparison.metric in NEED_TRUTH:
        found.append(
            f"ranked by {comparison.metric}, which needs true classes: where there are none, "
            "no one could have chosen these methods; see the ranking without labels"
        )
    count = len(set(methods(table)))
    if count >= _MANY:
        found.append(
            f"{count:,} methods: the score of the best is partly luck; run it again with fresh "
            "seeds before you believe it"
        )
    waiting = int((table["status"] == "waiting").sum())
    if waiting:
        found.append(f"{waiting} of {len(table)} cells have not run yet: start it again to resume")
    return found


def _significance(comparison: ComparisonView) -> dict[str, Any] | None:
    metric = comparison.metric
    if comparison.table["data"].nunique() < 2:
        return {"reason": "one dataset: nothing can be said beyond it, so nothing is tested"}
    scores, _ = score_matrix(comparison.table, metric)
    if scores.shape[1] > MOST_METHODS:
        return {
            "reason": f"{scores.shape[1]:,} methods: so many pairs are not tested here (at most "
            f"{MOST_METHODS}); narrow the grid, or call Comparison.significance()"
        }
    found = comparison.significance()
    diagram = None
    if found.p_values is not None:
        diagram = _diagram(found)
    return {
        "metric": metric,
        "warnings": found.warnings,
        "diagram": diagram,
        "statistic": _finite(found.statistic),
        "p_value": _finite(found.p_value),
        "n_data": len(found.scores),
        "ranks": [
            (letter, str(name), float(rank))
            for letter, (name, rank) in zip(
                _letters(len(found.ranks)), found.ranks.items(), strict=True
            )
        ],
    }


def _letters(count: int) -> list[str]:
    """A, B, … Z, AA, AB, …"""
    return [chr(65 + i) if i < 26 else "A" + chr(39 + i) for i in range(count)]


def _diagram(found: Significance) -> Markup:
    """The usual diagram, with letters for methods: their names are too long for it."""
    assert found.p_values is not None
    short = dict(zip(found.ranks.index, _letters(len(found.ranks)), strict=True))
    renamed = attrs.evolve(
        found,
        ranks=found.ranks.rename(short),
        p_values=found.p_values.rename(index=short, columns=short),
    )
    return svg(renamed.diagram, "cd", f"critical-difference diagram by {found.metric}")


def _baseline(comparison: ComparisonView) -> dict[str, Any] | None:
    if comparison.config.get("baseline") is None:
        return None
    found = comparison.against()
    less = comparison.less_is_better(found.metric)
    return {
        "name": found.baseline,
        "metric": f"{found.metric} (less is better)" if less else found.metric,
        "unit": found.unit,
        "warnings": found.warnings,
        "rows": _records(found.table.head(_ROWS)),
        "left_out": max(0, len(found.table) - _ROWS),
    }


def _label_free(comparison: ComparisonView) -> dict[str, Any]:
    done = int((comparison.table["status"] == "done").sum())
    if done > MOST_READ:
        return {
            "reason": f"{done:,} cells: labels of so many are not read here (at most "
            f"{MOST_READ:,}); call Comparison.label_free()"
        }
    found = comparison.label_free()
    best = found.table.sort_values(["data", "rank"], kind="stable").groupby("data", sort=False)
    return {
        "warnings": found.warnings,
        "criteria": [name for name in CRITERIA if found.table[name].notna().any()],
        "ranking": [name for name in RANKING if found.table[name].notna().any()],
        "labelled": bool(found.table["acc"].notna().any()),
        "rows": _records(best.head(10)),
        "left_out": len(found.table) - len(best.head(10)),
        "agreement": _records(found.agreement),
    }


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values; what is not a number is ``None``."""
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
