"""Of which scores less is better."""

from __future__ import annotations

from collections.abc import Mapping

from n2d_framework.core.scores import is_taken
from n2d_framework.metrics.assessment import LESS_IS_BETTER
from n2d_framework.registry import default_catalogue

__all__ = ["announced", "has_direction", "less_is_better"]


def announced() -> dict[str, bool | None]:
    """Return whether less is better, for each metric of plugins; ``None`` if neither is."""
    specs = [entry.spec for entry in default_catalogue().metrics()]
    return {
        spec.name: None if spec.greater_is_better is None else not spec.greater_is_better
        for spec in specs
    }


def has_direction(score: str, of_plugins: Mapping[str, bool | None]) -> bool:
    """Return whether anything can be ranked by a score; arguments as :func:`less_is_better`."""
    return is_taken(score) or of_plugins.get(score, False) is not None


def less_is_better(score: str, of_plugins: Mapping[str, bool | None]) -> bool:
    """Return whether smaller values of a score are better.

    Parameters
    ----------
    score : str
    of_plugins : mapping of str to bool or None
        The same for metrics of plugins; :func:`announced`, or what was written down of it.
    """
    if not is_taken(score) and score in of_plugins:
        return bool(of_plugins[score])
    return score in LESS_IS_BETTER or score == "bic" or score.endswith("_loss")
