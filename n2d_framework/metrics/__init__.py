"""Scores of a clustering: with truth, without truth, and with an explicit noise policy.

Two views of noise (label -1) are kept apart by name and never mixed:

- ``acc``, ``nmi``, ``ari``, ``ami``: *noise as its own class*. All rows count; the noise rows
  are one more cluster, which takes part in the matching of clusters with classes.
- ``acc_clustered``, ...: *noise excluded*. Only rows that were given a cluster count, and
  ``coverage`` says how large a fraction of all rows that is.
"""

from __future__ import annotations

from n2d_framework.errors import MetricWarning
from n2d_framework.metrics.agreement import score, stability
from n2d_framework.metrics.assessment import LESS_IS_BETTER, assess
from n2d_framework.metrics.density import dbcv
from n2d_framework.metrics.geometry import calinski_harabasz, davies_bouldin, silhouette
from n2d_framework.metrics.matching import accuracy, match_clusters, match_labels

__all__ = [
    "LESS_IS_BETTER",
    "MetricWarning",
    "accuracy",
    "assess",
    "calinski_harabasz",
    "davies_bouldin",
    "dbcv",
    "match_clusters",
    "match_labels",
    "score",
    "silhouette",
    "stability",
]
