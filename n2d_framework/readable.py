"""Numbers and conditions as people read them."""

from __future__ import annotations

__all__ = ["readable_condition", "readable_feature", "readable_number"]

#: From here on the integer digits alone are four; below there, decimals of it are still shown.
_LARGE, _HUGE = 1e3, 1e6
#: What follows the column in the name of a feature that is 1 or 0.
_IS, _MISSING = " = ", " is missing"


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
