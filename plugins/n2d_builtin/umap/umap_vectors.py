"""Rows read, moved and written as whole vectors, and forces read from tables, for compiled loops.

Most of the time of umap-learn's layout goes into powers and into coordinates taken one by one.
"""

# numba hands every typing function the types of all arguments.
# ruff: noqa: ARG001
from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

from n2d_builtin.common.compiled import compiled
from n2d_builtin.umap.umap_forces import FIRST_STEP, LANES, STEEPEST, STEP_BITS, WITHIN_STEP

__all__ = ["looked_up", "move_part", "squared_part"]


def _constant(value: float, width: int) -> Any:
    return ir.Constant(ir.VectorType(ir.FloatType(), width), [value] * width)


def _lanes(builder: Any, vector: Any, chosen: list[int]) -> Any:
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(chosen)), chosen)
    return builder.shuffle_vector(vector, vector, mask)


def _address(context: Any, builder: Any, signature: Any, arguments: Any, at: int) -> Any:
    """Where the vector begins that stands in row ``[at + 1]`` of array ``[at]``, from column
    ``[0]``.
    """
    array = context.make_array(signature.args[at])(context, builder, arguments[at])
    width = builder.extract_value(array.shape, 1)
    offset = builder.add(builder.mul(arguments[at + 1], width), arguments[0])
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


def _sum(builder: Any, vector: Any, flags: Any) -> Any:
    width = vector.type.count
    parts = [_lanes(builder, vector, list(range(s, s + LANES))) for s in range(0, width, LANES)]
    total = parts[0]
    for part in parts[1:]:
        total = builder.fadd(total, part, flags=flags)
    while (half := total.type.count // 2) > 0:
        low, high = (_lanes(builder, total, list(range(s, s + half))) for s in (0, half))
        total = builder.fadd(low, high, flags=flags)
    return builder.extract_element(total, ir.Constant(ir.IntType(32), 0))


def squared_part(flags: tuple[str, ...] = ()) -> Any:
    """A function of numba: the squared distance of two rows, over the columns of a vector.

    Parameters
    ----------
    flags : tuple of str
        Of LLVM, on what order of sums may be taken; none: the same bits wherever it is called.

    Returns
    -------
    intrinsic
        Takes ``(column, rows, i, others, j, lanes)``.
    """

    def squared(
        typing: Any, column: Any, rows: Any, i: Any, others: Any, j: Any, lanes: Any
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            one, other = (
                _read(builder, _address(context, builder, signature, arguments, at))
                for at in (1, 3)
            )
            difference = builder.fsub(one, other, flags=flags)
            return _sum(builder, builder.fmul(difference, difference, flags=flags), flags)

        number = types.int64
        return types.float32(number, rows, number, others, number, lanes), generate

    return intrinsic(squared)


def _clipped(builder: Any, vector: Any) -> Any:
    for beyond, limit in (("<", STEEPEST), (">", -STEEPEST)):
        bound = _constant(limit, vector.type.count)
        inside = builder.fcmp_ordered(beyond, vector, bound)
        vector = builder.select(inside, vector, bound)
    return vector


def move_part(flags: tuple[str, ...] = (), *, both: bool = False) -> Any:
    """A function of numba: a step of a row along its line to another.

    Parameters
    ----------
    flags : tuple of str
        As for :func:`squared_part`.
    both : bool, default False
        Whether the other row takes the opposite step.

    Returns
    -------
    intrinsic
        Takes ``(column, rows, i, others, j, force, alpha, lanes)``; each coordinate moves by
        at most 4 `alpha`.
    """

    def move(
        typing: Any, column: Any, rows: Any, i: Any, others: Any, j: Any,
        force: Any, alpha: Any, lanes: Any,
    ) -> Any:  # fmt: skip
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            here, there = (_address(context, builder, signature, arguments, at) for at in (1, 3))
            one, other = _read(builder, here), _read(builder, there)
            width = one.type.count
            pull, rate = (_spread(builder, arguments[at], width) for at in (5, 6))
            difference = builder.fsub(one, other, flags=flags)
            step = _clipped(builder, builder.fmul(pull, difference, flags=flags))
            step = builder.fmul(step, rate, flags=flags)
            _write(builder, builder.fadd(one, step, flags=flags), here)
            if both:
                _write(builder, builder.fsub(other, step, flags=flags), there)
            return context.get_dummy_value()

        number, real = types.int64, types.float32
        taken = number, rows, number, others, number, real, real, lanes
        return types.void(*taken), generate

    return intrinsic(move)


@compiled(inline="always")
def looked_up(table: Any, squared: Any) -> Any:
    """Force at a squared distance, linear within each step of the table."""
    bits = np.float32(squared).view(np.int32)
    step = min(max((bits >> STEP_BITS) - FIRST_STEP, 0), table.shape[0] - 1)
    return table[step, 0] + np.float32(bits & WITHIN_STEP) * table[step, 1]
