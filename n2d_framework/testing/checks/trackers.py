"""Checks of a tracker: a plugin that listens to the events of runs."""

from __future__ import annotations

import contextlib
import copy
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from n2d_framework.core.events import (
    EpochFinished,
    Event,
    RunFinished,
    RunStarted,
    StageFinished,
    StageStarted,
)
from n2d_framework.registry import Catalogue, Entry
from n2d_framework.testing.check import Checks, demand
from n2d_framework.testing.elsewhere import heavy_imports
from n2d_framework.types import ROLES

__all__ = ["CHECKS", "HOOKS", "TrackerExamination", "TrackerSpec", "trackers_of"]

CHECKS = Checks()

#: The hook each event is delivered to.
HOOKS: dict[type[Any], str] = {
    RunStarted: "n2d_run_started",
    StageStarted: "n2d_stage_started",
    EpochFinished: "n2d_epoch_finished",
    StageFinished: "n2d_stage_finished",
    RunFinished: "n2d_run_finished",
}


@attrs.frozen
class TrackerSpec:
    """A plugin that listens.

    Attributes
    ----------
    name : str
        Name of its entry point.
    hooks : mapping of str to callable
        The event hooks it implements.
    """

    name: str
    hooks: dict[str, Any] = attrs.field(repr=False, eq=False)


def trackers_of(catalogue: Catalogue) -> list[Entry[Any]]:
    """All plugins that implement a hook of the events."""
    found: dict[str, dict[str, Any]] = {}
    for hook in HOOKS.values():
        for implementation in getattr(catalogue.manager.hook, hook).get_hookimpls():
            listening = found.setdefault(implementation.plugin_name, {})
            listening[hook] = implementation
    return [
        Entry(TrackerSpec(plugin.entry_point, found[plugin.name]), plugin.distribution,
              plugin.version)
        for plugin in catalogue.plugins
        if plugin.name in found
    ]  # fmt: skip


@attrs.define(eq=False, slots=False)
class TrackerExamination:
    """What the checks of one tracker share."""

    entry: Entry[Any]
    folder: Path

    def deliver(self, events: list[Event]) -> None:
        """Deliver events as a run does, in an empty folder; failures are raised."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with contextlib.chdir(self.folder):
            for event in events:
                hook = self.entry.spec.hooks.get(HOOKS[type(event)])
                if hook is not None:
                    hook.function(**({"event": event} if hook.argnames else {}))


def _run(run_id: str, error: str | None = None) -> Iterator[Event]:
    composition: dict[str, Any] = {
        role: {"name": "x", "options": {"k": 3, "hidden": [1, 2]}} for role in ROLES
    }
    yield RunStarted(run_id, composition, 120, (8, 8))
    for role in ROLES:
        yield StageStarted(run_id, f"key-{role}", role, "x")
        for epoch in (1, 2) if role == "embedder" else ():
            yield EpochFinished(run_id, f"key-{role}", role, "x", epoch, 2, {"loss": 1 / epoch})
        broken = error if role == "clusterer" else None
        yield StageFinished(run_id, f"key-{role}", role, "x", 0.1, role == "manifolder", broken)
    yield RunFinished(run_id, 0.5, error)


@CHECKS.add("announcing it loads no heavy library")
def tracker_import_is_light(exam: TrackerExamination) -> None:
    """Import in a fresh process."""
    found = heavy_imports(exam.entry.distribution)
    demand(not found, f"importing loads {', '.join(found)}; import such libraries in functions")


@CHECKS.add("it takes all events of a run that succeeds")
def tracker_takes_a_run(exam: TrackerExamination) -> None:
    """Deliver a run."""
    exam.deliver(list(_run("a-run")))


@CHECKS.add("it takes all events of a run that fails, and one after it")
def tracker_takes_a_failure(exam: TrackerExamination) -> None:
    """Deliver a run that fails early, one that fails late, and a good one."""
    early = [
        event for event in _run("early", "E: no") if isinstance(event, (RunStarted, RunFinished))
    ]
    exam.deliver([*early, *_run("late", "E: no"), *_run("good")])


@CHECKS.add("two runs at the same time do not disturb it")
def tracker_takes_two_runs(exam: TrackerExamination) -> None:
    """Deliver the events of two runs in turn."""
    pairs = zip(_run("left"), _run("right"), strict=True)
    exam.deliver([event for pair in pairs for event in pair])


@CHECKS.add("it changes no event, for others listen too")
def tracker_changes_nothing(exam: TrackerExamination) -> None:
    """Compare events before and after."""
    events = list(_run("unchanged"))
    before = copy.deepcopy(events)
    exam.deliver(events)
    demand(events == before, "an event is changed")


@CHECKS.add("it prints nothing to standard output, where results go")
def tracker_prints_nothing(exam: TrackerExamination) -> None:
    """Look at what is said."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exam.deliver(list(_run("quiet")))
    demand(not said.getvalue(), f"prints {said.getvalue()[:200]!r}")
