"""Compiled placing of new rows, some at a time, each as if it were alone.

One row's steps wait for each other: each force is taken where the last one left the row. So the
rows of a group take their steps in turn, and a processor works on several at once; no row reads
what belongs to another. The vectors take sums in one order, whatever the processor.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from n2d_builtin.common.compiled import compiled
from n2d_builtin.umap.umap_forces import LANES
from n2d_builtin.umap.umap_kernel import begin_at, strengths
from n2d_builtin.umap.umap_vectors import looked_up, move_part, squared_part

__all__ = ["place_together"]

#: Rows that take their steps in turn.
_GROUP = 8
#: Samples of each of them that are listed at once.
_AHEAD = 1024
_squared_part: Any = squared_part()
_move_part: Any = move_part()


@compiled(forceinline=True)
def _step(rows: Any, i: Any, others: Any, j: Any, forces: Any, alpha: Any, lanes: Any) -> None:
    """Move row `i` of `rows` along its line to row `j` of `others`, by a table of forces."""
    squared = np.float32(0.0)
    for column in range(0, rows.shape[1], LANES * len(lanes)):
        squared += _squared_part(column, rows, i, others, j, lanes)
    force = looked_up(forces, squared)
    for column in range(0, rows.shape[1], LANES * len(lanes)):
        _move_part(column, rows, i, others, j, force, alpha, lanes)


@compiled()
def _periods(
    distances: Any, connectivity: float, n_epochs: int, weights: Any, periods: Any
) -> None:
    """Epochs between two samples of each neighbour; infinite for those too weak to be sampled."""
    strengths(distances, connectivity, weights)
    strongest = weights.max()
    for j in range(weights.shape[0]):
        sampled = weights[j] > 0.0 and weights[j] >= strongest / max(n_epochs, 1)
        periods[j] = strongest / weights[j] if sampled else np.inf


@compiled()
def _samples(
    indices: Any, periods: Any, due: Any, epoch: int, n_epochs: int, rate: float,
    near: Any, alphas: Any,
) -> Any:  # fmt: skip
    """Write the next samples of a row: neighbour and step size; their number and the next epoch."""
    count = 0
    while epoch < n_epochs and count + periods.shape[0] <= near.shape[0]:
        alpha = np.float32(rate * (1.0 - epoch / n_epochs))
        for j in range(periods.shape[0]):
            near[count], alphas[count] = indices[j], alpha
            sampled = due[j] <= epoch
            due[j] += periods[j] if sampled else 0.0
            count += 1 if sampled else 0
        epoch += 1
    return count, epoch


@compiled(forceinline=True)
def _take_steps(
    placed: Any, counts: Any, near: Any, alphas: Any, used: Any, embedding: Any, drawn: Any,
    lanes: Any, pulls: Any, pushes: Any, negatives: int,
) -> None:  # fmt: skip
    """Take the samples of the rows of a group in turn, and their repelling rows."""
    mask = drawn.shape[0] - 1
    for s in range(counts.max()):
        for r in range(placed.shape[0]):
            if s < counts[r]:
                _step(placed, r, embedding, near[r, s], pulls, alphas[r, s], lanes)
        for p in range(negatives):
            for r in range(placed.shape[0]):
                if s < counts[r]:
                    far = (used[r] + s * negatives + p) & mask
                    _step(placed, r, drawn, far, pushes, alphas[r, s], lanes)
    for r in range(placed.shape[0]):
        used[r] += counts[r] * negatives


@compiled()
def place_together(
    indices: Any, distances: Any, embedding: Any, placed: Any, drawn: Any, lanes: Any,
    pulls: Any, pushes: Any, rate: float, negatives: int, connectivity: float, n_epochs: int,
) -> None:  # fmt: skip
    """Place rows, given their nearest training rows.

    Parameters
    ----------
    indices : int64 array of shape (m, k)
        Nearest training rows in ascending distance.
    distances : float64 array of shape (m, k)
        A row at distance 0 gets the coordinates of that training row.
    embedding : float32 array of shape (n, w)
        Training coordinates, not moved; `w` is a multiple of ``LANES * len(lanes)``.
    placed : float32 array of shape (m, w), written
    drawn : float32 array of shape (r, w)
        Coordinates of the repelling rows, which each new row takes in this order, from the
        first one again after the last; `r` is a power of two.
    lanes : tuple of int64
        Only its length counts.
    pulls, pushes : float32 arrays of shape (steps, 2)
        Tables of the attracting and the repelling force.
    rate : float
        First step size; it falls to zero linearly.
    negatives, connectivity, n_epochs : int, float, int
        Repelling rows per sampled neighbour, local connectivity of the new row, epochs.
    """
    k = indices.shape[1]
    weights, start = np.empty(k), np.empty(embedding.shape[1])
    periods, due = np.empty((_GROUP, k)), np.empty((_GROUP, k))
    # One more, which is written but does not count.
    near = np.empty((_GROUP, max(_AHEAD, k) + 1), np.int64)
    alphas = np.empty(near.shape, np.float32)
    counts, epochs, used = np.empty((3, _GROUP), np.int64)
    for first in range(0, indices.shape[0], _GROUP):
        size = min(_GROUP, indices.shape[0] - first)
        used[:] = 0
        epochs[:] = 0
        for r in range(size):
            i = first + r
            if distances[i, 0] == 0.0:
                placed[i] = embedding[indices[i, 0]]
                periods[r] = np.inf
            else:
                _periods(distances[i], connectivity, n_epochs, weights, periods[r])
                begin_at(indices[i], weights, embedding, start)
                placed[i] = start
            due[r] = periods[r]
        while epochs[:size].min() < n_epochs:
            for r in range(size):
                counts[r], epochs[r] = _samples(
                    indices[first + r], periods[r], due[r], epochs[r], n_epochs, rate,
                    near[r], alphas[r],
                )  # fmt: skip
            _take_steps(
                placed[first : first + size], counts[:size], near, alphas, used, embedding,
                drawn, lanes, pulls, pushes, negatives,
            )  # fmt: skip
