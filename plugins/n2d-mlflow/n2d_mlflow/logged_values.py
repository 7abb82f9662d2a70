"""Names for options and scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from n2d_framework.plugin import ROLES

__all__ = ["options_of_run", "score_names", "trio_name"]


def trio_name(composition: Mapping[str, Any]) -> str:
    """Name of a run: ``pca / umap / gmm``."""
    return " / ".join(_name(composition[role]) for role in ROLES)


def _name(component: Any) -> str:
    """Name of a component, or of those of a chain."""
    if isinstance(component, list):
        return "+".join(str(item["name"]) for item in component)
    return str(component["name"])


def options_of_run(composition: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Options by name: ``embedder``, ``embedder.epochs``, ``scaler``, ``n_clusters``, ...

    Parameters
    ----------
    composition : mapping
        As in the event of a run that has started.
    **more
        Further options.
    """
    flat: dict[str, Any] = {}
    for part, value in composition.items():
        if isinstance(value, Mapping):
            flat[part] = value["name"]
            flat |= {f"{part}.{name}": item for name, item in value.items() if name != "name"}
        else:
            flat[part] = value
    return flat | more


def score_names(scores: Mapping[str, float], *, training: bool = True) -> dict[str, float]:
    """Scores with the names that metrics get; those of other rows say so."""
    prefix = "" if training else "other_rows."
    return {prefix + name: value for name, value in scores.items()}
