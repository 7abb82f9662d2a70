"""Rules that keep cells of a comparison, or leave them out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from n2d_framework.config.adapted_classes import as_written

__all__ = [
    "RULE_KEYS", "by_name", "choice_fits", "names_fit", "placed", "value_fits",
]  # fmt: skip

#: What a rule may say.
RULE_KEYS = ("data", "scaler", "embedder", "manifolder", "clusterer", "n_clusters", "seed")


def value_fits(wanted: Any, value: Any) -> bool:
    """Return whether a value is the wanted one, or one of the wanted."""
    if isinstance(wanted, Sequence) and not isinstance(wanted, str):
        return value in wanted or list(wanted) == value
    return bool(wanted == value)


def names_fit(wanted: Any, names: Iterable[str]) -> bool:
    """Return whether something is meant by one of its names, such as what tables call it."""
    return any(value_fits(wanted, each) for each in names)


def choice_fits(wanted: Any, name: str, qualified: str, options: Mapping[str, Any]) -> bool:
    """Return whether a component fits what a rule says of its role.

    Parameters
    ----------
    wanted : str, mapping or list of them
        A name; or a mapping of name and values of options (one, or a list of them). A class is
        meant by ``{adapt: …}`` in place of the name.
    name, qualified : str
        The component's name, plain and with its distribution.
    options : mapping
        All its options.
    """
    if isinstance(wanted, str):
        return wanted in (name, qualified)
    if isinstance(wanted, Mapping) and "adapt" in wanted:
        factory, arguments = as_written(name, options)
        return factory != name and choice_fits(by_name(wanted), factory, factory, arguments)
    if isinstance(wanted, Mapping):
        rest = {key: value for key, value in wanted.items() if key != "name"}
        named = "name" not in wanted or wanted["name"] in (name, qualified)
        return named and all(
            key in options and value_fits(value, options[key]) for key, value in rest.items()
        )
    return any(choice_fits(item, name, qualified, options) for item in wanted)


def by_name(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """A rule's class (``adapt``) under a name as components have it."""
    return {"name" if key == "adapt" else key: value for key, value in wanted.items()}


def placed(**lists: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Rules of several lists by their places: ``include[0]``, ``exclude[0]``, …"""
    return {
        f"{name}[{index}]": rule
        for name, rules in lists.items()
        for index, rule in enumerate(rules)
    }
