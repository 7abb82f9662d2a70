"""Values in rules of a comparison that its grid does not have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import attrs

from n2d_framework.config.adapted_classes import as_written
from n2d_framework.config.alternatives import Alternative
from n2d_framework.config.rules import RULE_KEYS, by_name
from n2d_framework.core.options import current_names
from n2d_framework.core.roles import LABEL_ROLE
from n2d_framework.errors import Problem, did_you_mean, warn_renamed
from n2d_framework.types import ROLES, Role

__all__ = ["Findings", "absent_values", "check_rules", "with_current_names"]

_MOST = 10


@attrs.frozen
class Findings:
    """Problems of rules, and parts of them without effect.

    Attributes
    ----------
    problems : list of Problem
        Keys, components and options that the grid does not have: to be refused.
    absent : dict of str to list of Problem
        By the place of a rule, seen from there: values that the grid does not have. With fewer
        seeds or datasets a rule may name some that are left out, so they are to be reported only.
    """

    problems: list[Problem]
    absent: dict[str, list[Problem]]


def with_current_names(
    rule: Mapping[str, Any], choices: Mapping[Role, Sequence[Alternative]]
) -> dict[str, Any]:
    """A rule in which components and options that were renamed have their present names.

    Parameters
    ----------
    rule : mapping
    choices : mapping of role to sequence of Alternative

    Raises
    ------
    ConfigError
        If an option is given by two of its names.

    Warns
    -----
    RenamedWarning
    """
    return {
        key: _renamed(wanted, choices[key]) if key in ROLES else wanted
        for key, wanted in rule.items()
    }


def _renamed(wanted: Any, choices: Sequence[Alternative]) -> Any:
    if isinstance(wanted, (list, tuple)):
        return [_renamed(item, choices) for item in wanted]
    if isinstance(wanted, str):
        return _present_name(wanted, choices)
    if not isinstance(wanted, Mapping) or "adapt" in wanted:
        return wanted
    options = {key: value for key, value in wanted.items() if key != "name"}
    named = {}
    if "name" in wanted:
        named["name"] = _present_name(wanted["name"], choices)
        choices = [choice for choice in choices if named["name"] in _names(choice)]
    alone = [choice.choices[0] for choice in choices if len(choice.choices) == 1]
    for cls in {type(choice.component): None for choice in alone}:
        options = current_names(cls, options)
    return named | options


def _present_name(name: Any, choices: Sequence[Alternative]) -> Any:
    if not any(name in _names(choice) for choice in choices):
        for choice in choices:
            former = [choice.choices[0].entry.former_names] if len(choice.choices) == 1 else []
            if any(name in names for names in former):
                warn_renamed(f"component {name!r}", repr(choice.name))
                return choice.name
    return name


def check_rules(
    rules: Mapping[str, Mapping[str, Any]],
    choices: Mapping[Role, Sequence[Alternative]],
    values: Mapping[str, Sequence[Any]],
) -> Findings:
    """Look for what the grid does not have.

    Parameters
    ----------
    rules : mapping of place to rule
    choices : mapping of role to sequence of Alternative
    values : mapping of str to sequence
        Of each other key the values that the grid has, ``n_clusters`` among them; a key that
        is not there is not checked.

    Returns
    -------
    Findings
    """
    numbers = values["n_clusters"]
    grid = {role: _Components(role, choices[role], numbers) for role in ROLES}
    problems: list[Problem] = []
    absent: dict[str, list[Problem]] = {}
    for place, rule in rules.items():
        wrong: list[Problem] = []
        missing: list[Problem] = []
        for key, wanted in rule.items():
            if key not in RULE_KEYS:
                hint = did_you_mean(str(key), RULE_KEYS, noun="key")
                wrong.append(Problem(str(key), f"unknown key; {hint}"))
            elif key in ROLES:
                grid[key].check(wanted, key, wrong, missing)
            elif key == "n_clusters":
                missing += absent_values(wanted, key, [*numbers, *grid[LABEL_ROLE].numbers])
            elif key in values:
                missing += absent_values(wanted, key, values[key])
        if not rule:
            wrong.append(Problem("", f"is empty; say one of {', '.join(RULE_KEYS)}"))
        problems += [problem.under(place) for problem in dict.fromkeys(wrong)]
        absent[place] = list(dict.fromkeys(missing))
    return Findings(problems, absent)


def absent_values(wanted: Any, path: str, values: Sequence[Any]) -> list[Problem]:
    """Values of a rule that nothing of the grid has.

    Parameters
    ----------
    wanted : value or sequence of them
    path : str
        Where it stands in the rule.
    values : sequence
        What there is.
    """
    if any(wanted == value for value in values):
        return []
    several = isinstance(wanted, Sequence) and not isinstance(wanted, str)
    if several and any(list(wanted) == value for value in values):
        return []
    return [Problem(path, f"{item!r} is not part of this comparison; {_has(item, values)}")
            for item in (wanted if several else [wanted]) if item not in values]  # fmt: skip


def _has(item: Any, values: Sequence[Any]) -> str:
    texts = list(dict.fromkeys(str(value) for value in values if value is not None))
    if isinstance(item, str):
        return did_you_mean(item, texts, noun="value")
    more = ", …" if len(texts) > _MOST else ""
    return f"it has {', '.join(texts[:_MOST])}{more}" if texts else "it has none"


@attrs.frozen
class _Known:
    """One component of the grid: what it is called, and the distinct values of its options."""

    names: tuple[str, ...]
    options: dict[str, dict[str, Any]] = attrs.field(factory=dict)

    def add(self, options: Mapping[str, Iterable[Any]]) -> None:
        for name, values in options.items():
            distinct = self.options.setdefault(name, {})
            for value in values:
                distinct.setdefault(repr(value), value)


class _Components:
    """The components of one role. What rules ask of them is worked out once for all rules."""

    def __init__(self, role: Role, choices: Sequence[Alternative], numbers: Sequence[int]) -> None:
        self._choices = choices
        # Where several numbers are tried, only clusterers get them.
        self._numbers = numbers if role == LABEL_ROLE or len(numbers) == 1 else ()

    @cached_property
    def _options(self) -> list[dict[str, Any]]:
        return [choice.option_values() for choice in self._choices]

    @cached_property
    def _valued(self) -> list[_Known]:
        both = zip(self._choices, self._options, strict=True)
        return _grouped((_names(choice), self._values(choice, own)) for choice, own in both)

    @cached_property
    def _named(self) -> list[_Known]:
        return _grouped((_names(choice), {}) for choice in self._choices)

    @cached_property
    def _classes(self) -> list[_Known]:
        written = (as_written(c.names[0], c.given) for c in self._choices if c.imports_code)
        return _grouped(
            ((name,), {key: [value] for key, value in given.items()}) for name, given in written
        )

    @cached_property
    def numbers(self) -> list[Any]:
        """Numbers of clusters that they have of themselves; ``None`` of those that have none."""
        both = zip(self._choices, self._options, strict=True)
        written = (as_written(choice.names[0], own)[1] for choice, own in both)
        found = (options.get("n_clusters") for options in written)
        return list({repr(number): number for number in found}.values())

    def _values(self, choice: Alternative, own: Mapping[str, Any]) -> dict[str, Sequence[Any]]:
        """All options of a component, each with the values that it can have in the grid."""
        follow = {name for name in choice.following if choice.given.get(name) is None}
        return {name: (name in follow and self._numbers) or [value] for name, value in own.items()}

    def check(self, wanted: Any, path: str, problems: list[Problem], absent: list[Problem]) -> None:
        """Note what a rule says of this role that no component has."""
        if isinstance(wanted, (list, tuple)):
            for item in wanted:
                self.check(item, path, problems, absent)
        elif not isinstance(wanted, Mapping):
            _check_name(wanted, path, self._named, problems)
        elif "adapt" in wanted:
            _check_mapping(by_name(wanted), path, self._classes, problems, absent)
        else:
            known = self._valued if any(key != "name" for key in wanted) else self._named
            _check_mapping(wanted, path, known, problems, absent)


def _names(choice: Alternative) -> tuple[str, ...]:
    return choice.names


def _grouped(
    components: Iterable[tuple[tuple[str, ...], Mapping[str, Iterable[Any]]]],
) -> list[_Known]:
    """Those of one name together: a grid may have thousands that differ in their options."""
    found: dict[tuple[str, ...], _Known] = {}
    for names, options in components:
        found.setdefault(names, _Known(names)).add(options)
    return list(found.values())


def _check_name(name: Any, path: str, known: Sequence[_Known], problems: list[Problem]) -> bool:
    """Return whether a component has that name; else a problem is noted."""
    if not isinstance(name, str):
        text = f"must be a name, or a mapping with a name; got {name!r}"
        problems.append(Problem(path, text))
        return False
    names = {each for component in known for each in component.names}
    if name not in names:
        hint = did_you_mean(name, sorted(names), noun="name")
        problems.append(Problem(path, f"{name!r} is not part of this comparison; {hint}"))
    return name in names


def _check_mapping(
    wanted: Mapping[str, Any],
    path: str,
    known: Sequence[_Known],
    problems: list[Problem],
    absent: list[Problem],
) -> None:
    name = wanted.get("name")
    if name is not None and not _check_name(name, path, known, problems):
        return
    meant = [component for component in known if name is None or name in component.names]
    options = sorted({each for component in meant for each in component.options})
    for key, value in wanted.items():
        if key in options:
            found = [component.options.get(key, {}).values() for component in meant]
            absent += absent_values(value, f"{path}.{key}", [v for values in found for v in values])
        elif key != "name":
            hint = did_you_mean(str(key), options)
            problems.append(Problem(f"{path}.{key}", f"unknown option; {hint}"))
