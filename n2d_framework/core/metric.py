"""A metric as a plugin announces it."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import attrs

from n2d_framework.core.spec import is_name, load_object
from n2d_framework.types import AnyArray

__all__ = ["MetricSpec"]


@attrs.frozen(kw_only=True)
class MetricSpec:
    """A score of a clustering.

    Attributes
    ----------
    name : str
        Its name in tables.
    function : str
        ``"package.module:function"``. Called as ``function(y_true, labels)`` if
        `needs_truth`, else as ``function(coordinates, labels)``; returns a float.
    summary : str
    needs_truth : bool, default True
    greater_is_better : bool, default True
    """

    name: str = attrs.field(validator=is_name)
    function: str
    summary: str
    needs_truth: bool = True
    greater_is_better: bool = True

    def load(self) -> Callable[[AnyArray, AnyArray], float]:
        """Import the function."""
        found = load_object(self.function, what=f"metric {self.name!r}")
        return cast("Callable[[AnyArray, AnyArray], float]", found)
