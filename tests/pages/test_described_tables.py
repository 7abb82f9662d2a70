"""Descriptions of tables: dates, categories and gaps as people read them."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

import n2d_framework as n2d
from n2d_framework.core.arrays.contrasts import feature_contrasts
from n2d_framework.pages.shown_rows import shown_rows
from n2d_framework.plugin import Rows
from n2d_framework.readable import readable_condition, readable_number


def table(n: int = 40, hours: bool = False) -> pd.DataFrame:
    late = np.arange(2 * n) >= n
    days = pd.to_timedelta(np.arange(2 * n) % 28 + 700 * late, unit="D")
    signup = pd.Timestamp("2021-03-01") + days + pd.to_timedelta(13.5 * hours, unit="h")
    return pd.DataFrame(
        {
            "signup": signup,
            "member": np.where(late, "yes", "no"),
            "land": np.array(["DE", "FR", "US"])[np.arange(2 * n) % 3],
            "age": np.where(np.arange(2 * n) % 9 == 0, np.nan, 30.0 + 20 * late),
        }
    )


@pytest.fixture(scope="module")
def fitted():
    parts = {"embedder": "identity", "manifolder": "identity", "clusterer": "kmeans"}
    model = n2d.N2D(**parts, scaler="table", n_clusters=2, random_state=0)
    return model.fit(table())


def test_dates_set_clusters_apart(fitted):
    for cluster in fitted.describe(table())["clusters"]:
        dates = [c for c in cluster["distinctive"] if c["feature"] == "signup (year)"]
        assert len(dates) == 1
        assert sorted((dates[0]["mean"], dates[0]["others"])) == pytest.approx(
            [2021.2, 2023.12], abs=0.01
        )


def test_of_two_categories_that_say_the_same_one_is_given(fitted):
    for cluster in fitted.describe(table(), n_features=9)["clusters"]:
        names = [contrast["feature"] for contrast in cluster["distinctive"]]
        assert len([name for name in names if name.startswith("member")]) == 1
        # Of three, each says something of its own.
        assert len([name for name in names if name.startswith("land")]) > 1
        assert set(cluster["rule"]["conditions"]) <= {
            "member = yes", "member = no", "member is not yes", "member is not no",
            *(c for c in cluster["rule"]["conditions"] if c.startswith(("signup (year)", "age"))),
        }  # fmt: skip


@pytest.mark.parametrize(
    ("hours", "written"), [(False, "signup: 2021-03-01;"), (True, "signup: 2021-03-01 13:30:00;")]
)
def test_days_are_written_without_a_time(hours, written):
    frame = table(hours=hours)
    made = Rows.of_columns({name: frame[name].to_numpy() for name in frame}, {})
    assert shown_rows(made).texts[0].startswith(written)


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)))
def test_years_with_decimals_are_in_order_and_in_their_year(when):
    column = np.array([when, datetime(when.year, 1, 1)], "M8[us]")
    shown = shown_rows(Rows.of_columns({"t": column}, {"t": "date"}))
    now, start = shown.features[:, 0]
    assert start == when.year <= now < when.year + 1


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (("age", "<=", 30.25), "age <= 30.25"),
        (("age", ">", 0.5), "age > 0.5"),
        (("signup (year)", ">", 2021.254), "signup (year) > 2021.25"),
        (("land = FR", ">", 0.5), "land = FR"),
        (("land = FR", "<=", 0.5), "land is not FR"),
        (("age is missing", ">", 0.5), "age is missing"),
        (("age is missing", "<=", 0.5), "age is not missing"),
        (("a = b = c", "<=", 0.5), "a is not b = c"),
    ],
)
def test_conditions_are_readable(condition, said):
    assert readable_condition(*condition) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.123456, "0.1235"), (2020.3712, "2020.37"), (54321.0, "54321"), (-1234.5, "-1234.5"),
     (1.5e7, "1.5e+07"), (0.0, "0"), (999.96, "1000")],
)  # fmt: skip
def test_numbers_are_readable(value, said):
    assert readable_number(value) == said


@pytest.mark.parametrize("most", [10**6, 600], ids=["all features", "those of most variance"])
def test_sparse_rows_are_described_by_their_features(monkeypatch, most):
    monkeypatch.setattr("n2d_framework.pages.shown_rows._MOST_DENSE", most)
    rng = np.random.default_rng(0)
    kind = np.arange(120) % 3
    counts = csr_array(rng.poisson(0.2, (120, 20)) + 6 * np.eye(20)[3 + 5 * kind])
    model = n2d.N2D("truncated_svd", "identity", "kmeans", n_clusters=3, random_state=0)
    described = model.fit(counts).describe(counts)
    assert described["fidelity"] > 0.9
    dense = counts.toarray()
    for cluster in described["clusters"]:
        own = model.labels_ == cluster["label"]
        (of_kind,) = np.unique(kind[own])
        first = cluster["distinctive"][0]
        assert first["feature"] == f"feature {3 + 5 * of_kind}"
        assert first["mean"] == pytest.approx(dense[own, 3 + 5 * of_kind].mean())
        assert first["others"] == pytest.approx(dense[~own, 3 + 5 * of_kind].mean())
        assert all(one.startswith("feature ") for one in cluster["rule"]["conditions"])
    names = shown_rows(Rows.of(counts)).names
    assert len(names) == (20 if most > 2400 else 5)
    assert {"3", "8", "13"} <= set(names)


@pytest.mark.parametrize(("n_groups", "offset"), [(2, 0.0), (40, 1e4), (900, 0.0)])
def test_groups_are_compared_with_all_other_rows(n_groups, offset):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1000, 3)) + offset
    x[:, 0] = 7.1
    labels = np.append(np.arange(n_groups), rng.integers(0, n_groups, 1000 - n_groups))
    found = feature_contrasts(x, labels)
    assert (found.effects[:, 0] == 0).all()
    for group in (0, n_groups // 2, n_groups - 1):
        own, others = x[labels == group], x[labels != group]
        squares = sum(((part - part.mean(axis=0)) ** 2).sum(axis=0) for part in (own, others))
        with np.errstate(invalid="ignore"):
            effects = (own.mean(axis=0) - others.mean(axis=0)) / np.sqrt(squares / 1000)
        np.testing.assert_allclose(found.effects[group, 1:], effects[1:], rtol=1e-6)
        np.testing.assert_allclose(found.others[group], others.mean(axis=0), rtol=1e-9, atol=1e-9)


def test_categories_have_their_lift_and_numbers_none(tmp_path):
    rng = np.random.default_rng(0)
    kind = np.repeat([0, 1, 2], [60, 40, 20])
    pets = np.where(rng.random(120) < 0.9, np.array(["cat", "dog", "fish"])[kind], "none")
    frame = pd.DataFrame({"pet": pets, "weight": 10.0 * kind + rng.normal(size=120)})
    model = n2d.N2D("identity", "identity", "kmeans", prepare="table", n_clusters=3,
                    random_state=0).fit(frame)  # fmt: skip
    lifts = 0
    for cluster in model.describe(frame)["clusters"]:
        own = model.labels_ == cluster["label"]
        for one in cluster["distinctive"]:
            column, _, value = one["feature"].partition(" = ")
            if value:
                has = frame[column] == value
                assert one["mean"] == pytest.approx(has[own].mean())
                assert one["lift"] == pytest.approx(has[own].mean() / has.mean())
                lifts += 1
            else:
                assert one["lift"] is None
    assert lifts >= 3
    model.report(tmp_path / "report.html", frame)
    assert (tmp_path / "report.html").read_text(encoding="utf-8").count(">lift ") == lifts
