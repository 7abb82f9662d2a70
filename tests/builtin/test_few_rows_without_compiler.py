"""The first few rows of a process are answered without numba, by the same bits."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import n2d_framework as n2d
from n2d_builtin.common import compiled as compiling
from n2d_builtin.neighbors.leaves import Leaves
from n2d_builtin.umap.umap_forces import Forces, widened
from n2d_builtin.umap.umap_placing_few import place_few
from n2d_builtin.umap.umap_placing_kernel import place_together


@settings(max_examples=60)
@given(data=st.data())
def test_few_rows_are_placed_where_the_compiled_code_places_them(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1), label="rng"))
    k, columns = data.draw(st.integers(2, 25)), data.draw(st.integers(1, 40))
    epochs, negatives = data.draw(st.integers(0, 40)), data.draw(st.integers(0, 6))
    connectivity = data.draw(st.sampled_from([0.0, 0.4, 1.0, 1.5, 3.0]))
    scale = data.draw(st.sampled_from([1e-12, 1e-3, 1.0, 50.0, 1e12]))
    rows, lanes = widened(rng.normal(scale=10.0, size=(60, columns)).astype(np.float32))
    drawn = rows[rng.integers(0, 60, 64)]
    forces = Forces(1.58, 0.9, float(rng.choice([0.5, 1.0, 3.0])), negatives, 1.0)
    distances = np.sort(rng.gamma(2.0, scale, size=(5, k)), axis=1)
    distances[rng.random(5) < 0.3, : rng.integers(1, k + 1)] = 0.0
    distances[0] = distances[0, -1]
    indices = np.array([rng.permutation(60)[:k] for _ in range(5)])
    options = drawn, lanes, *forces.tables(), 0.25, negatives, connectivity, epochs
    few, many = np.zeros((2, 5, rows.shape[1]), np.float32)
    place_few(indices, distances, rows, few, *options)
    place_together(indices, distances, rows, many, *options)
    np.testing.assert_array_equal(few.view(np.int32), many.view(np.int32))


@settings(max_examples=60)
@given(data=st.data())
def test_their_neighbours_are_those_of_the_leaves(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1), label="rng"))
    n, width = data.draw(st.integers(1, 400)), data.draw(st.integers(1, 10))
    types = st.sampled_from([np.float32, np.float64])
    points = rng.normal(size=(n, width)).astype(data.draw(types))
    if data.draw(st.booleans(), label="on a grid"):
        points = np.round(points)
    rows = np.vstack([points[:3], rng.normal(size=(3, width))]).astype(data.draw(types))
    k = data.draw(st.integers(1, n))
    found = []
    for few in (True, False):
        indices, distances = np.empty((len(rows), k), np.int64), np.empty((len(rows), k))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("n2d_builtin.neighbors.leaves.compiling_pays", lambda _, few=few: not few)
            Leaves(points).search(rows, indices, distances)
        found.append((indices, distances))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1].view(np.int64), found[1][1].view(np.int64))


def test_only_the_first_few_rows_of_a_process(monkeypatch):
    monkeypatch.setattr(compiling, "_asked", 0)
    assert compiling.compiling_pays(1)
    monkeypatch.setattr(compiling, "_asked", 0)
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    assert [compiling.compiling_pays(rows) for rows in (6, 10, 1, 1)] == [False, False, True, True]
    monkeypatch.setattr(compiling, "_asked", 0)
    assert compiling.compiling_pays(10_000)


@pytest.mark.parametrize("clusterer", ["gmm", "kmeans", {"name": "hdbscan", "min_cluster_size": 9}])
def test_a_process_that_predicts_one_row_loads_no_compiler(tmp_path, digits, clusterer):
    x = digits[0][:300]
    manifolder = {"name": "umap", "n_neighbors": 8, "n_epochs": 30}
    model = n2d.N2D("pca", manifolder, clusterer, random_state=0)
    if not isinstance(clusterer, dict):
        model.set_params(n_clusters=5)
    model.fit(x).save(tmp_path / "model.n2d")
    np.savez(tmp_path / "rows.npz", x=digits[0][300:303])
    code = (
        "import sys, numpy as np, n2d_framework as n2d\n"
        "trio = n2d.load(sys.argv[1])\n"
        "x = np.load(sys.argv[2])['x']\n"
        "few = trio.transform(x), trio.predict(x)\n"
        "assert 'numba' not in sys.modules\n"
        "many = [call(np.repeat(x, 9, axis=0))[::9] for call in (trio.transform, trio.predict)]\n"
        "assert 'numba' in sys.modules\n"
        "for one, other in zip(few, many): np.testing.assert_array_equal(one, other)\n"
    )
    run(code, tmp_path / "model.n2d", tmp_path / "rows.npz")
    # A server verifies before it serves, an image when it is built: then all is compiled.
    code = (
        "import sys, n2d_framework as n2d\n"
        "assert n2d.verify(sys.argv[1]).ok\n"
        "assert 'numba' in sys.modules\n"
    )
    run(code, tmp_path / "model.n2d")


def run(code: str, *arguments: Path) -> None:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
