"""One stage on a worker: from the store if it is there, else fitted; a failure is a result."""

from __future__ import annotations

import contextlib
import platform
import threading
import warnings
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from typing import Any

import attrs

from n2d_framework.core.events import Event, StageFinished, StageStarted
from n2d_framework.core.origin.code import library_versions
from n2d_framework.core.rows import Rows
from n2d_framework.core.state import State
from n2d_framework.errors import (
    BundleError,
    DeadlineError,
    OutputError,
    StageError,
    StateError,
    StoreWarning,
)
from n2d_framework.plan.executors.memory_watch import MemoryWatch
from n2d_framework.plan.executors.tasks import Outcome, Settings, StageTask
from n2d_framework.plan.run_step import Edge, RunContext, run_step
from n2d_framework.plan.store import StageStore
from n2d_framework.plan.store.entries import StageEntry, last_losses, read_entry, with_state
from n2d_framework.plan.store.stored_arrays import rows_of, weights_of
from n2d_framework.types import AnyArray

__all__ = ["ALONE", "fit_here", "fit_stage", "output_of", "rows_into"]

#: A process does one piece of work at a time, also if it is a Dask worker with several threads:
#: what is caught of warnings, measured of memory and seeded in libraries is the process's.
ALONE = threading.RLock()


def fit_stage(task: StageTask, settings: Settings, before: Outcome | None = None) -> Outcome:
    """Make sure that the store has a stage's result.

    Parameters
    ----------
    task : StageTask
    settings : Settings
    before : Outcome, optional
        How the stage before went.

    Returns
    -------
    Outcome
        Whatever the component did wrong is in it.

    Raises
    ------
    OutputError
        If the store cannot be read or written: then the whole comparison stops.
    """
    if before is not None and before.error is not None:
        return attrs.evolve(
            before, key=task.key, role=task.role, cached=False, events=(), reported=(), warnings=()
        )
    found, reported = _stored(task, settings)
    if found is not None:
        return found
    if settings.limited:
        from n2d_framework.plan.executors.subprocess_runner import fit_apart

        outcome = fit_apart(task, settings)
    else:
        outcome = fit_here(task, settings)
    return attrs.evolve(outcome, reported=(*reported, *outcome.reported))


def _stored(task: StageTask, settings: Settings) -> tuple[Outcome | None, tuple[str, ...]]:
    """The outcome that the store knows of; or why its entry cannot be used."""
    try:
        found = StageStore(settings.store).read(task.key)
        if found is None:
            return None, ()
        kept = read_entry(found, task.step.spec)
        losses = kept.losses
        if losses is None:  # kept by a version that did not note them
            losses = {} if kept.state is None else _losses_in(kept.state, task)
        outcome = Outcome(
            task.key,
            task.role,
            cached=True,
            seconds=kept.seconds,
            peak_memory=kept.peak_memory,
            warnings=kept.warnings,
            events=_looked_up(task, settings),
            losses=losses,
            versions=kept.versions,
        )
    except (BundleError, StateError, StageError) as error:
        reason = " ".join(str(error).split())[:300]
        text = f"{settings.store}: the entry {task.key[:12]}… is damaged ({reason}); "
        return None, (f"{text}it is computed again",)
    return outcome, ()


def _losses_in(state: State, task: StageTask) -> dict[str, float]:
    return last_losses(with_state(task.step.prototype, state))


def _looked_up(task: StageTask, settings: Settings) -> tuple[Event, ...]:
    name = task.component.rpartition(":")[2]
    about = (settings.run_id, task.key, task.role, name)
    return StageStarted(*about), StageFinished(*about, 0.0, cached=True)


def fit_here(task: StageTask, settings: Settings) -> Outcome:
    """Fit a stage in this process and put it into the store; one at a time."""
    with ALONE:
        return _fit_here(task, settings)


def _fit_here(task: StageTask, settings: Settings) -> Outcome:
    events: list[Event] = []
    noted: list[str] = []
    code: dict[str, str] = {}
    watch = MemoryWatch()
    with warnings.catch_warnings(record=True) as caught, watch:
        warnings.simplefilter("always")

        def notes() -> dict[str, Any]:
            noted[:] = _texts(caught)
            return {
                "peak_memory": watch.sample(),
                "warnings": list(noted),
                "versions": _versions(task.component) | code,
            }

        try:
            code |= task.step.code
            if task.step.key(task.before, task.seed) != task.key:
                raise StageError(_other_version(task, code))
            context = RunContext(
                settings.run_id, events.append, settings.resources(), StageStore(settings.store),
                notes=notes, outputs_of_code=True,
            )  # fmt: skip
            result = run_step(task.step, _edge(task, settings), task.seed, context)
        except OutputError:
            raise
        except DeadlineError:
            outcome = Outcome.of_failure(
                task, StageError(f"{task.step.title} {settings.timed_out}")
            )
        except Exception as error:  # noqa: BLE001  # a cell's failure is a result
            outcome = Outcome.of_failure(task, error)
        else:
            outcome = Outcome(
                task.key, task.role, cached=result.cached, seconds=result.seconds,
                peak_memory=watch.peak, losses=last_losses(result.component),
                versions=_versions(task.component) | code,
            )  # fmt: skip
    reported = tuple(str(w.message) for w in caught if issubclass(w.category, StoreWarning))
    return attrs.evolve(
        outcome, events=tuple(events), warnings=tuple(noted or _texts(caught)), reported=reported
    )


def _other_version(task: StageTask, code: Mapping[str, str]) -> str:
    also = "".join(f", {name} {version}" for name, version in code.items())
    return (
        f"{task.role} {task.component!r}: this worker has version {task.step.entry.version}{also}, "
        "the plan was made with another; install the same versions everywhere"
    )


def _texts(caught: list[warnings.WarningMessage]) -> list[str]:
    """Warnings of a component, each once; those of the store are reported separately."""
    texts = [
        f"{w.category.__name__}: {w.message}"
        for w in caught
        if not issubclass(w.category, (StoreWarning, DeprecationWarning))
    ]
    return list(dict.fromkeys(texts))


@cache
def _versions(component: str) -> dict[str, str]:
    distribution = component.partition(":")[0]
    found = {"python": platform.python_version()} | library_versions(distribution)
    with contextlib.suppress(metadata.PackageNotFoundError):  # its entry point has no distribution
        found[distribution] = metadata.version(distribution)
    return found


def _edge(task: StageTask, settings: Settings) -> Edge:
    """Input of a step: from the store; prepared rows are made again."""
    before = task.upstream
    if before is None:
        return Edge(rows_of(settings.store, task.data), task.data)
    if before.step.prepares:
        return _prepared(before, settings)
    found = _entry_of(before, settings)
    if found.output.ndim > 1:
        weights = weights_of(settings.store, task.data)
        return Edge(Rows(found.output, weights=weights), before.key, None, found.published)
    return _edge(before, settings).after(found.output, before.key)


def rows_into(task: StageTask, settings: Settings) -> Rows:
    """Rows that a stage is fitted on: from the store; prepared ones are made again."""
    return _edge(task, settings).rows


def _prepared(task: StageTask, settings: Settings) -> Edge:
    edge = _edge(task, settings)
    context = RunContext(settings.run_id, _no_op, settings.resources())
    result = run_step(task.step, edge, task.seed, context)
    return edge.after(result.output, task.key, result.published)


def _no_op(event: object) -> None:
    """Prepared rows have no events."""


def output_of(task: StageTask, settings: Settings) -> AnyArray:
    """Output of a stage, coordinates or labels; fitted again if the store has lost it.

    Raises
    ------
    StageError
        If it has to be fitted again and fails.
    """
    return _entry_of(task, settings).output


def _entry_of(task: StageTask, settings: Settings) -> StageEntry:
    """A stage's entry in the store, with values that can be used."""
    store = StageStore(settings.store)
    for _ in range(2):
        try:
            found = store.read(task.key)
            if found is not None:
                return read_entry(found, task.step.spec)
            reason = "is missing"
        except (BundleError, StateError, StageError) as error:
            reason = f"is damaged ({error})"
        warnings.warn(
            f"{settings.store}: the entry {task.key[:12]}… {reason}; it is computed again",
            StoreWarning,
            stacklevel=2,
        )
        outcome = fit_stage(task, settings)
        if outcome.error is not None:
            raise StageError(outcome.error)
    raise StageError(f"{settings.store}: the entry {task.key[:12]}… cannot be kept; check the disk")
