"""Columns, texts, sparse rows and weights from fit to bundle, with small components of a plugin."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

import n2d_framework as n2d
from n2d_framework import N2D
from n2d_framework.errors import (
    BundleError,
    CompositionError,
    ConfigError,
    DataError,
    DataWarning,
    UnsupportedError,
)
from n2d_framework.plugin import ROLES, Rows

PLUGIN = '''
from typing import Any
import numpy as np
from n2d_framework.plugin import (
    ComponentSpec, check_features, component, hookimpl, in_blocks, learned, need, require_fitted,
)

@hookimpl
def n2d_components():
    yield ComponentSpec(
        role="prepare", name="codes", factory="rows_plugin:Codes", summary="Codes of columns",
        input={"number", "category", "date", "text"}, output="vector", missing=True,
    )
    yield ComponentSpec(
        role="prepare", name="letters", factory="rows_plugin:Letters", summary="Counts letters",
        input="text", output="sparse",
    )
    yield ComponentSpec(
        role="embedder", name="lengths", factory="rows_plugin:Lengths", summary="Sizes of texts",
        input="text", default_for=("text",),
    )
    yield ComponentSpec(
        role="embedder", name="sums", factory="rows_plugin:Sums", summary="Products with a matrix",
        sparse=True,
    )
    yield ComponentSpec(
        role="describe", name="kinds", factory="rows_plugin:Kinds", summary="Kinds of columns",
        input={"number", "category", "date", "text"},
    )
    yield ComponentSpec(
        role="describe", name="features", factory="rows_plugin:Features", summary="Features",
    )

@component
class Codes:
    """Numbers as they are; other columns one-hot by the values of the fit; gaps as a further 1."""
    columns_: Any = learned()

    def fit(self, rows, *, context):
        self.columns_ = []
        for field in rows.schema.fields:
            values = rows.column(field.name)
            known = None
            if values.dtype.kind == "O":
                known = sorted({v for v in values if v is not None})
            start = float(np.min(values.astype("i8"))) if values.dtype.kind == "M" else 0.0
            self.columns_.append({"name": field.name, "known": known, "start": start})
        return self

    def transform(self, rows):
        found = []
        for about in require_fitted(self.columns_, "codes"):
            values = rows.column(about["name"])
            if about["known"] is not None:
                found += [[float(v == k) for v in values] for k in about["known"]]
                found.append([float(v is None) for v in values])
            else:
                numbers = values.astype("f8")
                if values.dtype.kind == "M":
                    numbers = np.where(np.isnat(values), np.nan, values.astype("i8") / 1e15)
                gaps = np.isnan(numbers)
                found += [np.where(gaps, 0.0, numbers), gaps.astype(float)]
        return np.array(found).T

    def feature_names_out(self):
        names = []
        for about in self.columns_:
            name, known = about["name"], about["known"]
            names += [name] if known is None else [f"{name} = {k}" for k in known]
            names.append(f"{name} is missing")
        return tuple(names)

    def get_state(self):
        return {"columns": require_fitted(self.columns_, "codes")}

    def set_state(self, state):
        self.columns_ = need(state, "columns", list)

LETTERS = "abcdefghijklmnopqrstuvwxyz "

@component
class Letters:
    n_: Any = learned(dtype=int)

    def fit(self, texts, *, context):
        assert texts.ndim == 1 and texts.dtype == object
        self.n_ = len(LETTERS)
        return self

    def transform(self, texts):
        require_fitted(self.n_, "letters")
        from scipy.sparse import csr_array
        return csr_array(np.array([[t.count(c) for c in LETTERS] for t in texts], dtype=float))

@component
class Lengths:
    mean_: Any = learned(dtype=float)

    def fit(self, texts, *, context):
        self.mean_ = float(np.mean([len(t) for t in texts]))
        return self

    def transform(self, texts):
        mean = require_fitted(self.mean_, "lengths")
        return np.array([[len(t) - mean, t.count("a")] for t in texts], dtype=np.float32)

@component
class Sums:
    axes_: Any = learned(shape=("d", 3), dtype="float32")

    def fit(self, x, *, context):
        assert x.dtype == np.float32
        rng = np.random.default_rng(context.seed)
        self.axes_ = rng.normal(size=(x.shape[1], 3)).astype(np.float32)
        return self

    def transform(self, x):
        axes = require_fitted(self.axes_, "sums")
        check_features(x, len(axes), "sums")
        if isinstance(x, np.ndarray):
            return in_blocks(lambda rows: rows @ axes, x, block=32)
        return np.asarray(x @ axes)

@component
class Kinds:
    def describe(self, rows):
        return {"names": list(rows.feature_names), "type": type(rows.x).__name__}

@component
class Features:
    def describe(self, rows):
        return {"names": list(rows.feature_names), "shape": list(rows.x.shape)}
'''

N = 60


@pytest.fixture
def plugin(only_builtin, use_plugin):
    use_plugin("rows_plugin", PLUGIN)


def table(n: int = N) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    group = np.arange(n) % 3
    frame = pd.DataFrame(
        {
            "age": rng.normal([20, 40, 60], 2, size=(n, 3))[np.arange(n), group],
            "town": np.array(["Ulm", "Bonn", "Kiel"], dtype=object)[group],
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(100 * group + rng.random(n), "D"),
            "paid": group == 1,
        }
    )  # fmt: skip
    frame.loc[4, "age"] = np.nan
    frame.loc[5, "town"] = None
    frame.loc[6, "since"] = pd.NaT
    return frame


def texts(n: int = N) -> list[str]:
    rng = np.random.default_rng(4)
    alphabets = ("aab c", "xyz ", "mnop q rst")
    return ["".join(rng.choice([*alphabets[i % 3]], size=8 + 20 * (i % 3))) + "." for i in range(n)]


def counts(n: int = N) -> sparse.csr_array:
    rng = np.random.default_rng(5)
    dense = rng.poisson(0.2, size=(n, 40)) + 6 * (
        np.arange(40) // 14 == (np.arange(n) % 3)[:, None]
    )
    return sparse.csr_array(dense.astype(np.int64))


def light(embedder: str = "identity", **changes) -> N2D:
    usual = {"manifolder": "identity", "clusterer": "kmeans", "n_clusters": 3, "random_state": 0}
    return N2D(embedder, **usual | changes)


DATA = {
    "columns": lambda: (light(), table()),
    "columns of polars": lambda: (light(), pl.DataFrame(table())),
    "texts": lambda: (light("lengths"), texts()),
    "texts by letters": lambda: (light("sums", prepare="letters"), texts()),
    "sparse": lambda: (light("sums"), counts()),
}


@pytest.mark.parametrize("name", DATA)
def test_rows_of_every_kind_go_from_fit_to_bundle_and_back(plugin, name, tmp_path):
    model, x = DATA[name]()
    labels = model.fit_predict(x)
    assert set(labels) == {0, 1, 2}
    model.save(tmp_path / "a.n2d")
    again = n2d.load(tmp_path / "a.n2d", verify=True)
    assert n2d.verify(tmp_path / "a.n2d").stages[0].identical
    assert again.schema_ == model.schema_
    rows = Rows.of(x)
    for asked in (model, again):
        np.testing.assert_array_equal(asked.predict(x), labels)
        np.testing.assert_array_equal(asked.transform(x), model.manifold_)
        # Each row alone, and in blocks of any size, gets the same bits.
        for size in (1, 7):
            parts = [asked.transform(part) for part in rows.blocks(size)]
            np.testing.assert_array_equal(np.concatenate(parts), model.manifold_)
    shuffled = rows.take(np.arange(N)[::-1])
    np.testing.assert_array_equal(again.predict(shuffled), labels[::-1])


def test_a_bundle_without_rows_has_no_value_of_them_and_predicts(plugin, tmp_path):
    for model, x in (DATA["texts"](), DATA["columns"]()):
        model.fit(x)
        model.save(tmp_path / "with.n2d")
        model.save(tmp_path / "without.n2d", keep_rows=False)
        text = x[0].encode() if isinstance(x, list) else b"Ulm"
        assert (text in (tmp_path / "with.n2d").read_bytes()) or not isinstance(x, list)
        if isinstance(x, list):
            assert text not in (tmp_path / "without.n2d").read_bytes()
        again = n2d.load(tmp_path / "without.n2d")
        assert n2d.verify(tmp_path / "without.n2d").stages == ()
        np.testing.assert_array_equal(again.predict(x), model.labels_)
        assert list(again.get_feature_names_out()) == list(model.get_feature_names_out())


def test_columns_are_matched_by_name_and_keep_their_kinds(plugin):
    x = table()
    model = light().fit(x)
    assert [field.kind for field in model.schema_.fields] == [
        "number",
        "category",
        "date",
        "number",
    ]
    reordered = x[["paid", "since", "town", "age"]].assign(note="n")
    with pytest.warns(DataWarning, match="left out: 'note'"):
        np.testing.assert_array_equal(model.predict(reordered), model.labels_)
    with pytest.raises(DataError, match=r"lacks 1 of the 4 columns .*'town'"):
        model.predict(x.drop(columns="town"))
    with pytest.raises(DataError, match="row 0, column 'age' is 'old', not numeric"):
        model.predict(x.assign(age="old"))
    with pytest.raises(DataError, match=r"row 0, column 'since' is 5.* not a date"):
        model.predict(x.assign(since=5))
    with pytest.raises(DataError, match="fitted on 4"):
        model.predict(np.ones((3, 2)))
    strange = x.assign(town=["Rom", "Ulm", "Oslo"] * 20)
    with pytest.warns(
        DataWarning, match="column 'town' has 40 values of 2 categories that were not"
    ):
        model.predict(strange)
    # Names of the features are known to those that describe.
    described = light(prepare="codes", describe=["kinds", "features"]).fit(x).descriptions_
    assert described["kinds"] == {"names": ["age", "town", "since", "paid"], "type": "Rows"}
    assert described["features"]["names"][:3] == ["age", "age is missing", "town = Bonn"]
    assert described["features"]["shape"] == [60, 10]


def test_what_does_not_fit_is_refused_before_training_with_what_would(plugin):
    x = table()
    with pytest.raises(
        CompositionError,
        match=r"'minmax' takes rows of numbers, and gets columns "
        r"of .*'town' is a category.*; use .*codes",
    ):
        light(prepare="minmax").fit(x.drop(columns=["age"]).dropna())
    with pytest.raises(DataError, match=r"row 4, column 'age'.*SimpleImputer\).*codes"):
        light(prepare="minmax").fit(x)
    with pytest.raises(
        CompositionError, match=r"embedder 'pca' takes vector, and gets .*text.*lengths"
    ):
        light("pca").fit(texts())
    with pytest.raises(
        CompositionError, match=r"'pca' takes vector, and gets sparse rows; use .*sums"
    ):
        light("pca").fit(counts())
    with pytest.raises(
        CompositionError, match=r"'pca' takes vector, and gets sparse rows; use .*sums"
    ):
        light("pca", prepare="letters").fit(texts())
    with pytest.raises(CompositionError, match="'lengths' takes text"):
        light("lengths").fit(counts())
    with pytest.raises(DataError, match=r"row 1, column 'text'"):
        light("lengths").fit(["a", None, "b"])
    model = light("sums").fit(counts())
    with pytest.raises(UnsupportedError, match="reconstruct"):
        model.reconstruct(counts())
    with pytest.raises(DataError, match="X has 39 features"):
        model.predict(counts()[:, :39])
    np.testing.assert_array_equal(model.predict(counts().toarray()), model.labels_)


def test_numbers_with_gaps_and_no_names_are_refused_unless_a_step_takes_them(plugin):
    x = np.random.default_rng(0).normal(size=(20, 3))
    x[3, 1] = np.nan
    with pytest.raises(DataError, match=r"NaN: row 3, column 1; .*codes"):
        light().fit(x)
    model = light(prepare="codes").fit(x)
    np.testing.assert_array_equal(model.predict(x), model.labels_)
    named = light().fit(pd.DataFrame(x, columns=["a", "b", "c"]))
    assert named.to_manifest()["composition"]["prepare"]["name"] == "table"
    dense = light().fit(pd.DataFrame(np.nan_to_num(x), columns=["a", "b", "c"]))
    assert dense.to_manifest()["composition"]["prepare"]["name"] == "minmax"


def test_without_a_choice_each_kind_of_rows_has_its_default(plugin, tmp_path):
    config = {"model": {"n_clusters": 3}}
    for x, prepare, *trio in (
        (texts(), None, "lengths", "umap", "kmeans"),
        (counts(), "none", "truncated_svd", "umap", "gmm"),
        (table(), "table", "identity", "identity", "kmeans"),
        (np.zeros((4, 3)), "minmax", "identity", "umap", "gmm"),
        (np.zeros((4, 8, 8)), "minmax", "identity", "umap", "gmm"),
        (np.zeros((4, 65)), "minmax", "dense_ae", "umap", "gmm"),
    ):
        chosen = n2d.compose(config).composition().for_rows(Rows.of(x))
        assert [chosen.choice(role).name for role in ROLES] == trio
        assert [choice.name for choice in chosen.choices("prepare")] == [prepare] * bool(prepare)
    with pytest.raises(CompositionError, match="dense_ae"):
        n2d.compose(config, ["model.embedder=dense_ae"]).fit(texts())


def test_no_default_for_texts_says_what_to_install(only_builtin, use_plugin):
    use_plugin("rows_plugin", PLUGIN.replace('default_for=("text",)', "default_for=()"))
    with pytest.raises(ConfigError, match="install n2d-text"):
        n2d.compose({"model": {"manifolder": "identity"}}).fit(texts())


def test_weights_count_as_repeated_rows(digits):
    x, _ = digits
    x = x[:200]
    weights = np.random.default_rng(0).integers(0, 4, size=200).astype(float)
    again = np.repeat(x, weights.astype(int), axis=0)
    for scaler in ("minmax", "standard", "maxabs", "none"):
        weighed = light("pca", scaler=scaler, n_clusters=5).fit(x, sample_weight=weights)
        repeated = light("pca", scaler=scaler, n_clusters=5).fit(again)
        np.testing.assert_allclose(
            weighed.transform(x), repeated.transform(x), atol=1e-4 * np.ptp(repeated.manifold_)
        )
        np.testing.assert_array_equal(weighed.predict(x), repeated.predict(x))
        assert weighed.clusterer_.inertia_ == pytest.approx(repeated.clusterer_.inertia_, rel=1e-4)
    # Where nothing is rounded, to the last bit.
    weighed = light(scaler="none").fit(x, sample_weight=weights)
    repeated = light(scaler="none").fit(again)
    np.testing.assert_array_equal(
        weighed.clusterer_.cluster_centers_, repeated.clusterer_.cluster_centers_
    )
    plain = light().fit(x)
    np.testing.assert_array_equal(plain.labels_, light().fit(x, sample_weight=np.ones(200)).labels_)


def test_weights_are_refused_by_what_cannot_honour_them(digits):
    x, _ = digits
    with pytest.raises(CompositionError, match=r"clusterer 'gmm' cannot weigh rows; use .*kmeans"):
        light(clusterer="gmm").fit(x[:50], sample_weight=np.arange(50))
    with pytest.raises(DataError, match="weights must be one per row: 50"):
        light().fit(x[:50], sample_weight=[1, 2])


def test_old_rows_of_a_damaged_bundle_are_refused(plugin, tmp_path):
    """Texts of golden rows that do not fit together are the bundle's error."""
    from n2d_framework.bundle import replay

    model = light("lengths").fit(texts())
    golden = dict(model.to_snapshot().parts["golden"])
    bad = {"column_0": {**golden["x"]["column_0"], "ends": np.array([999], dtype=np.int64)}}
    with pytest.raises(BundleError, match="golden"):
        replay.replay(model, golden | {"x": bad})


def test_warnings_name_the_caller(plugin):
    model = light().fit(table())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.predict(table().assign(note="n"))
    assert [w.filename for w in caught if issubclass(w.category, DataWarning)] == [__file__]
