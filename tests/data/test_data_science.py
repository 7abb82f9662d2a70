"""Sparse matrices, AnnData and xarray: files and objects that the sciences have."""

from __future__ import annotations

import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from n2d_framework.core.rows import Rows
from n2d_framework.data import load, open_rows
from n2d_framework.errors import DataError, DataWarning

RNG = np.random.default_rng(0)
COUNTS = sp.csr_array(sp.random_array((30, 12), density=0.2, rng=RNG, format="csr"))
COUNTS.data = np.ceil(5 * COUNTS.data)
CELLS = [f"cell-{number}" for number in range(30)]
GENES = [f"gene{number}" for number in range(11)] + ["gene0"]
KINDS = np.array(["B", "NK", "T"])[RNG.integers(0, 3, 30)]
TEXT = h5py.string_dtype()


def dense(x: object) -> np.ndarray:
    """Rows in either storage as an array."""
    return x.toarray() if sp.issparse(x) else x


def put_sparse(group: h5py.Group, name: str, matrix: sp.sparray) -> None:
    """A matrix as anndata writes it."""
    made = group.create_group(name)
    made.attrs.update({"encoding-type": f"{matrix.format}_matrix", "shape": matrix.shape})
    for part in ("data", "indices", "indptr"):
        made[part] = getattr(matrix, part)


def put_categories(group: h5py.Group, name: str, values: np.ndarray) -> None:
    """A column of categories as anndata writes it."""
    made = group.create_group(name)
    made.attrs["encoding-type"] = "categorical"
    categories, codes = np.unique(values, return_inverse=True)
    made["codes"] = codes.astype(np.int8)
    made.create_dataset("categories", data=categories.tolist(), dtype=TEXT)


def cells(path: Path, x: object = COUNTS) -> Path:
    """A file of AnnData in its present layout."""
    with h5py.File(path, "w") as file:
        file.attrs["encoding-type"] = "anndata"
        if isinstance(x, np.ndarray):
            file["X"] = x
        else:
            put_sparse(file, "X", x)
        put_sparse(file, "layers/counts", sp.csc_array(COUNTS * 2))
        file["obsm/X_pca"] = COUNTS.toarray()[:, :3]
        for group, index, names in (("obs", "cell id", CELLS), ("var", "_index", GENES)):
            made = file.create_group(group)
            made.attrs["_index"] = index
            made.create_dataset(index, data=names, dtype=TEXT)
        put_categories(file["obs"], "kind", KINDS)
        file["obs/size"] = np.arange(30)
        nullable = file.create_group("obs/grade")
        nullable.attrs["encoding-type"] = "nullable-integer"
        nullable["values"], nullable["mask"] = np.arange(30), np.zeros(30, dtype=bool)
    return path


@pytest.mark.filterwarnings("ignore::n2d_framework.errors.DataWarning")
@pytest.mark.parametrize("x", [COUNTS, sp.csc_array(COUNTS), COUNTS.toarray()])
def test_cells_come_with_their_names_and_their_kinds(tmp_path: Path, x: object) -> None:
    found = load({"path": cells(tmp_path / "a.h5ad", x), "y": "obs/kind"})
    assert sp.issparse(found.x) == sp.issparse(x)
    np.testing.assert_array_equal(
        found.x.toarray() if sp.issparse(x) else found.x, COUNTS.toarray()
    )
    assert found.y.tolist() == KINDS.tolist()
    assert found.ids.tolist() == CELLS
    assert found.schema.names == (*GENES[:11], "gene0-1")


@pytest.mark.parametrize(
    ("ask", "expected", "names"),
    [
        ({"x": "layers/counts"}, COUNTS.toarray() * 2, 12),
        ({"x": "obsm/X_pca", "y": "obs/size", "id": "obs/_index"}, COUNTS.toarray()[:, :3], 0),
        ({"x": "obsm/X_pca", "y": "obs/grade"}, COUNTS.toarray()[:, :3], 0),
        ({"x": "obsm/X_pca", "y": "obs/kind/codes"}, COUNTS.toarray()[:, :3], 0),
    ],
)
@pytest.mark.filterwarnings("ignore:.*var_names_make_unique")
def test_layers_and_embeddings_are_named_as_in_anndata(
    tmp_path: Path, ask: dict[str, str], expected: np.ndarray, names: int
) -> None:
    found = load({"path": cells(tmp_path / "a.h5ad"), **ask})
    np.testing.assert_array_equal(dense(found.x), expected)
    assert len(found.schema.names) == names
    assert found.ids.tolist() == CELLS


def test_what_is_not_in_the_file_is_refused_with_what_is(tmp_path: Path) -> None:
    path = cells(tmp_path / "a.h5ad")
    with pytest.raises(DataError, match=r"no array 'layers/count'; did you mean 'layers/counts'"):
        load({"path": path, "x": "layers/count"})
    with pytest.raises(DataError, match="no array 'obs/kin'; did you mean 'obs/kind'"):
        load({"path": path, "y": "obs/kin"})
    with h5py.File(path, "a") as file:
        file["obs/kind/codes"][4] = -1
        file["obs/grade/mask"][7] = True
    with pytest.raises(DataError, match="'obs/kind' has no value in row 4"):
        load({"path": path, "x": "obsm/X_pca", "y": "obs/kind"})
    with pytest.raises(DataError, match="'obs/grade' has no value in row 7"):
        load({"path": path, "x": "obsm/X_pca", "y": "obs/grade"})
    with h5py.File(path, "a") as file:
        file["obs/kind/codes"][4] = 3
    with pytest.raises(DataError, match="codes do not belong to its 3 categories"):
        load({"path": path, "x": "obsm/X_pca", "y": "obs/kind"})


@pytest.mark.filterwarnings("ignore::n2d_framework.errors.DataWarning")
def test_the_layout_of_former_versions_is_read(tmp_path: Path) -> None:
    path = tmp_path / "old.h5ad"
    with h5py.File(path, "w") as file:
        file["X"] = COUNTS.toarray()
        raw = file.create_group("raw.X")
        raw.attrs.update({"h5sparse_format": "csr", "h5sparse_shape": COUNTS.shape})
        for part in ("data", "indices", "indptr"):
            raw[part] = getattr(COUNTS, part)
        obs = np.empty(30, dtype=[("index", "S9"), ("kind", "i1")])
        obs["index"] = CELLS
        obs["kind"] = np.unique(KINDS, return_inverse=True)[1]
        file["obs"], file["uns/kind_categories"] = obs, np.array([b"B", b"NK", b"T"])
        file["var"] = np.array([(name,) for name in GENES], dtype=[("index", "S9")])
        obsm = np.empty(30, dtype=[("X_pca", "f4", (3,))])
        obsm["X_pca"] = COUNTS.toarray()[:, :3]
        file["obsm"] = obsm
    found = load({"path": path, "x": "raw/X", "y": "obs/kind"})
    np.testing.assert_array_equal(found.x.toarray(), COUNTS.toarray())
    assert (found.y.tolist(), found.ids.tolist()) == (KINDS.tolist(), CELLS)
    np.testing.assert_array_equal(
        load({"path": path, "x": "obsm/X_pca"}).x, COUNTS.toarray()[:, :3]
    )


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "bsr", "dia"])
@pytest.mark.parametrize("compressed", [True, False])
def test_matrices_of_scipy_are_read(tmp_path: Path, kind: str, compressed: bool) -> None:
    path = tmp_path / "m.npz"
    sp.save_npz(path, COUNTS.asformat(kind), compressed=compressed)
    found = load(path)
    np.testing.assert_array_equal(found.x.toarray(), COUNTS.toarray())
    assert (found.x.format, found.x.dtype) == ("csr", COUNTS.dtype)
    with open_rows(path) as source:
        parts = list(source.chunks(7))
    assert [part.shape[0] for part in parts] == [7, 7, 7, 7, 2]
    np.testing.assert_array_equal(sp.vstack(parts).toarray(), COUNTS.toarray())


def test_a_matrix_without_any_value_is_one_of_zeros(tmp_path: Path) -> None:
    """Found by the fuzzer."""
    sp.save_npz(tmp_path / "m.npz", sp.csr_array((3, 4)))
    assert load(tmp_path / "m.npz").x.toarray().tolist() == [[0] * 4] * 3
    assert load(cells(tmp_path / "a.h5ad", sp.csr_array((30, 12)))).x.nnz == 0


def test_labels_may_lie_next_to_a_sparse_matrix(tmp_path: Path) -> None:
    matrix = sp.csr_array(COUNTS)
    np.savez(
        tmp_path / "m.npz", format=b"csr", shape=matrix.shape, data=matrix.data,
        indices=matrix.indices, indptr=matrix.indptr, y=KINDS, key=CELLS,
    )  # fmt: skip
    found = load({"path": tmp_path / "m.npz", "id": "key"})
    assert (found.y.tolist(), found.ids.tolist()) == (KINDS.tolist(), CELLS)


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("indices", np.full(COUNTS.nnz, 12), "not those of a sparse matrix"),
        ("indices", np.full(COUNTS.nnz, -1), "not those of a sparse matrix"),
        ("indices", np.zeros(COUNTS.nnz - 1, dtype=int), "not those of a sparse matrix"),
        ("indices", np.zeros(COUNTS.nnz), "positions of a sparse matrix are integers"),
        ("indptr", COUNTS.indptr[::-1].copy(), "not those of a sparse matrix"),
        ("shape", np.array([30, 10**15]), "made to fill the memory"),
        ("shape", np.array([30]), "no rows of features"),
        ("shape", np.array([29, 12]), "not those of a sparse matrix"),
        ("format", b"lil", "sparse format 'lil' cannot be read; write one of csr"),
    ],
)
def test_matrices_that_are_not_matrices_are_refused(
    tmp_path: Path, part: str, value: object, message: str
) -> None:
    arrays = {name: getattr(COUNTS, name) for name in ("data", "indices", "indptr", "shape")}
    np.savez(tmp_path / "m.npz", **{"format": b"csr", **arrays, part: value})
    with pytest.raises(DataError, match=f"m.npz.*{message}"):
        load(tmp_path / "m.npz")
    if part == "format":
        return
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.create_group("x").attrs["shape"] = value if part == "shape" else COUNTS.shape
        for name in ("data", "indices", "indptr"):
            file[f"x/{name}"] = value if part == name else arrays[name]
    with pytest.raises(DataError, match=f"m.h5.*{message}"):
        load(tmp_path / "m.h5")


def test_cells_in_columns_are_not_taken_for_rows(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "10x.h5", "w") as file:
        put_sparse(file, "matrix", sp.csc_array(COUNTS))
        file.create_dataset("matrix/barcodes", data=CELLS, dtype=TEXT)
    with pytest.raises(DataError, match="read_10x_h5"):
        load({"path": tmp_path / "10x.h5", "x": "matrix"})


def test_a_matrix_that_declares_more_than_its_file_holds_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.create_group("x").attrs["shape"] = (10**9, 5)
        file["x/data"], file["x/indices"] = np.ones(3), np.zeros(3, dtype=int)
        file.create_dataset("x/indptr", shape=(10**9 + 1,), dtype="i8", chunks=(1000,))
    with pytest.raises(DataError, match="made to fill the memory"):
        load(tmp_path / "m.h5")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["a", "a-1", "b", "a-2", "b-1"]), min_size=1, max_size=9))
def test_names_that_repeat_become_those_of_anndata(names: list[str]) -> None:
    utils = pytest.importorskip("anndata.utils")
    pandas = pytest.importorskip("pandas")
    from n2d_framework.core.rows.fields import unique_names

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = utils.make_index_unique(pandas.Index(names)).tolist()
    assert list(unique_names(names)) == expected


def test_names_that_repeat_are_pointed_out(tmp_path: Path) -> None:
    with pytest.warns(DataWarning, match="1 names of columns are there more than once.*'gene0'"):
        load({"path": cells(tmp_path / "a.h5ad"), "x": "X"})


class Cells:
    """The public face of an AnnData."""

    def __init__(self, x: object) -> None:
        self.X, self.obs_names, self.var_names = x, CELLS, GENES


@pytest.mark.parametrize("x", [COUNTS, sp.coo_array(COUNTS), COUNTS.toarray()])
@pytest.mark.parametrize("of_anndata", [True, False])
def test_objects_of_anndata_are_rows_with_names(x: object, of_anndata: bool) -> None:
    given_as = Cells(x)
    if of_anndata:
        anndata = pytest.importorskip("anndata")
        x = sp.csr_matrix(x) if sp.issparse(x) else x
        frame = pytest.importorskip("pandas").DataFrame
        given_as = anndata.AnnData(x, frame(index=CELLS), frame(index=[*GENES[:11], "gene0-1"]))
    rows = Rows.of(given_as)
    assert rows.storage == ("sparse" if sp.issparse(x) else "dense")
    np.testing.assert_array_equal(dense(rows.values), COUNTS.toarray())
    assert (rows.ids.tolist(), rows.schema.names[-1]) == (CELLS, "gene0-1")
    np.testing.assert_array_equal(rows.column("gene0-1"), COUNTS.toarray()[:, 11])


def test_an_anndata_without_its_matrix_says_what_to_give() -> None:
    with pytest.raises(DataError, match=r"adata.obsm\['X_pca'\]"):
        Rows.of(Cells(None))


def test_arrays_of_xarray_are_rows_with_names() -> None:
    xarray = pytest.importorskip("xarray")
    values = COUNTS.toarray()
    array = xarray.DataArray(values, dims=("cell", "gene"), coords={"cell": CELLS, "gene": GENES})
    rows = Rows.of(array)
    assert (rows.ids.tolist(), rows.schema.names[-1]) == (CELLS, "gene0-1")
    np.testing.assert_array_equal(rows.values, values)
    assert Rows.of(xarray.Dataset({"counts": array})).fingerprint() == rows.fingerprint()
    images = Rows.of(
        xarray.DataArray(values.reshape(30, 3, 4), dims=tuple("abc"), coords={"a": CELLS})
    )
    assert (images.row_shape, images.ids.tolist()) == ((3, 4), CELLS)
    columns = {"size": ("cell", values[:, 0]), "depth": ("cell", values[:, 1])}
    table = Rows.of(xarray.Dataset(columns, coords={"cell": CELLS}))
    assert (table.schema.names, table.ids.tolist()) == (("size", "depth"), CELLS)
    with pytest.raises(DataError, match=r"not columns of one length.*dataset\[name\]"):
        Rows.of(xarray.Dataset({"a": ("x", [1, 2]), "b": ("y", [1, 2, 3])}))
    with pytest.raises(DataError, match="needs two dimensions"):
        Rows.of(xarray.DataArray([1.0, 2.0]))
