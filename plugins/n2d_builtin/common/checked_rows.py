"""Checks that components share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from n2d_framework.plugin import DataError, check_features, require_fitted

__all__ = [
    "FLOAT32_MAX",
    "check_features",
    "refuse",
    "require_fitted",
]

#: What is a mean of float32 rows is never larger; its square is still finite in float64.
FLOAT32_MAX = float(np.finfo(np.float32).max)


def refuse(reasons: Sequence[str]) -> None:
    """Raise all `reasons` why data cannot be fitted, if there are any.

    Raises
    ------
    DataError
    """
    if reasons:
        raise DataError("; ".join(reasons))
