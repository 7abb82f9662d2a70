"""Tables of numbers by name: embedded ones, their files, and files that are something else."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris, load_wine

from n2d_builtin.datasets.table_specs import EMBEDDED_TABLES, TABLES
from n2d_framework import data
from n2d_framework.errors import DataError

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The user's own folder of data; nothing may be downloaded."""
    monkeypatch.setenv("N2D_DATA", str(tmp_path))
    monkeypatch.setenv("N2D_OFFLINE", "1")
    return tmp_path


@pytest.mark.parametrize("spec", EMBEDDED_TABLES, ids=lambda spec: spec.name)
def test_embedded_tables_are_as_announced(spec):
    found = data.load(spec.name)
    assert found.x.shape == (spec.n_rows, *spec.row_shape)
    assert found.x.dtype == np.float64
    assert list(np.unique(found.y)) == list(range(spec.n_classes))


@pytest.mark.parametrize(
    ("name", "loader"),
    [("iris", load_iris), ("wine", load_wine), ("breast_cancer", load_breast_cancer)],
)
def test_embedded_tables_are_those_of_scikit_learn(name, loader):
    found, bunch = data.load(name), loader()
    np.testing.assert_array_equal(found.x, bunch.data)
    np.testing.assert_array_equal(found.y, bunch.target)
    assert found.names == tuple(bunch.target_names)


@pytest.mark.parametrize("name", ["made_moons", "made_circles", "made_blobs", "made_stretched"])
def test_made_tables_are_always_the_same(name):
    one, other = data.load(name), data.load(name)
    np.testing.assert_array_equal(one.x, other.x)
    np.testing.assert_array_equal(one.y, other.y)


def rows(width, n=6):
    return RNG.integers(0, 99, (n, width)) / 8


def test_a_table_and_its_labels_in_files_of_their_own(folder):
    x, y = rows(7), np.array([1, 2, 3, 1, 2, 8])
    with gzip.open(folder / "ecoli.data.gz", "wt") as file:
        np.savetxt(file, x)
    with gzip.open(folder / "ecoli.labels0.gz", "wt") as file:
        np.savetxt(file, y, fmt="%d")
    found = data.load("ecoli")
    np.testing.assert_array_equal(found.x, x)
    np.testing.assert_array_equal(found.y, [0, 1, 2, 0, 1, 3])


@pytest.mark.parametrize(
    ("name", "path", "separator"),
    [("seeds", "wheat-seeds.csv", ","), ("satimage", "sat.trn", " "), ("haberman", None, ",")],
)
def test_a_table_whose_last_column_is_the_class(folder, name, path, separator):
    spec = next(spec for spec in TABLES if spec.name == name)
    x, y = rows(spec.row_shape[0]), np.array([1, 2, 2, 1, 2, 1])
    lines = [separator.join(map(str, [*row, label])) for row, label in zip(x, y, strict=True)]
    (folder / (path or "haberman.csv")).write_text("\n".join(lines) + "\n")
    if name == "satimage":
        (folder / "sat.tst").write_text(lines[0] + "\n")
        x, y = np.vstack([x, x[:1]]), np.append(y, y[0])
    found = data.load(name)
    np.testing.assert_array_equal(found.x, x)
    np.testing.assert_array_equal(found.y, y - 1)


def test_letters_stand_first(folder):
    x = rows(16, 3)
    lines = [",".join([letter, *map(str, row)]) for letter, row in zip("TIT", x, strict=True)]
    (folder / "letter-recognition.data").write_text("\n".join(lines))
    found = data.load("letter")
    np.testing.assert_array_equal(found.x, x)
    np.testing.assert_array_equal(found.y, [1, 0, 1])


@pytest.mark.parametrize("spec", TABLES, ids=lambda spec: spec.name)
def test_an_npz_does_for_each(folder, spec):
    x = rows(spec.row_shape[0]).astype(np.float32)
    np.savez(folder / f"{spec.name}.npz", x=x, y=np.array([3, 7, 7, 3, 3, 7]))
    found = data.load(spec.name)
    np.testing.assert_array_equal(found.x, x)
    np.testing.assert_array_equal(found.y, [0, 1, 1, 0, 0, 1])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<html>no such page</html>\n", "columns, but haberman has 4"),
        ("1,2,1\n3,4,2\n", "3 columns, but haberman has 4, of which one is the class"),
        ("1,2,3,1\n1,2,x,2\n", "could not convert"),
        ("1,2,3,1\n1,2,2\n", "cannot be read as a table of numbers"),
        ("1,2,3,1\n1,nan,2,2\n", "NaN or infinite"),
        ("1,2,3,1.5\n1,1,2,2\n", "labels must be integers"),
        ("1,2,3,1\n1,1,2,2\n1,1,2,3\n", "3 different classes, but haberman has 2"),
        ("", "table of numbers"),
        ("1,2,3,\u00e4\n", "cannot be read"),
    ],
)
@pytest.mark.filterwarnings("ignore:loadtxt")
def test_what_is_no_such_table_is_refused_by_name(folder, content, said):
    (folder / "haberman.csv").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"haberman\.csv") as caught:
        data.load("haberman")
    assert said in str(caught.value)


def test_rows_and_labels_of_different_length_are_refused(folder):
    for name, count in (("data", 3), ("labels0", 2)):
        with gzip.open(folder / f"glass.{name}.gz", "wt") as file:
            np.savetxt(file, rows(9 if name == "data" else 1, count).round())
    with pytest.raises(DataError, match=r"3 rows but 2 labels"):
        data.load("glass")


def test_what_has_no_address_says_where_to_put_it():
    with pytest.raises(DataError, match=r"letter\.npz; or letter-recognition\.data"):
        data.load("letter")
