"""Files of known datasets with other values than they should have, and damaged ones."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile

import h5py
import numpy as np
import pytest

from n2d_framework import data
from n2d_framework.errors import DataError

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (4, 28, 28)).astype(np.uint8)
PEN = np.linspace(0, 100, 64).round().reshape(4, 16)
CLASSES = np.arange(4)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The user's own folder of data; nothing may be downloaded."""
    monkeypatch.setenv("N2D_DATA", str(tmp_path))
    monkeypatch.setenv("N2D_OFFLINE", "1")
    return tmp_path


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_bytes_scaled_to_one_are_bytes_again(folder, kind):
    np.savez(folder / "mnist.npz", x=(BYTES / 255).astype(kind), y=CLASSES)
    found = data.load("mnist")
    assert found.x.dtype == np.uint8
    np.testing.assert_array_equal(found.x, BYTES)


def test_other_values_up_to_one_are_scaled_as_well(folder):
    grey = RNG.random((4, 28, 28))
    np.savez(folder / "fashion.npz", x=grey, y=CLASSES)
    np.testing.assert_allclose(data.load("fashion").x, 255 * grey)
    np.savez(folder / "mnist.npz", x=BYTES > 127, y=CLASSES)
    np.testing.assert_array_equal(data.load("mnist").x, np.where(BYTES > 127, 255, 0))


def test_pendigits_scaled_to_one(folder):
    np.savez(folder / "pendigits.npz", x=(PEN / 100).astype(np.float32), y=CLASSES)
    np.testing.assert_array_equal(data.load("pendigits").x, PEN)


@pytest.mark.parametrize(
    ("name", "x", "range_found", "range_expected"),
    [
        ("mnist", BYTES / 127.5 - 1, "-1 to 1", "0 to 255, or from 0 to 1"),
        ("mnist", BYTES * 16.0 / 255, "0 to 16", "0 to 255, or from 0 to 1"),
        ("cifar10", np.full((4, 32, 32, 3), 256), "256 to 256", "0 to 255, or from 0 to 1"),
        ("pendigits", PEN - 101.0, "-101 to -1", "0 to 100, or from 0 to 1"),
        ("har", np.full((4, 561), 3.0), "3 to 3", "-1 to 1"),
        ("usps", np.full((4, 256), 2.0), "2 to 2", "0 to 1"),
    ],
)
def test_another_range_is_refused(folder, name, x, range_found, range_expected):
    np.savez(folder / f"{name}.npz", x=x, y=CLASSES)
    with pytest.raises(DataError) as caught:
        data.load(name)
    assert f"{name}.npz: values go from {range_found}, but" in str(caught.value)
    assert f"go from {range_expected}; scale them, or" in str(caught.value)


@pytest.mark.parametrize("name", ["mnist", "har_raw", "usps"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: np.where(x == x.max(), np.nan, x), "rows hold NaN or infinite values"),
        (lambda x: np.where(x == x.max(), np.inf, x), "rows hold NaN or infinite values"),
        (lambda x: x + 1j, "rows are of type complex128, not real numbers"),
        (lambda x: x.astype(str), "rows are of type <U"),
    ],
)
def test_rows_that_are_not_finite_real_numbers(folder, name, change, message):
    shape = {"mnist": (28, 28), "har_raw": (128, 9), "usps": (256,)}[name]
    np.savez(folder / f"{name}.npz", x=change(RNG.random((3, *shape))), y=np.arange(3))
    with pytest.raises(DataError, match=rf"{name}\.npz: the {message}"):
        data.load(name)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, 2.5, 3], "labels must be integers, but that of row 2 is 2.5"),
        ([0, 1, 2, np.nan], "the labels hold NaN"),
        (["0", "1", "2", "3"], "the labels are of type <U1, not real numbers"),
        ([0, 1, 2, 1e20], "labels must be integers, but that of row 3"),
    ],
)
def test_labels_are_never_rounded(folder, labels, message):
    np.savez(folder / "pendigits.npz", x=PEN, y=labels)
    with pytest.raises(DataError, match=rf"pendigits\.npz: ({message})"):
        data.load("pendigits")


def test_labels_of_any_type_that_are_whole(folder):
    np.savez(folder / "pendigits.npz", x=PEN, y=np.array([[0.0], [1.0], [2.0], [9.0]]))
    found = data.load("pendigits")
    assert (found.y.dtype, found.y.tolist()) == (np.int64, [0, 1, 2, 9])


def test_labels_of_other_forms_are_not_rounded_either(folder):
    row = " ".join(["0.5"] * 256)
    for part in ("train", "test"):
        (folder / f"usps_{part}.jf").write_text(f"10 256\n3.5 {row}\n-1\n")
    with pytest.raises(DataError, match=r"usps_train\.jf.*integers.*row 0 is 3\.5"):
        data.load("usps")


def cut_tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        member = tarfile.TarInfo("cifar-10-batches-bin/data_batch_1.bin")
        member.size = 3073
        archive.addfile(member, io.BytesIO(RNG.bytes(3073)))
    return file.getvalue()[:-900]


@pytest.mark.parametrize(
    "content",
    [b"", b"garbage" * 99, gzip.compress(b"garbage" * 99), cut_tar()],
    ids=["empty", "garbage", "not-a-tar", "cut"],
)
def test_a_damaged_tar(folder, content):
    (folder / "cifar-10-binary.tar.gz").write_bytes(content)
    with pytest.raises(DataError, match=r"cifar-10-binary\.tar\.gz: cannot be read as .*; put the"):
        data.load("cifar10")


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("train/X_train.txt", "1 2 3\n")
    return file.getvalue()


def marked(flag: int, packing: int) -> bytes:
    """A ZIP whose member claims to be encrypted, or packed in some other way."""
    content = bytearray(zipped())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = content.index(signature) + offset
        content[start : start + 4] = bytes([flag, 0, packing, 0])
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a zip file"),
        (b"garbage" * 99, "not a zip file"),
        (zipped()[:-9], "not a zip file"),
        (marked(1, 0), "encrypted.*; unpack it yourself and pack its files plainly"),
        (marked(0, 97), "compression.*; unpack it yourself and pack its files plainly"),
    ],
    ids=["empty", "garbage", "cut", "locked", "unknown-packing"],
)
def test_a_damaged_or_locked_zip(folder, content, message):
    (folder / "UCI HAR Dataset.zip").write_bytes(content)
    with pytest.raises(DataError, match=rf"UCI HAR Dataset\.zip: cannot be read as .*{message}"):
        data.load("har")


def test_hdf5_with_groups_where_arrays_belong(folder):
    with h5py.File(folder / "usps.h5", "w") as file:
        for part in ("train", "test"):
            file.create_group(f"{part}/data/inner")
            file[f"{part}/target"] = CLASSES
    with pytest.raises(DataError, match=r"usps\.h5: cannot be read as the HDF5 form of USPS"):
        data.load("usps")


@pytest.mark.parametrize("content", [b"", b"garbage", "one array"])
def test_an_npz_that_is_none(folder, content):
    path = folder / "pendigits.npz"
    if isinstance(content, str):
        with path.open("wb") as file:
            np.save(file, PEN)
    else:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"pendigits\.npz: cannot be read as a NumPy archive"):
        data.load("pendigits")
