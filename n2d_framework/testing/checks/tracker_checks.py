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
    CellFinished,
    ComparisonFinished,
    ComparisonStarted,
    EpochFinished,
    Event,
    FilesWritten,
    RunAssessed,
    RunFinished,
    RunStarted,
    StageFinished,
    StageStarted,
)
from n2d_framework.events import HOOKS, call_hook
from n2d_framework.registry import Catalogue, Entry
from n2d_framework.testing.check import Checks, demand
from n2d_framework.testing.checks.effects import ALONE, no_effects
from n2d_framework.testing.fresh_process import heavy_imports
from n2d_framework.testing.process.process_state import Surroundings
from n2d_framework.testing.process.side_effects import watched
from n2d_framework.types import ROLES

__all__ = ["CHECKS", "TrackerExamination", "TrackerSpec", "trackers_of"]

CHECKS = Checks()


@attrs.frozen
class TrackerSpec:
    """A plugin that listens.

    Attributes
    ----------
    name : str
        Name of its entry point.
    hooks : mapping of str to list of pluggy.HookImpl
        How it implements hooks of events.
    """

    name: str
    hooks: dict[str, list[Any]] = attrs.field(repr=False, eq=False)


def trackers_of(catalogue: Catalogue) -> list[Entry[Any]]:
    """All plugins that implement a hook of the events."""
    found: dict[str, dict[str, list[Any]]] = {}
    for hook in HOOKS.values():
        for implementation in getattr(catalogue.manager.hook, hook).get_hookimpls():
            listening = found.setdefault(implementation.plugin_name, {})
            listening.setdefault(hook, []).append(implementation)
    return [
        Entry(TrackerSpec(plugin.entry_point, found[plugin.name]), plugin.distribution,
              plugin.version, plugin.package)
        for plugin in catalogue.plugins
        if plugin.name in found
    ]  # fmt: skip


@attrs.define(eq=False, slots=False)
class TrackerExamination:
    """Common parts of the checks of one tracker."""

    entry: Entry[Any]
    folder: Path

    def deliver(self, events: list[Event], folder: Path | None = None) -> None:
        """Deliver events as a run does, and put back what this changes; failures are raised.

        The working directory is a folder of the kit.
        """
        with self.inside(folder), watched(importing=True, auditing=False):
            self.call(events)

    def inside(self, folder: Path | None = None) -> contextlib.AbstractContextManager[None]:
        """Make a folder of the kit the working directory."""
        folder = self.folder if folder is None else folder
        folder.mkdir(parents=True, exist_ok=True)
        return contextlib.chdir(folder)

    def call(self, events: list[Event]) -> None:
        """Call the tracker's hooks."""
        for event in events:
            call_hook(self.entry.spec.hooks.get(HOOKS[type(event)], ()), event)


_COMPOSITION: dict[str, Any] = {
    "scaler": {"name": "minmax", "per": "auto"},
    **{role: {"name": "x", "k": 3, "hidden": [1, 2], "rate": None} for role in ROLES},
    "n_clusters": 3,
}
_SCORES = {"acc": 0.9, "silhouette": float("nan")}


def _stages(run_id: str, error: str | None = None) -> Iterator[Event]:
    for role in ROLES:
        yield StageStarted(run_id, f"key-{role}", role, "x")
        for epoch in (1, 2) if role == "embedder" else ():
            yield EpochFinished(run_id, f"key-{role}", role, "x", epoch, 2, {"loss": 1 / epoch})
        broken = error if role == "clusterer" else None
        yield StageFinished(run_id, f"key-{role}", role, "x", 0.1, role == "manifolder", broken)


def _run(run_id: str, error: str | None = None) -> Iterator[Event]:
    yield RunStarted(run_id, copy.deepcopy(_COMPOSITION), 120, (8, 8), 0)
    yield from _stages(run_id, error)
    yield RunFinished(run_id, 0.5, error, None if error else 3)
    if error is None:
        yield RunAssessed(run_id, dict(_SCORES))
        yield RunAssessed(run_id, dict(_SCORES), training=False)


def _comparison(run_id: str, folder: Path) -> Iterator[Event]:
    keys: dict[str, str] = {role: f"key-{role}" for role in ROLES}
    yield ComparisonStarted(run_id, str(folder), 2, 2)
    yield from _stages(run_id)
    for seed, error in enumerate((None, "E: no")):
        yield CellFinished(
            run_id=run_id,
            cell=f"cell{seed}",
            data="digits",
            method="x / x / x(k=3)",
            composition=copy.deepcopy(_COMPOSITION),
            random_state=seed,
            stages=keys,
            status="failed" if error else "done",
            scores={} if error else dict(_SCORES),
            seconds=dict.fromkeys(ROLES, 0.1),
            error=error,
        )
    yield ComparisonFinished(run_id, 0.5)


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


@CHECKS.add("it takes all events of a comparison, and files that are written")
def tracker_takes_a_comparison(exam: TrackerExamination) -> None:
    """Deliver a comparison of two cells, one of which fails; and a table."""
    exam.deliver(list(_comparison("grid", exam.folder / "grid")))
    table = exam.folder / "table.csv"
    table.write_text("cell,acc\n", encoding="utf-8")
    exam.deliver([FilesWritten("grid", {"table": (str(table),)})])


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


@CHECKS.add("it writes nothing to the working directory unless it was asked to")
def tracker_writes_when_asked(exam: TrackerExamination) -> None:
    """Look at the working directory after a run; no setting asks for anything there."""
    folder = exam.folder / "unasked"
    exam.deliver(list(_run("unasked")), folder)
    written = sorted(path.name for path in folder.iterdir())
    demand(
        not written,
        f"writes {', '.join(written)} to the working directory; being installed is not a request: "
        "wait for a setting of your own (and check without it)",
    )


@CHECKS.add("it leaves the process around it alone")
def tracker_leaves_process_alone(exam: TrackerExamination) -> None:
    """Deliver a second run, when everything is imported, and look at seeds, threads, settings."""
    exam.deliver(list(_run("first")))  # imports libraries
    with exam.inside(), Surroundings.stirred(), watched(auditing=False) as effects:
        exam.call(list(_run("second")))
    no_effects(attrs.asdict(effects), *ALONE)


@CHECKS.add("it prints nothing to standard output, where results go")
def tracker_prints_nothing(exam: TrackerExamination) -> None:
    """Look at what is said."""
    exam.deliver(list(_run("first")))  # imports libraries
    said = io.StringIO()
    with exam.inside(), contextlib.redirect_stdout(said):
        exam.call(list(_run("quiet")))
    demand(not said.getvalue(), f"prints {said.getvalue()[:200]!r}")
