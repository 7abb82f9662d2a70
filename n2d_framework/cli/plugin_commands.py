"""Commands that plugins bring, found by their entry points: none is imported before it is called.

A function is announced in the group ``n2d_framework.commands`` under the name of its command, with
``-`` for ``_``. It is written as the framework's own are: with Typer's annotations.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from n2d_framework.cli.terminal.console import say_error
from n2d_framework.core.origin.distributions import distribution_of
from n2d_framework.errors import raised_at

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["GROUP", "PluginCommands", "announced", "unclear_commands"]

#: Entry-point group of commands.
GROUP = "n2d_framework.commands"
_BLOCKED = "N2D_BLOCK_PLUGINS"


def announced() -> dict[str, list[EntryPoint]]:
    """Commands of plugins by their names, each with all entry points that announce it."""
    from importlib.metadata import entry_points

    blocked = {name.strip() for name in os.environ.get(_BLOCKED, "").split(",")}
    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        if not {point.name, distribution_of(point)[0]} & blocked:
            found.setdefault(point.name, []).append(point)
    return {name: sorted(points, key=distribution_of) for name, points in sorted(found.items())}


def _offered_by(points: list[EntryPoint]) -> str:
    return " and ".join(" ".join(distribution_of(point)).strip() for point in points)


def unclear_commands() -> dict[str, str]:
    """Commands of plugins that cannot be called, with the reason and what to do about it."""
    from pkgutil import iter_modules

    folder = Path(__file__).with_name("commands")
    own = {module.name.replace("_", "-") for module in iter_modules([str(folder)])}
    found: dict[str, str] = {}
    for name, points in announced().items():
        if name in own:
            found[name] = (
                f"{_offered_by(points)} announces it, and the framework has a command of that "
                "name; ask its author to rename it"
            )
        elif len(points) > 1:
            found[name] = _clash(points)
    return found


def _clash(points: list[EntryPoint]) -> str:
    return (
        f"{_offered_by(points)} announce it, so that none is called; leave one out ({_BLOCKED}), "
        "or ask an author to rename it"
    )


class PluginCommands(TyperGroup):
    """The framework's commands, and those of plugins behind them."""

    #: Wraps a command's function, so that its failures become messages and exit codes.
    guard: Callable[[Callable[..., Any]], Callable[..., Any]]

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all commands, the framework's first."""
        own = super().list_commands(ctx)
        return own + [name for name in announced() if name not in own]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command by its name; one of a plugin is imported when it is called."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        points = announced().get(cmd_name)
        return None if points is None else _Announced(cmd_name, points, type(self).guard)


class _Announced(TyperCommand):
    """A command of a plugin that is not imported yet."""

    def __init__(
        self,
        name: str,
        points: list[EntryPoint],
        guard: Callable[[Callable[..., Any]], Callable[..., Any]],
    ) -> None:
        self._points, self._guard = points, guard
        super().__init__(name, help=f"Brought by {_offered_by(points)}.")

    def make_context(
        self,
        info_name: Any,
        args: list[str],
        parent: Any = None,
        **extra: Any,
    ) -> Any:
        """Import the command, and let it read its arguments."""
        return self._imported().make_context(info_name, args, parent=parent, **extra)

    def _imported(self) -> Any:
        if len(self._points) > 1:
            say_error(f"command {self.name!r}: {_clash(self._points)}")
            raise typer.Exit(2)
        (point,) = self._points
        made = typer.Typer(
            add_completion=False, context_settings={"help_option_names": ["-h", "--help"]}
        )
        try:
            made.command(self.name)(self._guard(point.load()))
            return typer.main.get_command(made)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # a plugin may raise anything
            where = raised_at(error, point.value.partition(":")[0].partition(".")[0])
            say_error(
                f"command {self.name!r} of {_offered_by(self._points)} cannot be used: importing "
                f"{point.value} failed with {type(error).__name__}: {error}"
                + (f" ({where})" if where else "")
            )
            raise typer.Exit(1) from None
