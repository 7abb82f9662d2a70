"""Requests to ``n2d run`` and ``n2d search``: a configuration file, or data with all defaults."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from n2d_framework.config import DataConfig, RunConfig, read_config
from n2d_framework.core.options import options_dict
from n2d_framework.core.structure import structure
from n2d_framework.errors import ConfigError, Problem
from n2d_framework.registry import default_catalogue

if TYPE_CHECKING:
    from n2d_framework.core.dataset import Dataset
    from n2d_framework.experiment.run_comparison import Planned

__all__ = ["RunRequest", "is_config", "read_request", "read_search_request"]

#: More values than that are hardly classes.
_MOST_CLASSES = 200
_CONFIG_SUFFIXES = (".yaml", ".yml", ".toml", ".json")


@attrs.frozen
class RunRequest:
    """A checked request.

    Attributes
    ----------
    config : RunConfig
    name : str
        Names the bundle and the default output folder.
    numbered : callable, optional
        The configuration with a number of clusters, where the user has given data and no number.
    """

    config: RunConfig
    name: str
    numbered: Callable[[int], RunConfig] | None = None

    @property
    def source(self) -> str:
        """Path of the data, or name of a dataset."""
        return _data_name(self.config)

    @property
    def data(self) -> Any:
        """Arguments of :func:`n2d_framework.data.load`."""
        return _plain_data(self.config.data)

    def for_data(self, data: Dataset) -> tuple[RunRequest, str]:
        """The request with the number of clusters, if it is open, and a line about it.

        Parameters
        ----------
        data : Dataset
            Where it has classes, their number is taken: nothing else of them.

        Returns
        -------
        RunRequest
        str
            Empty if there is nothing to say.
        """
        if self.numbered is None:
            return self, ""
        composition = self.config.composition
        chosen = composition.choice("clusterer")
        finds = chosen.spec.finds_n_clusters and "clusterer" not in composition.left_open
        if finds or any("n_clusters" in choice.given for choice in composition.steps.values()):
            return self, ""
        classes = 0 if data.y is None else len(np.unique(data.y))
        if 2 <= classes <= min(_MOST_CLASSES, data.n_rows // 2):
            said = f"{classes} clusters, as many as there are classes; another number: --n-clusters"
            return attrs.evolve(self, config=self.numbered(classes)), said
        return self, (
            "nothing says how many clusters there are: the clusterer takes its default; another "
            "number: -k NUMBER; -k auto tries 2 to 20, --choose-k those that you name"
        )


def read_request(
    source: str,
    *,
    data: str | None,
    overrides: Sequence[str],
    allow_code: bool,
    select: Callable[[Any], Any] = lambda data: data,
    count: bool = True,
) -> RunRequest:
    """Read the configuration, or make the default one for data.

    Parameters
    ----------
    source : str
        A configuration file, by its suffix; else the name of a dataset or a path of data.
    data : str, optional
        Takes the place of the configuration's data.
    overrides : sequence of str
        Single values to change, each ``path=value``.
    allow_code : bool
        Whether the file may name code to import.
    select : callable, optional
        Adds what flags select to the data.
    count : bool, default True
        Whether the number of clusters is that of the classes, without a configuration.

    Returns
    -------
    RunRequest

    Raises
    ------
    ConfigError
        With every problem of the configuration.

    Notes
    -----
    Without a configuration the number of clusters is that of the dataset's classes, where
    the catalogue knows it, or that of the classes in the data: see :meth:`RunRequest.for_data`.
    """
    numbered: Callable[[Any, int], RunConfig] | None = None
    from_file = is_config(source)
    if from_file:
        config = read_config(source, overrides, allow_code=allow_code)
    elif data is not None:
        raise ConfigError(
            [Problem("--data", f"{source!r} names data already; give a configuration or drop one")]
        )
    else:
        defaults = _defaults(source, count)
        config = read_config(defaults, overrides, allow_code=allow_code)
        if count and config.model.n_clusters is None:
            numbered = partial(_numbered, defaults, overrides, allow_code)
    if data is not None:
        config = config.with_data(data)
    if config.data is None:
        raise ConfigError([Problem("data", "is missing; add it to the file or give --data")])
    chosen = select(_plain_data(config.data))
    if isinstance(chosen, Mapping):
        config = config.with_data(structure(DataConfig, chosen, "data"))
    name = _safe_name(source if from_file else _data_name(config))
    return RunRequest(config, name, None if numbered is None else partial(numbered, config.data))


def is_config(source: str) -> bool:
    """Return whether that names a configuration file, by its suffix, and not data."""
    return Path(source).suffix.lower() in _CONFIG_SUFFIXES


def _numbered(
    defaults: Mapping[str, Any],
    overrides: Sequence[str],
    allow_code: bool,
    data: Any,
    n_clusters: int,
) -> RunConfig:
    """The configuration of data with all defaults, and a number of clusters."""
    given = [*overrides, f"model.n_clusters={n_clusters}"]
    return read_config(defaults, given, allow_code=allow_code).with_data(data)


def _plain_data(data: Any) -> Any:
    if isinstance(data, DataConfig):
        return {key: value for key, value in options_dict(data).items() if value is not None}
    return data


def _defaults(source: str, count: bool) -> dict[str, Any]:
    sizes = {
        name: entry.spec.n_classes
        for entry in default_catalogue().datasets()
        for name in (entry.spec.name, entry.qualified_name)
    }
    n_classes = sizes.get(source) if count else None
    model = {} if n_classes is None else {"n_clusters": n_classes}
    return {"data": source, "model": model}


def _data_name(config: RunConfig) -> str:
    return config.data.path if isinstance(config.data, DataConfig) else str(config.data)


def _safe_name(path: str) -> str:
    """A file's name without its suffix, in characters that every system can have in names."""
    stem = Path(path).resolve().name if path in (".", "..") else Path(path).stem
    return re.sub(r"[^\w.-]+", "_", stem.rpartition(":")[2]).strip("._") or "run"


def read_search_request(
    source: str,
    overrides: Sequence[str],
    *,
    allow_code: bool,
    select: Callable[[Any], Any] = lambda data: data,
) -> tuple[Planned, str]:
    """Read the configuration, or make one for data.

    Parameters
    ----------
    source : str
        A configuration file, by its suffix; else the name of a dataset or a path of data.
    overrides : sequence of str
        Single values to change, each ``path=value``.
    allow_code : bool
        Whether the file may name code to import.
    select : callable, optional
        Adds what flags select to the data.

    Returns
    -------
    Planned
    str
        What the results are called after.

    Raises
    ------
    ConfigError
        Also where nothing says how many clusters there are.
    """
    from n2d_framework.config.reading import apply_overrides, read_tree
    from n2d_framework.data import load
    from n2d_framework.experiment.run_comparison import plan_comparison
    from n2d_framework.experiment.search.spaces import with_all_installed

    if is_config(source):
        tree = with_all_installed(apply_overrides(read_tree(source), overrides))
        return plan_comparison(tree, allow_code=allow_code, select=select), _safe_name(source)
    tree = apply_overrides({}, overrides)
    data = load(select(source))
    if "n_clusters" not in tree:
        if data.y is None:
            text = "nothing says how many clusters there are; give --n-clusters 10, or 2:20"
            raise ConfigError([Problem("n_clusters", text)])
        tree["n_clusters"] = len(np.unique(data.y))
    if tree.get("metric") != "dbcv":
        tree.setdefault("dbcv_rows", 0)  # that time is for fits
    planned = plan_comparison(with_all_installed(tree), data={source: data}, allow_code=allow_code)
    return planned, _safe_name(source)
