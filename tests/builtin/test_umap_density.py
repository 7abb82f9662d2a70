"""Layouts of UMAP whose local radii follow those in the data (densMAP)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import coo_array
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from n2d_builtin.neighbors.neighbors import ExactNeighbors
from n2d_builtin.umap import umap_density as density
from n2d_builtin.umap import umap_forces as forces
from n2d_builtin.umap import umap_layout as layout
from n2d_builtin.umap.umap import Umap
from n2d_builtin.umap.umap_layout_kernel import advance
from n2d_builtin.umap.umap_library import neighbor_graph
from n2d_framework.plugin import ConfigError, FitContext

FORCES = forces.Forces(a=1.6, b=0.9, repulsion=1.0, negatives=5, learning_rate=1.0)
OPTIONS = density.DensityOptions(weight=2.0, share=0.3, shift=0.1)
CONTEXT = FitContext(seed=1, n_jobs=2)


@pytest.fixture(scope="module")
def rows():
    """Three clusters, the widest 25 times as wide as the narrowest."""
    rng = np.random.default_rng(0)
    widths = np.repeat([0.2, 1.0, 5.0], 150)
    centres = np.repeat(np.eye(3, 6) * 40, 150, axis=0)
    return (centres + widths[:, None] * rng.normal(size=(450, 6))).astype(np.float32)


@pytest.fixture(scope="module")
def model(rows):
    return Umap(n_neighbors=15, min_dist=0.1, densmap=True, n_epochs=300).fit(rows, context=CONTEXT)


@pytest.fixture(scope="module")
def graph(rows):
    found = ExactNeighbors(rows).query_self(12)
    return found, neighbor_graph(*found, set_op_mix_ratio=1.0, local_connectivity=1.0)


def spacing(points, among=None):
    search = NearestNeighbors(n_neighbors=15).fit(points if among is None else among)
    return np.log(search.kneighbors(None if among is None else points)[0].mean(axis=1))


def correlation(rows, embedding):
    return np.corrcoef(spacing(rows), spacing(embedding))[0, 1]


def test_radii_in_the_data_are_means_weighted_by_strength(rows, graph):
    (indices, distances), strengths = graph
    found = density.radii_in_the_data(strengths, indices, distances)
    dense = strengths.toarray().astype(float)
    squares = ((rows[:, None].astype(float) - rows[None]) ** 2).sum(axis=2)
    expected = np.log((dense * squares).sum(axis=1) / dense.sum(axis=1))
    expected = (expected - expected.mean()) / expected.std()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    tiny = density.radii_in_the_data(strengths, indices, distances * 2.0**-40)
    np.testing.assert_array_equal(tiny, found)


def test_rows_that_are_all_alike_have_no_radii_to_follow():
    ring = np.stack([np.arange(8), (np.arange(8) + 1) % 8], axis=1)
    strengths = coo_array((np.ones(16, "f"), (np.r_[ring[:, 0], ring[:, 1]],
                           np.r_[ring[:, 1], ring[:, 0]])), shape=(8, 8))  # fmt: skip
    distances = np.tile([0.0, 3.0], (8, 1))
    np.testing.assert_array_equal(
        density.radii_in_the_data(strengths, ring, distances), np.zeros(8)
    )


def umap_learns_step(at, heads, tails, strengths, wanted, forces, options, alpha):
    """One epoch in which every edge is sampled, as umap-learn's densmap writes it, without
    repelling rows.
    """
    at, a, b, n = at.astype(float), forces.a, forces.b, len(at)
    squares = ((at[heads] - at[tails]) ** 2).sum(axis=1)
    similar = 1.0 / (1.0 + a * squares**b)
    sums, radii = np.zeros((2, n))
    for ends in (heads, tails):
        np.add.at(sums, ends, similar)
        np.add.at(radii, ends, similar * squares)
    radii = np.log(1e-8 + radii / sums)
    deviation = np.sqrt(radii.var() + options.shift)
    covariance = radii @ wanted / (n - 1)
    weights = wanted - covariance * (radii - radii.mean()) / deviation**2
    for j, k, strength in zip(heads, tails, strengths, strict=True):
        line = at[j] - at[k]
        square = line @ line
        phi = 1.0 / (1.0 + a * square**b)
        slope = a * b * square ** (b - 1) / (1.0 + a * square**b)
        grown = [
            phi / sums[end] * ((1.0 - b * (1.0 - phi)) / np.exp(radii[end]) + slope)
            for end in (j, k)
        ]
        both = weights[j] * grown[0] + weights[k] * grown[1]
        push = options.weight * strengths.sum() * both / (strength * deviation) / n
        pull = -2.0 * a * b * square ** (b - 1.0) / (a * square**b + 1.0)
        step = np.clip(pull * line, -4, 4) + np.clip(2.0 * push * line, -4, 4)
        at[j] += alpha * step
        at[k] -= alpha * step
    return at


@pytest.mark.parametrize("dimension", [2, 11])
def test_a_step_is_that_of_umap_learns_densmap(dimension):
    rng = np.random.default_rng(3)
    n = 40
    at = (rng.normal(size=(n, dimension)) * 2).astype(np.float32)
    pairs = np.unique(np.sort(rng.integers(0, n, (160, 2)), axis=1), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    strengths = np.tile(rng.uniform(0.2, 1.0, len(pairs)), 2).astype(np.float32)
    heads, tails = np.r_[pairs, pairs[:, ::-1]].T.astype(np.int32)
    wanted = rng.normal(size=n)
    strengths /= strengths.max()
    edges = coo_array((strengths, (heads, tails)), shape=(n, n))
    wide, lanes = forces.widened(at)
    radii = density.Density(OPTIONS, wanted).over(edges, np.arange(n), FORCES, wide, lanes)
    pulls, pushes = FORCES.tables()
    plan = np.array([0, len(heads)]), np.array([[0, 0]]), np.array([0, n])
    advance(
        wide, lanes, heads, tails, 1.0 / strengths, np.ones(len(heads), "f"), *plan, 0, 1, 1,
        1, 0, np.float32(0.05), 2, pulls, np.zeros_like(pushes),
        radii.terms(0, 1, lambda: None),
    )  # fmt: skip
    expected = umap_learns_step(at, heads, tails, strengths, wanted, FORCES, OPTIONS, 0.05)
    without = umap_learns_step(
        at, heads, tails, strengths, wanted, FORCES, density.DensityOptions(0.0, 0.3, 0.1), 0.05
    )
    assert np.abs(expected - without).max() > 0.05
    np.testing.assert_allclose(wide[:, :dimension], expected, rtol=2e-3, atol=2e-3)


def test_radii_of_the_layout_follow_those_in_the_data(rows, model):
    plain = Umap(n_neighbors=15, min_dist=0.1, n_epochs=300).fit(rows, context=CONTEXT)
    assert correlation(rows, model.embedding_) > 0.85
    assert correlation(rows, model.embedding_) > correlation(rows, plain.embedding_) + 0.3


def test_radii_follow_as_much_as_umap_learns():
    digits = load_digits().data[:900].astype(np.float32)
    # umap-learn 0.5.12: n_neighbors=15, densmap=True, random_state=1.
    theirs = 0.8847
    ours = Umap(n_neighbors=15, min_dist=0.1, densmap=True)
    ours = correlation(digits, ours.fit_transform(digits, context=CONTEXT))
    plain = Umap(n_neighbors=15, min_dist=0.1).fit_transform(digits, context=CONTEXT)
    assert ours > theirs - 0.02
    assert ours > correlation(digits, plain) + 0.3


def test_new_rows_are_placed_among_their_neighbours_and_spaced_as_these(rows, model):
    """Those drawn from all rows would drive them out of a dense cluster."""
    rng = np.random.default_rng(1)
    centres, widths = np.repeat(np.eye(3, 6) * 40, 40, axis=0), np.repeat([0.2, 1.0, 5.0], 40)
    new = (centres + widths[:, None] * rng.normal(size=(120, 6))).astype(np.float32)
    placed = model.transform(new)
    before, after = (spacing(new, rows), spacing(placed, model.embedding_))
    assert np.corrcoef(before, after)[0, 1] > 0.85
    np.testing.assert_array_equal(model.transform(new[7:9]), placed[7:9])
    np.testing.assert_array_equal(model.transform(rows[:5]), model.embedding_[:5])
    again = Umap(n_neighbors=15, min_dist=0.1, densmap=True, n_epochs=300)
    again.set_state(model.get_state())
    np.testing.assert_array_equal(again.transform(new), placed)


def test_any_number_of_threads_gives_the_same_bits():
    rng = np.random.default_rng(0)
    start = rng.normal(size=(2500, 3)).astype(np.float32)
    here = np.arange(2500)
    ends = np.r_[here, (here + 1) % 2500], np.r_[(here + 1) % 2500, here]
    edges = coo_array((np.ones(5000, "f"), ends), shape=(2500, 2500))
    followed = density.Density(OPTIONS, rng.normal(size=2500))
    options = {"n_epochs": 10, "seed": 3, "density": followed}
    one, two, four = (
        layout.lay_out(start, edges, FORCES, n_jobs=jobs, **options) for jobs in (1, 2, 4)
    )
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one, four)
    without = layout.lay_out(start, edges, FORCES, n_jobs=1, n_epochs=10, seed=3)
    assert not np.array_equal(one, without)


@pytest.mark.parametrize("nothing", [{"dens_lambda": 0.0}, {"dens_frac": 0.0}])
def test_densities_that_do_not_count_change_nothing(rows, nothing):
    base = {"n_neighbors": 10, "n_epochs": 20}
    plain = Umap(**base).fit(rows, context=CONTEXT)
    other = Umap(**base, densmap=True, **nothing).fit(rows, context=CONTEXT)
    np.testing.assert_array_equal(plain.embedding_, other.embedding_)


@pytest.mark.parametrize(
    "changed", [{"dens_lambda": 0.5}, {"dens_frac": 0.6}, {"dens_var_shift": 1.0}]
)
def test_every_option_changes_the_result(rows, changed):
    base = {"n_neighbors": 10, "n_epochs": 20, "densmap": True}
    one, other = (Umap(**base, **more).fit(rows, context=CONTEXT) for more in ({}, changed))
    assert np.isfinite(other.embedding_).all()
    assert not np.array_equal(one.embedding_, other.embedding_)


def test_densities_take_200_epochs_more(rows):
    few = rows[::9]
    chosen, usual = (
        Umap(n_neighbors=8, densmap=True, n_epochs=epochs).fit(few, context=CONTEXT)
        for epochs in (700, None)
    )
    np.testing.assert_array_equal(chosen.embedding_, usual.embedding_)


@pytest.mark.parametrize(
    "options", [{"dens_lambda": -1.0}, {"dens_frac": 1.5}, {"dens_var_shift": -0.1}]
)
def test_impossible_options_are_refused(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        Umap(densmap=True, **options)
