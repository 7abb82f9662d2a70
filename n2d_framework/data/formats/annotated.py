"""Matrices and columns of AnnData, in HDF5 and Zarr, of its present and its former layouts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from n2d_framework.core.rows.fields import unique_names
from n2d_framework.core.rows.written_names import name_text
from n2d_framework.data.faults import point_out
from n2d_framework.data.formats.array_files import (
    Contents,
    FieldArray,
    StoredArray,
    find_contents,
)
from n2d_framework.data.formats.sparse_arrays import SparseArray
from n2d_framework.data.reference import Reference
from n2d_framework.errors import DataError
from n2d_framework.types import AnyArray

__all__ = [
    "INDEX",
    "Annotated",
    "grouped_contents",
    "index_and_columns",
    "is_annotated",
    "sparse_group",
]

#: Name of the names of cells, whatever the file calls their column.
INDEX = "obs/_index"


def is_annotated(root: Any) -> bool:
    """Return whether a file (or Zarr group) is laid out as AnnData writes it."""
    kind = root.attrs.get("encoding-type", "")
    return kind == "anndata" or ("obs" in root and "var" in root and "X" in root)


@attrs.frozen
class _Coded(StoredArray):
    """Categories as strings, stored as codes."""

    where: str
    codes: StoredArray
    categories: StoredArray
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]

    def rows(self, size: int) -> Iterator[AnyArray]:
        names = np.array(
            [name_text(value) for value in self.categories.whole().tolist()], dtype="U"
        )
        start = 0
        for codes in self.codes.rows(size):
            if codes.dtype.kind not in "iu" or (codes.size and int(codes.max()) >= len(names)):
                raise DataError(
                    f"{self.where}: its codes do not belong to its {len(names)} categories; it is "
                    "damaged, write it again"
                )
            wrong = np.flatnonzero(codes < 0)
            if wrong.size:
                raise DataError(
                    f"{self.where} has no value in row {start + int(wrong[0])}; fill it or drop "
                    "the row"
                )
            yield names[codes]
            start += len(codes)


class Annotated:
    """The arrays of a file of AnnData by the names that people use for them.

    Parameters
    ----------
    path : Path
        For messages.
    root : group of h5py or Zarr
    stored : callable
        Gives the array of a path in the file.

    Attributes
    ----------
    matrices : tuple of str
        ``X``, ``layers/…``, ``obsm/…`` and ``raw/X``.
    columns : tuple of str
        ``obs/…``, and ``obs/_index``.
    """

    def __init__(self, path: Path, root: Any, stored: Callable[[str], StoredArray]) -> None:
        self._path, self._root, self._stored = path, root, stored
        self._found: dict[str, Callable[[], StoredArray]] = {}
        for name in ("X", "raw/X", "raw.X"):
            if name in root:
                self._matrix(name.replace(".", "/"), name)
        for group in ("layers", "obsm"):
            for name in _members(root, group):
                self._matrix(f"{group}/{name}", f"{group}/{name}")
        self.matrices = tuple(self._found)
        index, columns = index_and_columns(root, "obs")
        for name in columns:
            self._column(name)
        if index:
            self._found[INDEX] = lambda: self._plain("obs", index)
        self.columns = tuple(name for name in self._found if name not in self.matrices)

    def get(self, name: str) -> StoredArray:
        """The array of a name, or of a path in the file."""
        return self._found[name]() if name in self._found else self._stored(name)

    def feature_names(self, matrix: str | None) -> tuple[str, ...] | None:
        """Names of the columns of a matrix, made unique as anndata makes them; ``None`` if it has
        none.
        """
        beside = {"X": "var", "raw/X": "raw/var" if "raw/var" in self._root else "raw.var"}
        group = "var" if (matrix or "").startswith("layers/") else beside.get(matrix or "")
        if group is None or group not in self._root:
            return None
        index = index_and_columns(self._root, group)[0]
        if not index:
            return None
        names = [name_text(name) for name in self._plain(group, index).whole().tolist()]
        repeated = [name for name, times in Counter(names).items() if times > 1]
        if repeated:
            point_out(
                self._path,
                f"{len(repeated)} names of columns are there more than once, such as "
                f"{repeated[0]!r}; they get numbers, as by var_names_make_unique",
            )
        return unique_names(names)

    def _matrix(self, name: str, path: str) -> None:
        item = _item(self._root, path)
        if item is None:  # a field of a structured array
            self._found[name] = lambda: self._plain(*path.split("/", 1))
        elif hasattr(item, "shape"):
            self._found[name] = lambda: self._stored(path)
        elif "indptr" in item:
            self._found[name] = lambda: sparse_group(self._path, item, path, self._stored)

    def _column(self, name: str) -> None:
        path = f"obs/{name}"
        item = _item(self._root, path)
        where = f"{self._path}: {path!r}"
        categories = _categories_of(self._root, name)
        if item is not None and not hasattr(item, "shape"):
            if "codes" in item and "categories" in item:
                codes, named = f"{path}/codes", f"{path}/categories"
                self._found[path] = lambda: self._coded(where, self._stored(codes), named)
            elif "values" in item:
                self._found[path] = lambda: self._nullable(path, item)
        elif categories is not None:
            self._found[path] = lambda: self._coded(where, self._plain("obs", name), categories)
        else:
            self._found[path] = lambda: self._plain("obs", name)

    def _coded(self, where: str, codes: StoredArray, categories: str) -> StoredArray:
        return _Coded(where, codes, self._stored(categories), codes.shape, np.dtype("U"))

    def _plain(self, group: str, name: str) -> StoredArray:
        """An array of a group, or a field of the structured array that stands for it."""
        if hasattr(self._root[group], "shape"):
            return FieldArray.of(self._stored(group), name)
        path = f"{group}/{name}"
        item = self._root[path]
        if not hasattr(item, "shape") and "values" in item:
            return self._nullable(path, item)
        return self._stored(path)

    def _nullable(self, path: str, item: Any) -> StoredArray:
        """Values beside which a mask says which are missing: none may be."""
        if "mask" in item:
            mask = self._stored(f"{path}/mask").whole()
            if mask.any():
                raise DataError(
                    f"{self._path}: {path!r} has no value in row {int(mask.argmax())}; fill it or "
                    "drop the row"
                )
        return self._stored(f"{path}/values")


def grouped_contents(
    ref: Reference,
    root: Any,
    names: list[str],
    stored: Callable[[str], StoredArray],
) -> Contents:
    """Choose rows, labels and ids in a file whose arrays lie in groups: HDF5 or Zarr.

    Parameters
    ----------
    ref : Reference
    root : group of h5py or Zarr
    names : list of str
        Paths of all arrays.
    stored : callable
        Gives the array of a path.

    Returns
    -------
    Contents
        Of a file of AnnData: ``X`` and the names of cells, where the user names no others. In any
        file, groups that are sparse matrices count as arrays.

    Raises
    ------
    DataError
        If there is no such array, or no way to choose.
    """
    if is_annotated(root):
        known = Annotated(ref.path, root, stored)
        own = [*known.matrices, *known.columns]
        if ref.id is None and INDEX in own:
            ref = attrs.evolve(ref, id=INDEX)
        its = set(own)
        every = [*own, *(name for name in names if name not in its)]
        contents = find_contents(ref, every, known.get, notable=known.matrices)
        return attrs.evolve(contents, names=known.feature_names(contents.x), known=own)
    groups = _sparse_groups(names)

    def array(name: str) -> StoredArray:
        return sparse_group(ref.path, root[name], name, stored) if name in groups else stored(name)

    every = [*groups, *(name for name in names if name.rpartition("/")[0] not in groups)]
    return find_contents(ref, every, array)


def _sparse_groups(names: list[str]) -> list[str]:
    """Groups that are sparse matrices, by the paths of all arrays of a file."""
    known = set(names)
    return [
        name.removesuffix("/indptr")
        for name in names
        if name.endswith("/indptr") and {name[:-6] + "indices", name[:-6] + "data"} <= known
    ]


def sparse_group(
    path: Path, group: Any, name: str, stored: Callable[[str], StoredArray]
) -> SparseArray:
    """The sparse matrix that a group holds.

    Raises
    ------
    DataError
        If its shape is not said, or its parts are not those of a sparse matrix.
    """
    where = f"{path}: sparse matrix {name!r}"
    if "barcodes" in group:
        raise DataError(
            f"{where} has cells in its columns, as files of 10x Genomics have; read it with scanpy "
            "(read_10x_h5) and write it again (write_h5ad)"
        )
    noted: Mapping[str, Any] = group.attrs
    shape = next((noted[key] for key in ("shape", "h5sparse_shape") if key in noted), None)
    if shape is None and "shape" in group:
        shape = stored(f"{name}/shape").whole()
    if shape is None or np.ndim(shape) != 1:
        raise DataError(f"{where} does not say its shape; write it again with anndata")
    kind = name_text(noted.get("h5sparse_format", noted.get("encoding-type", "csr")))
    parts = {part: stored(f"{name}/{part}") for part in ("data", "indices", "indptr")}
    return SparseArray.of(where, kind.removesuffix("_matrix"), shape, parts)


def _item(root: Any, path: str) -> Any:
    """The array or group at a path; ``None`` for a field of a structured array."""
    group, _, _ = path.rpartition("/")
    if group and hasattr(root[group], "shape"):
        return None
    return root[path]


def _members(root: Any, group: str) -> list[str]:
    """Names of what a group holds, or of the fields of the structured array in its place."""
    if group not in root:
        return []
    item = root[group]
    return list(item.dtype.names or ()) if hasattr(item, "shape") else list(item.keys())


def index_and_columns(root: Any, group: str) -> tuple[str, list[str]]:
    """The column with the names of rows, and all others."""
    members = _members(root, group)
    index = "index"
    if group in root and not hasattr(root[group], "shape"):
        index = name_text(root[group].attrs.get("_index", "_index"))
    others = [name for name in members if name not in (index, "__categories")]
    return index if index in members else "", others


def _categories_of(root: Any, name: str) -> str | None:
    """Where a former layout has the categories of a column of codes."""
    for path in (f"obs/__categories/{name}", f"uns/{name}_categories"):
        group = path.rpartition("/")[0]
        parent = path.split("/", 1)[0]
        if parent in root and not hasattr(root[parent], "shape") and group in root and path in root:
            return path
    return None
