"""Choice of bfloat16: whether the hardware multiplies it faster than float32."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

from n2d_framework.errors import ConfigError, Problem
from n2d_framework.networks.keras_backend import chosen_backend, load_keras

__all__ = ["Precision", "bfloat16_is_faster", "processor_instructions", "resolve_precision"]

Precision: TypeAlias = Literal["auto", "float32", "bfloat16"]

#: Instructions that multiply bfloat16; other processors emulate it, as fast at best.
_INSTRUCTIONS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
#: Instructions that oneDNN may be kept to, with which it neither multiplies nor emulates bfloat16:
#: TensorFlow then ends the process.
_WITHOUT = frozenset({"sse41", "avx", "avx2", "avx2_vnni", "avx2_vnni_2"})
#: Those with which it emulates it, no faster than float32.
_EMULATING = frozenset({"avx512_core", "avx512_core_vnni"})
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

    Raises
    ------
    ConfigError
        If bfloat16 is asked for, and a variable of the environment keeps oneDNN from it.
    """
    if precision == "bfloat16" and chosen_backend()[0] == "tensorflow":
        name, kept = _kept_to()
        if kept in _WITHOUT and os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1") != "0":
            text = (
                f"bfloat16 cannot be used: {name}={os.environ[name]} keeps oneDNN, by which "
                "TensorFlow multiplies, from it; unset the variable, or choose float32"
            )
            raise ConfigError([Problem("precision", text)])
    if precision != "auto":
        return precision
    return "bfloat16" if bfloat16_is_faster() else "float32"


@cache
def bfloat16_is_faster() -> bool:
    """Return whether the device that Keras computes on has products of bfloat16 of its own.

    A processor says so by its instructions (``avx512_bf16`` or ``amx_bf16``, ``bf16`` of Arm, as
    Linux lists them), so that every process on it trains in the same precision, whatever else it
    does at the time: a measurement would not, and with it the same seed would give other labels.
    ``ONEDNN_MAX_CPU_ISA`` can keep libraries from those instructions, and counts.
    An accelerator is measured, once per process: the best of eight alternating repetitions each of
    a 1024 x 1024 product, of which that in bfloat16 must take less than two thirds of the time.

    Returns
    -------
    bool
    """
    if "cpu" in _device().lower():
        kept = _kept_to()[1] in _WITHOUT | _EMULATING
        return not kept and not _INSTRUCTIONS.isdisjoint(processor_instructions())
    single, half = _products("float32"), _products("bfloat16")
    best = {"float32": float("inf"), "bfloat16": float("inf")}
    for _ in range(_REPEATS):
        best["float32"] = min(best["float32"], _seconds(single))
        best["bfloat16"] = min(best["bfloat16"], _seconds(half))
    _log.debug("1024 x 1024 product: %s seconds", best)
    return best["float32"] > _CLEARLY_FASTER * best["bfloat16"]


def _kept_to() -> tuple[str, str]:
    """Variable of the environment and instructions that it keeps oneDNN to; empty if there is none.

    oneDNN looks at the first of these names that is set, and passes over values it does not know.
    """
    names = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
    name = next((name for name in names if os.environ.get(name)), "")
    return name, os.environ[name].lower() if name else ""


def _device() -> str:
    """Name of the device on which Keras makes arrays."""
    return str(load_keras().ops.zeros(1).device)


def processor_instructions() -> list[str]:
    """Instructions of the processor.

    Returns
    -------
    list of str
        In Linux's words, such as ``avx512_bf16``; empty where they are not listed.
    """
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    listed = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", text, re.MULTILINE)
    return listed[1].split() if listed else []


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
