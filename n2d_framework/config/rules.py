"""Rules that keep cells of a comparison, or leave them out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from n2d_framework.config.adapting import as_written
from n2d_framework.config.choice import Choice
from n2d_framework.core.options import options_dict, options_of
from n2d_framework.errors import Problem, did_you_mean
from n2d_framework.types import ROLES, Role

__all__ = [
    "RULE_KEYS", "choice_fits", "placed", "rule_problems", "scaler_fits", "scaler_label",
    "value_fits", "value_problems",
]  # fmt: skip

#: What a rule may say.
RULE_KEYS = ("data", "scaler", "embedder", "manifolder", "clusterer", "n_clusters", "seed")
_MOST = 10


def value_fits(wanted: Any, value: Any) -> bool:
    """Whether a value is the wanted one, or one of the wanted."""
    if isinstance(wanted, Sequence) and not isinstance(wanted, str):
        return value in wanted or list(wanted) == value
    return bool(wanted == value)


def scaler_label(name: str, per: str) -> str:
    """What tables call a scaler."""
    return name if per == "auto" else f"{name}(per={per})"


def scaler_fits(wanted: Any, name: str, per: str) -> bool:
    """Whether a scaler is meant by its name, or by what tables call it."""
    return any(value_fits(wanted, each) for each in (name, scaler_label(name, per)))


def choice_fits(wanted: Any, name: str, qualified: str, options: Mapping[str, Any]) -> bool:
    """Whether a component fits what a rule says of its role.

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
        return factory != name and choice_fits(_by_name(wanted), factory, factory, arguments)
    if isinstance(wanted, Mapping):
        rest = {key: value for key, value in wanted.items() if key != "name"}
        named = "name" not in wanted or wanted["name"] in (name, qualified)
        return named and all(
            key in options and value_fits(value, options[key]) for key, value in rest.items()
        )
    return any(choice_fits(item, name, qualified, options) for item in wanted)


def _by_name(wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {"name" if key == "adapt" else key: value for key, value in wanted.items()}


def placed(**lists: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Rules of several lists by their places: ``include[0]``, ``exclude[0]``, …"""
    return {
        f"{name}[{index}]": rule
        for name, rules in lists.items()
        for index, rule in enumerate(rules)
    }


def rule_problems(
    rules: Mapping[str, Mapping[str, Any]],
    choices: Mapping[Role, Sequence[Choice]],
    values: Mapping[str, Sequence[Any]],
) -> list[Problem]:
    """What is wrong with rules: keys, components, options and values that the grid does not have.

    Parameters
    ----------
    rules : mapping of place to rule
    choices : mapping of role to sequence of Choice
    values : mapping of str to sequence
        Of each other key the values that the grid has, ``n_clusters`` among them; a key that
        is not there is not checked.
    """
    if not rules:
        return []
    problems: list[Problem] = []
    numbers = values["n_clusters"]
    values = {**values, "n_clusters": [*numbers, *_own_numbers(choices["clusterer"])]}
    for place, rule in rules.items():
        if not rule:
            problems.append(Problem(place, f"is empty; say one of {', '.join(RULE_KEYS)}"))
        for key, wanted in rule.items():
            if key not in RULE_KEYS:
                hint = did_you_mean(str(key), RULE_KEYS, noun="key")
                problems.append(Problem(f"{place}.{key}", f"unknown key; {hint}"))
            elif key in ROLES:
                problems += _component_problems(wanted, f"{place}.{key}", choices[key], numbers)
            elif key in values:
                problems += value_problems(wanted, f"{place}.{key}", values[key])
    return list(dict.fromkeys(problems))


def _own_numbers(clusterers: Iterable[Choice]) -> list[Any]:
    """Numbers of clusters that they have of themselves; ``None`` of those that have none."""
    written = (as_written(c.spec.name, c.option_values())[1] for c in clusterers)
    return [options.get("n_clusters") for options in written]


def value_problems(wanted: Any, path: str, values: Sequence[Any]) -> list[Problem]:
    """What a rule wants that nothing of the grid has.

    Parameters
    ----------
    wanted : value or sequence of them
    path : str
        Where it stands.
    values : sequence
        What there is.
    """
    if any(wanted == value for value in values):
        return []
    several = isinstance(wanted, Sequence) and not isinstance(wanted, str)
    if several and any(list(wanted) == value for value in values):
        return []
    absent = [item for item in (wanted if several else [wanted]) if item not in values]
    return [Problem(path, f"{item!r} is not part of this comparison; {_has(item, values)}")
            for item in absent]  # fmt: skip


def _has(item: Any, values: Sequence[Any]) -> str:
    texts = list(dict.fromkeys(str(value) for value in values if value is not None))
    if isinstance(item, str):
        return did_you_mean(item, texts, noun="value")
    more = ", …" if len(texts) > _MOST else ""
    return f"it has {', '.join(texts[:_MOST])}{more}" if texts else "it has none"


@attrs.frozen
class _Known:
    """One component of the grid: what it is called, and its options with their values."""

    names: set[str]
    options: Mapping[str, Sequence[Any]]


def _component_problems(
    wanted: Any, path: str, choices: Sequence[Choice], numbers: Sequence[Any]
) -> list[Problem]:
    if isinstance(wanted, (list, tuple)):
        found = (_component_problems(item, path, choices, numbers) for item in wanted)
        return [problem for problems in found for problem in problems]
    if isinstance(wanted, Mapping) and "adapt" in wanted:
        written = [as_written(c.spec.name, c.given) for c in choices if c.spec.imports_code]
        classes = [
            _Known({name}, {key: [value] for key, value in given.items()})
            for name, given in written
        ]
        return _unknown(_by_name(wanted), path, classes)
    valued = isinstance(wanted, Mapping) and any(key != "name" for key in wanted)
    known = [
        _Known(
            {choice.spec.name, choice.entry.qualified_name},
            _values_of(choice, numbers) if valued else {},
        )
        for choice in choices
    ]
    return _unknown(wanted, path, known)


def _values_of(choice: Choice, numbers: Sequence[Any]) -> dict[str, list[Any]]:
    """All options of a component, each with the values that it can have in the grid."""
    follows = any(
        opt.follows == "n_clusters" and choice.given.get(opt.name) is None
        for opt in options_of(choice.spec.load())
    )
    found: dict[str, list[Any]] = {}
    for number in (numbers if follows else ()) or (None,):
        for name, value in options_dict(choice.build(number)).items():
            found.setdefault(name, []).append(value)
    return found


def _unknown(wanted: Any, path: str, known: Sequence[_Known]) -> list[Problem]:
    """What a rule says that no component has."""
    name = wanted.get("name") if isinstance(wanted, Mapping) else wanted
    if name is not None and not isinstance(name, str):
        return [Problem(path, f"must be a name, or a mapping with a name; got {wanted!r}")]
    names = {each for component in known for each in component.names}
    if name is not None and name not in names:
        hint = did_you_mean(name, sorted(names), noun="name")
        return [Problem(path, f"{name!r} is not part of this comparison; {hint}")]
    if not isinstance(wanted, Mapping):
        return []
    meant = [component for component in known if name is None or name in component.names]
    options = sorted({each for component in meant for each in component.options})
    problems = []
    for key, value in wanted.items():
        if key == "name":
            continue
        if key in options:
            values = [each for component in meant for each in component.options.get(key, ())]
            problems += value_problems(value, f"{path}.{key}", values)
        else:
            hint = did_you_mean(str(key), options)
            problems.append(Problem(f"{path}.{key}", f"unknown option; {hint}"))
    return problems
