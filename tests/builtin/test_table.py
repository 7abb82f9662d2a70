"""Tables: each kind of column as features, the same for a row in any company and after a reload."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import QuantileTransformer

import n2d_framework as n2d
from n2d_builtin.prepare.table import Table
from n2d_framework.errors import DataWarning, StateError
from n2d_framework.plugin import DataError, FitContext, Rows


def fitted(frame: Any, **options: Any) -> Table:
    return Table(**options).fit(Rows.of(frame), context=FitContext(seed=3))


def features(table: Table, frame: Any) -> pd.DataFrame:
    return pd.DataFrame(table.transform(Rows.of(frame)), columns=list(table.feature_names_out()))


def mixed(n: int = 60, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 9, n),
            "income": np.exp(rng.normal(9, 2, n)),
            "member": rng.random(n) < 0.3,
            "city": rng.choice(["Bern", "Basel", "Zug"], n, p=[0.5, 0.3, 0.2]),
            "job": [f"clerk {i % 50} of {'abcde'[i % 5]}" for i in range(n)],
            "since": pd.Timestamp("2021-03-01") + pd.to_timedelta(rng.integers(0, 900, n), "D"),
        }
    )
    frame.loc[rng.random(n) < 0.2, "income"] = np.nan
    frame.loc[rng.random(n) < 0.2, "city"] = None
    return frame


def test_every_kind_of_column_has_named_features():
    frame = mixed()
    table = fitted(frame)
    names = table.feature_names_out()
    assert names[:5] == ("age", "income", "member", "since days", "income missing")
    assert names[5:9] == ("city=Basel", "city=Bern", "city=Zug", "city missing")
    assert names[9:] == tuple(f"job {place}" for place in range(10))
    found = features(table, frame)
    assert np.isfinite(found.to_numpy()).all()
    np.testing.assert_allclose(found[["age", "since days"]].std(ddof=0), 1)
    np.testing.assert_allclose(found.filter(like="job").var(ddof=0).sum(), 1)
    absent = frame["income"].isna()
    assert (found.loc[absent, "income"] == 0).all()
    assert (found.loc[absent, "income missing"] > 0).all()
    assert (found.loc[~absent, "income missing"] == 0).all()


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 50),
    st.sampled_from(["standard", "robust", "log", "quantile"]),
    st.sampled_from(["mismatch", "famd", "gower", "none"]),
    st.sampled_from(["elapsed", "parts"]),
    st.sampled_from(["onehot", "ngrams", "hashing"]),
)
def test_a_row_alone_decides_also_after_a_reload(seed, numbers, balance, dates, categories):
    frame = mixed(seed=seed)
    options = {
        "numbers": numbers, "balance": balance, "dates": dates, "categories": categories,
        "n_components": 3,
    }  # fmt: skip
    table = fitted(frame, **options)
    every = table.transform(Rows.of(frame))
    again = Table(**options)
    again.set_state(table.get_state())
    assert again.feature_names_out() == table.feature_names_out()
    assert again.output_shape((6,)) == every.shape[1:]
    rows = Rows.of(frame)
    for row in range(0, len(frame), 7):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            np.testing.assert_array_equal(again.transform(rows.take([row]))[0], every[row])
    np.testing.assert_array_equal(again.transform(rows.take(slice(None, None, -1))), every[::-1])


def test_mismatches_weigh_as_much_as_numbers_differ_on_average():
    frame = pd.DataFrame({"number": np.arange(40.0), "three": list("abc") * 13 + ["a"],
                          "two": ["x", "y"] * 20, "flag": [True] * 10 + [False] * 30})  # fmt: skip
    found = features(fitted(frame), frame)
    numbers = found["number"].to_numpy()
    assert np.square(numbers[:, None] - numbers).mean() == pytest.approx(2)
    three = found.filter(like="three").to_numpy()
    assert np.square(three[0] - three[1]).sum() == pytest.approx(2)
    for either in ("two=y", "flag"):
        assert np.ptp(found[either]) == pytest.approx(np.sqrt(2))


def test_famd_gives_the_distances_of_a_factor_analysis_of_mixed_data():
    frame = pd.DataFrame({"number": np.arange(40.0), "three": list("abc") * 13 + ["a"],
                          "two": ["x", "x", "x", "y"] * 10})  # fmt: skip
    found = fitted(frame, balance="famd").transform(Rows.of(frame))
    codes = pd.get_dummies(frame[["three", "two"]]).to_numpy(float)
    number = (frame["number"] - 19.5) / frame["number"].std(ddof=0)
    expected = np.column_stack([number, codes / np.sqrt(codes.mean(axis=0))])
    np.testing.assert_allclose(
        np.square(found[:, None] - found).sum(axis=2),
        np.square(expected[:, None] - expected).sum(axis=2),
    )


def test_gower_gives_the_distances_of_gower():
    frame = pd.DataFrame({"number": np.arange(12.0) ** 2, "three": list("abc") * 4,
                          "two": ["x", "y"] * 6})  # fmt: skip
    found = fitted(frame, balance="gower").transform(Rows.of(frame))
    apart = np.abs(found[:, None] - found).sum(axis=2)
    number = frame["number"].to_numpy()
    expected = np.abs(number[:, None] - number) / np.ptp(number)
    for name in ("three", "two"):
        values = frame[name].to_numpy()
        expected = expected + (values[:, None] != values)
    np.testing.assert_allclose(apart, expected)


def test_numbers_are_treated_as_chosen():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"a": np.exp(rng.normal(size=500)), "b": rng.normal(size=500)})
    frame.loc[0, "a"] = 1e9
    ranked = features(fitted(frame, numbers="quantile"), frame)["a"]
    expected = QuantileTransformer(n_quantiles=201).fit_transform(frame[["a"]])[:, 0]
    np.testing.assert_allclose(ranked, (expected - expected.mean()) / expected.std())
    assert features(fitted(frame), frame)["a"].max() > 20
    assert features(fitted(frame, numbers="log"), frame)["a"].max() < 20
    robust = features(fitted(frame, numbers="robust"), frame)["a"]
    assert robust.median() == pytest.approx(0, abs=1e-9)
    assert robust.quantile(0.75) - robust.quantile(0.25) == pytest.approx(1.349, abs=0.01)
    one = features(fitted(frame, columns={"a": "log"}), frame)
    pd.testing.assert_series_equal(one["b"], features(fitted(frame), frame)["b"])


@pytest.mark.parametrize("unit", [1e-300, 1e-30, 1.0, 1e30, 1e300])
def test_units_of_numbers_do_not_count(unit):
    frame = mixed()[["age"]]
    for numbers in ("standard", "robust", "log", "quantile"):
        plain = fitted(frame, numbers=numbers).transform(Rows.of(frame))
        scaled = frame * unit
        np.testing.assert_allclose(
            fitted(scaled, numbers=numbers).transform(Rows.of(scaled)), plain, atol=1e-9
        )


def test_parts_of_dates_share_the_weight_of_one_column():
    frame = pd.DataFrame({"when": pd.date_range("2024-01-01", periods=400, freq="19h")})
    table = fitted(frame, dates="parts")
    assert table.feature_names_out() == (
        "when days", "when year sin", "when year cos", "when week sin", "when week cos",
        "when day sin", "when day cos",
    )  # fmt: skip
    assert table.transform(Rows.of(frame)).var(axis=0).sum() == pytest.approx(1)
    daily = pd.DataFrame({"when": pd.date_range("2024-01-01", periods=30, freq="D")})
    assert "when day sin" not in fitted(daily, dates="parts").feature_names_out()
    monday = features(fitted(daily, dates="parts"), daily)["when week sin"]
    assert monday[0] == pytest.approx(monday[7])


def test_rare_categories_are_pooled_and_not_kept_by_name():
    values = ["a"] * 50 + ["b"] * 44 + ["Hapax", "Legomenon", "c", "c", "c", "d"]
    frame = pd.DataFrame({"x": values})
    table = fitted(frame, rare=0.03)
    assert table.feature_names_out() == ("x=a", "x=b", "x=c", "x other")
    found = features(table, frame)
    assert (found.loc[[94, 95, 99], "x other"] == 1).all()
    names = bytes(table.get_state()["categories"]["names"]).decode()
    assert "Hapax" not in names
    few = fitted(pd.DataFrame({"x": ["a"] * 500 + ["b"] * 499 + ["Hapax"]}))
    assert few.feature_names_out() == ("x=b",), "what is rare even together has the mean"
    assert few.transform(Rows.of(pd.DataFrame({"x": ["a", "Hapax", "b"]})))[:, 0] == (
        pytest.approx([0, np.sqrt(2) * 499 / 999, np.sqrt(2)])
    )


def test_unknown_categories_and_new_gaps_are_counted_and_take_the_mean():
    frame = mixed()
    frame["age"] = np.round(frame["age"])
    table = fitted(frame[["age", "city", "since"]])
    new = frame[["age", "city", "since"]].head(4).copy()
    new["city"] = ["Bern", "Chur", "Genf", "Chur"]
    new.loc[2, "age"] = np.nan
    new.loc[3, "since"] = pd.NaT
    with pytest.warns(DataWarning) as caught:
        found = features(table, new)
    assert len(caught) == 1
    message = str(caught[0].message)
    assert "'city' has 3 values of 2 categories that were not there at the fit" in message
    assert "such as 'Chur'" in message
    assert "'age' has 1 missing values, and had none at the fit" in message
    assert "'since' has 1 missing values" in message
    assert found.loc[2, "age"] == 0
    assert found.loc[3, "since days"] == 0
    known = features(table, frame[["age", "city", "since"]])
    for name in known.filter(like="city"):
        assert found.loc[1, name] == pytest.approx(known[name].mean())


@pytest.mark.parametrize("dates", ["elapsed", "parts"])
@pytest.mark.parametrize("far", ["9999-12-31", "0001-01-01", "1600-05-05"])
def test_dates_that_stand_for_none_are_pointed_out(far, dates):
    days = np.datetime64("2023-01-01") + np.arange(60).astype("m8[D]")
    frame = pd.DataFrame({"n": np.arange(60.0), "d": days.astype("M8[us]")})
    table = fitted(frame, dates=dates)
    for at in ([5], range(0, 60, 3)):
        odd = frame.copy()
        odd["d"] = odd["d"].to_numpy().astype("M8[s]")
        odd.loc[[*at], "d"] = np.datetime64(far, "s")
        dates = "date," if len(at) == 1 else "dates such as"
        said = f"column 'd' has {len(at)} {dates} {far}, far from"
        with pytest.warns(DataWarning, match=f"{said} the others"):
            fitted(odd, dates=dates)
        with pytest.warns(DataWarning, match=f"{said} those of the fit"):
            features(table, odd)
    later = frame.assign(d=frame["d"] + pd.Timedelta(days=400))
    later.loc[3, "d"] = pd.NaT
    with pytest.warns(DataWarning) as caught:
        features(table, later)
    assert not any("far from" in str(one.message) for one in caught)


def test_similar_strings_are_near_each_other():
    rng = np.random.default_rng(0)
    words = ["engineer", "engineering", "teacher", "teaching"]
    given_ = [f"{words[i % 4]} {rng.integers(100)}" for i in range(400)]
    frame = pd.DataFrame({"job": given_})
    found = fitted(frame).transform(Rows.of(frame))
    near = np.linalg.norm(found[:, None] - found, axis=2)
    kind = np.arange(400) % 4 // 2
    same, other = near[kind[:, None] == kind].mean(), near[kind[:, None] != kind].mean()
    assert other > 1.5 * same
    hashed = fitted(frame, columns={"job": "hashing"}).transform(Rows.of(frame))
    assert hashed.shape == (400, 10)


def test_texts_are_treated_by_their_pieces():
    frame = pd.DataFrame({"note": [f"{'late' if i % 2 else 'paid'} {i}" for i in range(60)],
                          "n": np.arange(60.0)})  # fmt: skip
    rows = Rows.of(frame, kinds={"note": "text"})
    table = Table(n_components=2).fit(rows, context=FitContext())
    assert table.feature_names_out() == ("n", "note 0", "note 1")


def test_columns_without_two_values_have_no_feature():
    frame = pd.DataFrame({"one": ["x"] * 30, "two": np.full(30, 7.0), "n": np.arange(30.0)})
    frame["none"] = pd.Series([None] * 30, dtype=object)
    assert fitted(frame).feature_names_out() == ("n",)
    with pytest.raises(DataError, match="none of the columns has two values"):
        fitted(frame[["one"]])


def test_an_id_is_pointed_out():
    frame = pd.DataFrame({"id": [f"C{i:03d}" for i in range(30)], "n": np.arange(30.0)})
    with pytest.warns(DataWarning, match=r"'id' has another value in each of 30 rows.*id: drop"):
        fitted(frame)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fitted(frame, columns={"id": "drop"}).feature_names_out() == ("n",)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"agee": "log"}, "not a column 'agee'; did you mean 'age'"),
        ({"age": "onehot"}, "columns.age: 'onehot' is not for columns of kind 'number'"),
        ({"age": "squared"}, "columns.age: 'squared' is not for columns of kind 'number'"),
        ({"city": "log"}, "columns.city: 'log' is not for columns of kind 'category'"),
    ],
)
def test_treatments_that_do_not_fit_are_refused(columns, message):
    with pytest.raises(DataError, match=message):
        fitted(mixed(), columns=columns)


def test_other_columns_than_those_of_the_fit_are_refused():
    frame = mixed()
    table = fitted(frame)
    with pytest.raises(DataError, match="fitted on 6 columns and got 5"):
        table.transform(Rows.of(frame.drop(columns="age")))
    with pytest.raises(DataError, match=r"column 0 is \('age', 'category'\)"):
        table.transform(Rows.of(frame.assign(age="old")))


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("numbers", "how", np.zeros(2, np.int8)),
        ("numbers", "knots", np.zeros((201, 1))),
        ("categories", "column", np.zeros(4, np.int64) + 3),
        ("categories", "ends", np.array([5, 4, 3, 2])),
        ("categories", "share", np.ones(2)),
        ("strings", "weight", np.ones((1, 5))),
        ("strings", "grams", np.array([False])),
        ("", "treatments", ["onehot"] * 6),
        ("", "kinds", ["number"] * 6),
    ],
)
def test_states_that_do_not_fit_together_are_refused(part, key, value):
    state = fitted(mixed()).get_state()
    changed = {**state, key: value} if not part else {**state, part: {**state[part], key: value}}
    with pytest.raises(StateError):
        Table().set_state(changed)


def test_a_model_of_a_table_predicts_and_reloads_and_knows_its_features(tmp_path):
    frame = mixed().drop(columns="job")
    model = n2d.N2D(
        "identity", "identity", "kmeans", prepare="table", describe="summary", n_clusters=3,
        random_state=0,
    )  # fmt: skip
    labels = model.fit_predict(frame)
    model.save(tmp_path / "m.n2d")
    loaded = n2d.load(tmp_path / "m.n2d")
    np.testing.assert_array_equal(loaded.predict(frame), labels)
    np.testing.assert_array_equal(loaded.predict(frame[["city", *frame.columns[:3], "since"]]),
                                  labels)  # fmt: skip
    found = model.descriptions_["summary"]["clusters"][0]["distinctive"]
    assert {item["feature"] for item in found} <= set(model.prepare_[0].feature_names_out())
    with pytest.warns(DataWarning, match="such as 'Chur'"):
        loaded.predict(frame.head(3).assign(city=["Chur", "Bern", "Zug"]))


@pytest.mark.parametrize("config", [{}, {"prepare": {"name": "table", "balance": "famd"}}])
def test_a_table_without_a_choice_has_the_trio_for_tables(config):
    model = n2d.compose({"model": {"n_clusters": 3, **config}}).fit(mixed().drop(columns="job"))
    assert [type(part).__name__ for part in (model.embedder_, model.manifolder_,
                                             model.clusterer_)] == [
        "Identity", "Identity", "KMeans",
    ]  # fmt: skip
