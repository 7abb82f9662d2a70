"""The marker for hook implementations, and the name under which plugins are found."""

from __future__ import annotations

from typing import Final

import pluggy

__all__ = ["PROJECT", "hookimpl"]

#: pluggy project name and entry-point group.
PROJECT: Final = "n2d_framework"

hookimpl = pluggy.HookimplMarker(PROJECT)
