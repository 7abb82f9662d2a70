"""Rules that keep cells of a comparison, or leave them out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from n2d_framework.config.adapting import as_written
from n2d_framework.config.choice import Choice
from n2d_framework.core.options import options_of
from n2d_framework.errors import Problem, did_you_mean
from n2d_framework.types import ROLES, Role

__all__ = ["RULE_KEYS", "choice_fits", "rule_problems", "value_fits"]

#: What a rule may say.
RULE_KEYS = ("data", "scaler", "embedder", "manifolder", "clusterer", "n_clusters", "seed")


def value_fits(wanted: Any, value: Any) -> bool:
    """Whether a value is the wanted one, or one of the wanted."""
    if isinstance(wanted, Sequence) and not isinstance(wanted, str):
        return value in wanted or list(wanted) == value
    return bool(wanted == value)


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


def rule_problems(
    rules: Iterable[Mapping[str, Any]], path: str, choices: Mapping[Role, Sequence[Choice]]
) -> list[Problem]:
    """What is wrong with rules: unknown keys, and components that the grid does not have."""
    problems: list[Problem] = []
    for index, rule in enumerate(rules):
        place = f"{path}[{index}]"
        if not rule:
            problems.append(Problem(place, f"is empty; say one of {', '.join(RULE_KEYS)}"))
        for key, wanted in rule.items():
            if key not in RULE_KEYS:
                hint = did_you_mean(str(key), RULE_KEYS, noun="key")
                problems.append(Problem(f"{place}.{key}", f"unknown key; {hint}"))
            elif key in ROLES:
                problems += _component_problems(wanted, f"{place}.{key}", choices[key])
    return problems


def _component_problems(wanted: Any, path: str, choices: Sequence[Choice]) -> list[Problem]:
    if isinstance(wanted, (list, tuple)):
        found = (_component_problems(item, path, choices) for item in wanted)
        return [problem for problems in found for problem in problems]
    if isinstance(wanted, Mapping) and "adapt" in wanted:
        written = [as_written(c.spec.name, c.given) for c in choices if c.spec.imports_code]
        return _unknown(_by_name(wanted), path, [({name}, set(given)) for name, given in written])
    known = [
        ({c.spec.name, c.entry.qualified_name}, {opt.name for opt in options_of(c.spec.load())})
        for c in choices
    ]
    return _unknown(wanted, path, known)


def _unknown(wanted: Any, path: str, known: Sequence[tuple[set[str], set[str]]]) -> list[Problem]:
    """What a rule says that no component has; of each `known` one its names and its options."""
    name = wanted.get("name") if isinstance(wanted, Mapping) else wanted
    if name is not None and not isinstance(name, str):
        return [Problem(path, f"must be a name, or a mapping with a name; got {wanted!r}")]
    names = {each for several, _ in known for each in several}
    if name is not None and name not in names:
        hint = did_you_mean(name, sorted(names), noun="name")
        return [Problem(path, f"{name!r} is not part of this comparison; {hint}")]
    if not isinstance(wanted, Mapping):
        return []
    options = {each for several, mine in known if name is None or name in several for each in mine}
    return [
        Problem(f"{path}.{key}", f"unknown option; {did_you_mean(key, sorted(options))}")
        for key in wanted
        if key != "name" and key not in options
    ]
