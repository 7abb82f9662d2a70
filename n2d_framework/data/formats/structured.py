"""Tables of HDF5 and Zarr: arrays of structured values, whose fields are the columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from n2d_framework.data.chosen_columns import Columns, choose_columns
from n2d_framework.data.faults import keys_or_flags
from n2d_framework.data.formats.array_files import StoredArray
from n2d_framework.data.naming import point_out_unused
from n2d_framework.data.reference import Reference
from n2d_framework.data.table_rows import TableSource
from n2d_framework.errors import DataError
from n2d_framework.types import AnyArray

__all__ = ["StructuredTable", "structured_table"]


def structured_table(
    ref: Reference, names: Sequence[str], get: Callable[[str], StoredArray]
) -> str | None:
    """The structured array that holds the rows, if there is one.

    Parameters
    ----------
    ref : Reference
    names : sequence of str
        All arrays of the file.
    get : callable
        Gives the array of a name.
    """
    fitted = None if ref.like is None else ref.like.x
    chosen = [name for name in (ref.x, fitted) if isinstance(name, str) and name in names]
    candidates = chosen[:1] or [name for name in names if name.lower() == "x"] or list(names)
    if len(candidates) != 1 or get(candidates[0]).dtype.names is None:
        return None
    return candidates[0]


@attrs.frozen
class _Column:
    """A field, or one of the several values that a field has for each row."""

    field: str
    dtype: np.dtype[np.generic]
    place: int | None = None

    @property
    def number(self) -> np.dtype[np.generic] | None:
        """The type of numbers; ``None`` for strings, and for numbers that stand for names."""
        return self.dtype if self.dtype.kind in "buif" and not self.names else None

    @property
    def names(self) -> dict[int, str]:
        """Names of the values of an enumeration of HDF5."""
        noted: Mapping[str, Any] = self.dtype.metadata or {}
        found = noted.get("enum") or {}
        return {value: name for name, value in found.items()}


class StructuredTable(TableSource):
    """Rows of a structured array; fields of several numbers are as many columns.

    Parameters
    ----------
    ref : Reference
    kind : str
        What the file is, for messages.
    name : str
        Of the array.
    stored : StoredArray
    names : sequence of str
        All arrays of the file.
    index : sequence of str
        Fields that hold row names.
    close : callable
        Closes the file.
    """

    def __init__(
        self,
        ref: Reference,
        kind: str,
        name: str,
        stored: StoredArray,
        *,
        names: Sequence[str] = (),
        index: Sequence[str] = (),
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self.ref = attrs.evolve(ref, x=None) if ref.x == name else ref
        self.kind, self.name, self._stored, self.close = kind, ref.path.stem, stored, close  # type: ignore[method-assign]
        if len(stored.shape) != 1:
            raise DataError(f"{stored.where}: a table has one dimension, got shape {stored.shape}")
        self._fields = dict(_columns_of(stored.dtype))
        known = list(self._fields)
        self.columns = choose_columns(self.ref, known, [one for one in index if one in known])
        point_out_unused(ref, names, {name})
        self.n_rows = stored.shape[0]
        types = [self._fields[feature].number for feature in self.columns.features]
        self._set_types(types)
        self._describe(known, ["" if found is None else found.name for found in types])
        assert self.schema is not None
        self.schema = attrs.evolve(self.schema, x=name)

    def batches(self, size: int, columns: Columns, *, raw: bool = False) -> Iterator[Any]:
        """Record batches of consecutive rows."""
        import pyarrow as pa

        del raw  # their types say what they are
        start = 0
        for part in self._stored.rows(size):
            arrays = {name: self._column(part, name, start) for name in columns.used}
            yield pa.RecordBatch.from_pydict(arrays)
            start += len(part)

    def _column(self, part: AnyArray, name: str, start: int) -> Any:
        import pyarrow as pa

        column = self._fields[name]
        values = part[column.field]
        values = values if column.place is None else values[:, column.place]
        where = f"{self.ref.path}: column {name!r}"
        if column.names:
            try:
                return pa.array([column.names[value] for value in values.tolist()])
            except KeyError as error:
                reason = f"has {error}, which its enumeration does not name"
                raise DataError(f"{where} {reason}; it is damaged, write it again") from error
        if values.ndim > 1 or values.dtype.kind not in "buifSUO":
            raise DataError(
                f"{where} holds {column.dtype}, which a table cannot have; leave it out: "
                f"{keys_or_flags(drop=name)}"
            )
        if values.dtype.kind in "buif":
            native = values.astype(values.dtype.newbyteorder("="))
            long = native.dtype.kind == "f" and native.dtype.itemsize > 8
            return pa.array(native.astype(np.float64) if long else native)
        texts = []
        for row, value in enumerate(values.tolist(), start + 1):
            if isinstance(value, bytes):
                try:
                    value = value.decode("utf-8")
                except UnicodeDecodeError as error:
                    raise DataError(
                        f"{where} is not UTF-8 text in row {row} (the first row of data is 1): "
                        f"{error}"
                    ) from error
            if not isinstance(value, str):
                raise DataError(
                    f"{where} holds {type(value).__name__} in row {row}, which a table "
                    f"cannot have; leave it out: {keys_or_flags(drop=name)}"
                )
            texts.append(value)
        return pa.array(texts, pa.large_string())


def _columns_of(dtype: np.dtype[np.generic]) -> Iterator[tuple[str, _Column]]:
    fields: Any = dtype.fields or {}
    for name in dtype.names or ():
        kind = fields[name][0]
        if len(kind.shape) == 1 and kind.base.kind in "buif":
            for place in range(kind.shape[0]):
                yield f"{name}/{place}", _Column(name, kind.base, place)
        else:
            yield name, _Column(name, kind)
