"""From a tree of plain values to a checked run configuration, all problems at once."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from n2d_framework.config.adapted_classes import NOT_PERMITTED, adapted_choice
from n2d_framework.config.choice import Choice, library_problems, resolve_chain
from n2d_framework.config.held import held_problems
from n2d_framework.config.models import ModelConfig, RunConfig
from n2d_framework.config.presets import with_preset
from n2d_framework.config.reading import apply_overrides, read_tree
from n2d_framework.core.roles import ROLE_NAMES, ROLE_TABLE, RoleInfo, parts_of, role_info
from n2d_framework.core.rows import MOST_NUMBERS, NARROW, PLAIN_STORAGES, Rows, is_narrow
from n2d_framework.core.structure import structure
from n2d_framework.errors import ConfigError, Problem
from n2d_framework.registry import Catalogue, default_catalogue
from n2d_framework.types import Role

__all__ = ["Composition", "default_choice", "read_config", "resolve_composition"]


@attrs.frozen(eq=False)
class Composition:
    """Checked, unfitted components of each role.

    Attributes
    ----------
    chains : mapping of role to tuple of Choice
        In the order in which data pass them, with all options; the number of clusters is filled
        in. Roles without a component may be left out.
    n_clusters : int or None
    left_open : frozenset of str
        Roles for which nothing was chosen: they have their default, if there is one, until
        :meth:`for_rows`. A role that need not have a component and has none is not among them if
        an empty list was given for it.
    chooses_n_clusters : bool, default False
        Whether the number of the clusterer is chosen by the fit, if that has none.
    """

    chains: Mapping[Role, tuple[Choice, ...]]
    n_clusters: int | None = None
    left_open: frozenset[Role] = frozenset()
    chooses_n_clusters: bool = False

    def for_rows(self, rows: Rows, catalogue: Catalogue | None = None) -> Composition:
        """The composition with the components that suit the rows in roles that were left open.

        Parameters
        ----------
        rows : Rows
        catalogue : Catalogue, optional

        Returns
        -------
        Composition
            This one for dense rows of many numbers; of few, with the embedder for narrow rows. Of
            sparse rows and texts, without a component that prepares them, where none is the
            default for them.

        Raises
        ------
        ConfigError
            If a role needs a component and none that is installed is the default for such rows,
            or several are; or if libraries are missing that it is fitted with.
        """
        word = rows.default_word
        words = [w for w in (word, NARROW if is_narrow(rows) else "") if w]
        if not words or not self.left_open:
            return self
        chains, problems = dict(self.chains), list[Problem]()
        for role in sorted(self.left_open, key=ROLE_NAMES.index):
            chosen = (default_choice(role, each, catalogue) for each in words)
            found = next(filter(None, chosen), None)
            if found is not None:
                problems += library_problems(found, role)
                chains[role] = (_filled(found, self.n_clusters, role),)
            elif word in PLAIN_STORAGES and not role_info(role).needed:
                chains[role] = ()
            elif word == "text" and role_info(role).takes == "rows":
                text = f"no installed component is the default for texts; install {_FOR_TEXTS}"
                raise ConfigError([Problem(role, f"{text}, or choose one that takes them")])
        if problems:
            raise ConfigError(problems)
        return attrs.evolve(
            self, chains=chains, left_open=frozenset(r for r in self.left_open if not chains.get(r))
        )

    def said_of_narrow(self, rows: Rows) -> str:
        """The line on narrow rows that get another embedder than others do.

        Parameters
        ----------
        rows : Rows
            Those of :meth:`for_rows`.

        Returns
        -------
        str
            One line; empty if an embedder was chosen, or the default is the usual one.
        """
        if "embedder" not in self.left_open or not is_narrow(rows):
            return ""
        usual, taken = self.choice("embedder").name, self.for_rows(rows).choice("embedder").name
        if usual == taken:
            return ""
        return (
            f"embedder: {taken}, without a network, as rows have {math.prod(rows.row_shape)} "
            f"numbers (at most {MOST_NUMBERS}); with one: embedder={usual}"
        )

    def choices(self, role: Role) -> tuple[Choice, ...]:
        """The components of one role."""
        return self.chains.get(role, ())

    def choice(self, role: Role) -> Choice:
        """The component of one role, of several the last."""
        return self.choices(role)[-1]

    @property
    def steps(self) -> dict[str, Choice]:
        """All components by the names of their parts, in the order in which data pass them."""
        found: dict[str, Choice] = {}
        for role in ROLE_NAMES:
            found |= parts_of(role, self.choices(role))
        return found

    def parameters(self) -> dict[str, Any]:
        """The components as parameters of a model: options as they were given."""
        found: dict[str, Any] = {}
        for info in ROLE_TABLE:
            listed = [{"name": c.name, **c.given} for c in self.choices(info.name)]
            if len(listed) == 1:
                found[info.short or info.name] = listed[0]
            elif listed or info.short or info.name not in self.left_open:
                found[info.name] = listed
        return found

    def describe(self) -> dict[str, Any]:
        """The composition as plain values with all options, as a config file would have it."""
        described: dict[str, Any] = {}
        for info in ROLE_TABLE:
            listed = [{"name": c.name, **c.option_values()} for c in self.choices(info.name)]
            if len(listed) == 1:
                described[info.short or info.name] = listed[0]
            elif listed or info.short or info.name not in self.left_open:
                described[info.name] = listed
        return described | {"n_clusters": self.n_clusters}


def default_choice(role: Role, word: str, catalogue: Catalogue | None = None) -> Choice | None:
    """The component that announces to be the default for some rows.

    Parameters
    ----------
    role : str
    word : str
        Of ``default_for``; see :attr:`n2d_framework.plugin.Rows.default_word`.
    catalogue : Catalogue, optional

    Returns
    -------
    Choice or None
        ``None`` if no component does.

    Raises
    ------
    ConfigError
        If several do.
    """
    catalogue = default_catalogue() if catalogue is None else catalogue
    found = [entry for entry in catalogue.components(role) if word in entry.spec.default_for]
    if len(found) > 1:
        names = " or ".join(entry.written_name for entry in found)
        raise ConfigError([Problem(role, f"choose one for such rows ({word}): {names}")])
    return Choice.of(found[0], dict(found[0].spec.default_options)) if found else None


def resolve_composition(
    *,
    n_clusters: Any = None,
    catalogue: Catalogue | None = None,
    path: str = "",
    **given: Any,
) -> Composition:
    """Check a composition, however it was written.

    Parameters
    ----------
    n_clusters : int, optional
    catalogue : Catalogue, optional
        Where names are looked up; what is installed, by default.
    path : str
        Put in front of every problem.
    **given : str, mapping, component, list of them, or None
        By role, or by the short key of one (``scaler``). A role that is left out has its default.

    Returns
    -------
    Composition

    Raises
    ------
    ConfigError
        With all problems.
    """
    problems: list[Problem] = []
    rest: ModelConfig | None = None
    try:
        rest = structure(ModelConfig, {"n_clusters": n_clusters})
    except ConfigError as error:
        problems.extend(error.problems)
    number, chooses = _counted(rest)
    chains, found = _chains(given, number, catalogue)
    if problems or found:
        raise ConfigError(problem.under(path) for problem in (*problems, *found))
    return Composition(chains, number, _left_open(given), chooses)


def _counted(model: ModelConfig | None) -> tuple[int | None, bool]:
    """The number of clusters, and whether the fit is to choose it."""
    number = None if model is None else model.n_clusters
    return (None, True) if isinstance(number, str) else (number, False)


#: The distribution whose components take texts by default.
_FOR_TEXTS = "n2d-text"


def _left_open(given: Mapping[str, Any]) -> frozenset[Role]:
    """Roles for which nothing was chosen."""
    return frozenset(
        info.name
        for info in ROLE_TABLE
        if given.get(info.name) is None and given.get(info.short) is None
    )


def _written(info: RoleInfo, given: Mapping[str, Any]) -> tuple[str, Any]:
    """Where the components of a role stand, and what stands there.

    Raises
    ------
    ConfigError
        If they are given by the role and by its short key.
    """
    value, short = given.get(info.name), given.get(info.short) if info.short else None
    if value is not None and short is not None:
        text = f"is short for {info.name} with one component; leave one of both out"
        raise ConfigError([Problem(info.short, text)])
    if isinstance(short, Mapping) and "name" not in short:
        short = {"name": info.default, **short}
    if short is not None:
        return info.short, short
    if value is None and info.default:
        return info.name, info.default
    return info.name, value


def _chains(
    given: Mapping[str, Any], n_clusters: int | None, catalogue: Catalogue | None
) -> tuple[dict[Role, tuple[Choice, ...]], list[Problem]]:
    """The components that were chosen, and what is wrong with the others."""
    catalogue = default_catalogue() if catalogue is None else catalogue
    chains: dict[Role, tuple[Choice, ...]] = {}
    problems: list[Problem] = []
    for info in ROLE_TABLE:
        try:
            path, value = _written(info, given)
            chosen = resolve_chain(info.name, value, catalogue, path)
            chains[info.name] = tuple(_filled(choice, n_clusters, path) for choice in chosen)
        except ConfigError as error:
            problems.extend(error.problems)
            continue
        places = _places(value, path, len(chosen))
        for place, choice in zip(places, chosen, strict=True):
            problems += held_problems(choice, catalogue, place)
            problems += library_problems(choice, place)
    return chains, problems


def _places(value: Any, path: str, count: int) -> list[str]:
    several = isinstance(value, (list, tuple))
    return [f"{path}[{index}]" for index in range(count)] if several else [path] * count


def _filled(choice: Choice, n_clusters: int | None, path: str) -> Choice:
    try:
        return choice.filled(n_clusters)
    except ConfigError as error:
        raise ConfigError(problem.under(path) for problem in error.problems) from None


def read_config(
    source: str | os.PathLike[str] | Mapping[str, Any],
    overrides: Iterable[str] = (),
    *,
    catalogue: Catalogue | None = None,
    allow_code: bool = False,
) -> RunConfig:
    """Read and check the configuration of a run.

    Parameters
    ----------
    source : path or mapping
        A YAML, TOML or JSON file, or its content.
    overrides : iterable of str
        Single values to change, each ``path=value``.
    catalogue : Catalogue, optional
        Where component names are looked up.
    allow_code : bool, default False
        Whether components may be chosen that import code named in their options
        (``{adapt: "package.module:Class", …}``, ``adapted``). Say yes only to files you trust
        like a program.

    Returns
    -------
    RunConfig

    Raises
    ------
    ConfigError
        With every problem of the whole configuration, each with its path.
    """
    where = "" if isinstance(source, Mapping) else str(Path(source))
    tree = dict(source) if isinstance(source, Mapping) else read_tree(source)
    tree, overrides = with_preset(tree, overrides, catalogue)
    paths = [text.partition("=")[0].split(".") for text in overrides]
    written = {*_keys(tree.get("model")), *(path[1] for path in paths if len(path) > 1)}
    tree = apply_overrides(_named(tree), overrides)
    tree, problems = _adapted(tree, allow_code=allow_code)
    config: RunConfig | None = None
    try:
        config = structure(RunConfig, tree)
    except ConfigError as error:
        problems.extend(error.problems)
    chains, found = _chosen(tree.get("model"), config, catalogue, allow_code=allow_code)
    problems += found
    if problems or config is None:
        raise ConfigError(problems, source=where)
    chosen = {key: value for key, value in tree["model"].items() if key in written}
    number, chooses = _counted(config.model)
    config.composition = Composition(chains, number, _left_open(chosen), chooses)
    return config


def _keys(model: Any) -> list[str]:
    return list(model) if isinstance(model, Mapping) else []


def _named(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The tree with the default component where none is named, so that options can be set."""
    model = tree.get("model", {})
    if not isinstance(model, Mapping):
        return dict(tree)
    defaults = {info.name: info.default for info in ROLE_TABLE if info.needed}
    return {**tree, "model": {**defaults, **model}}


def _adapted(tree: Mapping[str, Any], *, allow_code: bool) -> tuple[dict[str, Any], list[Problem]]:
    """The tree with names where classes are adapted, and what is wrong with those."""
    model = tree.get("model")
    if not isinstance(model, Mapping):
        return dict(tree), []
    model, problems = dict(model), list[Problem]()
    for info in ROLE_TABLE:
        value = model.get(info.name)
        items = list(value) if isinstance(value, (list, tuple)) else [value]
        places = _places(value, f"model.{info.name}", len(items))
        try:
            for index, (item, place) in enumerate(zip(items, places, strict=True)):
                if isinstance(item, Mapping) and "adapt" in item:
                    items[index] = adapted_choice(info.name, item, place, allow_code=allow_code)
        except ConfigError as error:
            problems.extend(error.problems)
            del model[info.name]
            continue
        if info.name in model:
            model[info.name] = items if isinstance(value, (list, tuple)) else items[0]
    return {**tree, "model": model}, problems


def _chosen(
    model: Any, config: RunConfig | None, catalogue: Catalogue | None, *, allow_code: bool
) -> tuple[dict[Role, tuple[Choice, ...]], list[Problem]]:
    """The components of a tree; the rest of the model is checked by its attrs class."""
    keys = [key for info in ROLE_TABLE for key in (info.name, info.short) if key]
    if config is not None:
        given = {key: getattr(config.model, key) for key in keys}
    elif isinstance(model, Mapping):
        given = {key: model[key] for key in keys if key in model}
    else:
        return {}, []
    number, _ = _counted(None if config is None else config.model)
    chains, problems = _chains(given, number, catalogue)
    problems += [
        Problem(choice.role, f"{choice.spec.name!r} {NOT_PERMITTED}")
        for chain in chains.values()
        for choice in chain
        if choice.spec.imports_code and not allow_code
    ]
    return chains, [problem.under("model") for problem in problems]
