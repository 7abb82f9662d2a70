"""Treatments of columns of a table in plain words."""

from __future__ import annotations

from typing import Final

from n2d_builtin.prepare.categories import Lookup
from n2d_framework.plugin import AnyArray

__all__ = ["said_of_categories", "said_of_numbers", "said_of_strings"]

_CONSTANT: Final = "left out, for it does not vary"
_NUMBERS: Final = {
    "standard": "mean 0 and variance 1",
    "robust": "by median and quartiles",
    "log": "logarithm of the distance from the median",
    "quantile": "rank among the training rows",
    "elapsed": "days since the first",
    "parts": "days since the first, and parts that come round again",
}


def _features(number: int) -> str:
    return "1 feature" if number == 1 else f"{number:,} features"


def said_of_numbers(treatment: str, features: int, missing: AnyArray) -> tuple[str, str]:
    """Treatment of a column of numbers or dates, and what becomes of its gaps.

    Parameters
    ----------
    treatment : str
    features : int
        That it becomes, besides the one that says where a value is missing.
    missing : array
        What a gap becomes there; 0 where there is no such feature.
    """
    if treatment == "drop":
        return "left out, as the options say", ""
    flag = bool((missing > 0).any())
    if not features and not flag:
        return _CONSTANT, ""
    gaps = "take the mean"
    if flag:
        gaps += ", and a feature of its own says so"
    return f"{_NUMBERS[treatment]} ({_features(features)})", gaps


def said_of_categories(lookup: Lookup) -> tuple[str, str]:
    """Treatment of a column of categories, and what becomes of its gaps."""
    features, count = lookup.rows.shape[1], len(lookup.rows) - 1
    if not features:
        return _CONSTANT, ""
    said = f"{len(lookup.known)} categories as {_features(features)}"
    if lookup.rare:
        many = f"{len(lookup.rare)} rare one{'s' * (len(lookup.rare) > 1)}"
        said += f", {many} " + ("pooled" if lookup.other < count else "as the mean")
    return said, "count as a category" if lookup.missing < count else "take the mean"


def said_of_strings(treatment: str, features: int) -> tuple[str, str]:
    """Treatment of a column of strings, and what becomes of its gaps."""
    if not features:
        return _CONSTANT, ""
    by = "pieces of 2 to 4 characters" if treatment == "ngrams" else "hashes of whole strings"
    return f"{by} as {_features(features)}", "count as empty"
