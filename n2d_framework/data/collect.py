"""From a stream of blocks to one dataset in memory."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from n2d_framework.core.budget.scratch import Scratch
from n2d_framework.core.dataset import Dataset, class_names
from n2d_framework.core.rows import Rows
from n2d_framework.core.rows.row_states import joined
from n2d_framework.data.faults import check_memory
from n2d_framework.data.source import RowSource
from n2d_framework.errors import DataError, DataWarning
from n2d_framework.types import AnyArray

__all__ = ["Progress", "about_classes", "about_ids", "collect", "joined_labels", "remark_on_ids"]

#: What is called with the number of rows that are read, and of all if it is known.
Progress: TypeAlias = Callable[[int, int | None], None]
_BLOCK = 8192
#: Bytes of rows that are read at once, for rows that are large.
_BLOCK_BYTES = 1 << 22
#: Rows up to which each may be a class of its own.
_FEW_ROWS = 20


def collect(
    source: RowSource, progress: Progress | None = None, scratch: Scratch | None = None
) -> Dataset:
    """Read all rows and labels.

    Parameters
    ----------
    source : RowSource
    progress : callable, optional
        Called with the number of rows that are read and that of all, if it is known.
    scratch : Scratch, optional
        Where the rows are to be, if they do not fit into memory; rows that lie in a file as they
        are needed stay there.

    Returns
    -------
    Dataset
        Its ``x`` equals the concatenation of the source's chunks.

    Raises
    ------
    DataError
        If the rows do not fit into memory, or whatever reading raises.
    """
    known = source.n_rows is not None and not source.sparse
    try:
        x, labels, ids = _known(source, progress, scratch) if known else _unknown(source)
    except MemoryError as error:
        shape = (source.n_rows or "n", *source.row_shape)
        raise DataError(
            f"{source.name}: rows of shape {shape} ({source.dtype}) do not fit into memory; "
            "use fewer of them"
        ) from error
    names = np.concatenate(ids) if ids else None
    if names is not None:
        remark_on_ids(names, source.name)
    y = joined_labels(labels) if labels else None
    if source.table is None and (found := about_classes(y)):
        warnings.warn(f"{source.name}: {found}", DataWarning, stacklevel=2)
    named = _fitting(source, y)
    return Dataset(
        name=source.name,
        x=x,
        y=y,
        names=named,
        modality=source.modality,
        schema=source.schema,
        ids=names,
    )


def _fitting(source: RowSource, y: AnyArray | None) -> tuple[str, ...]:
    """The names of the classes; none, with a warning, if they do not fit the classes."""
    if y is None or not source.names:
        return source.names
    values = np.unique(y).tolist()
    if class_names(values, source.names):
        return source.names
    warnings.warn(
        f"{source.name}: {len(source.names)} names are not used, since there are {len(values)} "
        "classes; give one name for each class, in the order of their values",
        DataWarning,
        stacklevel=3,
    )
    return ()


def remark_on_ids(ids: AnyArray, name: str) -> None:
    """Warn once of ids that do not distinguish rows; they are used as they are."""
    found = about_ids(ids)
    if found:
        warnings.warn(f"{name}: {found}", DataWarning, stacklevel=2)


def about_ids(ids: AnyArray) -> str:
    """The trouble with ids that do not distinguish rows; empty if they do."""
    seen: dict[str, int] = {}
    found = []
    for row, key in enumerate(ids):
        if not key:
            found.append(f"row {row} has no id")
        elif seen.setdefault(key, row) != row:
            found.append(f"id {key!r} of row {seen[key]} comes again in row {row}")
    if not found:
        return ""
    more = f", and {len(found) - 1} more such rows" if len(found) > 1 else ""
    return (
        f"{found[0]}{more} (rows counted from 0); ids come out as they are, and row numbers "
        "distinguish rows"
    )


def _known(
    source: RowSource, progress: Progress | None, scratch: Scratch | None
) -> tuple[Any, list[AnyArray], list[AnyArray]]:
    """Fill one array, so that no second copy of the rows is ever held."""
    shape = (source.n_rows or 0, *source.row_shape)
    where = f"{source.name}: rows of shape {shape} ({source.dtype})"
    if scratch is None:
        check_memory(where, math.prod(shape) * source.dtype.itemsize)
        x: AnyArray = np.empty(shape, dtype=source.dtype)
    elif (there := source.mapped()) is not None:
        return there, [], []
    else:
        x = scratch.empty(shape, source.dtype)
    labels: list[AnyArray] = []
    ids: list[AnyArray] = []
    start = 0
    width = max(1, math.prod(source.row_shape) * source.dtype.itemsize)
    for block in source.blocks(min(_BLOCK, max(1, _BLOCK_BYTES // width))):
        if isinstance(block.x, Rows):  # of columns of several kinds, as a model takes them
            return _unknown(source)
        if start + len(block.x) > len(x):
            raise DataError(
                f"{source.name}: it has more than the {len(x)} rows that it had when it was "
                "opened; it has changed while it was read, start again"
            )
        x[start : start + len(block.x)] = block.x
        start += len(block.x)
        if block.y is not None:
            labels.append(block.y)
        if block.ids is not None:
            ids.append(block.ids)
        if progress is not None:
            progress(start, source.n_rows)
    if start != len(x) and not source.may_skip:
        raise DataError(f"{source.name}: it says {len(x)} rows but has {start}; write it again")
    return x[:start], labels, ids


def _unknown(source: RowSource) -> tuple[Any, list[AnyArray], list[AnyArray]]:
    """Join blocks: of tables whose length is not known, and of sparse matrices."""
    if source.sparse:
        needed = 2 * source.n_stored * (source.dtype.itemsize + 8)
        check_memory(f"{source.name}: {source.n_stored} stored values", needed)
    rows: list[Any] = []
    labels: list[AnyArray] = []
    ids: list[AnyArray] = []
    for block in source.blocks(_BLOCK):
        rows.append(block.x)
        if block.y is not None:
            labels.append(block.y)
        if block.ids is not None:
            ids.append(block.ids)
    return joined(rows), labels, ids


def about_classes(y: AnyArray | None) -> str:
    """The trouble with labels that are hardly classes; empty if they may be."""
    if y is None or len(y) <= _FEW_ROWS or 2 * (found := len(np.unique(y))) <= len(y):
        return ""
    return (
        f"{found} different classes in {len(y)} rows; if they are none, name the column or array "
        "that holds them, or say that there are none: y: false, or --y false"
    )


def joined_labels(labels: Sequence[AnyArray]) -> AnyArray:
    """One array of labels; strings become numbers where each is written as its number is."""
    y = np.concatenate(labels)
    if y.dtype.kind != "U":
        return y
    distinct, codes = np.unique(y, return_inverse=True)
    numbers = [_number(text.strip()) for text in distinct.tolist()]
    if None in numbers:
        return y
    values = np.array(numbers)  # of float64 if one is; integers beyond 2^53 may change then
    return values[codes] if len(set(numbers)) == len(distinct) and values.tolist() == numbers else y


def _number(text: str) -> int | float | None:
    """The number that is written so; ``None`` for other strings, such as ``01`` or ``nan``."""
    for kind in (int, float):
        try:
            number: int | float = kind(text)
        except ValueError:
            continue
        if str(number) == text and abs(number) < 2**63:
            return number
    return None
