"""Tables of thousands of columns of several kinds: fitted, saved, read again; and rows so wide."""

from __future__ import annotations

import time

import numpy as np
import pytest

from n2d_framework import N2D, load
from n2d_framework.core.arrays.leading_axes import leading_axes
from n2d_framework.core.rows import Rows, packed_rows, unpacked_rows
from n2d_framework.core.rows.fields import Field, Schema
from n2d_framework.errors import DataError, StateError
from n2d_framework.plots.row_sample import to_plane


def wide(n: int, d: int) -> Rows:
    """Numbers with gaps, categories and dates in turn, of two groups."""
    rng = np.random.default_rng(0)
    group = np.arange(n) % 2
    kinds = (
        lambda: np.where(rng.random(n) < 0.1, np.nan, group + 0.1 * rng.normal(size=n)),
        lambda: np.array(["u", "vé", None], dtype=object)[(group + (rng.random(n) < 0.1)) % 3],
        lambda: np.datetime64("2024-01-01") + (50 * group + np.arange(n)).astype("m8[D]"),
        lambda: rng.random(n) < 0.5,
    )
    return Rows.of({f"c{i}": kinds[i % 4]() for i in range(d)})


def test_a_model_of_more_columns_than_get_a_group_each(tmp_path):
    rows = wide(24, 1200)
    model = N2D("identity", "identity", "kmeans", prepare="table", n_clusters=2, random_state=0)
    model.fit(rows).save(tmp_path / "wide.n2d")
    again = load(tmp_path / "wide.n2d")
    assert np.array_equal(again.predict(rows), model.labels_)
    assert again.schema_ == model.schema_


def test_missing_columns_of_many_are_named_at_once():
    """Once for each column, all names were put into a set: 20,000 took a minute."""
    names = [f"gene{number}" for number in range(20_000)]
    schema = Schema(tuple(map(Field, names)))
    began = time.process_time()
    assert schema.match(names[::-1], len(names)) is not None
    with pytest.raises(DataError, match=r"lacks 2 of the 20000 .*'gene7' .*'Gene_7x'.*'gene9'"):
        schema.match([name for name in names if name not in ("gene7", "gene9")] + ["Gene_7x"], 1)
    assert time.process_time() - began < 5


@pytest.mark.parametrize("change", ["lengths", "arrays", "columns"])
def test_arrays_of_columns_that_do_not_fit_are_refused(change):
    rows = wide(6, 1001)
    state = packed_rows(rows)
    assert len(state) < 20
    again = packed_rows(unpacked_rows(state, rows.schema))
    assert {name: part.tobytes() for name, part in again.items()} == {
        name: part.tobytes() for name, part in state.items()
    }
    if change == "lengths":
        state["values_0_lengths"] = state["values_0_lengths"] + 1
    elif change == "arrays":
        state["values_0"] = state["values_0"][:-1]
    else:
        state["columns"] = state["columns"][:-1]
    with pytest.raises(StateError, match="columns"):
        unpacked_rows(state, rows.schema)


@pytest.mark.parametrize("rank", [1, 2, 9])
def test_axes_of_rows_wider_than_their_number_are_those_of_their_columns(rank):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(10, rank)) @ rng.normal(size=(rank, 600))
    centred = rows - rows.mean(axis=0)
    squares, axes = leading_axes(centred, 3)
    expected = np.linalg.svd(centred)[1] ** 2
    np.testing.assert_allclose(squares[:3], expected[:3], atol=1e-8 * expected[0])
    real = min(rank, 3)
    np.testing.assert_allclose((axes.T @ axes)[:real, :real], np.eye(real), atol=1e-9)
    along = ((centred @ axes) ** 2).sum(axis=0)
    np.testing.assert_allclose(along, expected[:3], atol=1e-8 * expected[0])
    assert np.isfinite(to_plane(rows)[0]).all()
