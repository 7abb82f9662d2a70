"""Updates with few, no, equal or all new rows; and what is left to say of no or one cluster."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import n2d_framework as n2d
from n2d_framework.errors import CompositionError, DataError, DataWarning

CENTRES = np.array([[0.0, 0, 0, 0], [10, 0, 0, 0], [0, 10, 0, 0]])


def stream(seed: int, n: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return CENTRES[np.arange(n) % 3] + rng.normal(size=(n, 4))


def made(clusterer, x, manifolder="identity", **more):
    return n2d.N2D("identity", manifolder, clusterer, scaler="none", random_state=0, **more).fit(x)


@pytest.fixture(scope="module")
def model():
    return made("kmeans", stream(0, 300), n_clusters=3)


def test_a_few_new_rows_are_not_fitted_by_themselves(model):
    few = stream(1, 3)
    found = model.update(few)
    assert (found.drift.verdict, found.refitted, found.model) == ("unknown", False, model)
    with pytest.raises(DataError, match=r"at least 50 to be fitted, and there are 3; give rows to"):
        model.update(few, refit="always")
    with pytest.raises(DataError, match=r"and there are 3; give rows"):
        model.update(few, refit="always", candidates=[2, 3])
    both = model.update(few, stream(0, 300), refit="always")
    assert (both.refitted, both.n_rows) == (True, 303)
    with pytest.raises(DataError, match="0 sample"):
        model.update(few[:0], refit="always")
    small = made("kmeans", stream(0, 30), n_clusters=3)
    assert small.update(stream(1, 30), refit="always").refitted
    with pytest.raises(DataError, match="at least 30 to be fitted, and there are 29"):
        small.update(stream(1, 29), refit="always")


def test_what_cannot_be_fitted_on_new_rows_alone_says_what_to_do(model):
    rows = stream(1, 60)
    wide = made("kmeans", stream(0, 300), {"name": "isomap", "n_neighbors": 80}, n_clusters=3)
    with pytest.raises(CompositionError, match=r"refit of 60 rows: .*; give rows to be fitted"):
        wide.update(rows, refit="always")
    finds = {"name": "hdbscan", "min_cluster_size": 50, "min_samples": 20}
    found = made(finds, stream(0, 300))
    labels = found.labels_.copy()
    with pytest.raises(DataError, match="no cluster is found in the 60 rows, all are noise, and t"):
        found.update(rows + 50.0)
    assert found.labels_.tolist() == labels.tolist()


def test_the_same_rows_again_are_quiet_and_count_twice_with_a_warning(model):
    again = model.update(stream(0, 300))
    assert (again.drift.verdict, again.refitted) == ("quiet", False)
    with pytest.warns(DataWarning, match="300 of the 300 new rows are among the old ones"):
        model.update(stream(0, 300), stream(0, 300))
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(stream(0, 300), columns=list("abcd"))
    table.index = [f"r{i}" for i in range(300)]
    named = made("kmeans", table, n_clusters=3)
    new = table.iloc[:60].rename(index=lambda name: name if len(name) < 3 else name * 2)
    with pytest.warns(DataWarning, match="10 of the 60 new rows are among the old ones"):
        named.update(new, table)


def test_new_rows_in_none_of_the_old_clusters_are_all_new(model):
    found = model.update(stream(1, 60) + 50.0)
    assert {one.kind for one in found.succession.transitions} == {"new", "gone"}
    assert set(found.model.labels_.tolist()) == {3, 4, 5}


def test_stability_of_no_and_of_one_cluster():
    x = np.random.default_rng(0).uniform(size=(150, 4))
    noise = made({"name": "hdbscan", "min_cluster_size": 140, "min_samples": 100}, x)
    assert (noise.labels_ == -1).all()
    with pytest.raises(DataError, match="stability: all 150 rows are noise"):
        noise.stability(x, resamples=0, seeds=2)
    with pytest.raises(DataError, match=r"split of cluster 0: there is no such cluster; .* none"):
        noise.edit().split(0)
    assert noise.explain(x, 0)[0]["second"] is None
    one = made("kmeans", x, n_clusters=1)
    with pytest.warns(DataWarning, match="there is one cluster and no refit finds another"):
        found = one.stability(x, resamples=1, seeds=1)
    assert (found.confidence == 1).all()
    found = made({"name": "hdbscan", "min_cluster_size": 50}, stream(0, 210))
    with pytest.raises(CompositionError, match=r"fits on 41 of the 51 rows: .* use seeds alone"):
        found.stability(stream(1, 51), resamples=2, seeds=0)


@pytest.mark.parametrize("kind", ["columns", "frame", "array", "sparse", "texts"])
def test_no_new_rows_are_refused_in_words(kind: str) -> None:
    rng = np.random.default_rng(0)
    numbers = pd.DataFrame(rng.random((40, 3)), columns=list("abc"))
    parts = ("identity", "identity", "kmeans")
    x: Any = numbers
    if kind == "columns":
        x = numbers.assign(c=["u", "v"] * 20)
    elif kind == "array":
        x = numbers.to_numpy()
    elif kind == "sparse":
        x, parts = sp.csr_array(numbers), ("truncated_svd", *parts[1:])
    elif kind == "texts":
        x, parts = np.array(["one ship", "two trains"] * 20, dtype=object), (None, *parts[1:])
        x = pd.DataFrame({"words": x, "size": 1.0 * np.arange(40)})
    model = n2d.N2D(*parts, n_clusters=2, random_state=0).fit(x)
    with pytest.raises(DataError, match=r"has no rows|0 sample\(s\)"):
        model.predict(x[:0])


def test_matrices_derived_from_those_of_scipy_are_sparse_as_well() -> None:
    """As views of AnnData are: cells[:10] of a model that was fitted on all cells."""

    class View(sp.csr_array):
        pass

    View.__module__ = "elsewhere.views"
    x = sp.csr_array(np.random.default_rng(0).random((40, 6)).round())
    model = n2d.N2D("truncated_svd", "identity", "kmeans", n_clusters=2, random_state=0).fit(x)
    np.testing.assert_array_equal(model.predict(View(x[:9])), model.labels_[:9])
    again = n2d.N2D("truncated_svd", "identity", "kmeans", n_clusters=2, random_state=0)
    np.testing.assert_array_equal(again.fit_predict(View(x)), model.labels_)


@pytest.mark.parametrize("odd", [3, 2.5, float("nan"), b"bytes", ["a list"], True])
def test_values_among_texts_are_refused_with_their_row(odd: Any) -> None:
    texts = ["the ship sails", "the train goes", None, odd, "a boat"]
    with pytest.raises(DataError, match=r"X: row 3 is .*, not a text as other rows are"):
        n2d.N2D("identity", "identity", "kmeans", n_clusters=2).fit(texts)
