"""Cost of computing one row of a user's network, from the shapes of its layers alone.

A network in a file is text from somebody. A few words of it can ask for more memory or time than
anybody has, with no weights at all, so both are added up before anything is computed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import attrs

__all__ = ["Cost", "cost_complaint", "network_cost", "rows_at_once"]

#: Budgets of one row: numbers that all layers put out together (64 MiB of float32 for small
#: rows), and products. Rows of many values may cost more: whoever asks has to bring them.
_LEAST_VALUES, _VALUES_PER_VALUE = 2**24, 2**8
_LEAST_WORK, _WORK_PER_VALUE = 2**30, 2**17
#: Budgets of the rows that are computed together.
_BLOCK_VALUES, _BLOCK_WORK, _MOST_ROWS = 2**24, 2**31, 64
#: Products that take as long as one value in a layer without weights, as one value within
#: a pooled window, and as one turn of a loop.
_WORK_OF_VALUE, _WORK_OF_POOLED_VALUE, _WORK_OF_TURN = 8, 64, 2**16
#: Convolutions of few channels take up to so many times longer for each product.
_SLOWEST_PRODUCT = 16
_RECURRENT = ("LSTM", "GRU", "SimpleRNN")
_ATTENTION = ("Attention", "AdditiveAttention", "MultiHeadAttention", "GroupedQueryAttention")

_Shape = Sequence[int | None]


@attrs.frozen
class Cost:
    """Cost of computing one row.

    Attributes
    ----------
    values : int
        Numbers that all layers put out together.
    work : int
        Products, roughly, and rather too many.
    """

    values: int
    work: int


def network_cost(model: Any) -> Cost:
    """Add up the layers of a functional model, each as often as it is applied.

    Parameters
    ----------
    model : keras.Model
        Built; nothing of it is computed.

    Returns
    -------
    Cost
    """
    values = work = 0
    for layer in model.layers:
        for node in layer._inbound_nodes:  # noqa: SLF001  # no public name gives all of them
            before = [tuple(tensor.shape) for tensor in node.input_tensors]
            after = [tuple(tensor.shape) for tensor in node.output_tensors]
            scratch = _attended(layer, before) if type(layer).__name__ in _ATTENTION else 0
            values += sum(map(_size, after)) + scratch
            work += _work(layer, before, after) + scratch * max(map(_width, before), default=1)
    return Cost(values, work)


def cost_complaint(cost: Cost, row_values: int) -> str | None:
    """Say why a network costs too much to be computed, or ``None``.

    Parameters
    ----------
    cost : Cost
    row_values : int
        How many numbers a row of the data holds.

    Returns
    -------
    str or None
    """
    for found, least, each, what in (
        (cost.values, _LEAST_VALUES, _VALUES_PER_VALUE, "numbers in memory"),
        (cost.work, _LEAST_WORK, _WORK_PER_VALUE, "products"),
    ):
        most = max(least, each * row_values)
        if found > most:
            return (
                f"takes about {found:.3g} {what} for one row, which is more than {most:.3g}; use "
                "fewer, narrower or more strided layers"
            )
    return None


def rows_at_once(cost: Cost) -> int:
    """Number of rows to compute together: up to 64, and always as many for one network."""
    by_values, by_work = _BLOCK_VALUES // max(1, cost.values), _BLOCK_WORK // max(1, cost.work)
    return max(1, min(_MOST_ROWS, by_values, by_work))


def _size(shape: _Shape) -> int:
    """Numbers per row."""
    return math.prod(size for size in shape[1:] if size is not None)


def _width(shape: _Shape) -> int:
    return int(shape[-1] or 1) if len(shape) > 1 else 1


def _places(shape: _Shape) -> int:
    """Number of vectors of the last dimension that a row holds."""
    return max(1, _size(shape) // max(1, _width(shape)))


def _work(layer: Any, before: Sequence[_Shape], after: Sequence[_Shape]) -> int:
    kind, made = type(layer).__name__, sum(map(_size, after))
    work = _WORK_OF_VALUE * (sum(map(_size, before)) + made)
    weights = sum(math.prod(weight.shape) for weight in layer.weights)
    work += weights * _uses(layer, before, after) * _slowness(layer) if weights else 0
    if "Pooling" in kind:
        work += _WORK_OF_POOLED_VALUE * made * math.prod(getattr(layer, "pool_size", ()))
    elif kind in _RECURRENT:
        work += _WORK_OF_TURN * _places(before[0])
    elif kind == "Dot":
        # free_a x common and free_b x common make free_a x free_b.
        work += math.isqrt(math.prod(map(_size, (*before, *after)))) + 1
    return work


def _uses(layer: Any, before: Sequence[_Shape], after: Sequence[_Shape]) -> int:
    """Number of times that a layer multiplies by its weights for one row."""
    kind = type(layer).__name__
    if "Conv" not in kind:
        return max(map(_places, (*before, *after)))
    shape = before[0] if kind.endswith("Transpose") else after[0]
    if layer.data_format == "channels_first":
        shape = (shape[0], *shape[2:], shape[1])
    return _places(shape)


def _slowness(layer: Any) -> int:
    """Factor by which a product takes longer where too few channels meet for wide instructions."""
    kind = type(layer).__name__
    if kind.startswith(("Depthwise", "Separable")):
        return _SLOWEST_PRODUCT
    if "Conv" not in kind:
        return 1
    return max(1, _SLOWEST_PRODUCT // int(math.prod(layer.kernel.shape[-2:])))


def _attended(layer: Any, before: Sequence[_Shape]) -> int:
    """Numbers that exist while attention is computed: how much each place attends to each."""
    pairs = _places(before[0]) * max(map(_places, before))
    if type(layer).__name__ == "AdditiveAttention":
        return pairs * max(map(_width, before))
    heads = (getattr(layer, name, 1) for name in ("num_heads", "_num_heads", "num_query_heads"))
    return pairs * int(max(heads))
