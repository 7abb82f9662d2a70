"""The score by which a comparison ranks: whether its cells can have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from n2d_framework.config.alternatives import Alternative
from n2d_framework.core.roles import LABEL_ROLE
from n2d_framework.core.scores import SCORES, has_bic, is_loss, is_taken
from n2d_framework.errors import Problem, did_you_mean
from n2d_framework.registry import Catalogue
from n2d_framework.types import Role

__all__ = ["metric_problems"]

_LOSSES = ("embedder_loss", "embedder_val_loss")


def metric_problems(
    metric: str | None,
    dbcv_rows: int,
    choices: Mapping[Role, Sequence[Alternative]],
    catalogue: Catalogue,
) -> list[Problem]:
    """Why no cell would have a score, as far as the configuration shows.

    Parameters
    ----------
    metric : str or None
    dbcv_rows : int
    choices : mapping of role to sequence of Alternative
    catalogue : Catalogue
        What is installed: plugins may have metrics.
    """
    if metric is None:
        return []
    offered = [entry.spec.name for entry in catalogue.metrics()]
    known = [*SCORES, *(name for name in offered if not is_taken(name))]
    if metric not in known and not is_loss(metric):
        hint = did_you_mean(metric, [*known, *_LOSSES], noun="metric")
        return [Problem("metric", f"unknown metric {metric!r}; {hint}")]
    undirected = (e for e in catalogue.metrics() if e.spec.greater_is_better is None)
    if not is_taken(metric) and metric in {entry.spec.name for entry in undirected}:
        text = f"{metric!r} has no direction, so that nothing can be ranked by it"
        return [Problem("metric", text)]
    if metric == "dbcv" and not dbcv_rows:
        return [Problem("metric", "is dbcv, which dbcv_rows: 0 leaves out; give it some rows")]
    if metric == "bic" and not any(_with_bic(c) for c in choices.get(LABEL_ROLE, ())):
        return [Problem("metric", "is bic, which no clusterer here has; add a mixture, as gmm")]
    return []


def _with_bic(alternative: Alternative) -> bool:
    return not alternative.imports_code and has_bic(alternative.specs[-1].load())
