"""Options of a component: attrs fields that know their bounds, their help and their schema.

A component is one attrs class. Its init fields are options, made with :func:`option`; fields
made with :func:`learned` hold what fitting found. Everything a user may write about an
option (Python, config file, command line, JSON Schema) is derived from these fields.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Any, Literal, TypeVar, dataclass_transform

import attrs
import numpy as np

from n2d_framework.core.annotations import check_annotation, plain_value
from n2d_framework.core.learned import provide_state
from n2d_framework.errors import ConfigError, Problem, warn_renamed
from n2d_framework.types import Role

__all__ = [
    "Option", "component", "current_names", "option", "options_dict", "options_of",
]  # fmt: skip

T = TypeVar("T")
_KEY = "n2d"
_LARGEST = sys.float_info.max


@attrs.frozen
class Option:
    """One option, as the catalogue, the docs and the schema see it.

    Attributes
    ----------
    name : str
    type : object
        The resolved annotation.
    default : object
        Default value; :data:`attrs.NOTHING` when the option is required.
    help : str
    ge, gt, le, lt : float or None
        Bounds of numbers, and of each number in a list.
    min_len : int
        Least number of items of a list.
    follows : str
        Name of the composition-wide setting used when the option is left at ``None``.
    follows_up_to : int or None
        The most that the option takes from the setting.
    aliases : tuple of str
        Names that it had before.
    holds : str
        Role of the component or components that the value names; empty for other options.
    """

    name: str
    type: Any
    default: Any
    help: str = ""
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    min_len: int = 0
    follows: str = ""
    follows_up_to: int | None = None
    aliases: tuple[str, ...] = ()
    holds: Role | Literal[""] = ""

    def followed(self, number: int) -> int:
        """Return what the option takes from the setting that it follows."""
        return number if self.follows_up_to is None else min(number, self.follows_up_to)

    def problem(self, value: Any) -> str | None:
        """Say why `value` is out of bounds, or ``None``."""
        if value is None:
            return None
        if isinstance(value, (tuple, list, AbstractSet)):
            if len(value) < self.min_len:
                return f"needs at least {self.min_len} values, got {len(value)}"
            return next((text for item in value if (text := self.problem(item))), None)
        if isinstance(value, (bool, str)) or not isinstance(value, (int, float, np.number)):
            return None
        # Infinity is a number only to options that have it as their default.
        given: Any = value
        if not abs(given) <= _LARGEST and given != self.default:
            return f"must be a finite number, got {value}"
        number = float(given)
        wrong = (
            (self.ge is not None and number < self.ge, ">=", self.ge),
            (self.gt is not None and number <= self.gt, ">", self.gt),
            (self.le is not None and number > self.le, "<=", self.le),
            (self.lt is not None and number >= self.lt, "<", self.lt),
        )
        return next(
            (f"must be {sign} {bound:g}, got {value}" for bad, sign, bound in wrong if bad), None
        )

    def complaint(self, value: Any) -> str | None:
        """Say why `value` is out of bounds, under a deprecated name: use :meth:`problem`."""
        warn_renamed("Option.complaint", "Option.problem")
        return self.problem(value)


def option(
    default: Any = attrs.NOTHING,
    *,
    help: str,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    min_len: int = 0,
    follows: str = "",
    follows_up_to: int | None = None,
    aliases: tuple[str, ...] = (),
    holds: Role | Literal[""] = "",
) -> Any:
    """Declare an option of a component.

    Parameters
    ----------
    default : object
        Default value; leave out to make the option required. Give tuples, not lists.
    help : str
        One or two sentences: what it does, its unit, why this default.
    ge, gt, le, lt : float, optional
        Bounds of a number (``>=``, ``>``, ``<=``, ``<``), or of each number of a tuple.
    min_len : int, default 0
        Least number of items of a tuple.
    follows : str, optional
        Composition-wide setting (only ``"n_clusters"``) that is used when the value is
        ``None``.
    follows_up_to : int, optional
        The most that it takes from that setting. A dimension may follow the number of clusters,
        but thousands of dimensions are of no use to anybody.
    aliases : tuple of str, optional
        Names that it had before. They are taken everywhere, with a deprecation warning.
    holds : str, optional
        A role, where the value names a component of that role, or is a tuple of such. They are
        written as everywhere, by a name or as a mapping with name and options, and are checked
        with the configuration; :func:`n2d_framework.plugin.resolve` makes them.

    Returns
    -------
    attrs field
        Allowed types are int, float, bool, str, ``Path``, ``Enum`` (written by its values),
        ``Literal``, ``tuple[X, ...]``, ``tuple[X, Y]``, ``list[X]``, ``Sequence[X]``,
        ``frozenset[X]``, ``Mapping[str, X]``, attrs classes made of options, ``Any``, and unions of
        these; also behind ``Annotated`` and ``NewType``. All others are refused by
        :func:`component`.
    """
    info = {
        "help": help, "ge": ge, "gt": gt, "le": le, "lt": lt,
        "min_len": min_len, "follows": follows, "follows_up_to": follows_up_to,
        "aliases": aliases, "holds": holds,
    }  # fmt: skip
    bounds = Option(name="", type=None, default=default, **info)  # type: ignore[arg-type]

    def within(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        text = bounds.problem(value)
        if text:
            raise ConfigError([Problem(attribute.name, text)])

    return attrs.field(default=default, validator=within, metadata={_KEY: info})


@dataclass_transform(kw_only_default=True)
def component(cls: type[T]) -> type[T]:
    """Make a class a component: an attrs class with keyword-only options, compared by identity.

    Where the class declares what fitting learns (:func:`learned`), it is given ``get_state`` and
    ``set_state``, unless it has its own.

    Raises
    ------
    TypeError
        If an option has a name, a default or a type that no configuration can hold; where the type
        cannot be resolved yet, as soon as the options are asked for.
    """
    made = attrs.define(cls, kw_only=True, slots=False, eq=False)
    _check_declarations(made)
    with contextlib.suppress(NameError):  # a type that is defined, or imported, further below
        _options_of(made)  # type: ignore[arg-type]
    _take_former_names(made)
    provide_state(made)
    return made


def _check_declarations(cls: Any) -> None:
    """Refuse options whose name means something else, or whose default they refuse themselves."""
    for field in attrs.fields(cls):
        if not field.init or _KEY not in field.metadata:
            continue
        info = field.metadata[_KEY]
        names = (field.name, *info.get("aliases", ()))
        wrong = next(filter(None, map(_name_problem, names)), "")
        if not wrong and field.default is not attrs.NOTHING:
            problem = Option(field.name, None, field.default, **info).problem(field.default)
            wrong = f"its default {problem}" if problem else ""
        if wrong:
            raise TypeError(f"{cls.__module__}.{cls.__qualname__}.{field.name}: {wrong}")


def _name_problem(name: str) -> str:
    if "__" in name or name.startswith("_"):
        return (
            f"an option cannot be called {name!r}: it would not be found by set_params, where '__' "
            "separates names; write one underscore between words, and none in front"
        )
    return ""


def _take_former_names(cls: Any) -> None:
    """Let the constructor take the former names of options as well."""
    fields = [field for field in attrs.fields(cls) if field.metadata.get(_KEY, {}).get("aliases")]
    if not fields:
        return
    construct = cls.__init__

    @functools.wraps(construct)
    def init(self: Any, **options: Any) -> None:
        construct(self, **current_names(cls, options))

    cls.__init__ = init


def current_names(cls: type[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Options under their present names.

    Parameters
    ----------
    cls : type
        A component class, or any attrs class made of options.
    given : mapping
        Option names, perhaps former ones, to values.

    Raises
    ------
    ConfigError
        If an option is given by two of its names.

    Warns
    -----
    RenamedWarning
    """
    former = {alias: opt.name for opt in options_of(cls) for alias in opt.aliases}
    if not former.keys() & given.keys():
        return dict(given)
    found: dict[str, Any] = {}
    for name, value in given.items():
        now = former.get(name, name)
        if now in found or (now != name and now in given):
            raise ConfigError([Problem(name, f"is the former name of {now!r}, which is given too")])
        if now != name:
            warn_renamed(f"option {name!r} of {cls.__qualname__}", repr(now))
        found[now] = value
    return found


def options_of(cls: type[Any]) -> tuple[Option, ...]:
    """All options of a component class, in the order of declaration."""
    return _options_of(cls)  # type: ignore[arg-type]


@cache
def _options_of(cls: Any) -> tuple[Option, ...]:
    attrs.resolve_types(cls)
    found = []
    for field in attrs.fields(cls):
        if field.init:
            wrong = check_annotation(field.type)
            if wrong:
                raise TypeError(f"{cls.__module__}.{cls.__qualname__}.{field.name}: {wrong}")
            info = dict(field.metadata.get(_KEY, {}))
            found.append(Option(name=field.name, type=field.type, default=field.default, **info))
    names = Counter(name for opt in found for name in (opt.name, *opt.aliases))
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise TypeError(f"{cls.__module__}.{cls.__qualname__}: two options are called {twice[0]!r}")
    return tuple(found)


def options_dict(component: Any) -> dict[str, Any]:
    """The options of a component instance as plain values, as a config file would have them."""
    return {opt.name: _plain(getattr(component, opt.name)) for opt in options_of(type(component))}


def _plain(value: Any) -> Any:
    if attrs.has(type(value)):
        return options_dict(value)
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return plain_value(value)
