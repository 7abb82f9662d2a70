"""Labels of new rows from a fitted hdbscan object, which has no ``predict``."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from n2d_framework.core.options import options_of
from n2d_framework.errors import ConfigError, DataError
from n2d_framework.n2d.old_verbs import Stage
from n2d_framework.registry import default_catalogue
from n2d_framework.types import AnyArray

__all__ = ["HdbscanPrediction", "is_hdbscan"]

#: How many training rows must get their label back.
_AGREEMENT = 0.99
#: How hdbscan writes "no limit".
_NO_LIMIT = {"max_cluster_size": 0, "cluster_selection_epsilon_max": float("inf")}


def is_hdbscan(clusterer: Any) -> bool:
    """Return whether an object is of the package hdbscan."""
    return any(cls.__module__.split(".")[0] == "hdbscan" for cls in type(clusterer).__mro__)


class HdbscanPrediction:
    """Approximate prediction that does not contradict the fit.

    ``hdbscan.approximate_predict`` puts rows into the right segment of the tree but may give it
    the label of another cluster (on 500 digits 28 % of the training rows got another label
    than the fit gave, with default options). So the framework's own ``hdbscan`` predicts,
    fitted alike; where it has no such options or finds other clusters, the package does.

    Parameters
    ----------
    clusterer : hdbscan.HDBSCAN
        Fitted.
    training : array of shape (n, m)
        What it was fitted on.
    """

    def __init__(self, clusterer: Any, training: AnyArray) -> None:
        self._clusterer = clusterer
        self._twin = _twin(clusterer, training)
        if self._twin is None:
            self._warn_of_contradictions(training)

    def __call__(self, rows: AnyArray) -> AnyArray:
        """Labels of rows of the manifold; noise is -1."""
        return self._by_package(rows) if self._twin is None else self._twin.predict(rows)

    def _by_package(self, rows: AnyArray) -> AnyArray:
        import hdbscan

        if getattr(self._clusterer, "_prediction_data", None) is None:
            self._clusterer.generate_prediction_data()
        labels, _ = hdbscan.approximate_predict(self._clusterer, rows)
        return np.asarray(labels)

    def _warn_of_contradictions(self, training: AnyArray) -> None:
        agreement = float(np.mean(self._by_package(training) == self._clusterer.labels_))
        if agreement < _AGREEMENT:
            warnings.warn(
                f"hdbscan's approximate prediction gives only {agreement:.1%} of the training rows "
                "their label back with these options; prefer options that the component hdbscan "
                "of n2d_framework has",
                UserWarning,
                stacklevel=5,
            )


def _twin(clusterer: Any, training: AnyArray) -> Stage | None:
    """The framework's component with the same options, if it finds the same clusters."""
    known = {option.name for option in options_of(_component_class())}
    given = {name: value for name, value in clusterer.get_params().items() if name in known}
    for name, no_limit in _NO_LIMIT.items():
        if given.get(name) == no_limit:
            given[name] = None
    try:
        twin = Stage("clusterer", "hdbscan", 0, **given).fit(training)
    except (ConfigError, DataError):
        return None
    same = float(np.mean(twin.labels_ == clusterer.labels_))
    return twin if same >= _AGREEMENT else None


def _component_class() -> type[Any]:
    cls: type[Any] = default_catalogue().get("clusterer", "hdbscan").spec.load()
    return cls
