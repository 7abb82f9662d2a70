"""``n2d doctor``: what is installed, what would be used, and what is wrong."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Any

import attrs
import typer

from n2d_framework.cli.flags import Json
from n2d_framework.cli.store_location import cache_places, default_store
from n2d_framework.cli.terminal.console import bare_table, out, print_json, size_text

__all__ = ["doctor"]


def doctor(
    json: Json = False,
) -> None:
    """Show versions, processor, backend, store and plugins; exit code 1 if something is wrong."""
    found = _examine()
    if json:
        print_json(found)
    else:
        _print(found)
    if found["problems"]:
        raise typer.Exit(1)


def _examine() -> dict[str, Any]:
    from n2d_framework.cli import machine
    from n2d_framework.registry import default_catalogue

    catalogue = default_catalogue()
    versions = machine.libraries()
    backend, said = machine.backend()
    found: dict[str, Any] = {
        "n2d_framework": machine.version_of("n2d_framework"),
        "python": f"{platform.python_version()} ({sys.executable})",
        "platform": platform.platform(),
        "hardware": machine.hardware(),
        "backend": {"name": backend, "chosen_by": said},
        "gpus": machine.gpus(),
        "store": _store(default_store()),
        "caches": {name: str(folder) for name, folder in cache_places().items()},
        "libraries": versions,
        "plugins": [
            {
                "entry_point": plugin.entry_point,
                "distribution": plugin.distribution,
                "version": plugin.version,
                "seconds": plugin.seconds,
            }
            for plugin in catalogue.plugins
        ],
        "failures": [attrs.asdict(failure) for failure in catalogue.failures],
    }
    found["problems"] = _problems(found)
    return found


def _store(folder: Path) -> dict[str, Any]:
    entries = [path.stat().st_size for path in folder.rglob("*.stage")] if folder.is_dir() else []
    place = next(path for path in (folder, *folder.parents) if path.exists())
    return {
        "folder": str(folder),
        "entries": len(entries),
        "size": sum(entries),
        "writable": place.is_dir() and os.access(place, os.W_OK | os.X_OK),
    }


def _problems(found: dict[str, Any]) -> list[str]:
    from n2d_framework.cli import machine

    problems = [
        f"{name} is not installed; install it again with n2d_framework"
        for name in machine.required()
        if found["libraries"][name] is None
    ]
    if "not installed" in found["backend"]["name"]:
        problems.append(
            f"the Keras backend is {found['backend']['name']}, chosen by "
            f"{found['backend']['chosen_by']}; install it or choose another"
        )
    if not found["store"]["writable"]:
        problems.append(f"the store {found['store']['folder']} cannot be written; set N2D_STORE")
    problems += [
        f"plugin {failure['entry_point']} of {failure['distribution']} {failure['version']}: "
        f"{failure['error']}"
        for failure in found["failures"]
    ]
    return problems


def _print(found: dict[str, Any]) -> None:
    console = out()
    for name, value in _facts(found).items():
        console.print(f"{name:<10} {value}", soft_wrap=True)
    table = bare_table("library", "version", "library", "version")
    names = sorted(found["libraries"].items())
    half = (len(names) + 1) // 2
    for (a, old), (b, new) in zip(names[:half], [*names[half:], ("", "")], strict=False):
        table.add_row(a, old or "not installed", b, (new or "not installed") if b else "")
    console.print()
    console.print(table)
    console.print()
    if not found["problems"]:
        console.print("nothing wrong found", style="green")
    for problem in found["problems"]:
        console.print(f"problem: {problem}", style="red", soft_wrap=True)


def _facts(found: dict[str, Any]) -> dict[str, str]:
    hardware, store = found["hardware"], found["store"]
    features = f" ({', '.join(hardware['features'])})" if hardware["features"] else ""
    memory = hardware["memory"]
    threads = ", ".join(f"{k}={v}" for k, v in hardware["thread_variables"].items())
    plugins = (f"{p['entry_point']} ({p['distribution']} {p['version']})" for p in found["plugins"])
    return {
        "n2d": found["n2d_framework"] or "not installed as a distribution",
        "python": found["python"],
        "platform": found["platform"],
        "processor": f"{hardware['processor']}{features}",
        "cores": f"{hardware['usable_cores']} usable of {hardware['cores']}",
        "memory": size_text(memory) if memory else "unknown",
        **({"threads": threads} if threads else {}),
        "backend": f"{found['backend']['name']} ({found['backend']['chosen_by']})",
        "gpu": "; ".join(found["gpus"]) or "none found",
        "store": f"{store['folder']}: {store['entries']} stages, {size_text(store['size'])}",
        "caches": ", ".join(f"{name}={folder}" for name, folder in found["caches"].items()),
        "plugins": ", ".join(plugins) or "none",
    }
