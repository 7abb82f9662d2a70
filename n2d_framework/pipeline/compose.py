"""From a configuration to an unfitted estimator."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from n2d_framework.config import ModelConfig, RunConfig, read_config
from n2d_framework.core.options import options_of
from n2d_framework.pipeline.estimator import N2D

__all__ = ["compose"]


def compose(
    config: str | os.PathLike[str] | Mapping[str, Any] | RunConfig,
    overrides: Iterable[str] = (),
    *,
    allow_code: bool = False,
    **arguments: Any,
) -> N2D:
    """Make an unfitted model from a configuration.

    Parameters
    ----------
    config : path, mapping or RunConfig
        A YAML, TOML or JSON file, or its content.
    overrides : iterable of str
        Single values to change, each ``path=value``.
    allow_code : bool, default False
        Whether the configuration may name code to import:
        ``{adapt: "package.module:Class", …}``.
    **arguments
        Further arguments of :class:`N2D`: ``n_jobs``, ``memory``, ``store``, ``listeners``.

    Returns
    -------
    N2D

    Raises
    ------
    ConfigError
        With every problem of the configuration.
    """
    if isinstance(config, RunConfig):
        checked = config
    else:
        checked = read_config(config, overrides, allow_code=allow_code)
    model = checked.model
    given = {opt.name: _listed(getattr(model, opt.name)) for opt in options_of(ModelConfig)}
    composition = checked.composition
    # What was left open stays so when a parameter is set later, and in a clone.
    opened = {} if composition is None else dict.fromkeys(composition.left_open)
    about = {"random_state": checked.random_state, "memory": checked.memory}
    found = N2D(**(given | opened | about | arguments))
    if composition is None or arguments.keys() & given.keys():
        return found
    return found.resolved_to(composition)


def _listed(value: Any) -> Any:
    """A chain as a list, as users write it."""
    return list(value) if isinstance(value, tuple) else value
