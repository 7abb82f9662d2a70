"""The configuration of a comparison: lists where a run has one value, and seeds."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from n2d_framework.config.adapted_classes import adapted_choices, code_problems
from n2d_framework.config.alternatives import Alternative
from n2d_framework.config.choice import Choice, library_problems, resolve_choice
from n2d_framework.config.expansion import expand_options, expand_range, is_range
from n2d_framework.config.held import held_problems
from n2d_framework.config.models import Chain, Choosable, DataConfig
from n2d_framework.config.ranking_score import metric_problems
from n2d_framework.config.reading import apply_overrides, read_tree
from n2d_framework.config.rule_checks import check_rules, with_current_names
from n2d_framework.config.rules import RULE_KEYS, placed
from n2d_framework.core.options import component, current_names, option, options_of
from n2d_framework.core.roles import ROLE_TABLE, RoleInfo, role_info
from n2d_framework.core.structure import structure
from n2d_framework.errors import ComponentImportError, ConfigError, Problem
from n2d_framework.registry import Catalogue, default_catalogue
from n2d_framework.seeding import MAX_SEED
from n2d_framework.types import Role

__all__ = ["CompareConfig", "Grid", "read_compare_config"]

_LISTED = "Names, or mappings with name and options; an option may be a list or a range of values."


@component
class CompareConfig:
    """A grid of compositions on one or several datasets, with several seeds.

    Attributes
    ----------
    data : tuple of str or DataConfig
    embedders, manifolders, clusterers : tuple of str or mapping
    seeds : int or tuple of int
    n_clusters : int, tuple of int, mapping or None
    scaler, prepare : str, mapping, tuple of them, or None
    include, exclude : tuple of mappings
    baseline : mapping or None
    metric : str or None
    dbcv_rows : int
    timeout : float or None
    memory_limit : float or None
    """

    data: str | DataConfig | tuple[str | DataConfig, ...] = option(
        (), help="Names of datasets, paths, or mappings with path, x and y."
    )
    embedders: tuple[Choosable, ...] = option(min_len=1, help=_LISTED)
    manifolders: tuple[Chain, ...] = option(
        min_len=1, help=f"{_LISTED} A list in the list is a chain."
    )
    clusterers: tuple[Choosable, ...] = option(min_len=1, help=_LISTED)
    seeds: int | tuple[int, ...] = option(
        1,
        lt=MAX_SEED,
        min_len=1,
        help="How many seeds (counted from 0), or the seeds themselves. An interval of "
        "confidence needs several.",
    )
    n_clusters: int | tuple[int, ...] | Mapping[str, int] | None = option(
        None,
        ge=1,
        min_len=1,
        help="Number of clusters. Several, as a list or as {from: 2, to: 30}, vary in the "
        "clusterers only: latent and manifold dimensions then keep their own defaults, so that "
        "all numbers of clusters are tried on the same manifold.",
    )
    scaler: Chain | None = option(
        None,
        min_len=1,
        help=f"A scaler as in a run, or a list of those to compare; "
        f"{role_info('prepare').default}, unless prepare is given.",
    )
    prepare: tuple[Chain, ...] | None = option(
        None, min_len=1, help=f"{_LISTED} A list in the list is a chain."
    )
    include: tuple[Mapping[str, Any], ...] = option(
        (), help="Only cells that fit one of these rules are run; all, where there is no rule."
    )
    exclude: tuple[Mapping[str, Any], ...] = option(
        (), help=f"Cells that fit one of these rules are left out. Keys: {', '.join(RULE_KEYS)}."
    )
    baseline: Mapping[str, Any] | None = option(
        None, help="The trio that the others are compared with: embedder, manifolder, clusterer."
    )
    metric: str | None = option(
        None, help="What to rank by; acc where there are true classes, else modularity."
    )
    dbcv_rows: int = option(
        1000,
        ge=0,
        help="Rows sampled for the density-based validity (DBCV) of each cell: time grows with "
        "the square, about 0.3 s for 1000. With 0 it is left out.",
    )
    timeout: float | None = option(
        None,
        gt=0,
        help="Seconds that one stage may take. With a limit each fit has a process of its own, "
        "which costs the start of one.",
    )
    memory_limit: float | None = option(
        None, gt=0, help="Resident memory in GiB that the process of one stage may take."
    )


class Grid:
    """A checked comparison: the values of each axis, options expanded.

    Attributes
    ----------
    config : CompareConfig
    data : list of str or DataConfig
    choices : dict of role to list of Alternative
        Distinct as they were written; each with a fixed value for every option.
    seeds, n_clusters : list of int
        `n_clusters` is empty when none was given.
    varies : bool
        Whether several numbers of clusters are tried.
    rules : dict of str to mapping
        What `include`, `exclude` and `baseline` say, by its place.
    absent : dict of str to list of Problem
        Values in a rule that the grid does not have, by its place: to be reported, not refused.
    """

    def __init__(self, config: CompareConfig, choices: dict[Role, list[Alternative]]) -> None:
        problems: list[Problem] = []
        config = _with_current_names(config, choices, problems)
        self.config, self.choices = config, choices
        self.data = list(_tuple(config.data))
        self.seeds = _checked(_seeds, config.seeds, problems)
        self.n_clusters = _checked(_numbers_of_clusters, config.n_clusters, problems)
        self.varies = len(self.n_clusters) > 1
        baseline = {} if config.baseline is None else {"baseline": config.baseline}
        self.rules = placed(include=config.include, exclude=config.exclude) | baseline
        named = [name for one in choices["prepare"] for name in (*one.names, one.label)]
        found = check_rules(
            self.rules, choices,
            {"scaler": named, "seed": self.seeds, "n_clusters": self.n_clusters},
        )  # fmt: skip
        self.absent = found.absent
        # A baseline has to fit something; a rule may fit nothing.
        in_baseline = (problem.under("baseline") for problem in found.absent.get("baseline", ()))
        problems += [*found.problems, *in_baseline]
        if problems:
            raise ConfigError(problems)


def _with_current_names(
    config: CompareConfig, choices: dict[Role, list[Alternative]], problems: list[Problem]
) -> CompareConfig:
    """The configuration whose rules call components and options as they are called now."""
    rules = placed(include=config.include, exclude=config.exclude)
    if isinstance(config.baseline, Mapping):
        rules["baseline"] = config.baseline
    found = dict[str, Mapping[str, Any]]()
    for place, rule in rules.items():
        try:
            found[place] = with_current_names(rule, choices)
        except ConfigError as error:
            problems += [problem.under(place) for problem in error.problems]
    if found == rules or problems:
        return config
    lists = {
        name: tuple(rule for place, rule in found.items() if place.startswith(f"{name}["))
        for name in ("include", "exclude")
    }
    baseline = found.get("baseline", config.baseline)
    return attrs.evolve(config, **lists, baseline=baseline)  # type: ignore[misc]  # a component


def _tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _checked(function: Any, value: Any, problems: list[Problem]) -> list[int]:
    try:
        found: list[int] = function(value)
    except ConfigError as error:
        problems.extend(error.problems)
        return []
    return found


def _seeds(value: int | tuple[int, ...]) -> list[int]:
    if isinstance(value, int):
        if not 1 <= value <= 10_000:
            raise ConfigError(
                [Problem("seeds", f"is the number of seeds, 1 to 10000, or a list; got {value}")]
            )
        return list(range(value))
    wrong = [seed for seed in value if seed < 0]
    if wrong:
        raise ConfigError([Problem("seeds", f"must not be negative, got {wrong[0]}")])
    return _unique(value, "seeds")


def _numbers_of_clusters(value: Any) -> list[int]:
    if value is None:
        return []
    if isinstance(value, Mapping):
        if not is_range(value):
            raise ConfigError(
                [Problem("n_clusters", f"a range is {{from: 2, to: 30}}, got {dict(value)!r}")]
            )
        found = [int(number) for number in expand_range(value, "n_clusters")]
        if found[0] < 1:
            raise ConfigError([Problem("n_clusters.from", f"must be >= 1, got {found[0]}")])
        return found
    return _unique(_tuple(value), "n_clusters")


def _unique(values: Iterable[int], path: str) -> list[int]:
    found = list(values)
    twice = sorted({value for value in found if found.count(value) > 1})
    if twice:
        raise ConfigError([Problem(path, f"{twice[0]} is listed twice")])
    return found


def read_compare_config(
    source: str | os.PathLike[str] | Mapping[str, Any],
    overrides: Iterable[str] = (),
    *,
    catalogue: Catalogue | None = None,
    allow_code: bool = False,
) -> Grid:
    """Read and check the configuration of a comparison, before any data are touched.

    Parameters
    ----------
    source : path or mapping
        A YAML, TOML or JSON file, or its content.
    overrides : iterable of str
        Single values to change, each ``path=value``.
    catalogue : Catalogue, optional
        Where component names are looked up.
    allow_code : bool, default False
        Whether components may be chosen that import code named in their options, as
        :func:`n2d_framework.config.read_config` has it.

    Returns
    -------
    Grid

    Raises
    ------
    ConfigError
        With every problem of the whole configuration, each with its path.
    """
    where = "" if isinstance(source, Mapping) else str(Path(source))
    tree = dict(source) if isinstance(source, Mapping) else read_tree(source)
    tree = apply_overrides(tree, overrides)
    catalogue = default_catalogue() if catalogue is None else catalogue
    problems: list[Problem] = []
    config: CompareConfig | None = None
    try:
        config = structure(CompareConfig, tree)
    except ConfigError as error:
        problems.extend(error.problems)
    choices: dict[Role, list[Alternative]] = {}
    for info in ROLE_TABLE:
        if not info.listed:
            continue
        try:
            key, listed = _listed(info, tree)
        except ConfigError as error:
            problems.extend(error.problems)
            continue
        if isinstance(listed, (list, tuple)):
            choices[info.name] = _choices(info, key, listed, catalogue, problems, allow_code)
    if config is not None:
        problems += metric_problems(config.metric, config.dbcv_rows, choices, catalogue)
    if problems or config is None:
        raise ConfigError(_distinct(problems), source=where)
    try:
        return Grid(config, choices)
    except ConfigError as error:
        raise ConfigError(error.problems, source=where) from None


def _distinct(problems: Iterable[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))


def _listed(info: RoleInfo, tree: Mapping[str, Any]) -> tuple[str, Any]:
    """Under which key the alternatives of a role are, and what is there."""
    value, short = tree.get(info.listed), tree.get(info.short) if info.short else None
    if value is not None and short is not None:
        text = f"is short for {info.listed} with one component each; leave one of both out"
        raise ConfigError([Problem(info.short, text)])
    if short is not None:
        items = short if isinstance(short, (list, tuple)) else [short]
        default = {"name": info.default}
        return info.short, [
            {**default, **item} if isinstance(item, Mapping) else item for item in items
        ]
    return info.listed, [info.default] if value is None and info.short else value


def _choices(
    info: RoleInfo,
    key: str,
    listed: Iterable[Any],
    catalogue: Catalogue,
    problems: list[Problem],
    allow_code: bool,
) -> list[Alternative]:
    found: list[Alternative] = []
    for index, value in enumerate(listed):
        path = f"{key}[{index}]"
        chain = isinstance(value, (list, tuple))
        try:
            if chain and not (info.chains and value):
                text = "is an empty list; give at least one component"
                raise ConfigError([Problem(path, text if info.chains else "cannot be a list")])
            links = []
            for place, item in enumerate(value if chain else [value]):
                where = f"{path}[{place}]" if chain else path
                links.append(_one(info.name, item, catalogue, where, allow_code))
        except ConfigError as error:
            problems.extend(error.problems)
            continue
        for choices in itertools.product(*links):
            for choice in choices:
                problems += code_problems(choice, path, allow_code=allow_code)
                problems += held_problems(choice, catalogue, path)
                problems += library_problems(choice, path)
            found.append(Alternative(choices))
    return found


def _one(role: Role, value: Any, catalogue: Catalogue, path: str, allow_code: bool) -> list[Choice]:
    """Components of one entry: several, where an option has several values."""
    if isinstance(value, Mapping) and "adapt" in value:
        items: list[Any] = adapted_choices(role, value, path, allow_code=allow_code)
    else:
        items = _expanded(role, value, catalogue, path)
    return [resolve_choice(role, item, catalogue, path) for item in items]


def _expanded(role: Role, value: Any, catalogue: Catalogue, path: str) -> list[Any]:
    """One entry of a list as the mappings it stands for."""
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
        return [value]
    name = value["name"]
    given = {key: item for key, item in value.items() if key != "name"}
    entry = resolve_choice(role, name, catalogue, f"{path}.name") if not given else None
    if entry is not None:
        return [value]
    try:
        cls = catalogue.get(role, name).spec.load()
    except (LookupError, ComponentImportError):
        return [value]  # reported by resolve_choice, with its path
    given = current_names(cls, given)
    return [{"name": name, **chosen} for chosen in expand_options(options_of(cls), given, path)]
