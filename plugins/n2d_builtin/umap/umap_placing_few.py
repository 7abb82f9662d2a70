"""Placing of a few new rows by NumPy: bit for bit what the compiled code gives.

A process that predicts one row would spend most of its time on loading the compiler.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.umap.umap_forces import FIRST_STEP, LANES, STEEPEST, STEP_BITS, WITHIN_STEP
from n2d_framework.plugin import AnyArray, IntArray

__all__ = ["place_few"]

_TOLERANCE, _LEAST_SCALE, _MOST_DISTANCE = 1e-5, 1e-3, 2.0**30
_ZERO, _STEEPEST = np.float32(0.0), np.float32(STEEPEST)


def place_few(
    indices: IntArray, distances: AnyArray, embedding: NDArray[np.float32],
    placed: NDArray[np.float32], drawn: NDArray[np.float32], lanes: tuple[int, ...],
    pulls: NDArray[np.float32], pushes: NDArray[np.float32], rate: float, negatives: int,
    connectivity: float, n_epochs: int,
) -> None:  # fmt: skip
    """Place rows one by one; parameters as of ``place_together`` in ``umap_placing_kernel``."""
    for nearest, apart, current in zip(indices, distances, placed, strict=True):
        if apart[0] == 0.0:
            current[:] = embedding[nearest[0]]
            continue
        weights = _strengths(apart, connectivity)
        current[:] = _start(nearest, weights, embedding)
        far = 0
        for epoch, j in _samples(weights, n_epochs):
            alpha = np.float32(rate * (1.0 - epoch / n_epochs))
            _step(current, embedding[nearest[j]], pulls, alpha, len(lanes))
            for _ in range(negatives):
                _step(current, drawn[far % len(drawn)], pushes, alpha, len(lanes))
                far += 1


def _strengths(distances: AnyArray, connectivity: float) -> list[float]:
    largest = distances[-1]
    if largest > _MOST_DISTANCE or 0.0 < largest < 1.0 / _MOST_DISTANCE:
        distances = distances / largest
    apart: list[float] = distances.tolist()
    rho = _rho(apart, connectivity)
    sigma = _sigma(apart, rho)
    return [_strength(distance - rho, sigma) for distance in apart]


def _strength(beyond: float, sigma: float) -> float:
    return 1.0 if beyond <= 0.0 or sigma == 0.0 else math.exp(-beyond / sigma)


def _rho(distances: list[float], connectivity: float) -> float:
    positive = [distance for distance in distances if distance > 0.0]
    if not positive or connectivity <= 0.0:
        return 0.0
    if len(positive) < connectivity:
        return distances[-1]
    whole = math.floor(connectivity)
    share = connectivity - whole
    below = positive[whole - 1] if whole > 0 else 0.0
    if share > _TOLERANCE and whole < len(positive):
        return below + share * (positive[whole] - below)
    return below


def _sigma(distances: list[float], rho: float) -> float:
    target = math.log2(len(distances))
    low, high, middle = 0.0, math.inf, 1.0
    for _ in range(64):
        total = _added(_strength(distance - rho, middle) for distance in distances[1:])
        if abs(total - target) < _TOLERANCE:
            break
        if total > target:
            high = middle
            middle = (low + high) / 2.0
        else:
            low = middle
            middle = middle * 2.0 if high == math.inf else (low + high) / 2.0
    return max(middle, _LEAST_SCALE * (_added(distances) / len(distances)))


def _added(values: Iterable[float]) -> float:
    """Sum in the order of the values; ``sum`` of Python 3.12 corrects its rounding."""
    total = 0.0
    for value in values:
        total += value
    return total


def _start(
    indices: IntArray, weights: list[float], embedding: NDArray[np.float32]
) -> NDArray[np.float64]:
    start: NDArray[np.float64] = np.zeros(embedding.shape[1])
    if weights[0] >= 1.0:
        start[:] = embedding[indices[0]]
        return start
    total = _added(weights)
    for index, weight in zip(indices, weights, strict=True):
        start += weight / total * embedding[index].astype(np.float64)
    return start


def _samples(weights: list[float], n_epochs: int) -> list[tuple[int, int]]:
    """Epoch and neighbour of each sample, in their order."""
    strongest, found = max(weights), []
    for j, weight in enumerate(weights):
        if weight > 0.0 and weight >= strongest / max(n_epochs, 1):
            period = due = strongest / weight
            while (epoch := math.ceil(due)) < n_epochs:
                found.append((epoch, j))
                due += period
    return sorted(found)


def _step(
    row: NDArray[np.float32], other: NDArray[np.float32], forces: NDArray[np.float32],
    alpha: np.float32, groups: int,
) -> None:  # fmt: skip
    """Move a row along its line to another."""
    difference = row - other
    squares = difference * difference
    squared = _ZERO
    for column in range(0, len(row), LANES * groups):
        part = squares[column : column + LANES]
        for group in range(1, groups):
            part = part + squares[column + group * LANES : column + (group + 1) * LANES]
        while len(part) > 1:
            part = part[: len(part) // 2] + part[len(part) // 2 :]
        squared = squared + part[0]
    bits = int(squared.view(np.int32))
    level, growth = forces[min(max((bits >> STEP_BITS) - FIRST_STEP, 0), len(forces) - 1)]
    difference *= level + np.float32(bits & WITHIN_STEP) * growth
    np.minimum(np.maximum(difference, -_STEEPEST, out=difference), _STEEPEST, out=difference)
    difference *= alpha
    row += difference
