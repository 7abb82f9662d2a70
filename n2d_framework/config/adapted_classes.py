"""``{adapt: "package.module:Class", …}``: a scikit-learn-like class named in a configuration."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from n2d_framework.config.choice import Choice
from n2d_framework.config.expansion import expand_options
from n2d_framework.core.options import Option
from n2d_framework.core.origin.code import code_of, passing
from n2d_framework.core.origin.markers import PROJECT
from n2d_framework.core.spec import ComponentSpec, load_object
from n2d_framework.errors import ComponentImportError, ConfigError, Problem, did_you_mean
from n2d_framework.registry import Entry, default_catalogue
from n2d_framework.types import ROLES, Role

__all__ = [
    "NOT_PERMITTED",
    "adapted_choice",
    "adapted_choices",
    "adapting_name",
    "as_written",
    "check_arguments",
    "code_problems",
]

NOT_PERMITTED = (
    "imports code named in the file, which was not permitted; if you trust the file like a "
    "program, permit it (allow_code, --allow-code)"
)

#: Arguments that a fit gives to classes that have them.
_FILLED_IN = ("random_state", "n_jobs")


def adapting_name(role: Role, cls: Any) -> str:
    """Name of the component that stands for a class, chosen by whether it can place new rows.

    Parameters
    ----------
    role : {"embedder", "manifolder", "clusterer"}
    cls : type

    Raises
    ------
    ConfigError
        If it has none of the methods that the role needs, or needs labels; or no installed
        component adapts such a class.
    """
    verb = "predict" if role == "clusterer" else "transform"
    if not hasattr(cls, "fit") or not (
        hasattr(cls, verb) or role == "clusterer" or hasattr(cls, "fit_transform")
    ):
        raise ConfigError([Problem("", f"{cls!r} lacks what a {role} needs: fit and {verb}")])
    if _needs_labels(cls):
        text = f"{cls!r} is fitted on labels (y), which clustering has none of; use another class"
        raise ConfigError([Problem("", text)])
    found = [entry for entry in _adapting(role) if entry.spec.inductive == hasattr(cls, verb)]
    if not found:
        raise ConfigError([Problem("", f"no installed {role} adapts a class such as {cls!r}")])
    return found[0].written_name


def _needs_labels(cls: Any) -> bool:
    """Return whether ``fit`` cannot be called with rows alone."""
    try:
        parameters = list(inspect.signature(cls.fit).parameters.values())[2:]
    except (TypeError, ValueError):  # some classes written in C have none
        return False
    return any(item.name == "y" and item.default is item.empty for item in parameters)


def _adapting(*roles: Role) -> list[Entry[ComponentSpec]]:
    """Components that stand for a class, the framework's own first."""
    found = [
        entry
        for role in roles
        for entry in default_catalogue().components(role)
        if entry.spec.adapts
    ]
    return sorted(found, key=lambda entry: entry.distribution != PROJECT)


def adapted_choice(
    role: Role, value: Mapping[str, Any], path: str, *, allow_code: bool
) -> dict[str, Any]:
    """The mapping with a name that ``{adapt: …}`` stands for.

    Parameters
    ----------
    role : {"embedder", "manifolder", "clusterer"}
    value : mapping
        ``adapt``, the class as ``package.module:Class``; and its arguments.
    path : str
        Where it stands, for the problems.
    allow_code : bool
        Whether the class may be imported; nothing is, without.

    Returns
    -------
    dict
        ``name``, ``factory`` and ``options``.

    Raises
    ------
    ConfigError
        If it is not permitted; or the class is not there, lacks what the role needs, or does
        not know an argument.
    """
    target = value["adapt"]
    options = {key: item for key, item in value.items() if key != "adapt"}
    if "name" in options:
        raise ConfigError([Problem(path, "has both name and adapt; give one of them")])
    if not isinstance(target, str) or not all(target.partition(":")[::2]):
        text = f'is the class as "package.module:Class", got {target!r}'
        raise ConfigError([Problem(f"{path}.adapt", text)])
    if not allow_code:
        raise ConfigError([Problem(path, f"{target!r} {NOT_PERMITTED}")])
    try:
        cls = load_object(target, what="adapted component")
        name = adapting_name(role, cls)
    except ComponentImportError as error:
        raise ConfigError([Problem(f"{path}.adapt", str(error))]) from error
    except ConfigError as error:
        raise ConfigError(p.under(f"{path}.adapt") for p in error.problems) from None
    check_arguments(cls, options, path)
    return {"name": name, "factory": target, "options": options}


def check_arguments(cls: Any, options: Mapping[str, Any], path: str = "") -> None:
    """Refuse arguments that a class does not have, or that are missing, where its signature says.

    Parameters
    ----------
    cls : type
    options : mapping
        Its arguments by name, besides those that every fit fills in.
    path : str
        Where they stand, for the problems.

    Raises
    ------
    ConfigError
        With all of them.
    """
    try:
        parameters = inspect.signature(cls).parameters
    except (TypeError, ValueError):  # some classes written in C have none
        return
    named = {
        name: item
        for name, item in parameters.items()
        if item.kind not in (item.VAR_POSITIONAL, item.VAR_KEYWORD)
    }
    anything = any(item.kind is item.VAR_KEYWORD for item in parameters.values())
    wrong = {
        name: f"unknown option; {did_you_mean(name, list(named), noun='option')}"
        for name in options
        if name not in named and not anything
    } | {
        name: f"is missing: {cls.__name__} cannot be made without it"
        for name, item in named.items()
        if item.default is item.empty and name not in {*options, *_FILLED_IN}
    }
    if wrong:
        raise ConfigError(Problem(name, text).under(path) for name, text in wrong.items())


def adapted_choices(
    role: Role, value: Mapping[str, Any], path: str, *, allow_code: bool
) -> list[dict[str, Any]]:
    """Components for ``{adapt: …}`` in a comparison, where an argument may have several values.

    Parameters
    ----------
    role, value, path, allow_code
        As for :func:`adapted_choice`. A list is several values, unless the class has a list or
        tuple as default of that argument: then only a list of lists is.

    Returns
    -------
    list of dict

    Raises
    ------
    ConfigError
    """
    chosen = adapted_choice(role, value, path, allow_code=allow_code)
    given = chosen["options"]
    defaults = _defaults(load_object(chosen["factory"], what="adapted component"))
    kinds = {name: _kind(defaults.get(name)) for name in given}
    options = [Option(name=name, type=kind, default=None) for name, kind in kinds.items()]
    return [{**chosen, "options": one} for one in expand_options(options, given, path)]


def _kind(default: Any) -> Any:
    return tuple[object, ...] if isinstance(default, (list, tuple)) else object


def _defaults(cls: Any) -> dict[str, Any]:
    try:
        parameters = inspect.signature(cls).parameters
    except (TypeError, ValueError):  # some classes written in C have none
        return {}
    return {name: item.default for name, item in parameters.items()}


def as_written(name: str, options: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Name and options as users wrote them: of a class, those of the class.

    Parameters
    ----------
    name : str
        Of a component.
    options : mapping
        Of the component.
    """
    factory, arguments = options.get("factory"), options.get("options", {})
    if (
        any(name in (entry.spec.name, entry.qualified_name) for entry in _adapting(*ROLES))
        and isinstance(factory, str)
        and isinstance(arguments, Mapping)
    ):
        return factory, arguments
    return name, options


def code_problems(choice: Choice, path: str, *, allow_code: bool) -> list[Problem]:
    """Why a comparison cannot have a component that imports code, if that is so.

    Parameters
    ----------
    choice : Choice
    path : str
        Where it stands.
    allow_code : bool
        Whether code may be imported.
    """
    if not choice.spec.imports_code:
        return []
    if not allow_code:
        return [Problem(path, f"{choice.spec.name!r} {NOT_PERMITTED}")]
    component = choice.component
    if not hasattr(component, "imported_code"):
        text = "does not say which code it imports (imported_code), so its results cannot be kept"
        return [Problem(path, f"{choice.spec.name!r} {text}")]
    try:
        lost = passing(code_of(choice.spec, component))
    except ComponentImportError as error:
        return [Problem(path, str(error))]
    if not lost:
        return []
    text = "is code without a file, which no other process can know again; put it into a module"
    return [Problem(path, f"{', '.join(lost)}: {text}")]
