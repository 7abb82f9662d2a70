"""Rows in memory, in every container: fitted and labelled as plain arrays are, or refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import scipy.sparse
from table_cases import Case, require
from truth import TEXT, TYPED, WORDS, Rng, Truth, some

from n2d_framework import N2D, data
from n2d_framework.errors import DataError, N2DError

SMALL = {
    "embedder": {"name": "pca", "latent_dim": 1},
    "manifolder": "identity",
    "clusterer": {"name": "kmeans", "n_init": 1},
}


def model(scaler: str = "standard") -> N2D:
    """A trio that takes milliseconds."""
    return N2D(**SMALL, n_clusters=2, scaler=scaler, random_state=0)  # type: ignore[arg-type]


def grouped(rng: Rng, *, most: int = 10, words: tuple[str, ...] = WORDS) -> Truth:
    """A table with two groups of rows, in units that a fit can take."""
    n, d = int(rng.integers(4, most)), int(rng.integers(1, 5))
    x = rng.normal(size=(n, d)) / 9 + rng.integers(0, 2, (n, 1)) * 3
    x[0], x[-1] = x[0] - 2, x[-1] + 5
    dtype = np.dtype(some(rng, ["f8", "f8", "f4", "i8", "i4", "u1", "i2", "u8", "f2", "?", ">f4"]))
    if dtype.kind in "iu":
        x = np.rint(x * 20).clip(0)
    table = (x > 1.5) if dtype.kind == "b" else x.astype(dtype)
    names = rng.choice(np.array(words, dtype=object), d, replace=False).tolist()
    ids = [f"{some(rng, WORDS)}-{row}" for row in range(n)]
    return Truth(table, tuple(map(str, names)), None, ids)


# Containers: what is given, and whether its columns have names, its rows ids --------------------

Given = tuple[Any, bool, bool]


def _pandas(rng: Rng, table: Truth) -> Given:
    frame = pd.DataFrame(dict(zip(table.names, table.x.T, strict=True)))
    kind = table.x.dtype
    way = int(rng.integers(6))
    ids = rng.random() < 0.5
    if ids:
        frame.index = pd.Index(table.ids)
    native = kind.newbyteorder("=")
    if way == 1 and kind != np.float16:
        frame = frame.astype(native).convert_dtypes(
            dtype_backend=some(rng, ["numpy_nullable", "pyarrow"]), convert_floating=False,
            convert_integer=True,
        )  # fmt: skip
    elif way == 2:
        frame = frame.astype(object)
    elif way == 3 and native.kind == "f" and native.itemsize > 2:
        frame = frame.astype(f"Float{8 * native.itemsize}")
    elif way == 4:
        frame = pd.concat([frame.iloc[:1], frame.iloc[1:]])
        frame = frame[list(table.names)].copy()
    return frame, True, ids


def _native(table: Truth) -> np.ndarray:
    """Values of a type that Arrow and polars have."""
    x = table.x.astype(table.x.dtype.newbyteorder("="))
    return x.astype(np.float32) if x.dtype == np.float16 else x


def _polars(rng: Rng, table: Truth) -> Given:
    frame = pl.DataFrame(dict(zip(table.names, _native(table).T, strict=True)))
    return (frame.lazy() if rng.random() < 0.3 else frame), True, False


def _arrow(rng: Rng, table: Truth) -> Given:
    columns = [pa.array(values) for values in _native(table).T.copy()]
    frame = pa.table(columns, names=list(table.names))
    if rng.random() < 0.5:
        cut = int(rng.integers(1, table.n))
        frame = pa.concat_tables([frame.slice(0, cut), frame.slice(cut)])
    return frame, True, False


def _mapping(rng: Rng, table: Truth) -> Given:
    as_list = rng.random() < 0.5
    found = {
        name: values.tolist() if as_list else values
        for name, values in zip(table.names, table.x.T, strict=True)
    }
    return found, True, False


def _structured(rng: Rng, table: Truth) -> Given:
    del rng
    found = np.empty(table.n, dtype=[(name, table.x.dtype) for name in table.names])
    for name, values in zip(table.names, table.x.T, strict=True):
        found[name] = values
    return found, True, False


def _array(rng: Rng, table: Truth) -> Given:
    x = table.x
    way = int(rng.integers(7))
    if way == 0:
        x = np.asfortranarray(x)
    elif way == 1:
        x = np.repeat(x, 2, axis=1)[:, ::2]
    elif way == 2:
        x = x[::-1].copy()[::-1]
    elif way == 3:
        x = x.copy()
        x.flags.writeable = False
    elif way == 4:
        return np.ma.MaskedArray(x, mask=np.zeros_like(x, dtype=bool)), False, False
    elif way == 5:
        return x.astype(object), False, False
    return x, False, False


def _lists(rng: Rng, table: Truth) -> Given:
    rows = table.x.tolist()
    ways: tuple[Callable[[], Any], ...] = (
        lambda: rows,
        lambda: tuple(map(tuple, rows)),
        lambda: list(table.x),
    )
    return some(rng, ways)(), False, False


CONTAINERS = (_pandas, _pandas, _polars, _arrow, _mapping, _structured, _array, _array, _lists)


def _labels(fit: Callable[[], Any]) -> tuple[np.ndarray | None, str]:
    try:
        return fit().labels_, ""
    except N2DError as error:
        return None, str(error)


def _content(given: Any) -> Any:
    """Signature that shows a change of a container."""
    if isinstance(given, pd.DataFrame):
        return given.to_csv()
    return (
        given.tobytes() if isinstance(given, np.ndarray) and given.dtype != object else repr(given)
    )


def fitted(rng: Rng, _: Path) -> Case:
    """Rows in some container: labels, names and ids as for a plain array, which stays as it is."""
    table = grouped(rng)
    given, named, ids = some(rng, CONTAINERS)(rng, table)
    plain = np.ascontiguousarray(table.x)
    scaler = some(rng, ["standard", "minmax", "none"])

    def run() -> str:
        before = _content(given)
        expected, why = _labels(lambda: model(scaler).fit(plain))
        new = model(scaler)
        found, reason = _labels(lambda: new.fit(given))
        assert _content(given) == before, "the input was changed"
        if expected is None:
            assert found is None, f"the array was refused: {why}"
            return "refused"
        assert found is not None, f"refused: {reason}"
        assert np.array_equal(found, expected), f"labels {found}, of the array {expected}"
        names = new.schema_.names if named else table.names
        assert names == table.names, f"names are {names}"
        assert (new.ids_ is not None) == ids
        assert not ids or list(new.ids_) == table.ids, f"ids are {new.ids_}"  # type: ignore[arg-type]
        assert np.array_equal(new.predict(given), expected), "predict"
        return "right"

    return f"{type(given).__name__} {table.x.dtype}{table.x.shape} {scaler}", run


# One fault --------------------------------------------------------------------------------------


def _missing(rng: Rng, table: Truth) -> tuple[Any, list[str]]:
    """A table of floats in which one value is missing, and what has to be named."""
    row, position = int(rng.integers(table.n)), int(rng.integers(len(table.names)))
    x = np.array(table.x, dtype=np.float64)
    name = repr(table.names[position])
    row_named, both = f"row {row}", [f"row {row}", name]
    holes = x.astype(object)
    holes[row, position] = some(rng, [None, np.nan, pd.NA, float("inf")])
    gone = x.copy()
    gone[row, position] = some(rng, [np.nan, np.inf, -np.inf])
    mask = np.zeros(x.shape, dtype=bool)
    mask[row, position] = True
    columns = dict(zip(table.names, holes.T, strict=True))
    nulls = [[None if m else float(v) for v, m in zip(*p, strict=True)]
             for p in zip(x.T, mask.T, strict=True)]  # fmt: skip
    ways: tuple[Callable[[], tuple[Any, list[str]]], ...] = (
        lambda: (np.ma.MaskedArray(x, mask=mask), [row_named]),
        lambda: (np.ma.MaskedArray(table.x, mask=mask), [row_named]),
        lambda: (gone, [row_named]),
        lambda: (holes, [row_named]),
        lambda: (holes.tolist(), [row_named]),
        lambda: (pd.DataFrame(gone, columns=list(table.names)), both),
        lambda: (pd.DataFrame(columns), both),
        lambda: (pd.DataFrame(x, columns=list(table.names)).astype("Float64").mask(mask), both),
        lambda: (pd.DataFrame(x, columns=list(table.names)).mask(mask)
                 .convert_dtypes(dtype_backend="pyarrow"), both),
        lambda: (pl.DataFrame(nulls, schema=list(table.names)), both),
        lambda: (pa.table(dict(zip(table.names, nulls, strict=True))), both),
        lambda: (dict(zip(table.names, np.ma.MaskedArray(x.T, mask=mask.T), strict=True)), []),
        lambda: (np.ma.MaskedArray(x, mask=mask).tolist(), [row_named]),
        lambda: ([list(r) for r in np.ma.MaskedArray(x, mask=mask)], [row_named]),
    )  # fmt: skip
    return some(rng, ways)()


def _other(rng: Rng, table: Truth) -> tuple[Any, list[str]]:
    """Input that is not rows of numbers."""
    x, names = np.array(table.x, dtype=np.float64), list(table.names)
    position = int(rng.integers(len(names)))
    name = repr(names[position])
    frame = pd.DataFrame(x, columns=names)
    odd = some(rng, [
        ["a"] * table.n, pd.date_range("2020", periods=table.n),
        pd.to_timedelta(range(table.n), "s"),
        pd.Categorical(["u"] * table.n), [{}] * table.n, [b"x"] * table.n, [[1.0]] * table.n,
        [1j] * table.n, pd.interval_range(0, table.n),
    ])  # fmt: skip
    ways: tuple[Callable[[], tuple[Any, list[str]]], ...] = (
        lambda: (frame.assign(**{names[position]: odd}), [name]),
        lambda: (
            pl.DataFrame(x, schema=names).with_columns(pl.lit("a").alias(names[position])), [name]
        ),
        lambda: ({**dict(zip(names, x.T, strict=True)), names[position]: ["a"] * table.n}, [name]),
        lambda: (scipy.sparse.csr_matrix(x), ["sparse"]),
        lambda: (scipy.sparse.coo_array(x), ["sparse"]),
        lambda: (frame.astype(pd.SparseDtype(float)), ["sparse"]),
        lambda: (x[0], []),
        lambda: (x[:1], []),
        lambda: (x[:, :0], []),
        lambda: (x[:0], []),
        lambda: (x + 1j, []),
        lambda: (x.astype(str) + "x", []),
        lambda: (x.astype("M8[s]"), []),
        lambda: ([*x.tolist(), [1.0] * (len(names) + 1)], [f"row {table.n}"]),
        lambda: (pd.concat([frame, frame], axis=1), [repr(names[0])]),
        lambda: (iter(x.tolist()), []),
        lambda: (set(x[0].tolist()), []),
        lambda: (None, []),
        lambda: ("rows.csv", []),
        lambda: (7, []),
        lambda: (np.float64(3), []),
        lambda: (x.astype(np.longdouble) * np.longdouble("1e400"), []),
    )  # fmt: skip
    return some(rng, ways)()


def refused(rng: Rng, _: Path) -> Case:
    """Rows with a missing value, or what are none: refused with the place, at fit and predict."""
    table = grouped(rng)
    given, named = (_missing if rng.random() < 0.6 else _other)(rng, table)
    plain = np.array(table.x, dtype=np.float64)

    def run() -> str:
        known = model().fit(pd.DataFrame(plain, columns=list(table.names)))
        few = isinstance(given, np.ndarray) and given.shape == (1, plain.shape[1])
        for act in (lambda: model().fit(given), lambda: known.predict(given))[: 1 if few else 2]:
            try:
                labels = act()
            except N2DError as error:
                text = str(error)
                missing = [name for name in named if name not in text.replace("Sparse", "sparse")]
                assert not missing, f"{missing} not named: {text}"
            else:
                raise AssertionError(f"taken: {labels}")
        return "refused"

    return f"{type(given).__name__} {str(given)[:60]}", run


# Predictions ------------------------------------------------------------------------------------


def _query(rng: Rng, table: Truth) -> tuple[Truth, str]:
    """Columns of the fit in some order, with further ones, without one, or under other names."""
    names = list(table.names)
    way = some(rng, ["in order", "reordered", "reordered", "more", "more", "missing", "renamed"])
    order = rng.permutation(len(names))
    x = table.x[:, order]
    names = [names[position] for position in order]
    if way == "more":
        extra = [name for name in WORDS if name not in names]
        at = int(rng.integers(len(names) + 1))
        names.insert(at, some(rng, extra))
        x = np.insert(x, at, 77, axis=1)
    elif way == "missing":
        names, x = names[:-1], x[:, :-1]
        if not names:
            return _query(rng, table)
    elif way == "renamed":
        names[0] = some(rng, [name for name in WORDS if name not in names])
    elif way == "in order":
        names, x = list(table.names), table.x
    return attrs.evolve(table, x=x, names=tuple(names)), way


def predicted(rng: Rng, folder: Path) -> Case:
    """Tables with columns in other orders, more of them or fewer, as frames and as files."""
    words = tuple(name for name in WORDS if name == name.strip() and not name.startswith("#"))
    table = grouped(rng, words=words)
    table = attrs.evolve(table, x=table.x.astype(some(rng, [np.float64, np.float32])))
    query, way = _query(rng, table)
    as_file = rng.random() < 0.6
    if as_file:
        write = some(rng, [*TEXT, *(other for other in TYPED if other.__name__ != "npy")])
        text = write in TEXT
        query = attrs.evolve(query, x=query.x.astype(np.float64 if text else query.x.dtype))
        written = write(
            rng, query, folder, **({"plain": True} if write.__name__ == "text_table" else {})
        )
        ask = {key: value for key, value in written.ask.items() if key in ("id", "header")}
        # What the model knows by name need not be said; without y: false a label is left out too.
        given: Any = {"path": str(written.path), **ask}
        shown = written.path.name
    else:
        given, *_ = some(rng, [_pandas, _polars, _arrow, _mapping, _structured])(rng, query)
        shown = type(given).__name__

    def run() -> str:
        known = model().fit(pd.DataFrame(table.x, columns=list(table.names)))
        expected = known.labels_
        try:
            if as_file:
                n = known.n_features_in_
                with data.open_rows(given, like=known.schema_, n_features=n) as source:
                    found = np.concatenate([known.predict(block.x) for block in source.blocks(3)])
            else:
                found = known.predict(given)
        except DataError as error:
            gone = set(table.names) - set(query.names)
            require(bool(gone), f"refused: {error}")
            named = all(repr(name) in str(error) for name in gone)
            require(named, f"{gone} not named: {error}")
            return "refused"
        assert way not in ("missing", "renamed"), f"labels of other columns: {found}"
        assert np.array_equal(found, expected), f"labels {found}, in order {expected}"
        return "right"

    return f"{shown} {way} {table.names} {query.names}", run
