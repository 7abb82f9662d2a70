"""Files from untrusted sources: nothing acts, hides a value, or costs more than it weighs."""

from __future__ import annotations

import os
import struct
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from n2d_framework.data import SUFFIXES, load
from n2d_framework.errors import DataError

X = np.arange(60.0).reshape(20, 3)


def test_hdf5_external_storage_is_not_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret.bin"
    secret.write_bytes(X.tobytes())
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", X.shape, "f8", external=[(str(secret), 0, X.nbytes)])
    with pytest.raises(DataError, match=r"a\.h5: dataset 'x' .*external storage.*copy"):
        load(tmp_path / "a.h5")


@pytest.mark.parametrize("name", ["x", "y", "group/x"])
def test_hdf5_virtual_datasets_are_not_opened(tmp_path: Path, name: str) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = X if name.endswith("x") else X[:, 0]
    layout = h5py.VirtualLayout(X.shape if name.endswith("x") else X.shape[:1], "f8")
    layout[...] = h5py.VirtualSource(tmp_path / "other.h5", "x", layout.shape)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_virtual_dataset(name, layout)
        if name == "y":
            file["x"] = X
    with pytest.raises(DataError, match=rf"a\.h5: dataset '{name}' .*virtual"):
        load({"path": tmp_path / "a.h5", "x": name} if "/" in name else tmp_path / "a.h5")


@pytest.mark.parametrize("name", ["x", "train/x"])
def test_hdf5_links_into_other_files_are_not_followed(tmp_path: Path, name: str) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = X
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file[name] = h5py.ExternalLink("other.h5", "x")
        file["soft"] = h5py.SoftLink(f"/{name}")
    for ref in (tmp_path / "a.h5", {"path": tmp_path / "a.h5", "x": "soft"}):
        with pytest.raises(DataError, match=rf"a\.h5: '{name}' is a link into another file"):
            load(ref)


def write_anndata(path: Path, *, sparse: bool) -> None:
    """Files as anndata writes them, as far as rows are concerned."""
    with h5py.File(path, "w") as file:
        file.attrs["encoding-type"] = "anndata"
        if sparse:
            for name, values in (("data", X[0]), ("indices", [0, 1, 2]), ("indptr", [0, 1, 3])):
                file[f"X/{name}"] = values
        else:
            file["X"] = X
        file["obsm/X_pca"] = X[:, :2]
        group = file.create_group("obs/grade")
        group.attrs["encoding-type"] = "nullable-integer"
        group["values"], group["mask"] = np.arange(20), np.arange(20) == 7


@pytest.mark.timeout(60)
def test_files_of_anndata_are_read_or_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.h5ad"
    write_anndata(path, sparse=False)
    np.testing.assert_array_equal(load({"path": path, "x": "X"}).x, X)
    np.testing.assert_array_equal(load({"path": path, "x": "obsm/X_pca"}).x, X[:, :2])
    with pytest.raises(DataError, match="'obs/grade/values' has no value in row 7"):
        load({"path": path, "x": "X", "y": "obs/grade/values"})
    write_anndata(path, sparse=True)
    with pytest.raises(DataError, match=r"sparse matrix 'X' does not say its shape"):
        load(path)
    np.testing.assert_array_equal(load({"path": path, "x": "obsm/X_pca"}).x, X[:, :2])


@pytest.mark.parametrize("suffix", [".h5ad", ".zarr"])
@pytest.mark.parametrize("strings", ["object", "string"])
@pytest.mark.filterwarnings("ignore")
def test_a_file_written_by_anndata(tmp_path: Path, suffix: str, strings: str) -> None:
    anndata, pd = pytest.importorskip("anndata"), pytest.importorskip("pandas")
    pytest.importorskip("zarr")
    anndata.settings.allow_write_nullable_strings = True
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(30, 4)).astype(np.float32)
    names = pd.Index([f"cell{row}" for row in range(30)], dtype=strings)
    genes = pd.Index(list("abcd"), dtype=strings)
    about = {
        "kind": pd.array(list("xyz") * 10, dtype=strings),
        "n": pd.array([1, 2, 3] * 10, "Int8"),
    }
    made = anndata.AnnData(rows, pd.DataFrame(about, index=names), pd.DataFrame(index=genes))
    path = tmp_path / f"a{suffix}"
    (made.write_h5ad if suffix == ".h5ad" else made.write_zarr)(path)
    found = load({"path": path, "y": "obs/kind"})
    np.testing.assert_array_equal(found.x, rows)
    assert found.ids.tolist() == names.tolist()
    assert found.schema.names == tuple("abcd")
    assert found.y.tolist() == list("xyz") * 10
    assert load({"path": path, "y": "obs/n"}).y.tolist() == [1, 2, 3] * 10
    made.obs["n"] = pd.array([1, None, 3] * 10, "Int8")
    made.write_h5ad(path) if suffix == ".h5ad" else made.write_zarr(path)
    with pytest.raises(DataError, match="'obs/n' has no value in row 1"):
        load({"path": path, "y": "obs/n"})


@pytest.mark.parametrize("name", ["_FillValue", "missing_value"])
@pytest.mark.parametrize("dtype", ["i4", "f4", "u1"])
def test_marks_of_missing_values_in_hdf5_are_refused(tmp_path: Path, name: str, dtype: str) -> None:
    rows = (X % 50).astype(dtype)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = rows
        file["x"].attrs[name] = np.array([99], dtype)
    np.testing.assert_array_equal(load(tmp_path / "a.h5").x, rows)
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["x"][13, 2] = 99
    with pytest.raises(DataError, match=r"a\.h5: dataset 'x': row 13, column 2 has no value"):
        load(tmp_path / "a.h5")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes in the file system")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_pipes_and_devices_are_refused_without_a_wait(tmp_path: Path, suffix: str) -> None:
    os.mkfifo(tmp_path / f"pipe{suffix}")
    (tmp_path / f"zero{suffix}").symlink_to("/dev/zero")
    for name in ("pipe", "zero"):
        with pytest.raises(DataError, match="not a regular file"):
            load(tmp_path / f"{name}{suffix}")


@pytest.mark.parametrize("dtype", ["i2", "u1", "f4", "i8"])
def test_packed_values_of_netcdf_are_unpacked(tmp_path: Path, dtype: str) -> None:
    """``scale_factor`` and ``add_offset`` of the CF conventions, as xarray writes them."""
    rows = (X % 50).astype(dtype)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"], file["y"] = rows, np.arange(len(rows)) % 2
        file["x"].attrs.update(scale_factor=np.array([0.01]), add_offset=273.15, _FillValue=99)
    found = load(tmp_path / "a.h5")
    assert found.x.dtype == np.float64
    np.testing.assert_array_equal(found.x, rows.astype(np.float64) * 0.01 + 273.15)
    assert found.y is not None
    assert found.y.dtype.kind == "i"
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["x"][13, 2] = 99
    with pytest.raises(DataError, match="row 13, column 2 has no value"):
        load(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["x"].attrs["scale_factor"] = "0.01"
    with pytest.raises(DataError, match="attribute 'scale_factor' is not a number"):
        load(tmp_path / "a.h5")


@pytest.mark.parametrize(
    ("limits", "at"),
    [
        ({"valid_min": 1}, 1), ({"valid_max": 40}, 2), ({"valid_range": [1, 40]}, 1),
        ({"valid_range": [0, 40]}, 2), ({"_FillValue": 77, "missing_value": [41, 42, 7]}, 3),
    ],
)  # fmt: skip
def test_values_outside_of_the_valid_range_are_missing(
    tmp_path: Path, limits: dict[str, Any], at: int
) -> None:
    rows = np.full((10, 3), 20, "i2")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = rows
        file["x"].attrs.update(limits)
    np.testing.assert_array_equal(load(tmp_path / "a.h5").x, rows)
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["x"][1, 0] = 0 if at == 1 else 20
        file["x"][2, 0], file["x"][3, 1] = 45 if at == 2 else 20, 42 if at == 3 else 20
    with pytest.raises(DataError, match=rf"row {at}, column [01] has no value"):
        load(tmp_path / "a.h5")


def npy(header: str, values: bytes, version: tuple[int, int] = (1, 0)) -> bytes:
    length = struct.pack("<H" if version == (1, 0) else "<I", len(header))
    return b"\x93NUMPY" + bytes(version) + length + header.encode("latin-1") + values


def described(shape: str, dtype: str = "<f8") -> str:
    return f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n"


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
@pytest.mark.parametrize(
    ("shape", "values", "reason"),
    [
        ("(-1, -1)", 8, "is negative"), ("(-2, 3)", 48, "is negative|declares"),
        ("(2, -3)", 48, "is negative|declares"), ("(True, True)", 8, "not an integer"),
        ("(9999999999, 9999999999)", 48, "declares"), ("(2, 3.0)", 48, "damaged|valid"),
        ("(2, 3, [])", 48, "damaged|valid"), ("()", 8, "reshape"), ("(0, 99999999999)", 0, "empty"),
    ],
)  # fmt: skip
def test_shapes_that_cannot_be(
    tmp_path: Path, suffix: str, shape: str, values: int, reason: str
) -> None:
    content = npy(described(shape), bytes(values))
    path = tmp_path / f"a{suffix}"
    if suffix == ".npz":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x.npy", content)
    else:
        path.write_bytes(content)
    with pytest.raises(DataError, match=reason) as caught:
        load(path)
    assert path.name in str(caught.value)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0), (9, 9)])
def test_long_and_strange_headers_of_npy(tmp_path: Path, version: tuple[int, int]) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(npy(described("(2, 3)") + " " * 60_000, bytes(48), version))
    with pytest.raises(DataError, match=r"a\.npy"):
        load(path)
    path.write_bytes(b"\x93NUMPY\x02\x00\xff\xff\xff\x7f{}")
    with pytest.raises(DataError, match="header declares 2147483647 bytes"):
        load(path)


def bomb(path: Path, gigabytes: int) -> None:
    """A few bytes that declare gigabytes."""
    n = gigabytes << 27
    if path.suffix == ".npz":
        head = npy(described(f"({n // 8}, 8)"), b"")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
            archive.writestr("x.npy", head)
            archive.filelist[0].file_size = len(head) + n * 8  # what the directory says
    elif path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file.create_dataset("x", (n // 8, 8), "f8", chunks=(1024, 8), compression="gzip")
    elif path.suffix == ".hdf5":
        with h5py.File(path, "w") as file:
            file.create_dataset("x", (4, 8), "f8", maxshape=(None, 8), chunks=(n // 64, 8))
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        block = pa.table({f"c{i}": pa.array(np.zeros(1 << 18)) for i in range(200)})
        pq.write_table(block, path)


@pytest.mark.parametrize("name", ["a.npz", "a.h5", "a.hdf5", "a.parquet"])
@pytest.mark.timeout(60)
def test_a_few_bytes_that_declare_gigabytes_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    bomb(path, 3)
    assert path.stat().st_size < 1 << 20
    with pytest.raises(DataError, match=rf"{name}.*made to fill the memory"):
        load(path)


def test_an_array_of_zeros_that_compresses_well_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("n2d_framework.data.faults._MOST_DECLARED", 1 << 20)
    zeros = np.zeros((4_000, 1_000))
    np.savez_compressed(tmp_path / "a.npz", x=zeros)
    assert load(tmp_path / "a.npz").x.shape == zeros.shape
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", data=zeros, chunks=(500, 1000), compression="gzip")
    assert load(tmp_path / "a.h5").x.shape == zeros.shape


def test_rows_beyond_the_free_memory_are_refused_before_it_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psutil

    np.save(tmp_path / "a.npy", X)
    free = psutil.virtual_memory()._replace(available=X.nbytes - 1)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    with pytest.raises(DataError, match="do not fit into memory: they need 480 bytes"):
        load(tmp_path / "a.npy")


@pytest.mark.parametrize("dtype", ["f2", "g", ">f4", "u8", "?", "i1", ">i8"])
def test_every_real_type_of_numpy_is_read_or_refused(tmp_path: Path, dtype: str) -> None:
    import n2d_framework as n2d

    rows = (np.arange(60).reshape(20, 3) % 5 > 1) if dtype == "?" else X
    np.save(tmp_path / "a.npy", rows.astype(dtype))
    model = n2d.N2D("pca", "identity", "kmeans", n_clusters=2, random_state=0)
    assert len(model.fit(load(tmp_path / "a.npy").x).labels_) == 20


@pytest.mark.parametrize(
    "note",
    [b"{", b"[1]", b'{"index_columns": 3}', b"\xff\xfe", b'{"index_columns": [{"kind": 1}]}'],
)
def test_damaged_notes_of_pandas_in_parquet(tmp_path: Path, note: bytes) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"a": X[:, 0], "b": X[:, 1]}).replace_schema_metadata({"pandas": note})
    pq.write_table(table, tmp_path / "a.parquet")
    if b"kind" in note:
        assert load(tmp_path / "a.parquet").x.shape == (20, 2)
        return
    with pytest.raises(DataError, match=r"a\.parquet: cannot be read"):
        load(tmp_path / "a.parquet")
