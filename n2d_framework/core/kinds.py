"""Kinds of what a row holds: one open vocabulary for data, for components and for columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

__all__ = [
    "ANY", "KINDS", "SPARSE", "Kind", "Kinds", "guess_image_shape", "kind_name", "kinds_of_shape",
    "listed_kinds",
]  # fmt: skip

Kind: TypeAlias = str
"""Name of a kind: of :data:`KINDS`, or one that a plugin announces."""
Kinds: TypeAlias = Kind | tuple[Kind, ...]
"""One kind, or several."""

#: What a component announces that takes rows of every kind.
ANY: Final = "any"

#: What a prepare component announces as ``output`` that gives sparse rows of numbers.
SPARSE: Final = "sparse"

#: The kinds that the framework knows of itself, and what they mean.
KINDS: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        "vector": "numbers, one for each feature",
        "image": "numbers of shape (height, width) or (height, width, channels)",
        "sequence": "numbers of shape (steps, features), or (steps,)",
        "text": "a string",
        "number": "a column of numbers",
        "category": "a column of categories",
        "date": "a column of points in time",
    }
)
#: Words that were used for kinds before.
_FORMER: Final = {"tabular": "vector"}
_SHAPES: Final = {1: ("vector", "sequence"), 2: ("vector", "image", "sequence"),
                  3: ("vector", "image")}  # fmt: skip


def kind_name(word: Any) -> Any:
    """The present name of a kind; ``"tabular"`` is a former name of ``"vector"``."""
    return _FORMER.get(word, word) if isinstance(word, str) else word


def listed_kinds(value: Any) -> Any:
    """One kind, or the kinds of a set, list or tuple, under their present names.

    Parameters
    ----------
    value : str or iterable of str

    Returns
    -------
    str or tuple of str
        A tuple, sorted, of several; other values as they are, to be refused.
    """
    if isinstance(value, str) or not isinstance(value, Iterable):
        return kind_name(value)
    names = sorted({kind_name(item) for item in value}, key=str)
    return names[0] if len(names) == 1 else tuple(names)


def kinds_of_shape(row_shape: tuple[int, ...]) -> tuple[Kind, ...]:
    """Kinds that rows of numbers of a shape can be taken for.

    Numbers of any shape can be vectors; one of two dimensions may be an image or a sequence.
    """
    return _SHAPES.get(len(row_shape), ("vector",))


def guess_image_shape(row_shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape of a row as an image; ``None`` if it does not look like one."""
    if len(row_shape) == 2 or (len(row_shape) == 3 and row_shape[2] in (1, 3, 4)):
        return row_shape
    return None
