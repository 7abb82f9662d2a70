"""Compiled placing of new rows into a fixed UMAP embedding, each row on its own.

The steps are those of umap-learn's ``transform`` (smooth kNN distances, membership
strengths, weighted mean as start, sampled gradient descent with negative samples), except
that nothing is computed over a batch: the floor of the bandwidth uses the row's own mean
distance, edges are sampled relative to the row's own strongest one, and every row draws the
same stream of random numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.compiled import compiled

__all__ = ["all_strengths", "begin_at", "place", "random_words", "strengths"]

_TOLERANCE = 1e-5
_LEAST_SCALE = 1e-3
#: Up to it, and down to one over it, the search for a bandwidth finds it from 1.
_MOST_DISTANCE = 2.0**30


def random_words(seed: int) -> NDArray[np.int64]:
    """Start of the random stream that every new row draws from."""
    words = np.random.SeedSequence(seed).generate_state(3, dtype=np.uint32)
    # The generator needs bits above the lowest few of each word.
    return (words | np.uint32(1 << 16)).astype(np.int64)


@compiled()
def _rho(distances: Any, connectivity: float) -> Any:
    """Distance up to which neighbours count as connected for sure."""
    first = 0
    while first < distances.shape[0] and distances[first] <= 0.0:
        first += 1
    found = distances.shape[0] - first
    if found == 0 or connectivity <= 0.0:
        return 0.0
    if found < connectivity:
        return distances[-1]
    whole = int(np.floor(connectivity))
    share = connectivity - whole
    below = distances[first + whole - 1] if whole > 0 else 0.0
    if share > _TOLERANCE and whole < found:
        return below + share * (distances[first + whole] - below)
    return below


@compiled()
def _sigma(distances: Any, rho: float) -> Any:
    """Bandwidth at which the strengths add up to log2 of their number."""
    target = np.log2(float(distances.shape[0]))
    low, high, middle = 0.0, np.inf, 1.0
    for _ in range(64):
        total = 0.0
        for j in range(1, distances.shape[0]):
            beyond = distances[j] - rho
            total += np.exp(-beyond / middle) if beyond > 0.0 else 1.0
        if abs(total - target) < _TOLERANCE:
            break
        if total > target:
            high = middle
            middle = (low + high) / 2.0
        else:
            low = middle
            middle = middle * 2.0 if high == np.inf else (low + high) / 2.0
    return max(middle, _LEAST_SCALE * distances.mean())


@compiled()
def strengths(distances: Any, connectivity: float, weights: Any) -> None:
    """Membership strength of each neighbour, in (0, 1]; the unit of distances does not matter."""
    largest = distances[-1]
    if largest > _MOST_DISTANCE or 0.0 < largest < 1.0 / _MOST_DISTANCE:
        distances = distances / largest
    rho = _rho(distances, connectivity)
    sigma = _sigma(distances, rho)
    for j in range(distances.shape[0]):
        beyond = distances[j] - rho
        weights[j] = 1.0 if beyond <= 0.0 or sigma == 0.0 else np.exp(-beyond / sigma)


@compiled()
def all_strengths(
    indices: Any, distances: Any, first: int, connectivity: float, weights: Any
) -> None:
    """Strengths of the neighbours of rows from `first` on; 0 of a row for itself."""
    for i in range(indices.shape[0]):
        strengths(distances[i], connectivity, weights[i])
        for j in range(indices.shape[1]):
            if indices[i, j] == first + i:
                weights[i, j] = 0.0


@compiled()
def begin_at(indices: Any, weights: Any, embedding: Any, current: Any) -> None:
    """Weighted mean of the neighbours; a neighbour of full strength is taken alone."""
    current[:] = 0.0
    if weights[0] >= 1.0:
        current[:] = embedding[indices[0]]
        return
    total = weights.sum()
    for j in range(indices.shape[0]):
        for d in range(current.shape[0]):
            current[d] += weights[j] / total * embedding[indices[j], d]


@compiled()
def _next_random(state: Any) -> Any:
    """One draw of the combined Tausworthe generator that umap uses, below 2**32."""
    state[0] = (((state[0] & 4294967294) << 12) & 0xFFFFFFFF) ^ (
        (((state[0] << 13) & 0xFFFFFFFF) ^ state[0]) >> 19
    )
    state[1] = (((state[1] & 4294967288) << 4) & 0xFFFFFFFF) ^ (
        (((state[1] << 2) & 0xFFFFFFFF) ^ state[1]) >> 25
    )
    state[2] = (((state[2] & 4294967280) << 17) & 0xFFFFFFFF) ^ (
        (((state[2] << 3) & 0xFFFFFFFF) ^ state[2]) >> 11
    )
    return state[0] ^ state[1] ^ state[2]


@compiled()
def _squared(current: Any, other: Any) -> float:
    total = 0.0
    for d in range(current.shape[0]):
        difference = current[d] - other[d]
        total += difference * difference
    return total


@compiled()
def _step(current: Any, other: Any, factor: float, alpha: float) -> None:
    """Move along the line to `other`, each coordinate by at most four times `alpha`."""
    for d in range(current.shape[0]):
        gradient = factor * (current[d] - other[d])
        current[d] += alpha * min(4.0, max(-4.0, gradient))


@compiled()
def _descend(
    indices: Any, periods: Any, embedding: Any, current: Any, random: Any,
    a: float, b: float, gamma: float, rate: float, negatives: float, n_epochs: int,
) -> None:  # fmt: skip
    """Sampled gradient descent of one row against the fixed embedding."""
    due = periods.copy()
    negative_due = periods / negatives if negatives > 0.0 else periods
    alpha = rate
    for epoch in range(n_epochs):
        for j in range(indices.shape[0]):
            if periods[j] <= 0.0 or due[j] > epoch:
                continue
            other = embedding[indices[j]]
            squared = _squared(current, other)
            if squared > 0.0:
                pull = -2.0 * a * b * squared ** (b - 1.0) / (a * squared**b + 1.0)
                _step(current, other, pull, alpha)
            due[j] += periods[j]
            if negatives <= 0.0:
                continue
            draws = int((epoch - negative_due[j]) * negatives / periods[j])
            for _ in range(draws):
                other = embedding[_next_random(random) % embedding.shape[0]]
                squared = _squared(current, other)
                if squared > 0.0:
                    push = 2.0 * gamma * b / ((0.001 + squared) * (a * squared**b + 1.0))
                    _step(current, other, push, alpha)
            negative_due[j] += draws * periods[j] / negatives
        alpha = rate * (1.0 - epoch / n_epochs)


@compiled()
def place(
    indices: Any, distances: Any, embedding: Any, placed: Any, seeds: Any,
    a: float, b: float, gamma: float, rate: float, negatives: float,
    connectivity: float, n_epochs: int,
) -> None:  # fmt: skip
    """Place rows, given their nearest training rows.

    Parameters
    ----------
    indices : int64 array of shape (m, k)
        Nearest training rows in ascending distance.
    distances : float64 array of shape (m, k)
        A row at distance 0 gets the coordinates of that training row.
    embedding : float32 array of shape (n, c)
        Training coordinates, not moved.
    placed : float32 array of shape (m, c), written
    seeds : int64 array of shape (3,)
        State of the random stream with which each row begins.
    a, b : float
        Shape of the low-dimensional similarity ``1 / (1 + a d^(2b))``.
    gamma, rate, negatives, connectivity, n_epochs : float, float, float, float, int
        Repulsion strength, initial learning rate, negative samples per sampled edge, local
        connectivity of the new row, epochs.
    """
    weights = np.empty(indices.shape[1])
    current = np.empty(embedding.shape[1])
    for i in range(indices.shape[0]):
        if distances[i, 0] == 0.0:
            placed[i] = embedding[indices[i, 0]]
            continue
        strengths(distances[i], connectivity, weights)
        begin_at(indices[i], weights, embedding, current)
        strongest = weights.max()
        periods = np.zeros(weights.shape[0])
        for j in range(weights.shape[0]):
            if weights[j] >= strongest / max(n_epochs, 1) and weights[j] > 0.0:
                periods[j] = strongest / weights[j]
        _descend(
            indices[i], periods, embedding, current, seeds.copy(),
            a, b, gamma, rate, negatives, n_epochs,
        )  # fmt: skip
        placed[i] = current
