"""Rows from files that hold whole arrays: the part that all of them share."""

from __future__ import annotations

import abc
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import attrs
import numpy as np

from n2d_framework.core.rows import Schema
from n2d_framework.core.rows.written_names import id_texts, name_text, refuse_nul
from n2d_framework.data.faults import no_such_name, reading
from n2d_framework.data.naming import CLASS_NAMES, COLUMN_NAMES, Pair, array_pairs, point_out_unused
from n2d_framework.data.reference import Reference
from n2d_framework.data.source import (
    Block,
    RowSource,
    check_labels,
    check_rows,
    modality_of,
)
from n2d_framework.errors import DataError, DataWarning
from n2d_framework.types import AnyArray

__all__ = ["ArrayFile", "Contents", "FieldArray", "StoredArray", "find_contents"]


class StoredArray(abc.ABC):
    """One array in a file, known by its header until rows are read.

    Attributes
    ----------
    where : str
        File and array, for messages.
    shape : tuple of int
    dtype : numpy.dtype
    sparse : bool
        Whether rows come as CSR arrays.
    """

    where: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    sparse: ClassVar[bool] = False

    @property
    def n_stored(self) -> int:
        """Number of values that are stored."""
        return math.prod(self.shape)

    @abc.abstractmethod
    def rows(self, size: int) -> Iterator[AnyArray]:
        """Yield consecutive rows, at most `size` at once."""

    def whole(self) -> AnyArray:
        """The array in memory."""
        parts = list(self.rows(max([1, *self.shape[:1]])))
        return np.concatenate(parts) if parts else np.empty(self.shape, dtype=self.dtype)


@attrs.frozen
class _Part:
    x: StoredArray
    y: StoredArray | None


@attrs.frozen
class FieldArray(StoredArray):
    """One field of a structured array, which may hold several values for each row."""

    where: str
    stored: StoredArray
    field: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]

    @classmethod
    def of(cls, stored: StoredArray, field: str) -> FieldArray:
        """The field of that name."""
        fields: Mapping[str, Any] = stored.dtype.fields or {}
        kind = fields[field][0]
        # HDF5's strings of any length are objects to NumPy, noted beside their type.
        any_length = (kind.metadata or {}).get("vlen") in (str, bytes)
        where = f"{stored.where}, column {field!r}"
        dtype = np.dtype("S") if any_length else kind.base
        return cls(where, stored, field, (*stored.shape[:1], *kind.shape), dtype)

    def rows(self, size: int) -> Iterator[AnyArray]:
        """Yield the field of consecutive rows."""
        for part in self.stored.rows(size):
            yield part[self.field].astype(self.dtype, copy=False)


@attrs.frozen
class Contents:
    """Content of a file of arrays.

    Attributes
    ----------
    pairs : sequence of (StoredArray, StoredArray or None)
        Rows and their labels, one after the other.
    x, y : str or None
        Names of the only array with rows and of its labels.
    names : tuple of str or None
        Names of the columns.
    ids : StoredArray or None
        Ids of all rows.
    id : str or None
        Name of the array with the ids.
    classes : StoredArray or None
        Names of the classes.
    known : sequence of str
        Arrays that a user may name.
    """

    pairs: Sequence[tuple[StoredArray, StoredArray | None]]
    x: str | None = None
    y: str | None = None
    names: tuple[str, ...] | None = None
    ids: StoredArray | None = None
    id: str | None = None
    classes: StoredArray | None = None
    known: Sequence[str] = ()


def find_contents(
    ref: Reference,
    names: Sequence[str],
    get: Callable[[str], StoredArray],
    notable: Sequence[str] | None = None,
) -> Contents:
    """Choose rows, labels, ids and names of columns among the arrays of a file.

    Parameters
    ----------
    ref : Reference
    names : sequence of str
        All arrays of the file.
    get : callable
        Gives the array of a name; only those that are used are looked at.
    notable : sequence of str, optional
        Arrays that are pointed out if they are not used; by default all.

    Raises
    ------
    DataError
        If there is no such array, or no way to choose.
    """
    for name in (*ref.drop, *_listed(ref.id)):
        if name not in names:
            raise no_such_name(ref.path, "array", name, list(names))
    ref = _as_fitted(ref, names)
    classes = _class_names(ref, names, get)
    beside = {ref.id, *ref.drop, classes, *(name for name in COLUMN_NAMES if name in names)}
    pairs = array_pairs(ref, [name for name in names if name not in beside or name == ref.x])
    named = _column_names(ref, names, get, pairs[0][0])
    taken = {name for pair in pairs for name in pair} | {ref.id}
    if named is not None:
        taken.add(next(name for name in COLUMN_NAMES if name in names))
    classes = _categories(names, pairs) or classes
    if classes is not None and any(labels is not None for _, labels in pairs):
        taken.add(classes)
    else:
        classes = None
    point_out_unused(ref, names if notable is None else notable, taken)
    only = pairs[0] if len(pairs) == 1 else (None, None)
    return Contents(
        [(get(rows), None if labels is None else get(labels)) for rows, labels in pairs],
        x=only[0],
        y=only[1],
        names=named,
        ids=None if ref.id is None else get(ref.id),
        id=ref.id,
        classes=None if classes is None else get(classes),
        known=names,
    )


def _class_names(
    ref: Reference, names: Sequence[str], get: Callable[[str], StoredArray]
) -> str | None:
    """The array of strings that names the classes, unless the user has another use for it."""
    free = [name for name in names if name not in (ref.x, ref.y, ref.id, *ref.drop)]
    for wanted in CLASS_NAMES:
        for name in (name for name in free if name.lower() == wanted):
            stored = get(name)
            if stored.dtype.kind in "SU" and len(stored.shape) == 1:
                return name
    return None


def _categories(names: Sequence[str], pairs: Sequence[Pair]) -> str | None:
    """Categories of a column of AnnData, which are stored next to its codes."""
    codes = {labels for _, labels in pairs}
    beside = {str(name).removesuffix("codes") + "categories" for name in codes}
    known = [name for name in beside if name in names and name not in codes]
    return known[0] if len(codes) == 1 and known else None


def _listed(names: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names or ()


def _as_fitted(ref: Reference, names: Sequence[str]) -> Reference:
    """Choose the arrays that the model was fitted on, where the user names no others."""
    if ref.like is None:
        return ref
    known = {
        key: name
        for key in ("x", "y", "id")
        if (name := getattr(ref.like, key)) in names and getattr(ref, key) is None
    }
    return attrs.evolve(ref, **known)


def _column_names(
    ref: Reference, names: Sequence[str], get: Callable[[str], StoredArray], x: str
) -> tuple[str, ...] | None:
    """Names of the columns, if the file has an array of them."""
    name = next((name for name in COLUMN_NAMES if name in names and name != x), None)
    shape = get(x).shape
    if name is None or len(shape) != 2:
        return None
    try:
        found = get(name)
        if found.dtype.kind in "SU" and found.shape == shape[1:]:
            return tuple(map(name_text, found.whole().tolist()))
        reason = f"it has shape {found.shape} and type {found.dtype}"
    except DataError as error:
        reason = str(error)
    warnings.warn(
        f"{ref.path}: the array {name!r} does not name the columns, since it is not an array of "
        f"{shape[1]} strings (dtype U or S): {reason}",
        DataWarning,
        stacklevel=2,
    )
    return None


class ArrayFile(RowSource):
    """Rows of one array, or of several one after the other, each with its labels.

    Parameters
    ----------
    ref : Reference
    kind : str
        What the file is, for messages.
    contents : Contents
    """

    def __init__(self, ref: Reference, kind: str, contents: Contents) -> None:
        self._path, self._kind = ref.path, kind
        self._parts = [_Part(x, y) for x, y in contents.pairs]
        for part in self._parts:
            check_rows(part.x.shape, part.x.dtype, part.x.where)
            if part.y is not None:
                check_labels(part.y.shape, part.y.dtype, part.x.shape[0], part.y.where)
        first = self._parts[0].x
        for part in self._parts[1:]:
            if part.x.shape[1:] != first.shape[1:] or part.x.dtype != first.dtype:
                raise DataError(
                    f"{part.x.where}: its rows {part.x.shape[1:]} {part.x.dtype} do not fit "
                    f"those of {first.where}, {first.shape[1:]} {first.dtype}; name one with x"
                )
        self.arrays = tuple(contents.known)
        self.sparse = first.sparse
        self.n_stored = sum(part.x.n_stored for part in self._parts)
        self.name = ref.path.stem
        self.n_rows = sum(part.x.shape[0] for part in self._parts)
        self.row_shape = first.shape[1:]
        self.dtype = first.dtype.newbyteorder("=")
        self.modality = modality_of(self.row_shape)
        if contents.classes is not None:
            self.names = tuple(map(name_text, contents.classes.whole().tolist()))
            refuse_nul(self.names, contents.classes.where, counted="name")
        self._ids = contents.ids
        if self._ids is not None:
            check_labels(self._ids.shape, self._ids.dtype, self.n_rows, self._ids.where, "ids")
        self._order: tuple[int, ...] | None = None
        self._describe(ref, contents)

    def _describe(self, ref: Reference, contents: Contents) -> None:
        """Set what is known of the columns, and the order in which a fitted model takes them."""
        names, where = contents.names, str(self._path)
        width = None if names is None else len(names)
        if names is not None and ref.like is not None:
            matched = ref.like.match(names, ref.n_features, where)
            if matched is not None:
                self._order, self.others = matched.order, matched.others
                self.row_shape = (len(matched.order),)
                names = tuple(names[position] for position in matched.order)
        self.schema = Schema.of(
            names or (), [self.dtype.name] * len(names or ()), where=where,
            x=contents.x, y=contents.y, id=contents.id, width=width,
        )  # fmt: skip

    def blocks(self, size: int, *, labels: bool = True) -> Iterator[Block]:
        """Rows of one part after the other."""
        with reading(self._path, self._kind):
            ids = None if self._ids is None else self._ids.whole().ravel()
            where = "" if self._ids is None else self._ids.where
            done = 0
            for part in self._parts:
                y = _labels(part.y) if labels and part.y is not None else None
                start = 0
                for rows in part.x.rows(size):
                    chosen = rows if self._order is None else rows[:, list(self._order)]
                    x, n = chosen, int(chosen.shape[0])
                    if not self.sparse:
                        x = np.ascontiguousarray(chosen, dtype=self.dtype)
                    yield Block(
                        x,
                        None if y is None else y[start : start + n],
                        None
                        if ids is None
                        else id_texts(ids[done : done + n].tolist(), where, done),
                    )
                    start += n
                    done += n


def _labels(stored: StoredArray) -> AnyArray:
    y = stored.whole().ravel()
    if y.dtype.kind == "S":
        try:
            y = np.char.decode(y, "utf-8")
        except UnicodeDecodeError as error:
            raise DataError(f"{stored.where}: labels are not UTF-8 text; {error}") from error
    if y.dtype.kind == "U":
        refuse_nul(y.tolist(), stored.where)
    return y
