"""The inert tree between states and bytes: names, numbers and arrays, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import attrs
import numpy as np

from n2d_framework.types import AnyArray

__all__ = ["Attributes", "Branch", "Leaf", "Node"]

Attributes: TypeAlias = Mapping[str, str | int]


@attrs.frozen(kw_only=True)
class Leaf:
    """A dataset: an array of a known element type and shape, read when asked for.

    Attributes
    ----------
    path : str
        Where it stands in the file, such as ``/embedder/weights/0``.
    attributes : mapping of str to str or int
    dtype : numpy.dtype
        Little-endian.
    shape : tuple of int
    stored : int
        Bytes it takes in the file; 0 when it was not read from one.
    read : callable
        Gives the array: C-contiguous, writable, owned by the caller.
    """

    path: str
    attributes: Attributes
    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    stored: int = 0
    read: Callable[[], AnyArray]


@attrs.frozen(kw_only=True)
class Branch:
    """A group: named nodes in the order in which they were written.

    Attributes
    ----------
    path : str
    attributes : mapping of str to str or int
    children : mapping of str to Leaf or Branch
    """

    path: str
    attributes: Attributes
    children: Mapping[str, Node]


Node: TypeAlias = Leaf | Branch
