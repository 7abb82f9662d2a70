"""Numbers as they are written, where float64 cannot hold them."""

from __future__ import annotations

import math
import re
from typing import IO, Final

__all__ = ["TINY_OR_HUGE", "may_vanish", "written_float"]

#: Numbers that may be beyond float64: exponents of three digits, or very many digits.
TINY_OR_HUGE: Final = re.compile(r"[eE][+-]?0*[1-9][0-9]{2}|[0-9]{300}")
_TINY: Final = re.compile(rb"[eE]-0*(?:3[0-9]|[4-9][0-9]|[1-9][0-9]{2})[0-9]")
_ZEROS: Final = b"0" * 300
_CHUNK: Final = 1 << 20


def written_float(text: str) -> float:
    """Read a decimal number.

    Parameters
    ----------
    text : str

    Returns
    -------
    float
        Infinite only if the text says so; 0 only if every digit is.

    Raises
    ------
    ValueError
        If it is not a number, or float64 holds none that is near.
    """
    value = float(text)
    if math.isinf(value) and any(map(str.isdigit, text)):
        raise ValueError(f"{text.strip():.50} is too large for a number of float64 (1.8e308)")
    if value == 0 and re.search("[1-9]", re.split("[eE]", text)[0]):
        raise ValueError(
            f"{text.strip():.50} is too close to 0 for a number of float64 (5e-324), which would "
            "be 0"
        )
    return value


def may_vanish(file: IO[bytes]) -> bool:
    """Return whether a text has a number that is so small that float64 may hold it as 0.

    Parameters
    ----------
    file : binary file
        It is read from where it is to its end, unless there is one.
    """
    tail = b""
    while chunk := file.read(_CHUNK):
        text = tail + chunk
        small = b"e-" in text or b"E-" in text
        if (small and _TINY.search(text)) or _ZEROS in text:
            return True
        tail = text[-len(_ZEROS) :]
    return False
