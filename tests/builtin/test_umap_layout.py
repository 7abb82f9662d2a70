"""The layout of UMAP: exact steps, the same result on any number of threads, quality, cache."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from scipy.sparse import coo_array, coo_matrix
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from n2d_builtin.umap import umap_forces as forces
from n2d_builtin.umap import umap_layout as layout
from n2d_builtin.umap.umap import Umap
from n2d_builtin.umap.umap_layout_kernel import advance
from n2d_framework.metrics import assess
from n2d_framework.plugin import DataError, FitContext

FORCES = forces.Forces(a=1.9, b=0.79, repulsion=1.0, negatives=5, learning_rate=1.0)


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    return PCA(10, random_state=0).fit_transform(x).astype(np.float32, order="C"), y


def ring(n: int) -> coo_array:
    """Each of `n` rows joined with its two neighbours on a circle."""
    here = np.arange(n)
    heads = np.concatenate([here, (here + 1) % n])
    tails = np.concatenate([(here + 1) % n, here])
    weights = np.where(heads % 3 == 0, 1.0, 0.4).astype(np.float32)
    return coo_array((weights, (heads.astype(np.int32), tails.astype(np.int32))), shape=(n, n))


def test_tables_of_forces_follow_their_formulas():
    pulls, pushes = FORCES.tables()
    squares = np.exp(np.random.default_rng(0).uniform(-18, 20, 2000)).astype(np.float32)
    step = (squares.view(np.int32) >> 17) - ((127 - 30) << 6)
    within = squares.view(np.int32) & (2**17 - 1)
    a, b, s = FORCES.a, FORCES.b, squares.astype(float)
    pull = -2 * a * b * s ** (b - 1) / (a * s**b + 1)
    push = 2 * b / ((0.001 + s) * (a * s**b + 1))
    for table, true in ((pulls, pull), (pushes, push)):
        np.testing.assert_allclose(table[step, 0] + within * table[step, 1], true, rtol=2e-4)


def test_in_a_tournament_everybody_meets_everybody_once_and_no_one_twice_in_a_round():
    for blocks in (1, 2, 8, 32):
        rounds, pairs = layout._tournament(blocks)
        met = {frozenset(pair) for pair in pairs.tolist()}
        assert len(met) == len(pairs) == blocks * (blocks + 1) // 2
        for first, stop in rounds[1:]:
            assert len(set(pairs[first:stop].ravel().tolist())) == blocks


@pytest.mark.parametrize("dimension", [1, 10, 40], ids=lambda m: f"{m}d")
def test_a_task_samples_its_edges_one_after_the_other(dimension):
    """Attraction alone, against the same steps in numpy."""
    rng = np.random.default_rng(1)
    n, groups = 30, -(-dimension // 8)
    lanes = (0,) * min(groups, 4)
    width = 8 * len(lanes) * -(-groups // len(lanes))
    rows = np.zeros((n, width), dtype=np.float32)
    rows[:, :dimension] = rng.normal(size=(n, dimension)) * 3
    heads, tails = rng.integers(0, n, (2, 200)).astype(np.int32)
    periods = rng.uniform(1, 3, 200).astype(np.float32)
    pulls, pushes = FORCES.tables()
    expected, due = rows.astype(float), periods.copy()
    for epoch in (1, 2, 3):
        for e in np.flatnonzero(due <= epoch):
            line = expected[heads[e]] - expected[tails[e]]
            power = FORCES.a * (line @ line) ** FORCES.b
            if power > 0:
                pull = -2 * FORCES.b * power / (line @ line) / (power + 1)
                step = 0.05 * np.clip(pull * line, -4, 4)
                expected[heads[e]] += step
                expected[tails[e]] -= step
            due[e] += periods[e]
    plan = np.array([0, 200]), np.array([[0, 0]]), np.array([0, n])
    later = periods.copy()
    for epoch in (1, 2, 3):
        advance(
            rows, lanes, heads, tails, periods, later, *plan, 0, 1, 1,
            epoch, 0, np.float32(0.05), 2, pulls, np.zeros_like(pushes), None,
        )  # fmt: skip
    np.testing.assert_array_equal(later, due)
    np.testing.assert_allclose(rows, expected, rtol=1e-3, atol=1e-3)


def test_rows_repel_in_turn():
    """Each push starts where the last one ended: k pushes of one row, for a k up to all eight."""
    pulls, pushes = FORCES.tables()
    start = np.zeros((3, 8), dtype=np.float32)
    start[:, :2] = [[0, 0], [9, 9], [0.05, 0.02]]
    rows = start.copy()
    # The edge leads from row 0 to row 1; the block of row 1 holds row 2 as well, which repels.
    blocks = np.array([0, 1]), np.array([[0, 1]]), np.array([0, 1, 3])
    advance(
        rows, (0,), np.array([0], "i"), np.array([1], "i"), np.ones(1, "f"), np.ones(1, "f"),
        *blocks, 0, 1, 1, 1, 0, np.float32(0.1), 8, np.zeros_like(pulls), pushes, None,
    )  # fmt: skip
    place, trajectory = start[0, :2].astype(float), []
    for _ in range(8):
        line = place - start[2, :2]
        square = line @ line
        push = 2 * FORCES.b / ((0.001 + square) * (FORCES.a * square**FORCES.b + 1))
        place = place + 0.1 * np.clip(push * line, -4, 4)
        trajectory.append(place)
    distances = np.linalg.norm(np.array(trajectory) - rows[0, :2], axis=1)
    assert distances.min() < 1e-3
    assert distances.argmin() >= 2
    np.testing.assert_array_equal(rows[1:], start[1:])


def test_repelling_rows_drive_rows_apart():
    start = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    pushed = layout.lay_out(start, ring(40), FORCES, n_epochs=30, seed=0, n_jobs=1)
    calm = forces.Forces(1.9, 0.79, 0.0, 5, 1.0)
    together = layout.lay_out(start, ring(40), calm, n_epochs=30, seed=0, n_jobs=1)
    assert pushed.std() > 3 * together.std()


def test_the_two_ends_of_an_edge_do_not_repel_each_other():
    """In a small block each would be drawn for the other far more often than among all rows."""
    start = np.array([[0, 0], [3, 1]], dtype=np.float32)
    edge = coo_array((np.ones(2, np.float32), ([0, 1], [1, 0])), shape=(2, 2))
    alone = forces.Forces(1.9, 0.79, 0.0, 5, 1.0)
    np.testing.assert_array_equal(
        layout.lay_out(start, edge, FORCES, n_epochs=20, seed=0, n_jobs=1),
        layout.lay_out(start, edge, alone, n_epochs=20, seed=0, n_jobs=1),
    )


@pytest.mark.parametrize("dimension", [2, 10, 40], ids=lambda m: f"{m}d")
def test_any_number_of_threads_gives_the_same_bits(dimension):
    start = np.random.default_rng(0).normal(size=(2500, dimension)).astype(np.float32)
    options = {"n_epochs": 10, "seed": 3}
    one, two, four = (
        layout.lay_out(start, ring(2500), FORCES, n_jobs=jobs, **options) for jobs in (1, 2, 4)
    )
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one, four)
    other = layout.lay_out(start, ring(2500), FORCES, n_jobs=2, n_epochs=10, seed=4)
    assert not np.array_equal(one, other)


def test_a_worker_that_fails_stops_the_others_and_its_error_is_raised():
    def work(worker, workers, wait):
        wait()
        if worker == workers - 1:
            raise ZeroDivisionError("worker")
        wait()

    for workers in (1, 2, 3):
        with pytest.raises(ZeroDivisionError, match="worker"):
            layout._in_step(work, workers)


def test_the_first_worker_may_fail_too():
    def work(worker, workers, wait):
        if worker == 0:
            raise KeyboardInterrupt
        wait()

    with pytest.raises(KeyboardInterrupt):
        layout._in_step(work, 3)


@pytest.mark.slow
def test_a_mixture_finds_the_classes_as_often_as_on_the_layouts_of_umap_learn(digits):
    """Small form of benchmarks/umap_reliability.py, which lays out with umap-learn too."""
    z, y = digits
    options = {"n_neighbors": 20, "n_components": 10, "min_dist": 0.0, "n_epochs": 200}
    # Accuracies on layouts of umap-learn 0.5.12: these options, random_state 0 to 3, n_jobs=1.
    theirs = [0.8854, 0.8798, 0.8703, 0.9288]
    ours = [
        found(Umap(**options).fit_transform(z, context=FitContext(seed=seed)), y, seed)
        for seed in range(len(theirs))
    ]
    assert np.mean(ours) > np.mean(theirs) - 0.02, ours


def found(embedding, y, seed):
    mixture = GaussianMixture(10, n_init=10, random_state=seed)
    return assess(y, mixture.fit_predict(embedding.astype(float)))["acc"]


def test_rows_beyond_the_landmarks_are_placed_by_them(digits):
    model = Umap(max_landmarks=300, n_neighbors=10, n_epochs=30)
    placed = model.fit_transform(digits[0], context=FitContext(seed=2))
    assert placed.shape == (len(digits[0]), 2)
    assert model.latent_.shape == (300, 10)
    np.testing.assert_array_equal(placed, model.transform(digits[0]))
    twice = Umap(max_landmarks=300, n_neighbors=10, n_epochs=30)
    np.testing.assert_array_equal(twice.fit_transform(digits[0], context=FitContext(2)), placed)
    landmarks = {row.tobytes() for row in model.latent_}
    chosen = [i for i, row in enumerate(digits[0]) if row.tobytes() in landmarks]
    np.testing.assert_array_equal(placed[chosen], model.embedding_)


def test_as_many_landmarks_as_rows_changes_nothing(digits):
    rows = digits[0][:150]
    plain, bounded = (
        Umap(n_neighbors=8, n_epochs=10, max_landmarks=most).fit_transform(
            rows, context=FitContext(seed=1)
        )
        for most in (None, 150)
    )
    np.testing.assert_array_equal(plain, bounded)


def test_too_few_landmarks_are_refused_by_name(digits):
    with pytest.raises(DataError, match=r"got 15 \(max_landmarks\)"):
        Umap(max_landmarks=15).fit(digits[0], context=FitContext())


@pytest.fixture(scope="module")
def graph(digits):
    from n2d_builtin.neighbors.neighbors import ExactNeighbors
    from n2d_builtin.umap.umap_library import neighbor_graph

    found = ExactNeighbors(digits[0]).query_self(15)
    return found, neighbor_graph(*found, set_op_mix_ratio=0.7, local_connectivity=1.5)


def test_the_graph_is_that_of_umap_learn(digits, graph):
    from n2d_builtin.umap.umap_library import curve
    from n2d_builtin.umap.umap_start import import_umap

    umap = import_umap().umap_
    (indices, distances), ours = graph
    theirs, *_ = umap.fuzzy_simplicial_set(
        digits[0], 15, np.random.RandomState(0), "euclidean",
        knn_indices=indices, knn_dists=distances.astype(np.float32),
        set_op_mix_ratio=0.7, local_connectivity=1.5,
    )  # fmt: skip
    np.testing.assert_allclose(ours.toarray(), theirs.toarray(), atol=2e-5)
    assert (ours.toarray() == ours.toarray().T).all()
    for spread, least in ((1.0, 0.0), (2.0, 0.5)):
        np.testing.assert_allclose(curve(spread, least), umap.find_ab_params(spread, least))


def test_rows_begin_with_umap_learns_eigenvectors(digits, graph):
    from n2d_builtin.umap.umap_library import pruned
    from n2d_builtin.umap.umap_start import begin, import_umap

    edges = pruned(graph[1], 500)
    theirs = import_umap().spectral.spectral_layout(
        digits[0], coo_matrix(edges), 3, np.random.RandomState(0)
    )
    ours = begin("spectral", digits[0], edges, 3, 0, "euclidean")
    for d in range(3):
        assert abs(np.corrcoef(ours[:, d], theirs[:, d])[0, 1]) > 0.999


def test_machine_code_is_kept_for_the_next_process(tmp_path):
    code = """
import numpy as np
from scipy.sparse import coo_array, coo_matrix
from n2d_builtin.umap.umap_forces import Forces
from n2d_builtin.umap.umap_layout import lay_out
from n2d_builtin.umap.umap_layout_kernel import advance
edge = coo_array((np.ones(1, "f"), (np.array([0], "i"), np.array([1], "i"))), shape=(2, 2))
lay_out(np.eye(2, dtype="f"), edge, Forces(1.9, 0.79, 1.0, 5, 1.0), n_epochs=2, seed=0, n_jobs=1)
print(sum(advance.stats.cache_hits.values()))
"""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", code]
    hits = [
        subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    ]
    assert [int(text) for text in hits] == [0, 1]
