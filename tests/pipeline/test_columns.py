"""Columns of tables in memory: kept at fit, matched by name from then on."""

from __future__ import annotations

import json
import warnings

import dask.dataframe as dd
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import n2d_framework as n2d
from n2d_framework.core.rows import Schema
from n2d_framework.errors import CompositionError, DataError, DataWarning

NAMES = ["a", "b", "c", "d"]


def rows(n: int = 60) -> np.ndarray:
    rng = np.random.default_rng(0)
    centres = rng.normal([0, 100, 200, 300], 20, size=(3, 4))
    return centres[np.arange(n) % 3] + rng.normal(size=(n, 4))


def records(x: np.ndarray, names: list[str]) -> np.ndarray:
    made = np.empty(len(x), dtype=[(name, "f8") for name in names])
    for position, name in enumerate(names):
        made[name] = x[:, position]
    return made


def mapping(x: np.ndarray, names: list[str]) -> dict[str, list[float]]:
    return {name: x[:, position].tolist() for position, name in enumerate(names)}


MAKERS = {
    "pandas": lambda x, names: pd.DataFrame(x, columns=names),
    "polars": lambda x, names: pl.DataFrame(x, schema=names),
    "lazy polars": lambda x, names: pl.DataFrame(x, schema=names).lazy(),
    "arrow": lambda x, names: pa.table(mapping(x, names)),
    "arrow batch": lambda x, names: pa.record_batch(mapping(x, names)),
    "mapping": mapping,
    "records": records,
    "dask": lambda x, names: dd.from_pandas(pd.DataFrame(x, columns=names), npartitions=2),
}


@pytest.fixture(scope="module")
def model() -> n2d.N2D:
    x = pd.DataFrame(rows(), columns=NAMES)
    return n2d.N2D("identity", "identity", "kmeans", n_clusters=3, random_state=0).fit(x)


def like(model: n2d.N2D) -> n2d.N2D:
    return n2d.N2D("identity", "identity", "kmeans", n_clusters=3, random_state=0)


@pytest.mark.parametrize(
    ("fitted", "asked"), [*((made, "pandas") for made in MAKERS), *(("arrow", a) for a in MAKERS)]
)
def test_every_kind_of_table_is_matched_by_name_with_every_other(fitted, asked, model, tmp_path):
    x = rows()
    other = like(model).fit(MAKERS[fitted](x, NAMES))
    assert list(other.feature_names_in_) == NAMES
    other.save(tmp_path / "a.n2d")
    order = [2, 0, 3, 1]
    shuffled = MAKERS[asked](x[:, order], [NAMES[i] for i in order])
    for fit in (other, n2d.load(tmp_path / "a.n2d")):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            np.testing.assert_array_equal(fit.predict(shuffled), other.labels_)
        more = MAKERS[asked](np.column_stack([x, x[:, 0]]), [*NAMES, "note"])
        with pytest.warns(DataWarning, match="left out: 'note'$"):
            np.testing.assert_array_equal(fit.predict(more), other.labels_)
        with pytest.raises(DataError, match=r"lacks 1 of the 4 columns .*'b'"):
            fit.predict(MAKERS[asked](x[:, [0, 2, 3]], ["a", "c", "d"]))
        with pytest.raises(DataError, match="lacks 4 of the 4 columns"):
            fit.predict(MAKERS[asked](x, ["p", "q", "r", "s"]))


@pytest.mark.parametrize(
    "method",
    ["predict", "transform", "embed", "predict_proba", "reconstruct", "score", "assess"],
)
def test_everything_that_takes_rows_matches_them(model, method):
    x = pd.DataFrame(rows(), columns=NAMES)

    def ask(table):
        if method == "assess":
            return np.array(sorted(model.assess(np.arange(60) % 3, table).items()), dtype=object)
        return getattr(model, method)(table)

    np.testing.assert_array_equal(ask(x[NAMES[::-1]]), ask(x))
    with pytest.raises(DataError, match="lacks"):
        ask(x.rename(columns=str.upper))


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("Height", "did you mean 'Height'"),
        (" height ", "did you mean ' height '"),
        ("heigth", "did you mean 'heigth'"),
        ("hei\u200aght", "did you mean"),
    ],
)
def test_a_missing_name_says_what_was_probably_meant(given, hint):
    schema = Schema.of(["height", "width"])
    with pytest.raises(DataError, match=hint):
        schema.match([given, "width"], 2)


def test_names_that_look_the_same_are_distinguished():
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    with pytest.raises(DataError, match=r"cafe\\u0301.*another Unicode form"):
        Schema.of([composed]).match([decomposed], 1)


def test_rows_without_names_go_by_position_and_say_so(model):
    x = rows()
    for bare in (x, pd.DataFrame(x)):
        with pytest.warns(UserWarning, match="does not have valid feature names"):
            np.testing.assert_array_equal(model.predict(bare), model.labels_)
        with (
            pytest.warns(UserWarning, match="feature names"),
            pytest.raises(DataError, match="X has 3 features"),
        ):
            model.predict(bare[:, :3] if isinstance(bare, np.ndarray) else bare.iloc[:, :3])
    unnamed = like(model).fit(x)
    with pytest.warns(UserWarning, match="was fitted without feature names"):
        np.testing.assert_array_equal(
            unnamed.predict(pd.DataFrame(x, columns=NAMES)), unnamed.labels_
        )
    np.testing.assert_array_equal(unnamed.predict(pd.DataFrame(x)[[3, 1, 0, 2]]), unnamed.labels_)


@pytest.mark.parametrize("names", [[10, 20, 30, 40], [1, "b", 2.5, None], [("a", 1)] * 3])
def test_names_that_are_not_strings(model, names):
    x = rows()
    names = names if len(names) == 4 else [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
    frame = pd.DataFrame(dict(zip(range(4), x.T, strict=True)))
    frame.columns = pd.Index(names, tupleize_cols=True)
    fit = like(model).fit(frame)
    assert fit.schema_.named
    np.testing.assert_array_equal(fit.predict(frame.iloc[:, [3, 1, 0, 2]]), fit.labels_)
    json.dumps(fit.schema_.as_json())


def test_names_that_occur_twice(model):
    x = rows()
    twice = pd.DataFrame(np.column_stack([x, x[:, 0]]), columns=[*NAMES, "a"])
    with pytest.raises(DataError, match="several columns are named 'a'"):
        like(model).fit(twice)
    with pytest.raises(DataError, match="several columns are named 'a'"):
        model.predict(twice)
    others = pd.DataFrame(np.column_stack([x, x[:, :2]]), columns=[*NAMES, "n", "n"])
    with pytest.warns(DataWarning, match="left out: 'n', 'n'"):
        np.testing.assert_array_equal(model.predict(others), model.labels_)
    with pytest.raises(DataError, match="the same name once written out"):
        model.predict({1: x[:, 0], "1": x[:, 1]})


@pytest.mark.parametrize(
    "values",
    [
        pd.date_range("2024-01-01", periods=60),
        pd.to_timedelta(range(60), unit="s"),
        ["word"] * 60,
        [1j] * 60,
    ],
)
def test_columns_that_are_not_numbers_are_refused_by_name(model, values):
    for table in (
        pd.DataFrame(rows(), columns=NAMES).assign(c=values),
        {**mapping(rows(), NAMES), "c": np.asarray(values)},
    ):
        with pytest.raises(DataError, match="'c'"):
            model.predict(table)
        with pytest.raises((CompositionError, DataError), match="'c'"):
            like(model).set_params(prepare="minmax").fit(table)
    beside = pd.DataFrame(rows(), columns=NAMES).assign(note=values)
    with pytest.warns(DataWarning, match="'note'"):
        np.testing.assert_array_equal(model.predict(beside), model.labels_)


def test_columns_of_a_mapping_must_be_as_long_as_each_other(model):
    with pytest.raises(DataError, match="'b' has 59 values, 'a' has 60"):
        model.predict({**mapping(rows(), NAMES), "b": np.zeros(59)})
    with pytest.raises(DataError, match="'b' is one value"):
        model.predict({**mapping(rows(), NAMES), "b": 1.0})
    with pytest.raises(DataError, match="no columns"):
        model.predict({})


@pytest.mark.parametrize(
    ("index", "ids"),
    [
        (None, None),
        (range(60), None),
        (range(100, 160), [str(i) for i in range(100, 160)]),
        ([f"{i:04d}" for i in range(60)], [f"{i:04d}" for i in range(60)]),
        ([2**63 - 1 - i for i in range(60)], [str(2**63 - 1 - i) for i in range(60)]),
        (
            pd.date_range("2024-01-01", periods=60),
            [f"{day:%Y-%m-%d}T00:00:00" for day in pd.date_range("2024-01-01", periods=60)],
        ),
        (
            pd.MultiIndex.from_product([["x", "y"], range(30)]),
            [f"{letter}/{i}" for letter in "xy" for i in range(30)],
        ),
        ([None, *map(str, range(59))], ["", *map(str, range(59))]),
    ],
)
def test_the_index_of_a_frame_is_its_ids(model, index, ids):
    fit = like(model).fit(pd.DataFrame(rows(), columns=NAMES, index=index))
    assert (None if fit.ids_ is None else list(fit.ids_)) == ids


@settings(max_examples=30, deadline=None)
@given(
    names=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8),
        min_size=4,
        max_size=4,
        unique=True,
    ),
    order=st.permutations(range(4)),
)
def test_any_names_survive_a_bundle(model, names, order, tmp_path_factory):
    from n2d_framework.pipeline.snapshot import Snapshot
    from n2d_framework.storage import decode, encode

    x = rows()
    fit = like(model).fit(pd.DataFrame(x, columns=names))
    snapshot = fit.to_snapshot()
    image = encode(snapshot.manifest, snapshot.parts, created=snapshot.manifest["created"])
    again = n2d.N2D.from_snapshot(Snapshot(*decode(image)[:2]))
    frame = pd.DataFrame(x, columns=names).iloc[:, list(order)]
    np.testing.assert_array_equal(again.predict(frame), fit.labels_)


def test_names_that_no_file_can_hold_are_refused_before_training(model):
    with pytest.raises(DataError, match="not valid Unicode"):
        like(model).fit(mapping(rows(), ["a", "b", "c", "\ud800"]))


@pytest.mark.parametrize("name", ["Unnamed: 0", "__index_level_0__"])
def test_an_index_among_the_features_is_pointed_out(model, name):
    x = rows()
    frame = pd.DataFrame(np.column_stack([np.arange(60), x]), columns=[name, *NAMES])
    with pytest.warns(DataWarning, match=f"'{name}' looks like the index"):
        like(model).fit(frame)
    with pytest.warns(DataWarning, match=f"left out: '{name}'"):
        np.testing.assert_array_equal(model.predict(frame), model.labels_)


def test_old_bundles_have_names_only():
    assert Schema.of_data({"feature_names": ["a", "b"]}).names == ("a", "b")
    assert Schema.of_data({"feature_names": None}) == Schema()
    assert Schema.of_data({}) == Schema()
    schema = Schema.of(["a", "b"], ["int64", "float32"], y="class", id="key", width=4)
    assert Schema.from_json(json.loads(json.dumps(schema.as_json()))) == schema
