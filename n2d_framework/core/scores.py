"""Names in the table of a comparison: the scores it can have without any plugin, and all else."""

from __future__ import annotations

import re
from typing import Any

import attrs

from n2d_framework.types import ROLES

__all__ = [
    "AXES", "COSTS", "IDENTITY", "KEYS", "NEED_TRUTH", "RESERVED", "SCORES", "TEXTS",
    "WITHOUT_CLASSES", "has_bic", "is_loss", "is_taken",
]  # fmt: skip

_FOUR = ("acc", "nmi", "ari", "ami")
_CLUSTERED = tuple(f"{name}_clustered" for name in _FOUR)

#: In the order in which people look for them.
SCORES = (
    *_FOUR, "coverage", "n_clusters_found", *_CLUSTERED, "silhouette", "calinski_harabasz",
    "davies_bouldin", "modularity", "dbcv", "bic",
)  # fmt: skip
#: Those that need true classes.
NEED_TRUTH = frozenset((*_FOUR, *_CLUSTERED))

#: What chooses where nothing is known of true classes: the first of them that cells have.
WITHOUT_CLASSES = ("modularity", "silhouette")

#: Columns that say what a cell is, without the seed.
AXES = ("data", "scaler", *ROLES, "n_clusters")
#: Columns in front of the scores.
IDENTITY = ("cell", *AXES, "seed", "status")
#: What each stage took.
COSTS = tuple(f"{role}_{what}" for what in ("seconds", "peak_memory") for role in ROLES)
#: What is written of a cell.
TEXTS = ("error", "failed", "warnings", "versions", "traceback")
#: What a cell is built again from.
KEYS = (
    *(f"{role}_{what}" for role in ROLES for what in ("key", "component", "options")),
    "data_key", "scaler_options",
)  # fmt: skip
#: What records and summaries have beside scores.
_ELSE = ("reported", "told", "method", "seeds", "poor")  # codespell:ignore told
RESERVED = frozenset((*IDENTITY, *COSTS, *TEXTS, *KEYS, *_ELSE))

#: What components call their losses is theirs: of any role, whatever ends so.
_LOSS = re.compile(rf"({'|'.join(ROLES)})_\w*loss")


def has_bic(component: type[Any]) -> bool:
    """Return whether a clusterer knows its Bayesian information criterion: it has ``bic_``."""
    return any(field.name == "bic_" for field in attrs.fields(component))


def is_loss(name: str) -> bool:
    """Return whether a column is a loss with which a stage ended, as ``embedder_val_loss``."""
    return _LOSS.fullmatch(name) is not None


def is_taken(name: str) -> bool:
    """Return whether the framework has that name itself, so that no metric of a plugin can."""
    return name in SCORES or name in RESERVED or is_loss(name)
