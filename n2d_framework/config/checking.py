"""From a tree of plain values to a checked run configuration, all problems at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from n2d_framework.config.adapted_classes import NOT_PERMITTED, adapted_choice
from n2d_framework.config.choice import Choice, resolve_choice
from n2d_framework.config.models import ModelConfig, RunConfig, ScalerConfig
from n2d_framework.config.reading import apply_overrides, read_tree
from n2d_framework.core.options import options_dict, options_of
from n2d_framework.core.structure import structure
from n2d_framework.errors import ConfigError, Problem
from n2d_framework.registry import Catalogue, default_catalogue
from n2d_framework.types import ROLES, Role

__all__ = ["Composition", "read_config", "resolve_composition"]


@attrs.frozen(eq=False)
class Composition:
    """A checked, unfitted trio.

    Attributes
    ----------
    scaler : ScalerConfig
    embedder, manifolder, clusterer : Choice
        With all options; the number of clusters is filled in.
    n_clusters : int or None
    """

    scaler: ScalerConfig
    embedder: Choice
    manifolder: Choice
    clusterer: Choice
    n_clusters: int | None = None

    def choice(self, role: Role) -> Choice:
        """The choice for one role."""
        found: Choice = getattr(self, role)
        return found

    def describe(self) -> dict[str, Any]:
        """The composition as plain values with all options, as a config file would have it."""
        described: dict[str, Any] = {"scaler": options_dict(self.scaler)}
        for role in ROLES:
            choice = self.choice(role)
            described[role] = {"name": choice.name, **choice.option_values()}
        return described | {"n_clusters": self.n_clusters}


def resolve_composition(
    *,
    scaler: Any = "minmax",
    embedder: Any = "dense_ae",
    manifolder: Any = "umap",
    clusterer: Any = "gmm",
    n_clusters: Any = None,
    catalogue: Catalogue | None = None,
    path: str = "",
) -> Composition:
    """Check a composition, however it was written.

    Parameters
    ----------
    scaler : str, mapping or ScalerConfig
    embedder, manifolder, clusterer : str, mapping or component
    n_clusters : int, optional
    catalogue : Catalogue, optional
        Where names are looked up; what is installed, by default.
    path : str
        Put in front of every problem.

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
        rest = structure(ModelConfig, {"scaler": scaler, "n_clusters": n_clusters})
    except ConfigError as error:
        problems.extend(error.problems)
    given: dict[Role, Any] = {
        "embedder": embedder, "manifolder": manifolder, "clusterer": clusterer
    }  # fmt: skip
    choices, found = _choices(given, rest, catalogue)
    problems += found
    if problems or rest is None:
        raise ConfigError(problem.under(path) for problem in problems)
    return _composed(rest, choices)


def _choices(
    given: Mapping[Role, Any], rest: ModelConfig | None, catalogue: Catalogue | None
) -> tuple[dict[Role, Choice], list[Problem]]:
    """The components that were chosen, and what is wrong with the others."""
    catalogue = default_catalogue() if catalogue is None else catalogue
    n_clusters = None if rest is None else rest.n_clusters
    choices: dict[Role, Choice] = {}
    problems: list[Problem] = []
    for role, value in given.items():
        try:
            choice = resolve_choice(role, value, catalogue, role)
            choices[role] = _filled(choice, n_clusters, role)
        except ConfigError as error:
            problems.extend(error.problems)
    return choices, problems


def _filled(choice: Choice, n_clusters: int | None, path: str) -> Choice:
    try:
        return choice.filled(n_clusters)
    except ConfigError as error:
        raise ConfigError(problem.under(path) for problem in error.problems) from None


def _composed(rest: ModelConfig, choices: Mapping[Role, Choice]) -> Composition:
    chosen = rest.scaler
    scaler = chosen if isinstance(chosen, ScalerConfig) else ScalerConfig(name=chosen)
    parts: dict[str, Choice] = {str(role): choice for role, choice in choices.items()}
    return Composition(scaler=scaler, n_clusters=rest.n_clusters, **parts)


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
    tree = apply_overrides(_named(tree), overrides)
    tree, problems = _adapted(tree, allow_code=allow_code)
    config: RunConfig | None = None
    try:
        config = structure(RunConfig, tree)
    except ConfigError as error:
        problems.extend(error.problems)
    choices, found = _chosen(tree.get("model"), config, catalogue, allow_code=allow_code)
    problems += found
    if problems or config is None:
        raise ConfigError(problems, source=where)
    config.composition = _composed(config.model, choices)
    return config


def _named(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The tree with the default component where none is named, so that options can be set."""
    model = tree.get("model", {})
    if not isinstance(model, Mapping):
        return dict(tree)
    defaults = {opt.name: opt.default for opt in options_of(ModelConfig) if opt.name in ROLES}
    return {**tree, "model": {**defaults, **model}}


def _adapted(tree: Mapping[str, Any], *, allow_code: bool) -> tuple[dict[str, Any], list[Problem]]:
    """The tree with names where classes are adapted, and what is wrong with those."""
    model = tree.get("model")
    if not isinstance(model, Mapping):
        return dict(tree), []
    model, problems = dict(model), list[Problem]()
    for role in ROLES:
        value = model.get(role)
        if isinstance(value, Mapping) and "adapt" in value:
            try:
                model[role] = adapted_choice(role, value, f"model.{role}", allow_code=allow_code)
            except ConfigError as error:
                problems.extend(error.problems)
                del model[role]
    return {**tree, "model": model}, problems


def _chosen(
    model: Any, config: RunConfig | None, catalogue: Catalogue | None, *, allow_code: bool
) -> tuple[dict[Role, Choice], list[Problem]]:
    """The components of a tree; the rest of the model is checked by its attrs class."""
    if config is not None:
        given = {role: getattr(config.model, role) for role in ROLES}
    elif isinstance(model, Mapping):
        given = {role: model[role] for role in ROLES if isinstance(model.get(role), (str, Mapping))}
    else:
        return {}, []
    rest = None if config is None else config.model
    choices, problems = _choices(given, rest, catalogue)
    problems += [
        Problem(role, f"{choice.spec.name!r} {NOT_PERMITTED}")
        for role, choice in choices.items()
        if choice.spec.imports_code and not allow_code
    ]
    return choices, [problem.under("model") for problem in problems]
