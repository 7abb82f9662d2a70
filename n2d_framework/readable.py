"""Numbers and conditions as people read them."""

from __future__ import annotations

import re

__all__ = ["readable_condition", "readable_feature", "readable_number", "readable_text"]

#: From here on the integer digits alone are four; below there, decimals of it are still shown.
_LARGE, _HUGE = 1e3, 1e6
#: What follows the column in the name of a feature that is 1 or 0.
_IS, _MISSING = " = ", " is missing"
#: Letters of a text that are shown, and signs that say nothing more often than so.
_LONGEST, _LINES = 240, re.compile(r"([^\w\s])\1{3,}")


def readable_number(value: float) -> str:
    """A number with four digits; of a large one all integer digits, and two decimals.

    Examples
    --------
    >>> readable_number(0.123456), readable_number(2020.3712), readable_number(54321.0)
    ('0.1235', '2020.37', '54321')
    """
    if _LARGE <= abs(value) < _HUGE:
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return f"{value:.4g}"


def readable_feature(name: str) -> str:
    """A name of a feature that does not read as a number; places have no other names.

    Examples
    --------
    >>> readable_feature("12"), readable_feature("3, 0"), readable_feature("age")
    ('feature 12', 'feature 3, 0', 'age')
    """
    return f"feature {name}" if name.replace(", ", "").isdecimal() else name


def readable_condition(feature: str, sign: str, at: float) -> str:
    """A comparison of a feature with a number; of a category, whether a row has it.

    Parameters
    ----------
    feature : str
        Its name; ``column = category`` and ``column is missing`` are 1 or 0.
    sign : {"<=", ">"}
    at : float

    Examples
    --------
    >>> readable_condition("age", ">", 30.0), readable_condition("land = FR", "<=", 0.5)
    ('age > 30', 'land is not FR')
    """
    if 0 <= at < 1:
        yes = sign == ">"
        column, found, category = feature.partition(_IS)
        if found:
            return feature if yes else f"{column} is not {category}"
        if feature.endswith(_MISSING):
            return feature if yes else f"{feature.removesuffix(_MISSING)} is not missing"
    return f"{feature} {sign} {readable_number(at)}"


def readable_text(text: str, longest: int = _LONGEST) -> str:
    r"""The beginning of a text on one line, without rows of signs that draw lines.

    Parameters
    ----------
    text : str
    longest : int, default 240
        Most letters.

    Examples
    --------
    >>> readable_text("From:  me\n=========\nHello")
    'From: me === Hello'
    """
    words = " ".join(_LINES.sub(r"\1\1\1", str(text)).split())
    if len(words) <= longest:
        return words
    cut = words[: longest - 1]
    return f"{cut.rpartition(' ')[0] or cut}\N{HORIZONTAL ELLIPSIS}"
