"""Tables that are in memory: frames of several libraries, mappings, structured arrays."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from n2d_framework.core.kinds import Kind
from n2d_framework.core.rows.fields import Schema, positions, unique_names
from n2d_framework.core.rows.written_names import id_texts, name_text
from n2d_framework.errors import DataError
from n2d_framework.types import AnyArray

__all__ = ["Frame", "NotDenseError", "as_frame"]


class NotDenseError(DataError):
    """Of values that are not numbers, or missing: rows of columns may have them."""


class Frame(abc.ABC):
    """Rows with the names of their columns; knows no library but by what its objects offer.

    Attributes
    ----------
    names : tuple of str
        Names of the columns. Other values than strings are named as they are written, those of
        several levels joined by ``/``.
    sparse : bool
        Whether they are those of a sparse matrix of SciPy.
    """

    names: tuple[str, ...]
    sparse: bool = False

    def block(self, order: Sequence[int]) -> Any:
        """The columns at these positions as one array, where they are held in one; or ``None``."""
        del order
        return None

    @property
    def dtypes(self) -> tuple[str, ...]:
        """Types of the columns; empty if not known."""
        return ()

    @property
    def ids(self) -> AnyArray | None:
        """Ids of the rows as strings; ``None`` if the table has none."""
        return None

    @abc.abstractmethod
    def column(self, position: int) -> Any:
        """One column, as something that turns into an array."""

    @property
    def kind(self) -> Kind:
        """Kind of the rows, where their source names one; empty for numbers of any shape."""
        return ""

    @property
    def schema(self) -> Schema:
        """The columns, all of them features.

        Raises
        ------
        DataError
            If names repeat.
        """
        if self.names == positions(len(self.names)):
            return Schema()
        return Schema.of(self.names, self.dtypes)


def as_frame(x: Any) -> Frame | None:
    """Read `x` as a table with named columns.

    Parameters
    ----------
    x : object
        A frame of pandas (or a library with its interface), polars, Arrow or Dask; a mapping of
        names to columns; a structured NumPy array; an AnnData (its ``X``, with the names of cells
        and variables); an array or dataset of xarray; what has a method ``__n2d_rows__()``.

    Returns
    -------
    Frame or None
        ``None`` for anything else, whose columns have no names.
    """
    if type(x) is np.ndarray and x.dtype.names is None:
        return None
    library = type(x).__module__.partition(".")[0]
    known = getattr(x, "__n2d_rows__", None)
    if known is not None and not isinstance(x, type):
        found: Frame = _Made(known())
        return found
    if hasattr(x, "obs_names") and hasattr(x, "var_names"):
        return _annotated(x)
    if library == "xarray":
        return _labelled(x)
    if isinstance(x, Mapping) and library != "scipy":  # a sparse matrix may be a mapping of places
        return _Arrays({name_text(name): x[name] for name in x}, len(x))
    if isinstance(x, np.ndarray):
        names = x.dtype.names
        return None if names is None else _Arrays({name: x[name] for name in names}, len(names))
    if library == "dask" and hasattr(x, "columns"):
        return as_frame(x.compute())
    if library == "polars" and hasattr(x, "collect"):
        return as_frame(x.collect())
    if library == "polars" and hasattr(x, "get_columns"):
        return _Polars(x)
    if library == "pyarrow" and hasattr(x, "column_names"):
        return _Arrow(x)
    if hasattr(x, "columns") and hasattr(x, "iloc"):
        return _Pandas(x)
    return None


class _Made(Frame):
    """Rows that are made already; only the names they know."""

    def __init__(self, rows: Any) -> None:
        self._rows = rows
        self.names = rows.schema.names
        if not self.names and len(rows.row_shape) == 1:
            self.names = positions(rows.row_shape[0])

    def block(self, order: Sequence[int]) -> Any:
        values = self._rows.values
        return None if isinstance(values, Mapping) else _chosen(values, order, len(self.names))

    def column(self, position: int) -> Any:
        return self._rows.column(self.names[position])

    @property
    def ids(self) -> AnyArray | None:
        found: AnyArray | None = self._rows.ids
        return found

    @property
    def kind(self) -> Kind:
        return str(self._rows.named_kind)

    @property
    def schema(self) -> Schema:
        found: Schema = self._rows.schema
        return found


def _chosen(values: Any, order: Sequence[int], width: int) -> Any:
    """Columns of a matrix; the matrix itself, if they are all in their order."""
    return values if list(order) == list(range(width)) else values[:, list(order)]


class _Matrix(Frame):
    """A matrix, dense or sparse, whose rows and columns have names of their own."""

    def __init__(self, values: Any, names: Sequence[Any], ids: Iterable[Any] | None) -> None:
        self._values, self.sparse = values, hasattr(values, "tocsr")
        self.names = unique_names([name_text(name) for name in names])
        self._ids = None if ids is None else id_texts(ids)

    def block(self, order: Sequence[int]) -> Any:
        return _chosen(self._values, order, len(self.names))

    def column(self, position: int) -> Any:
        column = self._values[:, [position]]
        return (column.toarray() if hasattr(column, "toarray") else np.asarray(column)).ravel()

    @property
    def ids(self) -> AnyArray | None:
        return self._ids


def _annotated(x: Any) -> Frame:
    """The matrix X of an AnnData, which may lie on the disk."""
    values = x.X
    if values is None:
        raise DataError("X is an AnnData without X; give one of its matrices: adata.obsm['X_pca']")
    values = values.to_memory() if hasattr(values, "to_memory") else values
    return _Matrix(values if hasattr(values, "tocsr") else values[:], x.var_names, x.obs_names)


def _labelled(x: Any) -> Frame:
    """An array of xarray with the labels of its axes; or the variables of a dataset as columns."""
    if hasattr(x, "data_vars"):
        columns = dict(x.data_vars)
        if len(columns) == 1:
            (only,) = columns.values()
            return _labelled(only)
        shapes = {name: tuple(column.dims) for name, column in columns.items()}
        if len(set(shapes.values())) != 1 or len(next(iter(shapes.values()))) != 1:
            raise DataError(
                f"X is a dataset of xarray whose variables are not columns of one length "
                f"({shapes}); give one of them: dataset[name]"
            )
        (axis,) = next(iter(shapes.values()))
        ids = x.coords[axis].values.tolist() if axis in x.coords else None
        return _Arrays(
            {name_text(name): column.values for name, column in columns.items()}, len(columns), ids
        )
    if x.ndim < 2:
        raise DataError(f"X is an array of xarray of shape {x.shape}; it needs two dimensions")
    rows, features = x.dims[0], x.dims[-1]
    ids = x.coords[rows].values.tolist() if rows in x.coords else None
    names = x.coords[features].values.tolist() if features in x.coords else range(x.shape[-1])
    return _Matrix(x.values, names if x.ndim == 2 else (), ids)


class _Pandas(Frame):
    def __init__(self, x: Any) -> None:
        self._x = x
        self.names = tuple(name_text(name) for name in x.columns)

    def block(self, order: Sequence[int]) -> Any:
        known = list(self._x.dtypes)
        dtypes = [known[position] for position in order]
        alike = dtypes and isinstance(dtypes[0], np.dtype) and len(set(dtypes)) == 1
        if not alike or dtypes[0].kind not in "iuf":
            return None
        whole = list(order) == list(range(self._x.shape[1]))
        return np.asarray(self._x if whole else self._x.iloc[:, list(order)])

    def column(self, position: int) -> Any:
        return self._x.iloc[:, position]

    @property
    def dtypes(self) -> tuple[str, ...]:
        return tuple(str(dtype) for dtype in self._x.dtypes)

    @property
    def ids(self) -> AnyArray | None:
        index = self._x.index
        if getattr(index, "name", None) is None and getattr(index, "nlevels", 1) == 1:
            values = index.to_numpy()
            if values.dtype.kind in "iu" and np.array_equal(values, np.arange(len(values))):
                return None
        return id_texts(index.tolist())


class _Polars(Frame):
    def __init__(self, x: Any) -> None:
        self._x = x
        self.names = tuple(x.columns)

    def column(self, position: int) -> Any:
        return self._x.to_series(position)

    @property
    def dtypes(self) -> tuple[str, ...]:
        return tuple(str(dtype).lower() for dtype in self._x.dtypes)


class _Arrow(Frame):
    def __init__(self, x: Any) -> None:
        self._x = x
        self.names = tuple(x.column_names)

    def column(self, position: int) -> Any:
        return self._x.column(position)

    @property
    def dtypes(self) -> tuple[str, ...]:
        return tuple(str(kind) for kind in self._x.schema.types)


class _Arrays(Frame):
    """Columns that are arrays or lists of their own."""

    def __init__(
        self, columns: Mapping[str, Any], n: int, ids: Iterable[Any] | None = None
    ) -> None:
        self.names = tuple(columns)
        self._ids = None if ids is None else id_texts(ids)
        if len(self.names) != n:
            raise DataError("X: several columns have the same name once written out; rename them")
        if not n:
            raise DataError("X has no columns; give at least one")
        self._columns = {name: _column(name, values) for name, values in columns.items()}
        first = self.names[0]
        for name, column in self._columns.items():
            if len(column) != len(self._columns[first]):
                raise DataError(
                    f"X: column {name!r} has {len(column)} values, {first!r} has "
                    f"{len(self._columns[first])}"
                )

    def column(self, position: int) -> Any:
        return self._columns[self.names[position]]

    @property
    def dtypes(self) -> tuple[str, ...]:
        return tuple(column.dtype.name for column in self._columns.values())

    @property
    def ids(self) -> AnyArray | None:
        return self._ids


def _column(name: str, values: Any) -> AnyArray:
    try:
        column: AnyArray = np.asanyarray(values)
    except ValueError as error:
        raise DataError(f"X: column {name!r} does not hold one value per row; {error}") from error
    if column.ndim == 0:
        raise DataError(f"X: column {name!r} is one value, not one per row")
    return column
