"""Request to ``n2d run``: a configuration file, or data with all defaults."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from n2d_framework.config import DataConfig, RunConfig, read_config
from n2d_framework.core.options import options_dict
from n2d_framework.core.structure import structure
from n2d_framework.errors import ConfigError, Problem
from n2d_framework.registry import default_catalogue

__all__ = ["RunRequest", "read_request"]

_CONFIG_SUFFIXES = (".yaml", ".yml", ".toml", ".json")


@attrs.frozen
class RunRequest:
    """A checked request.

    Attributes
    ----------
    config : RunConfig
    name : str
        Names the bundle and the default output folder.
    """

    config: RunConfig
    name: str

    @property
    def source(self) -> str:
        """Path of the data, or name of a dataset."""
        return _data_name(self.config)

    @property
    def data(self) -> Any:
        """Arguments of :func:`n2d_framework.data.load`."""
        return _plain_data(self.config.data)


def read_request(
    source: str,
    *,
    data: str | None,
    overrides: Sequence[str],
    allow_code: bool,
    select: Callable[[Any], Any] = lambda data: data,
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
    the catalogue knows it.
    """
    from_file = Path(source).suffix.lower() in _CONFIG_SUFFIXES
    if from_file:
        config = read_config(source, overrides, allow_code=allow_code)
    elif data is not None:
        raise ConfigError(
            [Problem("--data", f"{source!r} names data already; give a configuration or drop one")]
        )
    else:
        config = read_config(_defaults(source), overrides, allow_code=allow_code)
    if data is not None:
        config = config.with_data(data)
    if config.data is None:
        raise ConfigError([Problem("data", "is missing; add it to the file or give --data")])
    chosen = select(_plain_data(config.data))
    if isinstance(chosen, Mapping):
        config = config.with_data(structure(DataConfig, chosen, "data"))
    return RunRequest(config, _safe_name(source if from_file else _data_name(config)))


def _plain_data(data: Any) -> Any:
    if isinstance(data, DataConfig):
        return {key: value for key, value in options_dict(data).items() if value is not None}
    return data


def _defaults(source: str) -> dict[str, Any]:
    sizes = {
        name: entry.spec.n_classes
        for entry in default_catalogue().datasets()
        for name in (entry.spec.name, entry.qualified_name)
    }
    n_classes = sizes.get(source)
    model = {} if n_classes is None else {"n_clusters": n_classes}
    return {"data": source, "model": model}


def _data_name(config: RunConfig) -> str:
    return config.data.path if isinstance(config.data, DataConfig) else str(config.data)


def _safe_name(path: str) -> str:
    """A file's name without its suffix, in characters that every system can have in names."""
    stem = Path(path).resolve().name if path in (".", "..") else Path(path).stem
    return re.sub(r"[^\w.-]+", "_", stem.rpartition(":")[2]).strip("._") or "run"
