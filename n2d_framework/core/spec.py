"""Description of a component by its plugin, before anything of it is imported."""

from __future__ import annotations

import importlib
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from n2d_framework.core.kinds import ANY, Kind, Kinds, listed_kinds
from n2d_framework.core.roles import ROLE_NAMES, role_info
from n2d_framework.core.state import KEY_PATTERN
from n2d_framework.errors import ComponentImportError, did_you_mean, raised_at
from n2d_framework.types import Role

__all__ = [
    "ComponentSpec", "InputKind", "are_words", "is_factory", "is_line", "is_name", "load_object",
]  # fmt: skip

logger = logging.getLogger(__name__)

InputKind: TypeAlias = Kind
"""A former name of :data:`n2d_framework.plugin.Kind`."""

_Validator: TypeAlias = "Callable[[Any, attrs.Attribute[Any], Any], None]"

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_ALIAS = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*:)?[a-z][a-z0-9_]{0,63}")
_FACTORY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def load_object(path: str, *, what: str, install: str = "") -> Any:
    """Import ``"package.module:Name"``.

    Parameters
    ----------
    path : str
        Module and attribute, separated by a colon.
    what : str
        What is being loaded, for the message.
    install : str
        What to install if the import fails.

    Returns
    -------
    object

    Raises
    ------
    ComponentImportError
        If the module cannot be imported or has no such attribute.
    """
    module, _, attribute = path.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (Exception, SystemExit) as error:
        where = raised_at(error, module.partition(".")[0]) or _file_without(error)
        place = f" ({where})" if where else ""
        hint = f"; install {install}" if install else ""
        logger.debug("%s: importing %s failed", what, path, exc_info=error)
        raise ComponentImportError(
            f"{what}: importing {path} failed with {type(error).__name__}: {error}{place}{hint}"
        ) from error
    return found


def _file_without(error: BaseException) -> str:
    """The file of a module that lacks an attribute, if that is what is wrong."""
    return getattr(getattr(error, "obj", None), "__file__", None) or ""


def _wrong(spec: Any, attribute: attrs.Attribute[Any], value: Any, allowed: str) -> str:
    """One sentence: in which announcement, what is allowed, and what was given."""
    return f"{type(spec).__name__} {spec.name!r}: {attribute.name} must be {allowed}, got {value!r}"


def _one_of(options: Sequence[str]) -> _Validator:
    def check(spec: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if value not in options:
            hint = did_you_mean(str(value), options, noun=attribute.name)
            raise ValueError(
                f"{type(spec).__name__} {spec.name!r}: unknown {attribute.name} {value!r}; {hint}"
            )

    return check


def is_name(spec: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Refuse what cannot be a name in code, configuration and command line."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        allowed = "a lower-case letter, then at most 63 lower-case letters, digits or '_'"
        raise ValueError(_wrong(spec, attribute, value, allowed))


def is_factory(spec: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Refuse what is not the import path of a class or function."""
    if not isinstance(value, str) or not _FACTORY.fullmatch(value):
        raise ValueError(_wrong(spec, attribute, value, "'package.module:Class'"))


def is_line(spec: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Refuse what is not a string."""
    if not isinstance(value, str):
        raise TypeError(_wrong(spec, attribute, value, "text"))


def are_words(spec: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Refuse what is not a tuple of strings."""
    words = value if isinstance(value, tuple) else [None]
    if not all(isinstance(word, str) and word for word in words):
        raise TypeError(_wrong(spec, attribute, value, "a tuple of strings"))


def _are_kinds(spec: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    kinds = value if isinstance(value, tuple) else (value,)
    if not kinds or not all(isinstance(kind, str) and _NAME.fullmatch(kind) for kind in kinds):
        raise ValueError(_wrong(spec, attribute, value, "a kind, or a set of kinds"))


def _is_kind_or_none(spec: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value != "":
        _are_kinds(spec, attribute, value)


def _is_version(spec: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, int) or value < 1:
        raise ValueError(_wrong(spec, attribute, value, "a positive integer"))


def _is_flag(spec: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, bool):
        raise TypeError(_wrong(spec, attribute, value, "true or false"))


def _is_flag_of_rows(spec: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    _is_flag(spec, attribute, value)
    if value:
        _takes_rows(spec, attribute, value)


def _are_words_of_rows(spec: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if isinstance(value, str) or not all(
        isinstance(word, str) and _NAME.fullmatch(word)
        for word in (value if isinstance(value, tuple) else [None])
    ):
        allowed = "a tuple of kinds of rows, such as ('text',), ('table',) or ('sparse',)"
        raise TypeError(_wrong(spec, attribute, value, allowed))


def _takes_rows(spec: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Refuse what only components can have that are handed rows of data."""
    if role_info(spec.role).takes != "rows":
        roles = " or ".join(name for name in ROLE_NAMES if role_info(name).takes == "rows")
        raise ValueError(_wrong(spec, attribute, value, f"left out but for {roles}"))


def _is_mapping(spec: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, Mapping):
        raise TypeError(_wrong(spec, attribute, value, "a mapping"))


def _are_names(spec: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    names = value if isinstance(value, tuple) else [None]
    if not all(isinstance(name, str) and KEY_PATTERN.fullmatch(name) for name in names):
        raise TypeError(_wrong(spec, attribute, value, "a tuple of names"))


def _are_aliases(spec: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    names = value if isinstance(value, tuple) else [None]
    if not all(isinstance(name, str) and _ALIAS.fullmatch(name) for name in names):
        allowed = "a tuple of former names, each 'name' or 'distribution:name'"
        raise ValueError(_wrong(spec, attribute, value, allowed))
    if spec.name in names:
        raise ValueError(_wrong(spec, attribute, value, "names that it no longer has"))


def _usual_input(role: Any) -> Kind:
    """Kinds that components take unless they say otherwise."""
    takes_rows = role in ROLE_NAMES and role_info(role).kind == ""
    return ANY if takes_rows else "vector"


@attrs.frozen(kw_only=True)
class ComponentSpec:
    """A component as a plugin announces it: light, importing nothing.

    Attributes
    ----------
    role : {"prepare", "embedder", "manifolder", "clusterer", "refine", "describe"}
        The part it plays.
    name : str
        Its name in code, config and command line: lower-case letters, digits and ``_``.
    factory : str
        ``"package.module:Class"``, imported when the component is used. The class is made
        with :func:`n2d_framework.plugin.component`; its module should import heavy
        libraries inside functions only.
    summary : str
        One line for the catalogue.
    inductive : bool, default True
        Whether it can place rows it was not fitted on.
    soft : bool, default False
        Whether a clusterer has ``predict_proba``.
    finds_n_clusters : bool, default False
        Whether a clusterer finds the number of clusters itself.
    noise : bool, default False
        Whether a clusterer may leave rows unlabelled (-1).
    input : str or set of str, default "vector"
        Kinds of rows that it takes: ``vector image sequence text number category``, one that a
        plugin announces, or ``any``. Components for ``"vector"`` alone get images flattened; those
        for ``"sequence"`` get rows of shape ``(steps,)`` as ``(steps, 1)``; the others get rows in
        their own shape. Components of ``prepare`` and ``describe`` take any kind by default.
    output : str, default ""
        Kind of what comes out. By default embedders and manifolders give vectors, clusterers and
        refine components categories, and prepare components the kind that they were given;
        ``"sparse"`` announces rows of numbers as a ``scipy.sparse.csr_array``.
    sparse : bool, default False
        Whether it also takes rows as a ``scipy.sparse.csr_array`` (float32 after the last prepare
        component), which it never makes dense as a whole. Others are not given sparse rows.
    missing : bool, default False
        Whether it takes rows of columns with missing values. Others are not given them.
    default_for : tuple of str, default ()
        Rows for which it is chosen where the user chooses nothing for its role: ``"table"``
        (columns of several kinds, or with missing values), ``"text"``, ``"sparse"``, ``"narrow"``
        (at most 64 numbers), or a kind that a plugin announces.
    default_options : mapping
        Options with which it is chosen then.
    weighted : bool, default False
        Whether its fit honours ``context.weights``: a row of weight 2 counts as two rows.
    out_of_core : bool, default False
        Whether it can be fitted on rows that lie in a file, an array that is mapped into memory: it
        copies blocks of them only, and what it keeps of all rows are a few numbers for each. Where
        that depends on options, its method ``check_out_of_core(n_rows)`` returns reasons against.
    map_options : mapping
        Options with which a manifolder lays rows out in two dimensions to be looked at, as a report
        does; empty where it is not made for that.
    deterministic : bool, default True
        Whether the same seed gives the same result in any process, with any thread count.
    state_version : int, default 1
        Version of what ``get_state`` returns; raise it when that changes, and keep reading
        the older ones (``upgrade_state(state, version)``, a class method).
    imports_code : bool, default False
        Whether an option names code that is imported. Configuration files may choose such a
        component only where the caller permits it, and the stage store never keeps its state. Its
        method ``imported_code()`` returns the names of that code, each ``"package.module:Class"``:
        a component that has none cannot be compared.
    adapts : bool, default False
        Whether it stands for a class of the user's: its option ``factory`` names the class, its
        option ``options`` holds the class's arguments. Of the components that do, ``{adapt: ...}``
        chooses the one that is `inductive` where the class can place new rows.
    edits : bool, default False
        Whether its option ``journal`` holds the edits that people make: the refine component that
        ``model.edit()`` writes to. It has ``labels_before_``, ``points_``, ``names_``,
        ``labels_``, ``noise_column``, ``number_of_parts(m)`` and ``continuing(before)``, as the
        built-in one; with ``needs_latent`` and ``latent_width``, its ``refine`` and
        ``refine_proba`` are given the latent rows as ``latent`` where it needs them.
    fit_libraries : tuple of str, default ()
        Top-level modules that fitting imports and that do not come with its distribution as such,
        but with `extra`. They are looked for when a model is composed; predicting needs none.
    extra : str
        What to install when the factory, or something that fitting needs, cannot be imported, such
        as ``n2d_framework[umap]``.
    reference : str
        The paper or documentation that defines the method.
    small_options : mapping
        Options that make it fast on small data, for checks.
    publishes : tuple of str, default ()
        Names of what its method ``published`` gives later stages about its coordinates,
        such as ``cluster_centers``. For embedders and manifolders.
    needs : tuple of str, default ()
        Names that must have been published of the coordinates it is fitted on; it finds them
        in ``context.upstream``.
    aliases : tuple of str, default ()
        Names that it had before: ``"name"``, and ``"distribution:name"`` where it came with another
        distribution. Bundles, configurations and comparisons that have one of them still find it,
        with a deprecation warning; no other component of the plugin may have that name.
    passes_on : bool, default False
        Whether it returns its rows as they are, so that what was published of them holds for
        its output too.
    """

    role: Role = attrs.field(validator=_one_of(ROLE_NAMES))
    name: str = attrs.field(validator=is_name)
    factory: str = attrs.field(validator=is_factory)
    summary: str = attrs.field(validator=is_line)
    inductive: bool = True
    soft: bool = False
    finds_n_clusters: bool = False
    noise: bool = False
    input: Kinds = attrs.field(
        default=attrs.Factory(lambda spec: _usual_input(spec.role), takes_self=True),
        converter=listed_kinds,
        validator=_are_kinds,
    )
    output: Kind = attrs.field(default="", converter=listed_kinds, validator=_is_kind_or_none)
    sparse: bool = attrs.field(default=False, validator=_is_flag_of_rows)
    missing: bool = attrs.field(default=False, validator=_is_flag_of_rows)
    default_for: tuple[str, ...] = attrs.field(default=(), validator=_are_words_of_rows)
    default_options: Mapping[str, Any] = attrs.field(
        factory=dict, validator=_is_mapping, hash=False
    )
    weighted: bool = attrs.field(default=False, validator=_is_flag)
    out_of_core: bool = attrs.field(default=False, validator=_is_flag)
    deterministic: bool = True
    state_version: int = attrs.field(default=1, validator=_is_version)
    imports_code: bool = False
    adapts: bool = False
    edits: bool = False
    fit_libraries: tuple[str, ...] = attrs.field(default=(), validator=are_words)
    extra: str = ""
    reference: str = ""
    small_options: Mapping[str, Any] = attrs.field(factory=dict, validator=_is_mapping, hash=False)
    map_options: Mapping[str, Any] = attrs.field(factory=dict, validator=_is_mapping, hash=False)
    publishes: tuple[str, ...] = attrs.field(default=(), validator=_are_names)
    needs: tuple[str, ...] = attrs.field(default=(), validator=_are_names)
    passes_on: bool = False
    aliases: tuple[str, ...] = attrs.field(default=(), validator=_are_aliases)

    @property
    def input_kinds(self) -> tuple[Kind, ...]:
        """The kinds that it takes; empty where it takes any."""
        kinds = (self.input,) if isinstance(self.input, str) else self.input
        return () if ANY in kinds else kinds

    def load(self) -> type[Any]:
        """Import the component's class.

        Returns
        -------
        type

        Raises
        ------
        ComponentImportError
            If it cannot be imported, with the reason and what to install; or if it is not the
            class of a component.
        """
        found = load_object(self.factory, what=f"{self.role} {self.name!r}", install=self.extra)
        if not isinstance(found, type) or not attrs.has(found):
            raise ComponentImportError(
                f"{self.role} {self.name!r}: {self.factory} is not a class made with "
                "n2d_framework.plugin.component"
            )
        if "name" in attrs.fields_dict(found):
            raise ComponentImportError(
                f"{self.role} {self.name!r}: an option of {self.factory} is called 'name', which "
                "is the component's own in configurations; choose another name for the option"
            )
        return found
