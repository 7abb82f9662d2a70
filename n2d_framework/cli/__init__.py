"""The command line. ``n2d --help`` lists the commands."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from n2d_framework.cli.entry import app as app

__all__ = ["app", "main"]


def main() -> NoReturn:
    """Entry point of the command ``n2d``."""
    # Importing the commands takes most of a second: Ctrl-C is for that as well.
    try:
        from n2d_framework.cli import entry
    except KeyboardInterrupt:
        sys.stderr.write("stopped: interrupted\n")
        sys.exit(130)
    entry.main()


def __getattr__(name: str) -> Any:
    if name == "app":
        from n2d_framework.cli.entry import app

        return app
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
