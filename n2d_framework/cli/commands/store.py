"""``n2d store``: what the stage store takes; ``n2d store prune`` makes room in it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import attrs
import typer

from n2d_framework.cli.flags import Json, age, size
from n2d_framework.cli.terminal.console import out, print_json, say_warning, size_text

if TYPE_CHECKING:
    from n2d_framework.plan.store import StageStore

__all__ = ["store"]


def store(
    action: Annotated[
        str | None,
        typer.Argument(
            metavar="[prune]", help="Remove what has not been used for long.", show_default=False
        ),
    ] = None,
    place: Annotated[
        str | None,
        typer.Option(
            "--store",
            metavar="PLACE",
            help="A folder or URL; by default the store of `n2d run`. A comparison keeps its own "
            "in OUT/stages unless it was given one.",
        ),
    ] = None,
    older_than: Annotated[
        str | None,
        typer.Option(metavar="AGE", help="Prune what was not used for that long: 12h, 30d, 8w."),
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Prune the longest unused down to that size: 5GB."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Prune everything.")] = False,
    now: Annotated[
        bool,
        typer.Option(
            "--now",
            help="Prune also what was used within the last hour, when no one is at work.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Show what the stage store takes, or make room in it, safely beside running fits."""
    from n2d_framework.cli.store_location import default_store
    from n2d_framework.plan.store import StageStore

    chosen = StageStore(default_store() if place is None else place)
    oldest = 0.0 if everything else age(older_than)
    pruning = _Pruning(oldest, size(max_size), dry_run, now)
    _check(action, pruning)
    if action is None:
        _show_usage(chosen, json=json)
    else:
        _prune(chosen, pruning, json=json)


@attrs.frozen
class _Pruning:
    older_than: float | None
    max_bytes: float | None
    dry_run: bool
    now: bool

    @property
    def says_what(self) -> bool:
        return self.older_than is not None or self.max_bytes is not None


def _check(action: str | None, pruning: _Pruning) -> None:
    from n2d_framework.errors import ConfigError, Problem

    if action not in (None, "prune"):
        raise ConfigError([Problem("store", f"expected nothing or 'prune', got {action!r}")])
    if action == "prune" and not pruning.says_what:
        text = "say what to remove: --older-than 30d, --max-size 5GB, or --all"
        raise ConfigError([Problem("store prune", text)])
    if action is None and (pruning.says_what or pruning.dry_run or pruning.now):
        raise ConfigError([Problem("store", "these options belong to 'n2d store prune'")])


def _show_usage(store: StageStore, *, json: bool) -> None:
    from n2d_framework.plan.store.prune import store_usage

    found = store_usage(store)
    if json:
        print_json({"store": store.location, **attrs.asdict(found)})
        return
    console = out()
    console.print(store.location, soft_wrap=True)
    console.print(f"{found.entries} entries, {size_text(found.size)}")
    if found.oldest is not None and found.newest is not None:
        console.print(f"last used {_ago(found.newest)}; the longest unused {_ago(found.oldest)}")
    if found.unfinished:
        console.print(
            f"{found.unfinished} unfinished files, {size_text(found.unfinished_size)}: left by "
            "writes that were interrupted, or being written now"
        )


def _ago(when: float) -> str:
    hours = max(0.0, time.time() - when) / 3600
    if hours < 1:
        return "within the last hour"
    return f"{hours:.0f} hours ago" if hours < 48 else f"{hours / 24:.0f} days ago"


def _prune(store: StageStore, pruning: _Pruning, *, json: bool) -> None:
    from n2d_framework.plan.store.prune import RECENT, prune_store

    found = prune_store(
        store,
        older_than=pruning.older_than,
        max_bytes=pruning.max_bytes,
        dry_run=pruning.dry_run,
        recent=0.0 if pruning.now else RECENT,
    )
    record: dict[str, Any] = {"store": store.location, "dry_run": pruning.dry_run}
    if json:
        print_json(record | attrs.asdict(found))
        return
    verb = "would be removed" if pruning.dry_run else "removed"
    out().print(store.location, soft_wrap=True)
    out().print(
        f"{found.removed} files ({size_text(found.removed_size)}) {verb}, "
        f"{found.kept} ({size_text(found.kept_size)}) kept"
    )
    if found.in_use:
        say_warning(
            f"{found.in_use} files stay because they were used within the last hour, perhaps by a "
            "fit that is in progress; if no one is at work, add --now"
        )
