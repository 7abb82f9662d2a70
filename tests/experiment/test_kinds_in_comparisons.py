"""Comparisons of columns, texts, sparse and weighted rows: in workers, from the store, restored."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

import n2d_framework as n2d
from n2d_framework.errors import CompositionError, DataError
from n2d_framework.plugin import Rows

KINDS = runpy.run_path(str(Path(__file__).parents[1] / "pipeline" / "test_kinds_of_rows.py"))
GRID = {"manifolders": ["identity"], "clusterers": ["kmeans"], "n_clusters": 3, "seeds": [0, 1]}


@pytest.fixture
def plugin(use_plugin):
    use_plugin("rows_plugin", KINDS["PLUGIN"])


@pytest.mark.parametrize(
    ("name", "embedders", "more"),
    [
        ("table", ["identity"], {}),
        ("texts", ["lengths"], {}),
        ("texts", ["sums"], {"prepare": ["letters"]}),
        ("counts", ["sums"], {}),
    ],
)
def test_rows_of_every_kind_are_compared_and_their_models_restored(
    plugin, tmp_path, name, embedders, more
):
    x = KINDS[name]()
    y = np.arange(len(x) if name != "counts" else x.shape[0]) % 3
    comparison = n2d.compare(
        GRID | {"embedders": embedders} | more, tmp_path / "out", data={"mine": (x, y)}
    )
    assert len(comparison.table) == 2
    model = comparison.best("nmi")
    expected = KINDS["light"](
        embedders[0], random_state=model.random_state_, prepare=more.get("prepare")
    ).fit(x)
    np.testing.assert_array_equal(model.labels_, expected.labels_)
    np.testing.assert_array_equal(model.predict(x), expected.labels_)
    again = n2d.open_comparison(tmp_path / "out")
    assert again.table["nmi"].tolist() == comparison.table["nmi"].tolist()


def test_what_does_not_fit_is_left_out_with_the_reason(plugin, tmp_path):
    with pytest.raises(CompositionError, match=r"'pca' takes vector, and gets .*text"):
        n2d.compare(GRID | {"embedders": ["pca"]}, tmp_path / "a", data={"t": KINDS["texts"]()})
    with pytest.raises(DataError, match="row 4, column 'age'"):
        n2d.compare(
            GRID | {"embedders": ["pca"], "prepare": ["minmax"]},
            tmp_path / "b",
            data={"t": KINDS["table"]()},
        )


def test_weights_of_rows_count_in_every_stage(plugin, tmp_path, digits):
    x = digits[0][:120]
    weights = np.arange(120) % 3 + 0.5
    rows = Rows.of(x, weights=weights)
    grid = GRID | {"embedders": ["pca"], "clusterers": ["kmeans", "gmm"], "seeds": [0]}
    comparison = n2d.compare(grid, tmp_path / "out", data={"mine": rows})
    assert comparison.table["clusterer"].tolist() == ["kmeans"]
    expected = KINDS["light"]("pca").fit(x, sample_weight=weights)
    np.testing.assert_array_equal(comparison.best("silhouette").labels_, expected.labels_)
    plain = n2d.compare(grid, tmp_path / "plain", data={"mine": x})
    assert plain.table["data_key"][0] != comparison.table["data_key"][0]
