"""Compiled optimization of a UMAP layout: one epoch of some of its tasks.

Rows are read, moved and written as whole vectors of single precision numbers, and the two
forces are read from tables (:mod:`n2d_builtin.umap.umap_layout` makes them): most of the time of
umap-learn's layout goes into powers and into coordinates taken one by one.
"""

# numba hands every typing function the types of all arguments.
# ruff: noqa: ARG001
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

from n2d_builtin.common.compiled import compiled

__all__ = ["LANES", "LEAST_EXPONENT", "STEP_BITS", "advance"]

#: Numbers that make one group of a vector.
LANES = 8
#: Tables begin at two to this power, and have this many bits within each of their steps.
LEAST_EXPONENT, STEP_BITS = -30, 17
_FIRST = (127 + LEAST_EXPONENT) << (23 - STEP_BITS)
_WITHIN = (1 << STEP_BITS) - 1
_STEEPEST = 4.0
_FAST = ("reassoc", "contract", "nsz")
_COUNTER, _MIX_A, _MIX_B = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xBF58476D1CE4E5B9),
    np.uint64(0x94D049BB133111EB),
)


def _constant(value: float, width: int) -> Any:
    return ir.Constant(ir.VectorType(ir.FloatType(), width), [value] * width)


def _lanes(builder: Any, vector: Any, chosen: list[int]) -> Any:
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(chosen)), chosen)
    return builder.shuffle_vector(vector, vector, mask)


def _address(context: Any, builder: Any, signature: Any, arguments: Any, at: int) -> Any:
    """Where the vector begins that stands in row ``arguments[at]``, from column ``[1]``."""
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    width = builder.extract_value(array.shape, 1)
    offset = builder.add(builder.mul(arguments[at], width), arguments[1])
    vector = ir.VectorType(ir.FloatType(), LANES * len(signature.args[-1]))
    return builder.bitcast(builder.gep(array.data, [offset]), vector.as_pointer())


def _read(builder: Any, address: Any) -> Any:
    vector = builder.load(address)
    vector.align = 4
    return vector


def _write(builder: Any, vector: Any, address: Any) -> None:
    builder.store(vector, address).align = 4


def _spread(builder: Any, value: Any, width: int) -> Any:
    one = ir.Constant(ir.VectorType(ir.FloatType(), width), ir.Undefined)
    filled = builder.insert_element(one, value, ir.Constant(ir.IntType(32), 0))
    return _lanes(builder, filled, [0] * width)


def _sum(builder: Any, vector: Any) -> Any:
    width = vector.type.count
    parts = [_lanes(builder, vector, list(range(s, s + LANES))) for s in range(0, width, LANES)]
    total = parts[0]
    for part in parts[1:]:
        total = builder.fadd(total, part, flags=_FAST)
    while (half := total.type.count // 2) > 0:
        low, high = (_lanes(builder, total, list(range(s, s + half))) for s in (0, half))
        total = builder.fadd(low, high, flags=_FAST)
    return builder.extract_element(total, ir.Constant(ir.IntType(32), 0))


def _squared(typing: Any, rows: Any, column: Any, i: Any, j: Any, lanes: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        one, other = (
            _read(builder, _address(context, builder, signature, arguments, at)) for at in (2, 3)
        )
        difference = builder.fsub(one, other, flags=_FAST)
        return _sum(builder, builder.fmul(difference, difference, flags=_FAST))

    return types.float32(rows, types.int64, types.int64, types.int64, lanes), generate


def _clipped(builder: Any, vector: Any) -> Any:
    for beyond, limit in (("<", _STEEPEST), (">", -_STEEPEST)):
        bound = _constant(limit, vector.type.count)
        inside = builder.fcmp_ordered(beyond, vector, bound)
        vector = builder.select(inside, vector, bound)
    return vector


def _mover(*, both: bool) -> Callable[..., Any]:
    """A step of row `i` along its line to row `j`, each coordinate by at most 4 `alpha`."""

    def move(
        typing: Any, rows: Any, column: Any, i: Any, j: Any, factor: Any, alpha: Any, lanes: Any
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            here, there = (_address(context, builder, signature, arguments, at) for at in (2, 3))
            one, other = _read(builder, here), _read(builder, there)
            width = one.type.count
            force, rate = (_spread(builder, arguments[at], width) for at in (4, 5))
            difference = builder.fsub(one, other, flags=_FAST)
            step = _clipped(builder, builder.fmul(force, difference, flags=_FAST))
            step = builder.fmul(step, rate, flags=_FAST)
            _write(builder, builder.fadd(one, step, flags=_FAST), here)
            if both:
                _write(builder, builder.fsub(other, step, flags=_FAST), there)
            return context.get_dummy_value()

        counts, numbers = (types.int64,) * 3, (types.float32,) * 2
        return types.void(rows, *counts, *numbers, lanes), generate

    return move


_squared_part: Any = intrinsic(_squared)
_attract_part: Any = intrinsic(_mover(both=True))
_repel_part: Any = intrinsic(_mover(both=False))


@compiled()
def _mixed(word: Any) -> Any:
    """A number that looks random, for each number (splitmix64)."""
    word = (word ^ (word >> np.uint64(30))) * _MIX_A
    word = (word ^ (word >> np.uint64(27))) * _MIX_B
    return word ^ (word >> np.uint64(31))


@compiled(fastmath=set(_FAST))
def _looked_up(table: Any, squared: Any) -> Any:
    """Force at a squared distance, linear within each step of the table."""
    bits = np.float32(squared).view(np.int32)
    step = min(max((bits >> STEP_BITS) - _FIRST, 0), table.shape[0] - 1)
    return table[step, 0] + np.float32(bits & _WITHIN) * table[step, 1]


@compiled(fastmath=set(_FAST))
def _distance(rows: Any, i: Any, j: Any, lanes: Any) -> Any:
    total = np.float32(0.0)
    for column in range(0, rows.shape[1], LANES * len(lanes)):
        total += _squared_part(rows, column, i, j, lanes)
    return total


@compiled(fastmath=set(_FAST))
def _attract(rows: Any, i: Any, j: Any, pulls: Any, alpha: Any, lanes: Any) -> None:
    force = _looked_up(pulls, _distance(rows, i, j, lanes))
    for column in range(0, rows.shape[1], LANES * len(lanes)):
        _attract_part(rows, column, i, j, force, alpha, lanes)


@compiled(fastmath=set(_FAST))
def _repel(rows: Any, i: Any, others: Any, pushes: Any, alpha: Any, lanes: Any) -> None:
    """Move row `i` away from others in turn, each force taken where the last one left it.

    All at once, two close rows together push it far beyond where either would: layouts come out
    noisier, and clusters wider.
    """
    for p in range(others.shape[0]):
        force = _looked_up(pushes, _distance(rows, i, others[p], lanes))
        for column in range(0, rows.shape[1], LANES * len(lanes)):
            _repel_part(rows, column, i, others[p], force, alpha, lanes)


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
            _attract(rows, i, j, pulls, alpha, lanes)
            if here <= i < end:
                word = _draw(others, word, there, size, i, j)
            else:
                word = _draw(others, word, here, end - here, i, j)
            _repel(rows, i, others, pushes, alpha, lanes)
