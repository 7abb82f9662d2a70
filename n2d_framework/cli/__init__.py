"""The command line. ``n2d --help`` lists the commands."""

from __future__ import annotations

from n2d_framework.cli.entry import app, main

__all__ = ["app", "main"]
