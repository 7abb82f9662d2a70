"""Plugins and the catalogue of what they announce."""

from __future__ import annotations

from n2d_framework.registry.catalogue import (
    Catalogue,
    Entry,
    components,
    default_catalogue,
    refuse_duplicates,
)
from n2d_framework.registry.entry_points import LoadedPlugin, PluginFailure

__all__ = [
    "Catalogue",
    "Entry",
    "LoadedPlugin",
    "PluginFailure",
    "components",
    "default_catalogue",
    "refuse_duplicates",
]
