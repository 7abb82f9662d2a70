"""Commands that start a module of the framework in another process."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["SAFE_PATH", "import_path", "leave_current_folder", "module_command"]

#: Environment variable that keeps the current folder out of where processes import from.
SAFE_PATH = "PYTHONSAFEPATH"

#: Imports nothing before the path is set, but from the standard library. Libraries that are
#: imported stay: to look through them for garbage takes a fifth of the time of importing them.
_START = (
    "import gc, json, runpy, sys; gc.set_threshold(10_000); "
    "sys.path[:] = json.loads(sys.argv.pop(1)); "
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)


def import_path() -> list[str]:
    """Where a child of this process imports from: where this process does.

    Returns
    -------
    list of str
        Entries of ``sys.path``. The current folder, which is an entry of interactive sessions,
        comes last: what lies there by chance must not take the place of what is installed.
    """
    found = [entry for entry in sys.path if entry]
    return [*found, str(Path.cwd())] if len(found) < len(sys.path) else found


def module_command(module: str, *arguments: str, path: Sequence[str] | None = None) -> list[str]:
    """Command line that runs a module as a program.

    Unlike ``python -m``, the program does not import what lies in the current folder.

    Parameters
    ----------
    module : str
    *arguments : str
    path : sequence of str, optional
        Where it imports from; :func:`import_path` by default.
    """
    import json  # not at the head: first of all __main__ takes the current folder away

    entries = json.dumps(list(import_path() if path is None else path))
    return [sys.executable, "-P", "-c", _START, entries, module, *arguments]


def leave_current_folder() -> None:
    """Take back what ``python -m`` has put in front of ``sys.path``: the current folder."""
    if not sys.flags.safe_path and sys.path and sys.path[0] == str(Path.cwd()):
        del sys.path[0]
