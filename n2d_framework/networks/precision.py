"""Return whether the hardware multiplies bfloat16 faster than float32: measured, not assumed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import cache
from typing import Any, Literal, TypeAlias

from n2d_framework.networks.keras_backend import load_keras

__all__ = ["Precision", "bfloat16_is_faster", "resolve_precision"]

Precision: TypeAlias = Literal["auto", "float32", "bfloat16"]

# Hardware has bfloat16 products (two to eight times as fast) or emulates them (as fast at
# best), so that a threshold between the two does not flicker with the load of the machine.
_CLEARLY_FASTER = 1.5
_SIDE = 1024
_REPEATS = 8

_log = logging.getLogger(__name__)


def resolve_precision(precision: Precision) -> Literal["float32", "bfloat16"]:
    """Precision to train in.

    Parameters
    ----------
    precision : {"auto", "float32", "bfloat16"}

    Returns
    -------
    {"float32", "bfloat16"}
        For ``"auto"``: bfloat16 where :func:`bfloat16_is_faster`.
    """
    if precision != "auto":
        return precision
    return "bfloat16" if bfloat16_is_faster() else "float32"


@cache
def bfloat16_is_faster() -> bool:
    """Return whether a 1024 x 1024 product takes less than two thirds of the time in bfloat16.

    Measured once per process, in some tenths of a second: the best of eight alternating
    repetitions each, on the device that Keras computes on.

    Returns
    -------
    bool
    """
    single, half = _products("float32"), _products("bfloat16")
    best = {"float32": float("inf"), "bfloat16": float("inf")}
    for _ in range(_REPEATS):
        best["float32"] = min(best["float32"], _seconds(single))
        best["bfloat16"] = min(best["bfloat16"], _seconds(half))
    _log.debug("1024 x 1024 product: %s seconds", best)
    return best["float32"] > _CLEARLY_FASTER * best["bfloat16"]


def _products(dtype: str) -> Callable[[], Any]:
    ops = load_keras().ops
    matrix = ops.full((_SIDE, _SIDE), 0.5, dtype=dtype)

    def multiply() -> Any:
        return float(ops.cast(ops.matmul(matrix, matrix)[0, 0], "float32"))

    multiply()
    return multiply


def _seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
