"""Facts about installed plugins, besides the components they bring."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from n2d_framework.cli.plugin_commands import unclear_commands
from n2d_framework.cli.terminal.console import styled

if TYPE_CHECKING:
    from rich.console import Console

    from n2d_framework.registry import Catalogue

__all__ = ["plugin_facts", "print_others", "print_trouble"]

#: Seconds above which the import of a plugin is worth a word: every command waits for it.
_SLOW = 1.0


def plugin_facts(catalogue: Catalogue) -> list[dict[str, Any]]:
    """Plugins that work: where they come from, how long they took, and what they bring.

    Parameters
    ----------
    catalogue : Catalogue

    Returns
    -------
    list of dict
        ``entry_point``, ``distribution``, ``version``, ``seconds``, ``brings``: numbers of
        components, datasets and metrics; and ``hears``, the hooks of events it implements.
    """
    from n2d_framework.events import HOOKS

    brought = {
        "components": Counter(entry.distribution for entry in catalogue.components()),
        "datasets": Counter(entry.distribution for entry in catalogue.datasets()),
        "metrics": Counter(entry.distribution for entry in catalogue.metrics()),
    }
    hears: dict[str, dict[str, None]] = {}
    for hook in HOOKS.values():
        for implementation in getattr(catalogue.manager.hook, hook).get_hookimpls():
            hears.setdefault(implementation.plugin_name, {})[hook] = None
    return [
        {
            "entry_point": plugin.entry_point,
            "distribution": plugin.distribution,
            "version": plugin.version,
            "seconds": plugin.seconds,
            "brings": {what: count[plugin.distribution] for what, count in brought.items()},
            "hears": list(hears.get(plugin.name, ())),
        }
        for plugin in catalogue.plugins
    ]


def print_others(console: Console, catalogue: Catalogue) -> None:
    """Plugins that bring something else than components."""
    names = {"datasets": "dataset", "metrics": "metric"}
    for fact in plugin_facts(catalogue):
        counts = {name: fact["brings"][what] for what, name in names.items()}
        reported = [f"{n} {name}{'s' if n > 1 else ''}" for name, n in counts.items() if n]
        if fact["hears"]:
            reported.append("receives the events of runs (a tracker)")
        if reported and not fact["brings"]["components"]:
            text = f"{fact['distribution']} {fact['version']}: {', '.join(reported)}"
            console.print(text, soft_wrap=True)


def print_trouble(console: Console, catalogue: Catalogue) -> None:
    """Plugins that cannot be used, names that are not clear, and imports that take long."""
    for failure in catalogue.failures:
        console.print(
            styled(
                ("\nunusable", "bold red"),
                f" plugin {failure.entry_point} of {failure.distribution} {failure.version}",
            )
        )
        console.print(f"  {failure.error}", soft_wrap=True)
    for entry in catalogue.rejections:
        about = f" {entry.what} {entry.name} of {entry.distribution} {entry.version}"
        console.print(styled(("\nunusable", "bold red"), about))
        console.print(f"  {entry.reason}", soft_wrap=True)
    for what, advice in _unclear(catalogue).items():
        console.print(styled(("\nunclear", "bold yellow"), f" {what}"))
        console.print(f"  {advice}", soft_wrap=True)
    for plugin in catalogue.plugins:
        if plugin.seconds > _SLOW:
            console.print(
                styled(
                    ("\nslow", "bold yellow"),
                    f" plugin {plugin.entry_point} of {plugin.distribution} {plugin.version}",
                )
            )
            text = f"  importing it took {plugin.seconds:.1f} s, which every command waits for"
            console.print(text)


def _unclear(catalogue: Catalogue) -> dict[str, str]:
    """Names that are ambiguous, with what to do about it."""
    found: dict[str, list[str]] = {}
    for entry in catalogue.components():
        found.setdefault(f"{entry.spec.role} {entry.spec.name}", []).append(entry.qualified_name)
    for dataset in catalogue.datasets():
        found.setdefault(f"dataset {dataset.spec.name}", []).append(dataset.qualified_name)
    unclear = {
        f"{what} is offered more than once": f"write {' or '.join(names)}"
        for what, names in found.items()
        if len(names) > 1
    }
    for name, trouble in unclear_commands().items():
        unclear[f"command {name} of a plugin is not used"] = trouble
    metrics = catalogue.metrics()
    if metrics:
        from n2d_framework.metrics.of_plugins import clashes

        for name, trouble in clashes(metrics).items():
            unclear[f"metric {name} has no score"] = trouble
    return unclear
