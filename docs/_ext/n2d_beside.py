"""The catalogue that the reference describes: what is installed, and this repository's plugins."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from os import PathLike
from pathlib import Path
from typing import Any

from n2d_framework.core.origin.markers import PROJECT
from n2d_framework.registry import Catalogue
from n2d_framework.registry.entry_points import installed_entry_points

_PLUGINS = Path(__file__).parents[2] / "plugins"


def whole_catalogue() -> Catalogue:
    """Installed packages, and the plugins of this repository even where they are not installed."""
    beside = [point for plugin in _not_installed() for point in plugin.entry_points]
    return Catalogue.from_entry_points([*installed_entry_points(), *beside])


def _not_installed() -> Iterator[Distribution]:
    installed = {found.name for found in distributions()}
    for path in sorted(_PLUGINS.glob("*/pyproject.toml")):
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        if project["name"] not in installed:
            if str(path.parent) not in sys.path:
                sys.path.append(str(path.parent))
            yield _Beside(path.parent, project)


class _Beside(Distribution):
    """A distribution as its pyproject.toml describes it."""

    def __init__(self, folder: Path, project: dict[str, Any]) -> None:
        self._folder, self._project = folder, project

    def read_text(self, filename: str) -> str | None:
        if filename == "METADATA":
            about = self._project
            return f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n"
        if filename == "entry_points.txt":
            points = self._project.get("entry-points", {}).get(PROJECT, {})
            return f"[{PROJECT}]\n" + "".join(f"{name} = {at}\n" for name, at in points.items())
        return None

    def locate_file(self, path: str | PathLike[str]) -> Path:
        return self._folder / path
