"""A value marked as missing is never clustered, scored or predicted as a number."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import n2d_framework as n2d
from n2d_framework.core.rows.checked_arrays import as_rows
from n2d_framework.errors import DataError
from n2d_framework.metrics import assess

ROWS = np.arange(36.0).reshape(12, 3)
HOLE = ROWS == 16  # row 5, column 1
NAMES = ["a", "b", "c"]
GRID = {
    "prepare": ["minmax"],
    "embedders": ["pca"],
    "manifolders": ["identity"],
    "clusterers": ["kmeans"],
}
FRAME = pd.DataFrame(ROWS, columns=NAMES)


class Wrapped:
    """An object that turns into an array, as those of many libraries do."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.values


class Flagged(Wrapped):
    def __init__(self, values: Any, mask: Any) -> None:
        super().__init__(values)
        self.mask = mask


class MaskedTensor(Wrapped):
    """As PyTorch's: the mask is True where there is a value."""

    def get_mask(self) -> Any:
        return ~HOLE

    def get_data(self) -> Any:
        return self.values


class AnnData:
    """Public face of one; NumPy takes its items apart without end."""

    def __init__(self, x: Any) -> None:
        self.X, self.obs_names, self.var_names = x, list("abc"), list("xyz")

    def __len__(self) -> int:
        return len(self.X)

    def __getitem__(self, item: Any) -> AnnData:
        return AnnData(self.X)


def masked(values: Any = ROWS, mask: Any = HOLE) -> Any:
    return np.ma.array(values, mask=mask)


def objects_with_the_constant() -> Any:
    rows = ROWS.astype(object)
    rows[5, 1] = np.ma.masked
    return rows


def dask_masked() -> Any:
    import dask.array as da

    return da.from_array(masked(), chunks=5)


def xarray_with_a_mask() -> Any:
    return pytest.importorskip("xarray").DataArray(masked())


HOLES: dict[str, Callable[[], Any]] = {
    "numpy.ma": masked,
    "numpy.ma of integers": lambda: masked(ROWS.astype(int)),
    "numpy.ma of booleans": lambda: masked(ROWS > 4),
    "numpy.ma with a mask for all": lambda: masked(mask=True),
    "numpy.ma in Fortran order": lambda: masked(np.asfortranarray(ROWS)),
    "list of masked rows": lambda: list(masked()),
    "tuple with the constant": lambda: (*ROWS[:5].tolist(), [15, np.ma.masked, 17]),
    "objects with the constant": objects_with_the_constant,
    "an object that gives one": lambda: Wrapped(masked()),
    "an object with a mask": lambda: Flagged(ROWS, HOLE),
    "a masked tensor": lambda: MaskedTensor(ROWS),
    "Dask": dask_masked,
    "xarray": xarray_with_a_mask,
    "NaN": lambda: np.where(HOLE, np.nan, ROWS),
    "None in a list": lambda: np.where(HOLE, None, ROWS.astype(object)).tolist(),
    "pandas NaN": lambda: FRAME.mask(HOLE),
    "pandas Int64": lambda: FRAME.astype("Int64").mask(HOLE),
    "pandas Float64": lambda: FRAME.astype("Float64").mask(HOLE),
    "pandas boolean": lambda: (FRAME > 4).astype("boolean").mask(HOLE),
    "pandas string": lambda: FRAME.astype(str).astype("string").mask(HOLE),
    "pandas category": lambda: FRAME.mask(HOLE).astype("category"),
    "pandas Arrow": lambda: FRAME.astype("int64[pyarrow]").mask(HOLE),
    "pandas of objects": lambda: FRAME.astype(object).mask(HOLE, None),
    "polars": lambda: pl.DataFrame(FRAME.astype(int)).with_columns(
        b=pl.when(pl.col("b") == 16).then(None).otherwise(pl.col("b"))
    ),
    "polars, lazy": lambda: pl.DataFrame(FRAME.mask(HOLE)).lazy(),
    "Arrow table": lambda: pa.Table.from_pandas(FRAME.astype("Int64").mask(HOLE)),
    "Arrow batch": lambda: pa.RecordBatch.from_pandas(FRAME.astype("Int64").mask(HOLE)),
    "Arrow dictionary": lambda: pa.table(
        {"a": ROWS[:, 0], "b": pa.array([*range(5), None, *range(6)]).dictionary_encode()}
    ),
}  # fmt: skip


def light() -> n2d.N2D:
    """A model whose first step takes no missing values."""
    model = n2d.N2D("pca", "identity", "kmeans", n_clusters=2, random_state=0)
    return model.set_params(prepare="minmax")


@pytest.mark.parametrize("kind", HOLES)
def test_rows_with_a_hole_are_refused_with_its_place(kind: str) -> None:
    row, column = (0, 0) if "for all" in kind else (5, 1)
    place = rf"row {row}, column ({column}|'b');.*fill the missing values"
    with pytest.raises(DataError, match=place):
        light().fit(HOLES[kind]())
    model = light().fit(ROWS)
    for method in (model.predict, model.transform, model.embed, model.score):
        lazy = kind == "Dask" and method in (model.predict, model.transform)
        # Rows are counted within the partition, which is named.
        said = r"rows 5 to 9 .*row 0, column 1" if lazy else place
        with pytest.raises(DataError, match=said):
            np.asarray(method(HOLES[kind]()))


@pytest.mark.parametrize("kind", ["numpy.ma", "Dask", "pandas Int64", "an object with a mask"])
def test_comparisons_and_the_drop_in_refuse_them_as_well(tmp_path: Path, kind: str) -> None:
    from n2d_framework import compare
    from n2d_framework.n2d import UmapGMM

    with pytest.raises(DataError, match="row 5"):
        compare(GRID, tmp_path / "out", data={"mine": HOLES[kind]()})
    with pytest.raises(DataError, match="row 5"):
        UmapGMM(2).fit(HOLES[kind]())


LABELS: dict[str, Callable[[], Any]] = {
    "numpy.ma": lambda: np.ma.array(np.arange(12) % 2, mask=np.arange(12) == 5),
    "numpy.ma of strings": lambda: np.ma.array(list("abcabcabcabc"), mask=np.arange(12) == 5),
    "list with the constant": lambda: [0, 1, 0, 1, 0, np.ma.masked, 1, 0, 1, 0, 1, 0],
    "an object that gives one": lambda: Wrapped(LABELS["numpy.ma"]()),
    "an object with a mask": lambda: Flagged(np.arange(12), np.arange(12) == 5),
    "pandas Int64": lambda: pd.Series(range(12), dtype="Int64").mask(np.arange(12) == 5),
    "pandas boolean": lambda: pd.Series([True] * 12, dtype="boolean").mask(np.arange(12) == 5),
    "pandas string": lambda: pd.Series(["a"] * 12, dtype="string").mask(np.arange(12) == 5),
    "pandas category": lambda: pd.Series([*"abcde", None, *"abcdef"]).astype("category"),
    "pandas date": lambda: pd.Series(pd.date_range("2020", periods=12)).mask(np.arange(12) == 5),
    "polars": lambda: pl.Series([*range(5), None, *range(6)]),
    "polars strings": lambda: pl.Series([*"abcde", None, *"abcdef"]),
    "Arrow": lambda: pa.array([*range(5), None, *range(6)]),
    "Arrow dictionary": lambda: pa.array([*"abcde", None, *"abcdef"]).dictionary_encode(),
    "Arrow chunks": lambda: pa.chunked_array([[0, 1, 2, 3, 4], [None, *range(6)]]),
}  # fmt: skip


@pytest.mark.parametrize("kind", LABELS)
def test_classes_with_a_hole_are_refused_with_the_row(kind: str) -> None:
    with pytest.raises(DataError, match="y: missing value, first in row 5"):
        assess(LABELS[kind](), np.arange(12) % 3)
    with pytest.raises(DataError, match="labels: missing value, first in row 5"):
        assess(np.arange(12) % 3, LABELS[kind]())
    with pytest.raises(DataError, match="row 5"):
        light().fit(ROWS).assess(LABELS[kind]())


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (pd.date_range("2020", periods=12), "column 'b' holds dates"),
        (pd.date_range("2020", periods=12, tz="UTC"), "row 0, column 'b' is Timestamp"),
        (pd.to_timedelta(range(12), "s"), "column 'b' holds time spans"),
        (pd.period_range("2020", periods=12, freq="M"), "row 0, column 'b' is Period"),
        (pd.Categorical(["1", "2", *"abcdefghij"]), "row 2, column 'b' is 'a'"),
        ([dt.date(2020, 1, 1)] * 12, "row 0, column 'b' is datetime.date"),
        (np.arange(12) * 1j, "column 'b' holds complex numbers"),
        ([1.0, {}, *range(10)], "row 1, column 'b' is {}"),
        ([1.0, b"2", *range(10)], "row 1, column 'b' is b'2'"),
    ],
)
def test_columns_that_are_not_numbers_are_named(column: Any, reason: str) -> None:
    frame = FRAME.assign(b=column)
    with pytest.raises(DataError, match=reason):
        as_rows(frame)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([dt.date(2020, 1, 1)] * 3, "dates"), ([dt.datetime(2020, 1, 1)] * 3, "dates"),
        ([dt.timedelta(1)] * 3, "time spans"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("library", [pl.DataFrame, pa.table])
def test_dates_of_other_libraries_are_not_days_since_1970(
    library: Any, values: list[Any], kind: str
) -> None:
    with pytest.raises(DataError, match=f"column 'b' holds {kind}"):
        as_rows(library({"a": [1.0, 2.0, 3.0], "b": values}))


def test_masks_without_a_hole_and_other_numbers_pass() -> None:
    for values in (
        np.ma.array(ROWS), masked(mask=False), Wrapped(masked(mask=np.zeros_like(HOLE))),
        Flagged(ROWS, np.zeros_like(HOLE)), list(np.ma.array(ROWS)), ROWS.astype(np.longdouble),
        FRAME, FRAME.astype("Int64"), FRAME.astype("category"), pl.DataFrame(FRAME),
        pa.Table.from_pandas(FRAME), [list(map(Decimal, row)) for row in ROWS.tolist()],
    ):  # fmt: skip
        found = as_rows(values)
        np.testing.assert_array_equal(found, ROWS)
        assert type(found) is np.ndarray
        assert found.dtype.itemsize <= 8


def test_a_value_beyond_float64_is_refused() -> None:
    rows = ROWS.astype(np.longdouble)
    rows[5, 1] = np.longdouble("1e4000")
    if np.isinf(rows[5, 1]):
        pytest.skip("longdouble is float64 here")
    with pytest.raises(DataError, match="beyond float64: row 5, column 1"):
        as_rows(rows)


@pytest.mark.parametrize("value", [[AnnData(ROWS)], {1, 2}, object(), None, {"a": 1}])
@pytest.mark.timeout(60)
def test_what_has_no_rows_is_refused_at_once(value: Any) -> None:
    with pytest.raises(DataError, match=r"no rows of numbers|cannot be read|not one per row"):
        as_rows(value)


def test_a_model_takes_an_anndata_for_its_matrix() -> None:
    anndata = pytest.importorskip("anndata")
    data = anndata.AnnData(ROWS.astype(np.float32))
    np.testing.assert_array_equal(light().fit(data).labels_, light().fit(data.X).labels_)


def test_rows_of_several_lengths_are_named() -> None:
    with pytest.raises(DataError, match="row 2 has 1 values, row 0 has 2"):
        as_rows([[1, 2], [3, 4], [5]])


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_mask_is_found_or_nothing_is_masked(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from([(4, 2), (2, 3, 2), (2, 2, 2, 2)]))
    size = int(np.prod(shape))
    drawn = data.draw(st.lists(st.booleans(), min_size=size, max_size=size))
    mask = np.array(drawn).reshape(shape)
    kind = data.draw(st.sampled_from(["f4", "f8", "i2", "u1", "?"]))
    array = np.ma.array(np.ones(shape, dtype=kind), mask=mask)
    given_as = data.draw(
        st.sampled_from([lambda a: a, list, tuple, Wrapped, lambda a: list(map(list, a))])
    )
    if not mask.any():
        assert as_rows(given_as(array)).shape == shape
        return
    first = np.argwhere(mask)[0]
    with pytest.raises(DataError, match=f"row {first[0]}, column {', '.join(map(str, first[1:]))}"):
        as_rows(given_as(array))


@pytest.mark.parametrize("value", [np.ma.masked, np.ma.array(1.0, mask=True), np.ma.array(1.0)])
def test_one_value_is_not_rows(value: Any) -> None:
    with pytest.raises(DataError, match="Reshape your data"):
        as_rows(value)


@pytest.mark.parametrize("labels", [[[1], [2, 3]], [1, [2]], [{}, [1]], Wrapped([[1], [2, 3]])])
def test_labels_that_are_not_one_per_row(labels: Any) -> None:
    with pytest.raises(DataError, match="y: "):
        assess(labels, [0, 1])
