"""Scores by metrics of plugins; one that cannot be used costs only its own score."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, SupportsFloat, TypeAlias

import numpy as np

from n2d_framework.core.announcements.metric import MetricSpec
from n2d_framework.core.scores import SCORES, is_taken
from n2d_framework.errors import MetricWarning, N2DError, PluginError
from n2d_framework.registry import Entry
from n2d_framework.registry.entry_points import BLOCK_VARIABLE
from n2d_framework.types import AnyArray

__all__ = ["AnyMetric", "clashes", "scores_of_plugins"]

#: A metric of the catalogue, or one that is given by hand.
AnyMetric: TypeAlias = Entry[MetricSpec] | MetricSpec

_ADDRESS = re.compile(r"( at)?\s*\b0x[0-9a-fA-F]+")


def clashes(metrics: Iterable[AnyMetric]) -> dict[str, str]:
    """Names that do not identify one score.

    Parameters
    ----------
    metrics : iterable of Entry or MetricSpec

    Returns
    -------
    dict of str to str
        By name: who offers it, and what to do.
    """
    found = {}
    for name, group in _by_name(metrics).items():
        offered = f"offered by {' and '.join(map(_who, group))}"
        if is_taken(name):
            what = "score" if name in SCORES else "column"
            text = f"but a {what} of the framework has that name; the plugin must rename its own"
            found[name] = f"{offered}, {text}{_without(group)}"
        elif len(group) > 1:
            found[name] = f"{offered}; uninstall all but one{_without(group)}"
    return found


def scores_of_plugins(
    metrics: Iterable[AnyMetric], y: Any, labels: Any, coordinates: Any
) -> dict[str, float]:
    """Score a clustering by metrics of plugins.

    Parameters
    ----------
    metrics : iterable of Entry or MetricSpec
    y, coordinates : array-like or None
        What a metric may need; without it, the metric is left out.
    labels : array-like of shape (n,)

    Returns
    -------
    dict of str to float

    Warns
    -----
    MetricWarning
        Once for each metric that raises, returns no number, or has the name of another: it has
        no score.
    """
    groups = _by_name(metrics)
    unclear = clashes(metric for group in groups.values() for metric in group)
    found: dict[str, float] = {}
    for name, group in groups.items():
        needed = [y if _spec(metric).needs_truth else coordinates for metric in group]
        if all(first is None for first in needed):
            continue
        if name in unclear:
            reported = f"metric {name!r} has no score: {unclear[name]}"
        else:
            try:
                found[name] = _score(_spec(group[0]), needed[0], labels)
            except (Exception, SystemExit) as error:  # noqa: BLE001  # a plugin may raise anything
                reported = f"metric {name!r} of {_who(group[0])} has no score: {_reason(error)}; "
                reported += f"see n2d check-plugin metric/{name}{_without(group)}"
            else:
                continue
        warnings.warn(reported, MetricWarning, stacklevel=3)
    return found


def _score(spec: MetricSpec, first: Any, labels: Any) -> float:
    value: object = spec.load()(_locked(first), _locked(labels))
    if not isinstance(value, SupportsFloat):
        raise PluginError(f"{spec.function} returned a {type(value).__name__}, no number")
    return float(value)


def _reason(error: BaseException) -> str:
    """One line, the same in every process: without addresses of objects."""
    text = str(error) if isinstance(error, N2DError) else f"{type(error).__name__}: {error}"
    return " ".join(_ADDRESS.sub("", text).split()).removesuffix(":")


def _locked(values: Any) -> AnyArray:
    """An array that a metric cannot change: others see the same rows."""
    array = np.asarray(values).view()
    array.setflags(write=False)
    return array


def _by_name(metrics: Iterable[AnyMetric]) -> dict[str, list[AnyMetric]]:
    found: dict[str, list[AnyMetric]] = {}
    for metric in metrics:
        found.setdefault(_spec(metric).name, []).append(metric)
    return found


def _spec(metric: AnyMetric) -> MetricSpec:
    return metric.spec if isinstance(metric, Entry) else metric


def _who(metric: AnyMetric) -> str:
    if isinstance(metric, Entry):
        return f"{metric.distribution} {metric.version}"
    return metric.function


def _without(group: Sequence[AnyMetric]) -> str:
    """Remedy without a plugin, where the metrics are those of plugins."""
    names = dict.fromkeys(metric.distribution for metric in group if isinstance(metric, Entry))
    known = f", or leave a plugin out: set {BLOCK_VARIABLE} to {' or '.join(names)}"
    return known if names else ""
