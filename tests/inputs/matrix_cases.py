"""Sparse matrices of SciPy, in HDF5 and of AnnData: as they were written, and damaged."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.sparse as sp
from damage_cases import mutate, mutate_member
from table_cases import Case, require
from truth import CLASSES, Rng, some

from n2d_framework import data
from n2d_framework.errors import DataError

#: A file, what to ask for, and what the format's own library finds in it: rows, classes and ids.
Found = tuple[np.ndarray, list[str] | None, list[str] | None]
Written = tuple[Path, dict[str, Any], Callable[[], Found]]


def _matrix(rng: Rng) -> Any:
    shape = int(rng.integers(2, 9)), int(rng.integers(1, 7))
    values = rng.integers(-3, 9, shape) * (rng.random(shape) < 0.4)
    dtype = some(rng, ["f4", "f8", "i4", "u1", "i8"])
    return sp.csr_array(np.abs(values).astype(dtype))


def npz(rng: Rng, folder: Path) -> Written:
    """A matrix as SciPy saves it."""
    path = folder / "matrix.npz"
    made = _matrix(rng).asformat(some(rng, ["csr", "csc", "coo", "bsr", "dia"]))
    sp.save_npz(path, made, compressed=bool(rng.integers(2)))
    return path, {}, lambda: (_saved(path).toarray(), None, None)


def _saved(path: Path) -> Any:
    """The matrix of an archive, as SciPy loads it, but for a mark that says of which class."""
    with np.load(path, allow_pickle=False) as file:
        kind = file["format"].item().decode()
        make, shape = getattr(sp, f"{kind}_array"), tuple(file["shape"])
        if kind == "coo":
            return make((file["data"], (file["row"], file["col"])), shape=shape)
        if kind == "dia":
            return make((file["data"], file["offsets"]), shape=shape)
        made = make((file["data"], file["indices"], file["indptr"]), shape=shape)
        made.check_format(full_check=True)
        return made


def hdf5(rng: Rng, folder: Path) -> Written:
    """A matrix in a group of HDF5, alone or with the cells, genes and kinds of AnnData."""
    annotated = bool(rng.integers(2))
    path, made = folder / f"matrix.{'h5ad' if annotated else 'h5'}", _matrix(rng)
    kind = some(rng, ["csr", "csc"])
    made = made.asformat(kind)
    ask: dict[str, Any] = {}
    with h5py.File(path, "w") as file:
        group = file.create_group("X" if annotated else "x")
        group.attrs.update({"encoding-type": f"{kind}_matrix", "shape": made.shape})
        for part in ("data", "indices", "indptr"):
            group[part] = getattr(made, part)
        for place, n in zip(("obs", "var"), made.shape, strict=True) if annotated else ():
            file.create_group(place).attrs["_index"] = "_index"
            file[place]["_index"] = [f"{place}{number}" for number in range(n)]
        if annotated and rng.random() < 0.6:
            file["obs/kind/categories"] = list(CLASSES[:4])
            file["obs/kind/codes"] = rng.integers(0, 4, made.shape[0]).astype("i1")
            ask["y"] = "obs/kind"
    return path, ask, lambda: _read(path, kind)


def _read(path: Path, kind: str) -> Found:
    with h5py.File(path) as file:
        group = file["X" if "X" in file else "x"]
        parts = [group[name][()] for name in ("data", "indices", "indptr")]
        kind = str(group.attrs.get("encoding-type", "csr")).removesuffix("_matrix")
        made = getattr(sp, f"{kind}_array")(tuple(parts), shape=tuple(group.attrs["shape"]))
        made.check_format(full_check=True)
        y = ids = None
        if "obs" in file and "_index" in file["obs"]:
            ids = [name.decode("utf-8", "backslashreplace") for name in file["obs/_index"][()]]
        if "obs" in file and "kind" in file["obs"]:
            names = file["obs/kind/categories"][()]
            y = [
                names[code].decode("utf-8", "backslashreplace")
                for code in file["obs/kind/codes"][()]
            ]
    return made.toarray(), y, ids


def _judge(written: Written, *, damaged: bool) -> str:
    path, ask, own = written
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            read = data.load({"path": str(path), **ask})
        except DataError as error:
            require(damaged, f"refused: {error}")
            require(path.name in str(error) or path.stem in str(error), f"not named: {error}")
            return "refused"
        with data.open_rows({"path": str(path), **ask}) as source:
            chunks = sp.vstack(list(source.chunks(2))).toarray()
        rows, y, ids = own()
    require(np.array_equal(read.x.toarray(), rows, equal_nan=True), f"rows {read.x.toarray()}")
    require(np.array_equal(chunks, rows, equal_nan=True), "chunks")
    if read.y is not None:
        require(y is not None and [str(label) for label in read.y] == y, f"classes {read.y} {y}")
    require(read.ids is None or read.ids.tolist() == ids, f"ids {read.ids}")
    return "right"


def whole(rng: Rng, folder: Path) -> Case:
    """A matrix as it was written."""
    written = some(rng, [npz, hdf5])(rng, folder)
    return f"{written[0].name} {written[1]}", lambda: _judge(written, damaged=False)


def damaged(rng: Rng, folder: Path) -> Case:
    """A file with changed bytes, or an archive with a changed array whose sum is right again."""
    written = some(rng, [npz, hdf5])(rng, folder)
    path = written[0]
    if path.suffix == ".npz" and rng.random() < 0.6:
        mutate_member(rng, path)
    else:
        path.write_bytes(mutate(rng, path.read_bytes()))
    return f"{path.name} {written[1]}", lambda: _judge(written, damaged=True)
