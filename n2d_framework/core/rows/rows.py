"""Rows: what goes through a model, as a dense array, as a sparse matrix or as columns."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, Self, TypeAlias, get_args

import attrs
import numpy as np

from n2d_framework.core.arrays.missing import unmasked
from n2d_framework.core.kinds import Kind, kind_name
from n2d_framework.core.rows.checked_arrays import as_rows, dense_rows
from n2d_framework.core.rows.columns import (
    check_column,
    column_codes,
    missing_in,
    opened_column,
    packed_column,
)
from n2d_framework.core.rows.fields import Schema, positions
from n2d_framework.core.rows.frames import Frame, NotDenseError, as_frame
from n2d_framework.core.rows.input_checks import checked_weights, refuse_kinds, texts_of
from n2d_framework.core.rows.packing import fingerprint, packed
from n2d_framework.core.rows.sparse import (
    canonical,
    is_sparse,
    row_groups,
    sparse_column,
)
from n2d_framework.core.rows.written_names import id_texts
from n2d_framework.errors import DataError, did_you_mean
from n2d_framework.types import AnyArray, FloatArray

__all__ = ["PLAIN_STORAGES", "STORAGES", "Rows", "Storage"]

#: The schema of rows without names.
_NO_COLUMNS: Final = Schema()
#: Words of ``default_for`` whose rows need not be prepared.
PLAIN_STORAGES = ("sparse", "text")
Storage: TypeAlias = Literal["dense", "sparse", "columns"]
STORAGES: tuple[Storage, ...] = get_args(Storage)


@attrs.frozen(eq=False)
class Rows:
    """Rows of data with what is known of their columns. Made by :meth:`of`; arrays are not copied.

    Attributes
    ----------
    values : array, CSR array or mapping of str to array
        Real numbers of shape ``(n, *row_shape)``, never missing or infinite; or a
        ``scipy.sparse.csr_array`` of shape ``(n, d)`` with sorted indices, each once, and no stored
        zeros; or an array of shape ``(n,)`` for each field of the schema:

        ======== ==================================== =======
        kind     type                                 missing
        ======== ==================================== =======
        number   real numbers (floats, where missing) NaN
        category objects: ``str``                     None
        text     objects: ``str``                     None
        date     ``datetime64[us]``                   NaT
        ======== ==================================== =======
    schema : Schema
        The columns. Rows of numbers may have none.
    ids : array of str, shape (n,), or None
        Ids of the rows. They do not count in :meth:`fingerprint`: no result may depend on them.
    weights : float64 array of shape (n,), or None
        How much each row counts; ``None`` if all count 1.
    named_kind : str, default ""
        Kind of rows of numbers, where their source names one: ``"image"``, or that of a plugin.
    """

    values: Any = attrs.field(repr=False)
    schema: Schema = _NO_COLUMNS
    ids: AnyArray | None = attrs.field(default=None, repr=False)
    weights: FloatArray | None = attrs.field(default=None, repr=False)
    named_kind: Kind = attrs.field(default="", converter=kind_name)

    def __attrs_post_init__(self) -> None:
        if (
            type(self.values) is np.ndarray
            and self.schema is _NO_COLUMNS
            and (self.ids is None and self.weights is None)
        ):
            return  # nothing that could not fit together
        if self.storage == "columns":
            if tuple(self.values) != self.schema.names or not self.values:
                raise DataError("rows of columns need one array for each field of their schema")
            for field in self.schema.fields:
                check_column(field, self.values[field.name], len(self))
        elif self.schema.fields and self.row_shape != (len(self.schema.fields),):
            raise DataError(
                f"a schema of {len(self.schema.fields)} fields does not fit rows of shape "
                f"{self.row_shape}"
            )
        for name, beside in (("ids", self.ids), ("weights", self.weights)):
            if beside is not None and np.shape(beside) != (len(self),):
                raise DataError(
                    f"{name} must be one per row: {len(self)}, got an array of shape "
                    f"{np.shape(beside)}"
                )

    @classmethod
    def of(
        cls,
        x: Any,
        *,
        kinds: Mapping[str, Kind] | None = None,
        ids: Any = None,
        weights: Any = None,
        fitting: bool = False,
    ) -> Self:
        """Make rows of whatever holds them.

        Parameters
        ----------
        x : array-like, sparse matrix, frame, list of str, Dataset or Rows
            Arrays and nested lists of numbers; matrices of SciPy; frames of pandas, polars, Arrow
            or Dask, mappings of names to columns and structured arrays, whose columns may be of
            different kinds; strings, which are texts; objects that have a method
            ``__n2d_rows__()``.
        kinds : mapping of str to str, optional
            Kinds of columns, by name, where the types of the values do not say it: codes that are
            categories, strings that are texts or dates.
        ids : array-like of shape (n,), optional
            Ids of the rows; by default the index of a frame.
        weights : array-like of shape (n,), optional
            Non-negative numbers, not all zero.
        fitting : bool, default False
            Whether a model is fitted on the rows: at least two are needed, and a column of numbers
            of which float64 leaves far fewer different values is refused.

        Returns
        -------
        Rows
            Dense where all columns are numbers and none is missing; else sparse or columns.

        Raises
        ------
        DataError
            If `x` is empty, or has values that are infinite or of no known kind, with row and
            column; if ids or weights do not fit; if `kinds` names a column that is not there.
        """
        rows = cls._opened(x, dict(kinds or {}), fitting)
        if len(rows) < 1 + fitting:
            raise DataError(
                f"X has {len(rows)} row(s) while a minimum of {1 + fitting} is required"
            )
        if ids is not None:
            rows = attrs.evolve(rows, ids=id_texts(np.asarray(ids, dtype=object).tolist()))
        if weights is not None:
            rows = attrs.evolve(rows, weights=checked_weights(weights, len(rows)))
        return rows

    @classmethod
    def wrap(cls, x: Any) -> Self:
        """Rows as they are, or of a checked array or CSR array of numbers."""
        return x if isinstance(x, cls) else cls(x)

    @classmethod
    def _opened(cls, x: Any, kinds: dict[str, Kind], fitting: bool) -> Self:
        known = getattr(x, "__n2d_rows__", None)
        if known is not None and not isinstance(x, type):
            made: Self = known()
            return cls._checked(made, kinds, fitting)
        if is_sparse(x):
            refuse_kinds(kinds, positions(x.shape[1]))
            return cls(canonical(x))
        frame = as_frame(x)
        if frame is not None:
            return cls._of_frame(frame, kinds, fitting)
        texts = texts_of(x)
        if texts is not None:
            field, values = opened_column("text", texts, kinds.pop("text", "text"))
            refuse_kinds(kinds, ("text",))
            return cls({"text": values}, Schema((field,)))
        return cls._of_array(x, kinds, fitting)

    @classmethod
    def _of_array(cls, x: Any, kinds: dict[str, Kind], fitting: bool) -> Self:
        try:
            dense = cls(as_rows(x, fitting=fitting))
        except NotDenseError as error:
            return cls._with_gaps(x, kinds, error)
        return dense.with_kinds(kinds) if kinds else dense

    @classmethod
    def _checked(cls, rows: Self, kinds: dict[str, Kind], fitting: bool) -> Self:
        """The same rows, whoever made them: finite where they are numbers, of the kinds given."""
        if rows.storage == "columns":
            return rows.with_kinds(kinds) if kinds else rows
        frame = as_frame(rows)
        if rows.storage == "sparse":
            found = cls(canonical(rows.values))
        elif frame is not None and len(rows.row_shape) == 1:
            found = cls._of_frame(frame, kinds, fitting)
        else:
            found = cls._of_array(rows.values, kinds, fitting)
        schema = found.schema if found.storage == "columns" else rows.schema
        return attrs.evolve(
            found, schema=schema, ids=rows.ids, weights=rows.weights, named_kind=rows.named_kind
        )

    def __n2d_rows__(self) -> Self:
        return self

    @classmethod
    def _of_frame(cls, frame: Frame, kinds: dict[str, Kind], fitting: bool) -> Self:
        refuse_kinds(kinds, frame.names)
        values = frame.block(range(len(frame.names))) if frame.sparse else None
        if values is not None:
            return cls(canonical(values), frame.schema, frame.ids)
        if set(kinds.values()) <= {"number"}:
            with contextlib.suppress(NotDenseError):  # values that are missing or no numbers
                dense = dense_rows(frame, range(len(frame.names)), fitting=fitting)
                return cls(dense, frame.schema, frame.ids)
        Schema.of(frame.names)  # which refuses repeated names
        columns = {name: frame.column(i) for i, name in enumerate(frame.names)}
        return attrs.evolve(cls.of_columns(columns, kinds), ids=frame.ids)

    @classmethod
    def of_columns(cls, columns: Mapping[str, Any], kinds: Mapping[str, Kind]) -> Self:
        """Rows of columns, each read for itself, also where all of them are numbers.

        Parameters
        ----------
        columns : mapping of str to array-like of shape (n,)
        kinds : mapping of str to str
            Of columns whose values do not say it.

        Raises
        ------
        DataError
            As :meth:`of` does.
        """
        opened = [
            opened_column(name, given, kinds.get(name, "")) for name, given in columns.items()
        ]
        schema = attrs.evolve(Schema.of(columns), fields=tuple(field for field, _ in opened))
        return cls({field.name: values for field, values in opened}, schema)

    @classmethod
    def _with_gaps(cls, x: Any, kinds: dict[str, Kind], error: NotDenseError) -> Self:
        """A matrix with missing values as columns; what has no columns of numbers is refused."""
        try:
            values, mask = unmasked(x)
            values = np.asarray(values)
            table = np.array(values, dtype=np.float64)
        except (TypeError, ValueError, RuntimeError):
            raise error from None
        if values.dtype.kind not in "buifO" or table.ndim != 2 or np.isinf(table).any():
            raise error
        if mask is not None:
            table[mask] = np.nan
        if not np.isnan(table).any():  # values that are missing in another way
            raise error
        return cls.of_columns(dict(zip(positions(table.shape[1]), table.T, strict=True)), kinds)

    def with_kinds(self, kinds: Mapping[str, Kind]) -> Self:
        """The same rows with some columns taken for other kinds.

        Raises
        ------
        DataError
            If there is no such column, or its values are not of the kind.
        """
        names = self.schema.names or positions(self.row_shape[0] if self.row_shape else 0)
        refuse_kinds(dict(kinds), names)
        known = {field.name: field.kind for field in self.schema.fields}
        if self.storage == "columns" and {**known, **kinds} == known:
            return self
        found = self.of_columns({name: self.column(name) for name in names}, {**known, **kinds})
        schema = attrs.evolve(self.schema, fields=found.schema.fields)
        return attrs.evolve(self, values=found.values, schema=schema)

    def __len__(self) -> int:
        if isinstance(self.values, Mapping):
            return len(next(iter(self.values.values()), ()))
        return int(self.values.shape[0])

    @property
    def storage(self) -> Storage:
        """Storage of the values: ``"dense"``, ``"sparse"`` or ``"columns"``."""
        if isinstance(self.values, np.ndarray):
            return "dense"
        return "columns" if isinstance(self.values, Mapping) else "sparse"

    @property
    def row_shape(self) -> tuple[int, ...]:
        """Shape of one row; ``()`` for a text alone, ``(fields,)`` for other columns."""
        if isinstance(self.values, np.ndarray):
            return tuple(self.values.shape[1:])
        if self.storage == "sparse":
            return (int(self.values.shape[1]),)
        return () if self.kind == "text" else (len(self.values),)

    @property
    def kinds(self) -> frozenset[Kind]:
        """Kinds of the fields of rows of columns; of other rows the kind that they are named."""
        if isinstance(self.values, Mapping):
            return self.schema.kinds
        return frozenset(filter(None, [self.named_kind]))

    @property
    def kind(self) -> Kind:
        """Kind of a row as a whole: ``"text"`` where it is one text; empty if it has none."""
        if isinstance(self.values, Mapping):
            alone = len(self.schema.fields) == 1 and self.schema.fields[0].kind == "text"
            return "text" if alone else ""
        return self.named_kind

    @property
    def default_word(self) -> str:
        """The word of ``default_for`` that components for such rows announce.

        ``"text"``, ``"sparse"``, ``"table"`` of named columns, the kind that rows of numbers are
        named, or nothing.
        """
        if self.storage == "dense":
            return self.named_kind
        if self.storage == "sparse":
            return "sparse"
        if self.kind == "text":
            return self.kind
        return "table" if self.schema.named else ""

    @property
    def given(self) -> Any:
        """Values as components are given them: an array, also of texts; a CSR array; or itself.

        Rows of columns are given to components as they are, but for a text alone.
        """
        if isinstance(self.values, np.ndarray) or self.storage == "sparse":
            return self.values
        return next(iter(self.values.values())) if self.kind == "text" else self

    def column(self, name: str) -> AnyArray:
        """Values of a column, by its name, or by its position as a string where it has none.

        Parameters
        ----------
        name : str

        Returns
        -------
        array of shape (n,)

        Raises
        ------
        DataError
            If there is no such column.
        """
        if isinstance(self.values, Mapping):
            if name in self.values:
                return np.asarray(self.values[name])
            known: tuple[str, ...] = tuple(self.values)
        else:
            width = self.row_shape[0] if len(self.row_shape) == 1 else 0
            known = self.schema.names or positions(width)
            if name in known:
                position = known.index(name)
                if self.storage == "sparse":
                    return sparse_column(self.values, position)
                return np.asarray(self.values[:, position])
        hint = did_you_mean(name, known[:1000], noun="column")
        raise DataError(f"there is not a column {name!r}; {hint}")

    def take(self, which: Any) -> Self:
        """Some of the rows.

        Parameters
        ----------
        which : slice or array of int or bool
            A slice gives views.
        """
        values = self.values
        columns = isinstance(values, Mapping)
        values = {k: v[which] for k, v in values.items()} if columns else values[which]
        ids, weights = (b if b is None else b[which] for b in (self.ids, self.weights))
        return attrs.evolve(self, values=values, ids=ids, weights=weights)

    def blocks(self, size: int) -> Iterator[Self]:
        """The rows from the first on, at most `size` at once.

        Raises
        ------
        DataError
            If `size` is not positive.
        """
        if size < 1:
            raise DataError(f"a block needs at least one row, got size={size}")
        if 0 < len(self) <= size:
            yield self
            return
        for start in range(0, len(self), size):
            yield self.take(slice(start, start + size))

    def missing(self) -> tuple[int, str] | None:
        """The first missing value, by rows: its row and the name of its column; or ``None``."""
        if not isinstance(self.values, Mapping):
            return None
        found = [
            (int(gaps.argmax()), position, name)
            for position, (name, column) in enumerate(self.values.items())
            if (gaps := missing_in(column)).any()
        ]
        return min(found)[::2] if found else None

    def identity(self) -> AnyArray:
        """Numbers of shape (n, ...) in which two rows are equal if and only if they are.

        Returns
        -------
        array
            The values of dense rows; codes of the values of columns; of sparse rows the number of
            the first row that each equals.
        """
        if isinstance(self.values, Mapping):
            return np.stack([column_codes(column) for column in self.values.values()], axis=1)
        return row_groups(self.values) if self.storage == "sparse" else np.asarray(self.values)

    def fingerprint(self) -> str:
        """Hash of values, weights, names and kinds, not of ids: SHA-256, hexadecimal."""
        if self.storage == "dense" and self.weights is None:
            return fingerprint(self.values)
        digest = hashlib.sha256(f"{self.storage}{len(self)}".encode())
        for array in self._arrays():
            digest.update(fingerprint(array).encode())
        return digest.hexdigest()

    def _arrays(self) -> Iterator[AnyArray]:
        """All values as arrays of numbers."""
        if self.weights is not None:
            yield self.weights
        if self.storage == "dense":
            yield self.values
        elif self.storage == "sparse":
            yield np.asarray(self.values.shape, dtype=np.int64)
            yield self.values.indptr.astype(np.int64)
            yield self.values.indices.astype(np.int64)
            yield self.values.data
        else:
            for field in self.schema.fields:
                words = (field.name, field.kind, *field.categories)
                yield from packed(words).values()
                yield from packed_column(self.values[field.name]).values()
