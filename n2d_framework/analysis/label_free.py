"""Ranking without true classes, and the number of clusters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
import numpy as np

from n2d_framework.analysis.result_tables import AXES, methods
from n2d_framework.errors import DataError
from n2d_framework.metrics import stability
from n2d_framework.types import AnyArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CRITERIA", "RANKING", "LabelFree", "curves", "rank_without_labels"]

#: Gives the labels of a cell, by the content key of its clusterer.
LabelsOf: TypeAlias = "Callable[[str], AnyArray]"
#: What can be known without true classes; of each, more is better.
CRITERIA = ("modularity", "consensus", "silhouette", "dbcv", "stability")
#: Those whose ranks choose: together they cost the least accuracy.
RANKING = CRITERIA[:3]
#: Other methods with which one is compared, and rows by which: the cost stays in bounds.
_MOST_OTHERS, _MOST_ROWS = 50, 2000
_FEW_METHODS = 6
#: Labels of fewer say nothing, and are the same with every seed.
_FEWEST_CLUSTERS = 2
_MOST_NAMED = 5


@attrs.frozen(eq=False)
class LabelFree:
    """Methods judged without true classes.

    Attributes
    ----------
    table : DataFrame
        One row per dataset and method: means over seeds of ``modularity``, ``silhouette``,
        ``dbcv`` and ``coverage``; ``consensus``, the mean adjusted Rand index with other methods
        on the same rows, of the first seed, each row of noise a cluster of its own;
        ``stability``, that of all pairs of seeds (``nan`` with one seed); ``rank``, the mean of
        the ranks by ``modularity``, ``consensus``, and ``silhouette`` times ``coverage``, where
        ``nan`` is last; and ``acc`` where there are true classes. What judges is ``nan`` where
        fewer than two clusters were found with any seed: the rest alone would speak for a
        method that is not reliable.
    agreement : DataFrame
        One row per dataset and criterion: Spearman's correlation with ``acc`` over the
        methods, its p-value, and the number of methods. A method without a value counts: as
        in the ranking it is last, after the least value, and shares that place with others
        like it. ``nan`` where no method has a value. Empty without true classes.
    warnings : list of str
    """

    table: pd.DataFrame = attrs.field(repr=False)
    agreement: pd.DataFrame = attrs.field(repr=False)
    warnings: list[str]


def rank_without_labels(table: pd.DataFrame, labels_of: LabelsOf) -> LabelFree:
    """Rank methods by what can be known without true classes.

    Parameters
    ----------
    table : DataFrame
        As of :attr:`Comparison.table`.
    labels_of : callable
        Gives the labels of a cell, by the content key of its clusterer.

    Returns
    -------
    LabelFree

    Raises
    ------
    DataError
        If labels cannot be read.
    """
    import pandas as pd

    scores = ["modularity", "silhouette", "dbcv", "coverage", "acc"]
    found = _groups(table, labels_of, scores)
    found["consensus"] = _consensus(table, labels_of, found)
    present = [name for name in CRITERIA if found[name].notna().any()]
    covered = found["silhouette"] * found["coverage"].fillna(1.0)
    ranking = [name for name in RANKING if name in present] or present
    judged = found.assign(silhouette=covered)[["data", *ranking]].round(9)
    places = judged.groupby("data")[ranking]
    ranks = places.rank(ascending=False, na_option="bottom")
    found["rank"] = ranks.where(places.transform("count") > 0).mean(axis="columns")
    reported = _degenerate(table)
    if table["seed"].nunique() < 2:
        reported.append("one seed: stability cannot be measured")
    rows = _agreements(found, present) if "acc" in table and table["acc"].notna().any() else []
    agreement = pd.DataFrame(rows, columns=["data", "criterion", "spearman", "p_value", "methods"])
    few = int(agreement["methods"].min()) if len(agreement) else _FEW_METHODS
    if few < _FEW_METHODS:
        reported.append(f"{few} methods: a correlation of so few says little")
    reported.append(
        "silhouette and dbcv are measured in the space that was clustered: between methods with "
        "different manifolds they compare the spaces too"
    )
    return LabelFree(found, agreement, reported)


def _groups(table: pd.DataFrame, labels_of: LabelsOf, scores: Sequence[str]) -> pd.DataFrame:
    """Means over seeds, and stability, of every dataset and method."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for (data, method), group in _done(table).groupby(["data", "method"], sort=False):
        row: dict[str, Any] = {"data": data, "method": method, "seeds": len(group)}
        poor = bool(group["poor"].any())
        for name in scores:
            judged = name in group and not (poor and name in CRITERIA)
            row[name] = group[name].mean() if judged else np.nan
        keys = () if poor or len(group) < 2 else group["clusterer_key"]
        labels = [labels_of(str(key)) for key in keys]
        row["stability"] = stability(labels) if labels else np.nan
        row |= {name: group[name].iloc[0] for name in AXES if name != "data"}
        rows.append(row)
    names = ["data", "method", "seeds", *scores, "stability", *AXES[1:]]
    return pd.DataFrame(rows, columns=names)


def _consensus(table: pd.DataFrame, labels_of: LabelsOf, found: pd.DataFrame) -> AnyArray:
    """Mean agreement of each method, in the order of `found`, with others on the same rows."""
    from sklearn.metrics import adjusted_rand_score

    done = _done(table)
    poor = done.groupby(["data", "method"], sort=False)["poor"].any()
    first = done.sort_values("seed", kind="stable").groupby(["data", "method"], sort=False).first()
    values = np.full(len(found), np.nan)
    for data, group in found.groupby("data", sort=False):
        rng = np.random.default_rng(0)
        places, known = [], []
        for place, method in zip(group.index, group["method"], strict=True):
            if not poor[data, method]:
                places.append(int(place))
                known.append(_alone(labels_of(str(first.loc[(data, method), "clusterer_key"]))))
        if len(known) < 2:
            continue
        n_rows = len(known[0])
        rows = rng.permutation(n_rows)[:_MOST_ROWS]
        known = [labels[rows] for labels in known]
        for mine, place in enumerate(places):
            others = np.delete(np.arange(len(known)), mine)
            if len(others) > _MOST_OTHERS:
                others = np.sort(rng.choice(others, _MOST_OTHERS, replace=False))
            pairs = [adjusted_rand_score(known[mine], known[other]) for other in others]
            values[place] = float(np.mean(pairs))
    return values


def _alone(labels: AnyArray) -> AnyArray:
    """Labels in which each row of noise is a cluster of its own."""
    alone: AnyArray = labels.astype(np.int64)
    noise = alone < 0
    alone[noise] = alone.max(initial=0) + 1 + np.arange(int(noise.sum()))
    return alone


def _done(table: pd.DataFrame) -> pd.DataFrame:
    """Cells that are done, with their methods, and whether they have too few clusters."""
    import pandas as pd

    done = table[table["status"] == "done"]
    poor = done["n_clusters_found"] < _FEWEST_CLUSTERS if "n_clusters_found" in done else False
    names = pd.Series(methods(table), index=table.index)[done.index]
    return done.assign(method=names, poor=poor)


def _degenerate(table: pd.DataFrame) -> list[str]:
    """Methods that found fewer than two clusters: one sentence, if there are any."""
    groups = _done(table).groupby(["data", "method"], sort=False)
    counts = groups["poor"].agg(["sum", "count"])
    several = table["data"].nunique() > 1
    names = [
        f"{method}{f' on {data}' if several else ''} ({int(few)} of {count} seeds)"
        for (data, method), few, count in counts.itertuples(name=None)
        if few
    ]
    if not names:
        return []
    more = f", … and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return [
        f"fewer than two clusters were found by {', '.join(names[:_MOST_NAMED])}{more}: no "
        "criterion can judge that, and what cannot be judged ranks last"
    ]


def _agreements(found: pd.DataFrame, present: Sequence[str]) -> list[dict[str, Any]]:
    from scipy.stats import spearmanr

    rows: list[dict[str, Any]] = []
    for data, group in found.groupby("data", sort=False):
        for criterion in present:
            both = group.loc[group["acc"].notna(), [criterion, "acc"]]
            rho = p_value = float("nan")
            known = both[criterion].notna().any()
            both[criterion] = both[criterion].rank(na_option="top")
            if known and len(both) > 2 and (both.nunique() > 1).all():
                result = spearmanr(both[criterion], both["acc"])
                rho, p_value = float(result.statistic), float(result.pvalue)
            rows.append(
                {"data": data, "criterion": criterion, "spearman": rho, "p_value": p_value}
                | {"methods": len(both)}
            )
    return rows


def curves(table: pd.DataFrame, labels_of: LabelsOf) -> pd.DataFrame:
    """Criteria for the number of clusters.

    Parameters
    ----------
    table : DataFrame
        As of :attr:`Comparison.table`, of a comparison with several ``n_clusters``.
    labels_of : callable
        As of :func:`rank_without_labels`.

    Returns
    -------
    DataFrame
        One row per dataset, trio and ``n_clusters``: ``bic`` (less is better),
        ``silhouette``, ``dbcv``, ``stability``, and ``best_by``: the criteria that are best
        at this number, joined by commas. Where fewer than two clusters were found with any
        seed, only ``bic`` is known.

    Raises
    ------
    DataError
        If there is nothing to choose from.
    """
    asked = table[table["n_clusters"].notna()]
    if asked["n_clusters"].nunique() < 2:
        raise DataError("the comparison has one n_clusters; give several, as {from: 2, to: 30}")
    found = _groups(asked, labels_of, ["bic", "silhouette", "dbcv"])
    fixed = ["data", *(axis for axis in AXES[1:] if axis != "n_clusters")]
    chosen: list[list[str]] = [[] for _ in range(len(found))]
    for _, group in found.groupby(fixed, sort=False):
        if len(group) < 2:
            continue
        for name in ("bic", "silhouette", "dbcv", "stability"):
            values = (-group[name] if name == "bic" else group[name]).dropna()
            if len(values):
                chosen[int(values.index.to_numpy()[values.to_numpy().argmax()])].append(name)
    found["best_by"] = [", ".join(names) for names in chosen]
    kept = [*fixed, "n_clusters", "seeds", "bic", "silhouette", "dbcv", "stability", "best_by"]
    return found[kept].sort_values([*fixed, "n_clusters"], kind="stable", ignore_index=True)
