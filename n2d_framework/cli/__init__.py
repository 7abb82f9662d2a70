"""The command line. ``n2d --help`` tells what it does."""

from __future__ import annotations

from n2d_framework.cli.entry import app, main

__all__ = ["app", "main"]
