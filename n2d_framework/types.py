"""Types that every floor shares."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

__all__ = ["NOISE", "ROLES", "AnyArray", "FloatArray", "IntArray", "Role"]

Role: TypeAlias = Literal["prepare", "embedder", "manifolder", "clusterer", "refine", "describe"]
"""The part that a component plays; :mod:`n2d_framework.core.roles` says what of each."""

#: The three roles that every model has, in the order in which data pass them.
ROLES: tuple[Role, ...] = get_args(Role)[1:4]

AnyArray: TypeAlias = NDArray[Any]
FloatArray: TypeAlias = NDArray[np.float32] | NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]

#: Label of rows that a clusterer assigns to no cluster.
NOISE: int = -1
