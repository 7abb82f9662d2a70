"""Compiled optimization of a UMAP layout: one epoch of some of its tasks."""

from __future__ import annotations

from typing import Any

import numpy as np

from n2d_builtin.common.compiled import compiled
from n2d_builtin.umap.umap_forces import LANES
from n2d_builtin.umap.umap_vectors import looked_up, move_part, squared_part

__all__ = ["advance", "local_radii"]

_FAST = ("reassoc", "contract", "nsz")
_COUNTER, _MIX_A, _MIX_B = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xBF58476D1CE4E5B9),
    np.uint64(0x94D049BB133111EB),
)
#: As umap-learn adds to squared radii, and takes steps at most.
_LEAST_SQUARE, _STEEPEST = 1e-8, np.float32(4.0)
#: A row without an edge would divide by zero.
_LEAST_TOTAL = 1e-30

_squared_part: Any = squared_part(_FAST)
_attract_part: Any = move_part(_FAST, both=True)
_repel_part: Any = move_part(_FAST)


@compiled()
def _mixed(word: Any) -> Any:
    """A number that looks random, for each number (splitmix64)."""
    word = (word ^ (word >> np.uint64(30))) * _MIX_A
    word = (word ^ (word >> np.uint64(27))) * _MIX_B
    return word ^ (word >> np.uint64(31))


@compiled(fastmath=set(_FAST))
def _distance(rows: Any, i: Any, j: Any, lanes: Any) -> Any:
    total = np.float32(0.0)
    for column in range(0, rows.shape[1], LANES * len(lanes)):
        total += _squared_part(column, rows, i, rows, j, lanes)
    return total


@compiled(fastmath=set(_FAST))
def _attract(rows: Any, i: Any, j: Any, pulls: Any, alpha: Any, lanes: Any) -> None:
    force = looked_up(pulls, _distance(rows, i, j, lanes))
    for column in range(0, rows.shape[1], LANES * len(lanes)):
        _attract_part(column, rows, i, rows, j, force, alpha, lanes)


@compiled(fastmath=set(_FAST))
def _attract_by_density(
    rows: Any, i: Any, j: Any, pulls: Any, alpha: Any, lanes: Any, weight: Any, density: Any
) -> None:
    """As :func:`_attract`, and towards where the radii of both rows follow those in the data."""
    similarities, gains, inverse, power = density
    squared = _distance(rows, i, j, lanes)
    pull, similarity = looked_up(pulls, squared), looked_up(similarities, squared)
    # A radius is a mean weighted by similarity: it grows with the distance, and with the weight.
    slope = 1.0 - power * (1.0 - similarity)
    both = gains[i] * (slope * inverse[i] - 0.5 * pull)
    both += gains[j] * (slope * inverse[j] - 0.5 * pull)
    push = np.float32(2.0 * weight * similarity * both)
    for column in range(rows.shape[1]):
        difference = rows[i, column] - rows[j, column]
        step = min(max(pull * difference, -_STEEPEST), _STEEPEST)
        step += min(max(push * difference, -_STEEPEST), _STEEPEST)
        rows[i, column] += alpha * step
        rows[j, column] -= alpha * step


@compiled(fastmath=set(_FAST))
def local_radii(
    rows: Any, lanes: Any, begins: Any, neighbors: Any, similarities: Any, first: int, stop: int,
    radii: Any, totals: Any,
) -> None:  # fmt: skip
    """Logarithms of the mean squared distance to a row's neighbours, weighted by similarity.

    Parameters
    ----------
    rows : float32 array of shape (n, w)
    lanes : tuple of int64
    begins : int64 array of shape (n + 1,)
        Where the neighbours of each row begin.
    neighbors : int32 array of shape (e,)
    similarities : float32 array of shape (steps, 2)
        Table over the squared distance.
    first, stop : int
        Rows.
    radii, totals : float64 arrays of shape (n,), written
        The second has twice the sum of similarities, since each edge stands in the graph twice.
    """
    for i in range(first, stop):
        weighted, total = 0.0, 0.0
        for e in range(begins[i], begins[i + 1]):
            squared = _distance(rows, i, np.int64(neighbors[e]), lanes)
            similarity = looked_up(similarities, squared)
            weighted += similarity * squared
            total += similarity
        total = max(total, _LEAST_TOTAL)
        radii[i], totals[i] = np.log(_LEAST_SQUARE + weighted / total), 2.0 * total


@compiled(fastmath=set(_FAST))
def _repel(rows: Any, i: Any, others: Any, pushes: Any, alpha: Any, lanes: Any) -> None:
    """Move row `i` away from others in turn, each force taken where the last one left it.

    All at once, two close rows together push it far beyond where either would: layouts come out
    noisier, and clusters wider.
    """
    for p in range(others.shape[0]):
        force = looked_up(pushes, _distance(rows, i, others[p], lanes))
        for column in range(0, rows.shape[1], LANES * len(lanes)):
            _repel_part(column, rows, i, rows, others[p], force, alpha, lanes)


@compiled()
def _draw(others: Any, word: Any, first: Any, count: Any, i: Any, j: Any) -> Any:
    """Fill `others` with rows of ``first … first + count - 1``; two of each random word.

    `i` stands in for `j`, since a row does not repel itself: among the few rows of its block
    the other end of the edge would be drawn far more often than among all rows.
    """
    low = np.uint64(0xFFFFFFFF)
    drawn = np.uint64(0)
    for p in range(others.shape[0]):
        if p % 2 == 0:
            word += _COUNTER
            drawn = _mixed(word)
        row = first + np.int64(((drawn & low) * np.uint64(count)) >> np.uint64(32))
        others[p] = i if row == j else row
        drawn = drawn >> np.uint64(32)
    return word


@compiled(fastmath=set(_FAST))
def advance(
    rows: Any, lanes: Any, heads: Any, tails: Any, periods: Any, due: Any,
    starts: Any, pairs: Any, bounds: Any, first: Any, stop: Any, step: Any,
    epoch: Any, seed: Any, alpha: Any, negatives: Any, pulls: Any, pushes: Any,
    density: Any,
) -> None:  # fmt: skip
    """Sample the edges of tasks ``first, first + step, …`` that are due in an epoch.

    Parameters
    ----------
    rows : float32 array of shape (n, w), moved
        Coordinates; `w` is a multiple of ``LANES * len(lanes)``.
    lanes : tuple of int64
        Only its length counts.
    heads, tails : int32 arrays of shape (e,)
    periods, due : float32 arrays of shape (e,)
        Epochs between two samples of an edge, and when the next is due (moved on).
    starts : int64 array of shape (t + 1,)
        Where the edges of each task begin.
    pairs : int64 array of shape (t, 2)
        The two blocks of rows that a task moves.
    bounds : int64 array of shape (blocks + 1,)
        Where each block of rows begins.
    first, stop, step : int
        Tasks.
    epoch, seed : int
        With the task they choose the random numbers.
    alpha : float32
        Step size.
    negatives : int
        Rows, drawn from the block of the tail (never the tail itself), that repel the head of
        a sampled edge.
    pulls, pushes : float32 arrays of shape (steps, 2)
        Tables of the attracting and the repelling force.
    density : None or tuple
        Table of similarities; gain and inverse squared radius of each row; the power of the
        similarity; weight of an edge of period 1. Compiled apart for a tuple, so that it costs
        nothing where there is none.
    """
    others = np.empty(negatives, np.int64)
    for task in range(first, stop, step):
        here, there = bounds[pairs[task, 0]], bounds[pairs[task, 1]]
        end, size = bounds[pairs[task, 0] + 1], bounds[pairs[task, 1] + 1] - there
        word = _mixed(np.uint64(seed) + _mixed(np.uint64(epoch * pairs.shape[0] + task)))
        for e in range(starts[task], starts[task + 1]):
            if due[e] > epoch:
                continue
            due[e] += periods[e]
            i, j = np.int64(heads[e]), np.int64(tails[e])
            if density is None:
                _attract(rows, i, j, pulls, alpha, lanes)
            else:
                weight = density[4] * periods[e]
                _attract_by_density(rows, i, j, pulls, alpha, lanes, weight, density[:4])
            if here <= i < end:
                word = _draw(others, word, there, size, i, j)
            else:
                word = _draw(others, word, here, end - here, i, j)
            _repel(rows, i, others, pushes, alpha, lanes)
