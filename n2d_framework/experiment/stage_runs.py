"""One stage on a worker: from the store if it is there, else fitted; a failure is a result."""

from __future__ import annotations

import contextlib
import platform
import threading
import traceback
import warnings
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from typing import Any

import attrs

from n2d_framework.config import ScalerConfig
from n2d_framework.core.code import code_of
from n2d_framework.core.events import Event, StageFinished, StageStarted
from n2d_framework.core.options import options_dict
from n2d_framework.core.spec import ComponentSpec
from n2d_framework.core.state import State
from n2d_framework.core.structure import structure
from n2d_framework.errors import (
    BundleError,
    N2DError,
    OutputError,
    StageError,
    StateError,
    StoreWarning,
)
from n2d_framework.experiment.materials import embedder_rows, rows_of
from n2d_framework.experiment.memory_watch import MemoryWatch
from n2d_framework.experiment.tasks import Outcome, Settings, StageTask
from n2d_framework.plan.store.entries import StageEntry, last_losses, read_entry, with_state
from n2d_framework.plan.keys import stage_key
from n2d_framework.pipeline.snapshot import library_versions
from n2d_framework.plan.run_step import StageRunner
from n2d_framework.plan.store.stage_store import StageStore
from n2d_framework.registry import Entry, default_catalogue
from n2d_framework.types import AnyArray

__all__ = ["ALONE", "component_of", "failure", "fit_here", "fit_stage", "output_of"]

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
            before, key=task.key, role=task.role, cached=False, events=(), told=(), warnings=()
        )
    found, told = _stored(task, settings)
    if found is not None:
        return found
    if settings.limited:
        from n2d_framework.experiment.subprocess_runner import fit_apart

        outcome = fit_apart(task, settings)
    else:
        outcome = fit_here(task, settings)
    return attrs.evolve(outcome, told=(*told, *outcome.told))


def _stored(task: StageTask, settings: Settings) -> tuple[Outcome | None, tuple[str, ...]]:
    """The outcome that the store knows of; or why its entry cannot be used."""
    try:
        found = StageStore(settings.store).read(task.key)
        if found is None:
            return None, ()
        kept = read_entry(found, _spec(task))
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
    return last_losses(with_state(component_of(task)[1], state))


def _spec(task: StageTask) -> ComponentSpec:
    return default_catalogue().get(task.role, task.component).spec


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
            entry, component = component_of(task)
            store = StageStore(settings.store)
            runner = StageRunner(
                settings.run_id, events.append, settings.n_jobs, store, notes=notes,
                outputs_of_code=True,
            )  # fmt: skip
            upstream = task.fingerprint if task.upstream is None else task.upstream.key
            code |= code_of(entry.spec, component)
            if stage_key(upstream, entry, options_dict(component), task.seed, code) != task.key:
                raise StageError(_other_version(task, entry, code))
            x, published = _input(task, settings)
            result = runner.run_stage(entry, component, x, upstream, task.seed, published)
        except OutputError:
            raise
        except Exception as error:  # noqa: BLE001  # a cell's failure is a result
            outcome = failure(task, error)
        else:
            outcome = Outcome(
                task.key, task.role, cached=result.cached, seconds=result.seconds,
                peak_memory=watch.peak, losses=last_losses(result.component),
                versions=_versions(task.component) | code,
            )  # fmt: skip
    told = tuple(str(w.message) for w in caught if issubclass(w.category, StoreWarning))
    return attrs.evolve(
        outcome, events=tuple(events), warnings=tuple(noted or _texts(caught)), told=told
    )


def _other_version(task: StageTask, entry: Entry[ComponentSpec], code: Mapping[str, str]) -> str:
    also = "".join(f", {name} {version}" for name, version in code.items())
    return (
        f"{task.role} {task.component!r}: this worker has version {entry.version}{also}, "
        "the plan was made with another; install the same versions everywhere"
    )


def failure(task: StageTask, error: BaseException) -> Outcome:
    """The outcome of a stage that failed."""
    text = str(error) if isinstance(error, N2DError) else f"{type(error).__name__}: {error}"
    where = "".join(traceback.format_exception(error))
    return Outcome(task.key, task.role, error=text, traceback=where, failed=task.key)


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


def component_of(task: StageTask) -> tuple[Entry[ComponentSpec], Any]:
    """The catalogue's entry of a stage, and a fresh component."""
    entry = default_catalogue().get(task.role, task.component)
    return entry, structure(entry.spec.load(), task.options)


def _input(task: StageTask, settings: Settings) -> tuple[AnyArray, State]:
    """Rows that a stage is fitted on, and their description."""
    if task.upstream is not None:
        before = _entry_of(task.upstream, settings)
        return before.output, before.published
    kind = _spec(task).input
    scaler = structure(ScalerConfig, task.scaler, "scaler")
    return embedder_rows(rows_of(settings.store, task.data), scaler, kind), {}


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
                return read_entry(found, _spec(task))
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
