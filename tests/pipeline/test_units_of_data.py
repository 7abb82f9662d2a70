"""Scalers: results do not depend on units or offsets, and nothing collapses in silence."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

import n2d_framework as n2d
from n2d_framework.errors import DataError, StageError
from n2d_framework.plan.run_step import checked_output
from n2d_framework.plugin import ComponentSpec

REFERENCES = {"minmax": MinMaxScaler, "standard": StandardScaler, "maxabs": MaxAbsScaler}
SCALERS = [*REFERENCES, "none"]


def model(scaler):
    return n2d.N2D("identity", "identity", "kmeans", scaler=scaler, n_clusters=3, random_state=0)


@pytest.fixture(scope="module")
def groups():
    rng = np.random.default_rng(0)
    return (rng.normal(size=(90, 3)) / 20 + np.repeat(np.eye(3), 30, axis=0)).astype(np.float64)


@given(
    name=st.sampled_from(sorted(REFERENCES)),
    exponent=st.integers(-300, 300),
    offset=st.sampled_from([0.0, 1.0, 1e3, 1e6]),
    per=st.sampled_from(["feature", "array"]),
)
@settings(max_examples=40, deadline=None)
def test_scaled_rows_are_the_same_in_any_unit(name, exponent, offset, per):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 2))
    if name != "maxabs":
        x = x + offset
    expected = REFERENCES[name]().fit_transform(x if per == "feature" else x.reshape(-1, 1))
    scaled = model({"name": name, "per": per}).fit(x * 10.0**exponent).latent_
    np.testing.assert_allclose(scaled, expected.reshape(x.shape), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["minmax", "standard"])
@pytest.mark.parametrize("value", [0.1, 1e-300, 1e300, -3e-40, 1e17])
def test_a_constant_feature_is_zero_in_any_unit(name, value, groups):
    x = np.column_stack([groups, np.full(len(groups), value)])
    assert (model(name).fit(x).latent_[:, 3] == 0).all()


@pytest.mark.parametrize("name", ["minmax", "standard"])
@pytest.mark.parametrize("dtype", [np.int64, np.uint64, np.float64])
@pytest.mark.parametrize("start", [2**24, 2**31, 10**9, 2**52])
def test_neighbouring_integers_beyond_float32_stay_apart(name, dtype, start):
    x = np.repeat([0, 1, 5], 20)[:, None].astype(dtype) + dtype(start)
    fitted = model(name).fit(x)
    assert len(np.unique(fitted.latent_)) == 3
    assert [len(set(fitted.labels_[i : i + 20])) for i in (0, 20, 40)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("name", "x"),
    [
        ("none", 2**24 + np.arange(100)),
        ("none", 1.7e9 + np.arange(300.0)),
        ("maxabs", 10**9 + np.arange(100)),
        ("none", np.geomspace(1e-60, 1e-50, 100)),
        ("standard", 2**60 + np.arange(100)),
        ("minmax", np.array([0.0, 1e9, 1e9 + 1] * 10)),
        ({"name": "minmax", "per": "array"}, 2**24 + np.arange(100)),
    ],
)
def test_a_column_that_float32_cannot_tell_apart_is_refused_by_number(name, x):
    wide = 1 if isinstance(name, str) else 10**7
    rows = np.column_stack([(wide * np.arange(len(x))).astype(x.dtype), x])
    with pytest.raises(DataError, match=r"column 1: \d+ different values become \d+"):
        model(name).fit(rows)


def test_many_different_values_are_not_a_collapse():
    x = np.random.default_rng(0).normal(size=(200_000, 1)) + 20.0
    assert model("none").fit(x).latent_.shape == x.shape


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (np.array([[0.0, -1.7e308], [1.0, 1.7e308], [2.0, 0.0]]), "column 1.*too large.*divide"),
        (np.array([[0.0, 0.0], [1.0, 5e-324], [2.0, 1e-323]]), "column 1.*too small.*multiply"),
    ],
)
def test_a_spread_beyond_float64_is_refused_with_what_to_do(rows, found):
    with pytest.raises(DataError, match=found):
        model("minmax").fit(rows)


@pytest.mark.parametrize("scaler", ["minmax", "standard"])
@pytest.mark.parametrize(
    ("offset", "unit"), [(1.7e9, 1.0), (0.0, 1e200), (0.0, 1e-200), (1.0, 1.0)]
)
def test_reconstructions_keep_the_digits_of_the_units(scaler, offset, unit, groups):
    x = (groups + offset) * unit
    back = model(scaler).fit(x).reconstruct(x)
    np.testing.assert_allclose(back, x, rtol=0, atol=1e-5 * np.ptp(x))


def test_a_new_value_too_large_for_float32_is_refused_with_row_and_column(groups):
    new = groups.copy()
    new[7, 2] = 1e60
    with pytest.raises(DataError, match="row 7, column 2"):
        model("minmax").fit(groups).predict(new)


@pytest.mark.parametrize(("unit", "offset"), [(1.0, 1e5), (1e-25, 0.0), (1e25, 0.0)])
def test_adapted_classes_compute_in_float64(unit, offset, groups):
    x = ((groups * [5, 2, 1] + offset) * unit).astype(np.float32)
    adapted = n2d.adapt("manifolder", PCA, n_components=2)
    fitted = n2d.N2D(
        "identity", adapted, "kmeans", scaler="none", n_clusters=3, random_state=0
    ).fit(x)
    expected = PCA(2).fit_transform(x.astype(np.float64))
    np.testing.assert_allclose(fitted.manifold_, expected, rtol=1e-4, atol=1e-5 * np.ptp(expected))
    np.testing.assert_array_equal(fitted.transform(x), fitted.manifold_)


@pytest.mark.parametrize(
    ("unit", "offset", "found"),
    [(1e45, 0.0, "too large for float32"), (1.0, 1e12, "different values become")],
)
@pytest.mark.parametrize("role", ["embedder", "manifolder"])
def test_coordinates_that_float32_cannot_hold_are_refused(role, unit, offset, found, groups):
    spec = ComponentSpec(role=role, name="wide", factory="none:None", summary="")
    with pytest.raises(StageError, match=f"{role} 'wide' returned.*{found}"):
        checked_output(groups * unit + offset, spec, len(groups))


def test_the_drop_in_refuses_what_collapses_in_float32():
    from n2d_framework.n2d import UmapGMM

    rows = 2.0**30 + np.arange(200.0).reshape(100, 2)
    with pytest.raises(DataError, match="column 0: 100 different values become"):
        UmapGMM(3).fit(rows)


@pytest.mark.parametrize("name", SCALERS)
@pytest.mark.parametrize("order", ["C", "F", "strided"])
def test_rows_are_never_written_to_whatever_their_order_in_memory(name, order, groups):
    given_rows = groups.copy(order="F" if order == "F" else "C")
    if order == "strided":
        given_rows = np.repeat(groups, 2, axis=1)[:, ::2]
    expected = model(name).fit(groups.copy()).labels_
    np.testing.assert_array_equal(model(name).fit(given_rows).labels_, expected)
    np.testing.assert_array_equal(given_rows, groups)
    given_rows.flags.writeable = False
    np.testing.assert_array_equal(model(name).fit(given_rows).labels_, expected)


def test_differences_by_rounding_of_computed_coordinates_are_not_values():
    from n2d_framework.core.arrays.single_precision import in_float32

    rows = np.array([[1.0, 3e-17], [2.0, np.nextafter(3e-17, 1)]])
    np.testing.assert_array_equal(in_float32(rows, fitting=True, computed=True), rows.astype("f"))
    with pytest.raises(DataError, match="column 1: 2 different values become 1"):
        in_float32(rows, fitting=True)
    with pytest.raises(DataError, match="column 0: 2 different values become 1"):
        in_float32(np.array([[1e9], [1e9 + 1]]), fitting=True, computed=True)


OF_OBJECTS: dict[str, Callable[[Any], Any]] = {
    "integers": lambda keys: keys.astype(object),
    "decimals": lambda keys: np.array([Decimal(key) for key in keys.tolist()]),
    "fractions": lambda keys: np.array([Fraction(key) for key in keys.tolist()]),
    "strings": lambda keys: np.array([str(key) for key in keys.tolist()], dtype=object),
}
FRAMES: dict[str, Callable[[Any, Any], Any]] = {
    "pandas": lambda keys, x: pd.DataFrame({"key": keys, "a": x}),
    "nullable": lambda keys, x: pd.DataFrame({"key": keys, "a": x}).convert_dtypes(),
    "polars": lambda keys, x: pl.DataFrame({"key": keys, "a": x}),
    "arrow": lambda keys, x: pa.table({"key": keys, "a": x}),
    "mapping": lambda keys, x: {"key": keys, "a": x},
    "structured": lambda keys, x: pd.DataFrame({"key": keys, "a": x}).to_records(index=False),
    **{
        f"pandas of {name}": lambda keys, x, convert=convert: pd.DataFrame(
            {"key": convert(keys), "a": x}
        )
        for name, convert in OF_OBJECTS.items()
    },
}  # fmt: skip


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("start", [2**53, 2**60, -(2**62)])
def test_integers_that_float64_does_not_hold_are_refused_in_mixed_tables(frame, start):
    """Columns of one type stay integers; beside floats they would become equal unseen."""
    keys, x = np.int64(start) + np.arange(64), np.repeat([0.0, 1.0, 5.0, 6.5], 16)
    with pytest.raises(DataError, match=r"(key|column 0).* different values become \d+ in float64"):
        model("minmax").fit(FRAMES[frame](keys, x))
    spread = FRAMES[frame](keys * 0 + np.arange(64) * 2**40, x)
    fitted = model("minmax").fit(spread)
    # New rows are not refused for what they have in common.
    assert len(fitted.predict(FRAMES[frame](keys[:2], x[:2]))) == 2


@pytest.mark.parametrize("convert", OF_OBJECTS)
def test_objects_that_float64_does_not_hold_are_refused(convert):
    keys = np.array([10**20 + n for n in range(64)], dtype=object)
    x = np.column_stack([OF_OBJECTS[convert](keys), np.arange(64) % 5])
    if convert == "strings":
        x = pd.DataFrame(x)
    with pytest.raises(DataError, match="64 different values become 1 in float64"):
        model("minmax").fit(x)


def test_longer_floats_that_float64_does_not_hold_are_refused():
    if np.finfo(np.longdouble).eps == np.finfo(np.float64).eps:
        pytest.skip("long floats have 64 bits here")
    x = np.longdouble(2**53) + np.arange(64, dtype=np.longdouble)[:, None] / 4
    with pytest.raises(DataError, match="column 0: 64 different values become"):
        model("minmax").fit(np.hstack([x, x * 0 + np.arange(64)[:, None] % 3]))


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_values_of_objects_that_are_not_finite_are_missing_not_rounded(value):
    x = np.column_stack([np.arange(64), np.arange(64)]).astype(object)
    x[::2, 1] = [float(value) for _ in range(32)]  # each an object of its own
    with pytest.raises(DataError, match=r"X contains (NaN|inf): row 0, column 1"):
        model("minmax").fit(x)
