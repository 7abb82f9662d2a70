"""Tasks sent to a worker: small descriptions, never an array."""

from __future__ import annotations

import time
from collections.abc import Mapping
from traceback import format_exception
from typing import Any

import attrs

from n2d_framework.core.events import Event
from n2d_framework.core.resources import Resources
from n2d_framework.errors import DeadlineError, N2DError
from n2d_framework.plan.steps import Step
from n2d_framework.types import Role

__all__ = ["Outcome", "Settings", "StageTask"]


@attrs.frozen(eq=False)
class Settings:
    """Settings with which stages are run.

    Attributes
    ----------
    store : str
        Location of the stage store.
    n_jobs : int
        Threads that a stage may use.
    timeout : float or None
        Seconds that a stage may take.
    memory_limit : float or None
        GiB of resident memory that a stage's process may take.
    run_id : str
        Identifies the comparison in its events.
    inside : bool
        Whether this is the process that the limits are for.
    ends : float or None
        When all work has to be done, as :func:`time.monotonic` counts in this process.
    """

    store: str
    n_jobs: int = 1
    timeout: float | None = None
    memory_limit: float | None = None
    run_id: str = ""
    inside: bool = False
    ends: float | None = None

    @property
    def limited(self) -> bool:
        """Return whether stages need a process of their own."""
        limits = (self.timeout, self.memory_limit, self.ends)
        return not self.inside and any(limit is not None for limit in limits)

    def require_time(self) -> None:
        """Refuse to continue when all work has to be done.

        Raises
        ------
        DeadlineError
        """
        if self.ends is not None and time.monotonic() > self.ends:
            raise DeadlineError("the time for all work is over; nothing of this step is kept")

    @property
    def timed_out(self) -> str:
        """Words of messages about a stage that took too long."""
        return f"took longer than the time-out of {self.timeout:g} s"

    def resources(self) -> Resources:
        """Resources of a stage that starts now."""
        deadline = None if self.timeout is None else time.monotonic() + self.timeout
        return Resources(self.n_jobs, self.memory_limit, deadline)


@attrs.frozen(eq=False)
class StageTask:
    """One step to be run.

    Attributes
    ----------
    key : str
        Content key.
    step : Step
    seed : int
        The step's seed.
    upstream : StageTask or None
        The step before; ``None`` for the first.
    data : str
        Key of the rows in the store: their fingerprint.
    """

    key: str
    step: Step
    seed: int
    upstream: StageTask | None = attrs.field(repr=False)
    data: str

    @property
    def before(self) -> str:
        """Key of what it is fitted on."""
        return self.data if self.upstream is None else self.upstream.key

    @property
    def role(self) -> Role:
        """Of its component."""
        return self.step.role

    @property
    def component(self) -> str:
        """``distribution:name``."""
        return self.step.name

    @property
    def options(self) -> Mapping[str, Any]:
        """All options of the component."""
        return self.step.options

    def chain(self) -> tuple[StageTask, ...]:
        """The steps up to this one that the store keeps, the first first."""
        before = () if self.upstream is None else self.upstream.chain()
        return before if self.step.prepares else (*before, self)

    def by_role(self) -> dict[Role, list[StageTask]]:
        """The steps of :meth:`chain`, by role."""
        found: dict[Role, list[StageTask]] = {}
        for stage in self.chain():
            found.setdefault(stage.role, []).append(stage)
        return found

    def prepared(self) -> tuple[StageTask, ...]:
        """The steps that prepare its rows, the first first."""
        before = () if self.upstream is None else self.upstream.prepared()
        return (*before, self) if self.step.prepares else before


@attrs.frozen(eq=False)
class Outcome:
    """Course of a stage.

    Attributes
    ----------
    key : str
    role : {"embedder", "manifolder", "clusterer"}
    cached : bool
        Whether the store had the result.
    seconds : float
        How long fitting took, whenever that was.
    peak_memory : float
        Most resident memory of the process while fitting, MiB.
    warnings : tuple of str
        What the component warned of while fitting.
    reported : tuple of str
        What the driver should warn of: entries that were damaged.
    events : tuple of events
    error : str or None
        Why it failed.
    traceback : str
        Where it failed.
    failed : str or None
        Key of the stage that failed: this one, or one before it.
    losses : mapping
        What the component ended with.
    versions : mapping
        Versions of the component's distribution and of the libraries where it was fitted.
    """

    key: str
    role: Role
    cached: bool = False
    seconds: float = float("nan")
    peak_memory: float = float("nan")
    warnings: tuple[str, ...] = ()
    reported: tuple[str, ...] = ()
    events: tuple[Event, ...] = attrs.field(default=(), repr=False)
    error: str | None = None
    traceback: str = attrs.field(default="", repr=False)
    failed: str | None = None
    losses: Mapping[str, float] = attrs.field(factory=dict, repr=False)
    versions: Mapping[str, str] = attrs.field(factory=dict, repr=False)

    @classmethod
    def of_failure(cls, task: StageTask, error: BaseException) -> Outcome:
        """The outcome of a stage that failed."""
        text = str(error) if isinstance(error, N2DError) else f"{type(error).__name__}: {error}"
        where = "".join(format_exception(error))
        return cls(task.key, task.role, error=text, traceback=where, failed=task.key)
