"""The loaders of the old package: what they give, from the user's own small files."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from old_names import n2d

from n2d_framework.errors import DataError

data = n2d.datasets
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def own_files(tmp_path, monkeypatch):
    """Few rows of each set, in the forms in which they are passed around."""
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.setenv("N2D_DATA", str(folder))
    monkeypatch.setenv("N2D_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("N2D_OFFLINE", "1")
    images = RNG.integers(0, 256, (9, 28, 28)).astype(np.uint8)
    y = np.arange(9)
    for name in ("mnist", "fashion"):
        np.savez(
            folder / f"{name}.npz",
            x_train=images[:5], y_train=y[:5], x_test=images[5:], y_test=y[5:],
        )  # fmt: skip
    np.savez(folder / "har.npz", x=RNG.uniform(-1, 1, (6, 561)), y=np.arange(6))
    np.savez(folder / "pendigits.npz", x=RNG.integers(0, 101, (7, 16)), y=np.arange(7))
    return images


def test_load_mnist(own_files):
    x, y = data.load_mnist()
    assert x.shape == (9, 784)
    assert (x.min() >= 0) & (x.max() <= 1)
    np.testing.assert_array_equal(x, np.divide(own_files.reshape(9, 784), 255.0))
    np.testing.assert_array_equal(y, np.arange(9))


def test_load_mnist_test(own_files):
    x, y = data.load_mnist_test()
    np.testing.assert_array_equal(x, np.divide(own_files[5:].reshape(4, 784), 255.0))
    np.testing.assert_array_equal(y, np.arange(5, 9))


def test_load_fashion(own_files):
    x, y, names = data.load_fashion()
    assert (x.shape, y.shape) == ((9, 784), (9,))
    assert x.max() <= 1
    assert names == {
        0: "T-shirt", 1: "Trouser", 2: "Pullover", 3: "Dress", 4: "Coat", 5: "Sandal",
        6: "Shirt", 7: "Sneaker", 8: "Bag", 9: "Ankle Boot",
    }  # fmt: skip


def test_load_har():
    x, y, names = data.load_har()
    assert (x.shape, y.tolist()) == ((6, 561), list(range(6)))
    assert names == {
        0: "Walking", 1: "Upstairs", 2: "Downstairs", 3: "Sitting", 4: "Standing", 5: "Laying",
    }  # fmt: skip


def test_load_pendigits():
    x, y = data.load_pendigits()
    assert (x.shape, x.dtype) == ((7, 16), np.float32)
    assert x.max() <= 1
    np.testing.assert_array_equal(y, np.arange(7))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_own_files_in_the_range_of_the_old_loaders(own_files, tmp_path, kind):
    """Arrays of these loaders were often kept in a file: they are not scaled again."""
    folder, unit = tmp_path / "own", (own_files / 255).astype(kind)
    np.savez(folder / "mnist_test.npz", x=unit, y=np.arange(9))
    x, _ = data.load_mnist_test()
    assert x.dtype == np.float64
    np.testing.assert_array_equal(x, np.divide(own_files.reshape(9, 784), 255.0))
    pen = np.linspace(0, 100, 64).round().reshape(4, 16)
    np.savez(folder / "pendigits.npz", x=(pen / 100).astype(kind), y=np.arange(4))
    np.testing.assert_array_equal(data.load_pendigits()[0], (pen / 100).astype(np.float32))


def test_own_files_in_another_range_are_refused(tmp_path):
    np.savez(tmp_path / "own" / "fashion.npz", x=RNG.normal(size=(9, 784)), y=np.arange(9))
    with pytest.raises(DataError, match=r"fashion\.npz: values go from -.* from 0 to 255, or"):
        data.load_fashion()


def test_load_pendigits_looks_into_the_folder_it_is_given(tmp_path):
    """Where the old package downloaded to."""
    folder = tmp_path / "data" / "pendigits"
    folder.mkdir(parents=True)
    for suffix, value in (("tra", 50), ("tes", 100)):
        line = ",".join(f"{value:3d}" for _ in range(16)) + ",  3\n"
        (folder / f"pendigits.{suffix}").write_text(line)
    before = sorted(folder.iterdir())
    for x, y in (data.load_pendigits(), data.load_pendigits(str(folder))):
        np.testing.assert_array_equal(x[:, 0], np.float32([0.5, 1.0]))
        np.testing.assert_array_equal(y, [3, 3])
    assert sorted(folder.iterdir()) == before
    default = inspect.signature(data.load_pendigits).parameters["data_path"].default
    assert default == "data/pendigits"


def test_no_data_and_no_network_is_reported(monkeypatch):
    monkeypatch.delenv("N2D_DATA")
    for load in (data.load_mnist, data.load_har, data.load_pendigits):
        with pytest.raises(DataError, match="N2D_OFFLINE forbids downloads"):
            load()
