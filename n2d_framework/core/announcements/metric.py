"""A metric as a plugin announces it."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import attrs

from n2d_framework.core.spec import is_name, load_object
from n2d_framework.types import AnyArray

__all__ = ["MetricSpec"]


def _is_direction(spec: MetricSpec, _: object, value: object) -> None:
    if value not in (True, False, None):
        allowed = "true, false, or None for a score without direction"
        raise ValueError(
            f"MetricSpec {spec.name!r}: greater_is_better must be {allowed}, got {value!r}"
        )


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
    greater_is_better : bool or None, default True
        ``None`` for a score that describes a clustering and has no better or worse, such as the
        size of the largest cluster: nothing is ranked by it.
    """

    name: str = attrs.field(validator=is_name)
    function: str
    summary: str
    needs_truth: bool = True
    greater_is_better: bool | None = attrs.field(default=True, validator=_is_direction)

    def load(self) -> Callable[[AnyArray, AnyArray], float]:
        """Import the function."""
        found = load_object(self.function, what=f"metric {self.name!r}")
        return cast("Callable[[AnyArray, AnyArray], float]", found)
