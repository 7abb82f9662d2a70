"""The configuration of a run."""

from __future__ import annotations

from n2d_framework.config.checking import (
    Composition,
    default_choice,
    read_config,
    resolve_composition,
)
from n2d_framework.config.choice import Choice, resolve_chain, resolve_choice
from n2d_framework.config.config_schema import run_schema
from n2d_framework.config.models import DataConfig, ModelConfig, RunConfig

__all__ = [
    "Choice",
    "Composition",
    "DataConfig",
    "ModelConfig",
    "RunConfig",
    "default_choice",
    "read_config",
    "resolve_chain",
    "resolve_choice",
    "resolve_composition",
    "run_schema",
]
