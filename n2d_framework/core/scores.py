"""Names of the scores that a comparison can have without any plugin."""

from __future__ import annotations

from typing import Any

import attrs

__all__ = ["NEED_TRUTH", "SCORES", "has_bic"]

_FOUR = ("acc", "nmi", "ari", "ami")
_CLUSTERED = tuple(f"{name}_clustered" for name in _FOUR)

#: In the order in which people look for them.
SCORES = (
    *_FOUR, "coverage", "n_clusters_found", *_CLUSTERED, "silhouette", "calinski_harabasz",
    "davies_bouldin", "dbcv", "bic",
)  # fmt: skip
#: Those that need true classes.
NEED_TRUTH = frozenset((*_FOUR, *_CLUSTERED))


def has_bic(component: type[Any]) -> bool:
    """Whether a clusterer knows its Bayesian information criterion: it has ``bic_``."""
    return any(field.name == "bic_" for field in attrs.fields(component))
