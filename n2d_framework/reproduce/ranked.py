"""Methods of a study ranked over its datasets: mean ranks, groups, and losses of the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from n2d_framework.analysis.significance import compare_scores

if TYPE_CHECKING:
    import pandas as pd

    from n2d_framework.analysis.significance import Significance
    from n2d_framework.reproduce.measurements import Ran
    from n2d_framework.reproduce.study import Study, Table

__all__ = ["Ranked", "ranked"]

#: A method without a score ranks behind all that have one: no agreement is as low.
_NOTHING = -1.0
_LEVEL = 0.05


@attrs.frozen(eq=False)
class Ranked:
    """Methods ranked by one score over datasets.

    Attributes
    ----------
    metric : str
    scores : DataFrame
        Datasets by ids of methods: means over seeds; ``nan`` where there is none.
    significance : Significance
        Friedman's and Nemenyi's tests; what has no score ranks last.
    main : str
        The method that is set against others; empty if it was not run.
    against : tuple of str
    """

    metric: str
    scores: pd.DataFrame
    significance: Significance
    main: str
    against: tuple[str, ...]

    def groups(self) -> list[list[str]]:
        """Groups of methods whose mean ranks Nemenyi's test does not distinguish, the best first.

        Returns
        -------
        list of list of str
            Each as large as it can be, so that groups overlap; empty if nothing was tested.
        """
        tested = self.significance.p_values
        if tested is None:
            return []
        order = [str(name) for name in self.significance.ranks.index]
        alike = tested.loc[order, order].to_numpy() >= _LEVEL
        found: list[list[str]] = []
        reached = 0
        for first in range(len(order)):
            last = first + 1
            while last < len(order) and alike[first : last + 1, first : last + 1].all():
                last += 1
            if last > reached:
                found.append(order[first:last])
                reached = last
        return found

    def rows(self) -> list[dict[str, Any]]:
        """Each method's mean rank, mean score, and the letters of its groups, the best first."""
        letters = {
            str(name): "".join(
                chr(ord("a") + place) for place, group in enumerate(self.groups()) if name in group
            )
            for name in self.scores
        }
        top = self.scores.eq(self.scores.max(axis="columns"), axis="index").sum()
        return [
            {
                "method": str(name), "rank": float(rank), "mean": _number(self.scores[name].mean()),
                "best_on": int(top[str(name)]), "groups": letters[str(name)],
            }
            for name, rank in self.significance.ranks.items()
        ]  # fmt: skip

    def losses(self) -> list[dict[str, Any]]:
        """On each dataset the main method and the best of the others, the largest loss first."""
        others = [name for name in self.against if name in self.scores]
        if not self.main or not others:
            return []
        rows = []
        for data in self.scores.index:
            scores = self.scores.loc[data]
            known = scores[others].dropna()
            if known.empty or np.isnan(scores[self.main]):
                continue
            best = str(known.idxmax())
            rows.append(
                {
                    "data": str(data), "main": float(scores[self.main]), "best": best,
                    "score": float(known[best]),
                    "difference": float(scores[self.main] - known[best]),
                }
            )  # fmt: skip
        return sorted(rows, key=lambda row: float(row["difference"]))

    def means(self) -> dict[str, float]:
        """Mean over the datasets of the main method's score less that of each other."""
        others = [name for name in self.against if name in self.scores] if self.main else []
        return {name: float((self.scores[self.main] - self.scores[name]).mean()) for name in others}

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            "metric": self.metric,
            "data": [str(name) for name in self.scores.index],
            "friedman": {
                "statistic": _number(self.significance.statistic),
                "p_value": _number(self.significance.p_value),
            },
            "methods": self.rows(),
            "groups": self.groups(),
            "losses": self.losses(),
            "mean_differences": self.means(),
            "warnings": self.significance.warnings,
        }


def ranked(
    study: Study, table: Table, ran: Mapping[str, Ran], chosen: Sequence[str]
) -> list[Ranked]:
    """The rankings of a table by each of its scores; none for a study that ranks nothing.

    Parameters
    ----------
    study : Study
    table : Table
    ran : mapping of str to Ran
    chosen : sequence of str
        Ids of methods; empty for all.
    """
    import pandas as pd

    if not study.ranking:
        return []
    methods = [name for name in table.methods if not chosen or name in chosen]
    data = [name for name in table.data if name in ran]
    found = []
    for metric in table.metrics:
        values = [
            [_mean(ran[name], method, study.methods[method].column(metric)) for method in methods]
            for name in data
        ]
        scores = pd.DataFrame(values, index=data, columns=methods, dtype=np.float64)
        scores = scores.dropna(axis="index", how="all")
        if scores.empty:
            continue
        main = str(study.ranking["main"])
        found.append(
            Ranked(
                metric, scores, compare_scores(scores.fillna(_NOTHING), metric),
                main if main in methods else "", tuple(study.ranking["against"]),
            )
        )  # fmt: skip
    return found


def _mean(run: Ran, method: str, column: str) -> float:
    measured = run.measured.get(method)
    score = measured.scores.get(column) if measured is not None else None
    return float("nan") if score is None else score.mean


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
