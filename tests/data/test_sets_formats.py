"""Readers of the original formats, on small files of the same form."""

from __future__ import annotations

import bz2
import gzip
import io
import struct
import tarfile
import zipfile

import h5py
import numpy as np
import pytest

from n2d_framework import data
from n2d_framework.errors import DataError

RNG = np.random.default_rng(0)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The user's own folder of data; nothing may be downloaded."""
    monkeypatch.setenv("N2D_DATA", str(tmp_path / "own"))
    monkeypatch.setenv("N2D_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("N2D_OFFLINE", "1")
    (tmp_path / "own").mkdir()
    return tmp_path / "own"


def idx(array: np.ndarray) -> bytes:
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return head + array.astype(np.uint8).tobytes()


def images(n: int, *shape: int) -> np.ndarray:
    return RNG.integers(0, 256, (n, *shape)).astype(np.uint8)


def write_mnist(folder, *, pack: bool = True):
    folder.mkdir(exist_ok=True)
    parts = {}
    for part, n in (("train", 6), ("t10k", 4)):
        x, y = images(n, 28, 28), RNG.integers(0, 10, n)
        parts[part] = x, y
        for kind, array in (("images-idx3", x), ("labels-idx1", y)):
            path = folder / f"{part}-{kind}-ubyte{'.gz' if pack else ''}"
            path.write_bytes(gzip.compress(idx(array)) if pack else idx(array))
    return parts


@pytest.mark.parametrize("pack", [True, False])
@pytest.mark.parametrize("place", ["", "mnist"])
def test_mnist_from_idx_files(folder, pack, place):
    parts = write_mnist(folder / place, pack=pack)
    found = data.load("mnist")
    np.testing.assert_array_equal(found.x, np.concatenate([parts["train"][0], parts["t10k"][0]]))
    np.testing.assert_array_equal(found.y, np.concatenate([parts["train"][1], parts["t10k"][1]]))
    assert (found.x.dtype, found.modality, found.names[3]) == (np.uint8, "image", "3")
    assert "LeCun" in found.citation
    test = data.load("mnist_test")
    np.testing.assert_array_equal(test.x, parts["t10k"][0])


def test_fashion_is_not_taken_from_the_files_of_mnist(folder):
    write_mnist(folder)
    with pytest.raises(DataError, match="N2D_OFFLINE"):
        data.load("fashion")
    parts = write_mnist(folder / "fashion")
    found = data.load("fashion")
    np.testing.assert_array_equal(found.x[:6], parts["train"][0])
    assert found.names[0] == "T-shirt"


def test_mnist_from_npz(folder):
    x_train, x_test = images(5, 28, 28), images(3, 28, 28)
    y_train, y_test = np.arange(5), np.arange(3)
    np.savez(folder / "mnist.npz", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    assert data.load("mnist").x.shape == (8, 28, 28)
    test = data.load("mnist_test")
    np.testing.assert_array_equal(test.x, x_test)
    np.testing.assert_array_equal(test.y, y_test)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "does not begin as one"),
        (b"\0\0\x08\x03\0\0", "ends within its head"),
        (idx(images(3, 28, 28))[:-1], r"declares 2352 bytes of values but has 2351"),
        (struct.pack(">BBBB3I", 0, 0, 8, 3, 2**31, 2**31, 2**31), "declares"),
    ],
)
def test_damaged_idx(folder, content, message):
    write_mnist(folder, pack=False)
    (folder / "train-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        data.load("mnist")
    assert "train-images-idx3-ubyte" in str(caught.value)


def test_truncated_gzip(folder):
    write_mnist(folder)
    path = folder / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"t10k-images.*truncated, damaged"):
        data.load("mnist_test")


def usps_rows(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Values that text with four digits and float32 both hold."""
    return RNG.integers(0, 1001, (n, 256)) / 1000, RNG.integers(0, 10, n)


def libsvm(x: np.ndarray, y: np.ndarray) -> bytes:
    lines = [
        " ".join([str(label + 1), *(f"{i + 1}:{v:.4f}" for i, v in enumerate(row) if v)])
        for row, label in zip(2 * x - 1, y, strict=True)
    ]
    return ("\n".join(lines) + "\n").encode()


def jf(x: np.ndarray, y: np.ndarray) -> str:
    lines = [
        " ".join([str(label), *(f"{v:.4f}" for v in row)])
        for row, label in zip(2 * x, y, strict=True)
    ]
    return "\n".join(["10 256", *lines, "-1"]) + "\n"


def write_libsvm(folder, train, test):
    (folder / "usps.bz2").write_bytes(bz2.compress(libsvm(*train)))
    (folder / "usps.t.bz2").write_bytes(bz2.compress(libsvm(*test)))


def write_jf(folder, train, test):
    (folder / "usps_train.jf").write_text(jf(*train))
    (folder / "usps_test.jf").write_text(jf(*test))


def write_hdf5(folder, train, test):
    with h5py.File(folder / "usps.h5", "w") as file:
        for name, (x, y) in (("train", train), ("test", test)):
            file[f"{name}/data"], file[f"{name}/target"] = x.astype(np.float32), y


def write_npz(folder, train, test):
    x, y = (np.concatenate(pair) for pair in zip(train, test, strict=True))
    np.savez(folder / "usps.npz", x=x.astype(np.float32), y=y.astype(np.uint8))


@pytest.mark.parametrize("write", [write_libsvm, write_jf, write_hdf5, write_npz])
def test_all_forms_of_usps_give_the_same_rows(folder, write):
    train, test = usps_rows(7), usps_rows(3)
    write(folder, train, test)
    found = data.load("usps")
    assert (found.x.shape, found.x.dtype, found.y.dtype) == ((10, 16, 16), np.float32, np.int64)
    expected = np.concatenate([train[0], test[0]]).reshape(-1, 16, 16)
    np.testing.assert_allclose(found.x, expected, atol=1e-6)
    np.testing.assert_array_equal(found.y, np.concatenate([train[1], test[1]]))


@pytest.mark.parametrize("how", ["external storage", "virtual datasets", "link"])
def test_usps_takes_no_values_from_other_files(folder, tmp_path, how):
    train, test = usps_rows(7), usps_rows(3)
    write_hdf5(folder, train, test)
    (folder / "usps.h5").rename(tmp_path / "other.h5")
    np.zeros((7, 256), np.float32).tofile(tmp_path / "raw")
    with h5py.File(folder / "usps.h5", "w") as file:
        file["train/target"], file["test/target"], file["test/data"] = train[1], test[1], test[0]
        if how == "external storage":
            raw = [(str(tmp_path / "raw"), 0, 7 * 256 * 4)]
            file.create_dataset("train/data", (7, 256), np.float32, external=raw)
        elif how == "virtual datasets":
            layout = h5py.VirtualLayout((7, 256), np.float32)
            layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "train/data", (7, 256))
            file.create_virtual_dataset("train/data", layout)
        else:
            file["train/data"] = h5py.ExternalLink(tmp_path / "other.h5", "train/data")
    with pytest.raises(DataError, match=rf"usps.h5.*{how}.*copy the values into one file"):
        data.load("usps")


def test_usps_of_another_scale_is_refused(folder):
    train, test = usps_rows(3), usps_rows(3)
    write_jf(folder, (train[0] * 2, train[1]), test)
    with pytest.raises(DataError, match=r"usps_train.jf: values go from .* but those of this form"):
        data.load("usps")


def test_jf_without_its_end(folder):
    write_jf(folder, usps_rows(3), usps_rows(3))
    path = folder / "usps_test.jf"
    path.write_text(path.read_text().removesuffix("-1\n"))
    with pytest.raises(DataError, match="the -1 that ends it is missing"):
        data.load("usps")


@pytest.mark.parametrize("text", ["3 999999:1\n", "three 1:1\n", "1 1:one\n"])
def test_damaged_libsvm(folder, text):
    write_libsvm(folder, usps_rows(3), usps_rows(3))
    (folder / "usps.bz2").write_bytes(bz2.compress(text.encode()))
    with pytest.raises(DataError, match=r"usps\.bz2"):
        data.load("usps")


def test_hdf5_without_its_groups(folder):
    with h5py.File(folder / "usps.h5", "w") as file:
        file["x"] = np.zeros((3, 256))
    with pytest.raises(DataError, match=r"usps\.h5.*HDF5 form of USPS"):
        data.load("usps")


def pendigits_text(n: int) -> tuple[str, np.ndarray]:
    table = np.column_stack([RNG.integers(0, 101, (n, 16)), RNG.integers(0, 10, n)])
    return "".join(",".join(f"{v:3d}" for v in row) + "\n" for row in table), table


@pytest.mark.parametrize("packed", [True, False])
def test_pendigits(folder, packed):
    (train, first), (test, second) = pendigits_text(5), pendigits_text(4)
    if packed:
        (folder / "pendigits").mkdir()
        name = "pen+based+recognition+of+handwritten+digits.zip"
        with zipfile.ZipFile(folder / "pendigits" / name, "w") as archive:
            archive.writestr("pendigits.tra", train)
            archive.writestr("pendigits.tes", test)
            archive.writestr("pendigits-orig.tra.Z", b"something else")
    else:
        (folder / "pendigits.tra").write_text(train)
        (folder / "pendigits.tes").write_text(test)
    found = data.load("pendigits")
    table = np.concatenate([first, second])
    np.testing.assert_array_equal(found.x, table[:, :-1])
    np.testing.assert_array_equal(found.y, table[:, -1])


def test_pendigits_with_a_short_line(folder):
    text, _ = pendigits_text(3)
    (folder / "pendigits.tra").write_text(text + "1,2,3\n")
    (folder / "pendigits.tes").write_text(text)
    with pytest.raises(DataError, match="different numbers of values"):
        data.load("pendigits")


def har_members() -> tuple[dict[str, str], dict[str, np.ndarray]]:
    from n2d_builtin.datasets.uci import CHANNELS

    def text(table: np.ndarray) -> str:
        return "".join(" " + "  ".join(f"{v: .7e}" for v in row) + "\n" for row in table)

    members, arrays = {}, {}
    for part, n in (("train", 3), ("test", 2)):
        arrays[f"X_{part}"] = RNG.uniform(-1, 1, (n, 561))
        arrays[f"y_{part}"] = RNG.integers(1, 7, n)
        arrays[f"signals_{part}"] = RNG.normal(size=(n, 128, 9))
        members[f"{part}/X_{part}.txt"] = text(arrays[f"X_{part}"])
        members[f"{part}/y_{part}.txt"] = "".join(f"{v}\n" for v in arrays[f"y_{part}"])
        for place, channel in enumerate(CHANNELS):
            name = f"{part}/Inertial Signals/{channel}_{part}.txt"
            members[name] = text(arrays[f"signals_{part}"][:, :, place])
    return members, arrays


def zipped(members: dict[str, str | bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize("form", ["folder", "zip", "nested"])
def test_har(folder, form):
    members, arrays = har_members()
    members = {f"UCI HAR Dataset/{name}": text for name, text in members.items()}
    if form == "folder":
        for name, text in members.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    elif form == "zip":
        (folder / "UCI HAR Dataset.zip").write_bytes(zipped(members))
    else:
        outer = {"UCI HAR Dataset.zip": zipped(members), "UCI HAR Dataset.names": "about"}
        name = "human+activity+recognition+using+smartphones.zip"
        (folder / name).write_bytes(zipped(outer))
    found, raw = data.load("har"), data.load("har_raw")
    y = np.concatenate([arrays["y_train"], arrays["y_test"]]) - 1
    np.testing.assert_array_equal(found.y, y)
    np.testing.assert_array_equal(raw.y, y)
    np.testing.assert_allclose(
        found.x, np.concatenate([arrays["X_train"], arrays["X_test"]]), rtol=1e-6
    )
    np.testing.assert_allclose(
        raw.x, np.concatenate([arrays["signals_train"], arrays["signals_test"]]), rtol=1e-6
    )
    assert (raw.modality, raw.names[0], raw.feature_shape) == ("sequence", "Walking", (128, 9))


def test_har_that_lacks_a_file(folder):
    members, _ = har_members()
    del members["test/y_test.txt"]
    (folder / "UCI HAR Dataset.zip").write_bytes(zipped(members))
    with pytest.raises(DataError, match=r"it lacks test/y_test\.txt"):
        data.load("har")


def cifar_batches() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    names = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]
    return {name: (images(2, 32, 32, 3), RNG.integers(0, 10, 2)) for name in names}


def cifar_record(x: np.ndarray, y: np.ndarray) -> bytes:
    return b"".join(
        bytes([label]) + image.transpose(2, 0, 1).tobytes()
        for image, label in zip(x, y, strict=True)
    )


@pytest.mark.parametrize("form", ["tar", "folder"])
def test_cifar10(folder, form):
    batches = cifar_batches()
    if form == "folder":
        (folder / "cifar-10-batches-bin").mkdir()
        for name, rows in batches.items():
            (folder / "cifar-10-batches-bin" / name).write_bytes(cifar_record(*rows))
    else:
        with tarfile.open(folder / "cifar-10-binary.tar.gz", "w:gz") as archive:
            for name, rows in reversed(batches.items()):
                content = cifar_record(*rows)
                member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    found = data.load("cifar10")
    np.testing.assert_array_equal(found.x, np.concatenate([x for x, _ in batches.values()]))
    np.testing.assert_array_equal(found.y, np.concatenate([y for _, y in batches.values()]))
    assert found.names[0] == "airplane"


def test_cifar10_of_another_length(folder):
    batches = cifar_batches()
    (folder / "cifar-10-batches-bin").mkdir()
    for name, rows in batches.items():
        (folder / "cifar-10-batches-bin" / name).write_bytes(cifar_record(*rows) + b"!")
    with pytest.raises(DataError, match="not a multiple of 3073"):
        data.load("cifar10")


def test_npz_with_objects_is_not_unpickled(folder):
    np.savez(folder / "har.npz", x=np.array([{}], dtype=object), y=np.zeros(1))
    with pytest.raises(DataError, match=r"har\.npz"):
        data.load("har")


def test_npz_of_another_shape(folder):
    np.savez(folder / "har.npz", x=np.zeros((4, 7)), y=np.zeros(4))
    with pytest.raises(DataError, match=r"shape \(7,\).*shape \(561,\)"):
        data.load("har")


def test_npz_with_labels_of_another_set(folder):
    np.savez(folder / "pendigits.npz", x=np.zeros((4, 16)), y=np.arange(4) + 8)
    with pytest.raises(DataError, match="labels go from 8 to 11"):
        data.load("pendigits")


def test_npz_with_labels_missing(folder):
    np.savez(folder / "pendigits.npz", x=np.zeros((4, 16)), y=np.arange(3))
    with pytest.raises(DataError, match="4 rows but 3 labels"):
        data.load("pendigits")


def test_another_number_of_rows_is_reported(folder, caplog):
    np.savez(folder / "pendigits.npz", x=np.zeros((4, 16)), y=np.arange(4))
    assert len(data.load("pendigits").x) == 4
    assert "4 rows in" in caplog.text
    assert "has 10992" in caplog.text
