"""Events of a run: typed, frozen, delivered to listeners and to plugins' hooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import attrs

from n2d_framework.types import Role

__all__ = [
    "EpochFinished",
    "Event",
    "EventSink",
    "RunFinished",
    "RunStarted",
    "StageFinished",
    "StageStarted",
    "ignore_event",
]


@attrs.frozen
class RunStarted:
    """A composition begins to be fitted.

    Attributes
    ----------
    run_id : str
        Identifies the run in all its events.
    composition : mapping
        The resolved composition: scaler, three components with all their options, seed.
    n_rows : int
        Rows of the training data.
    row_shape : tuple of int
        Shape of one row.
    """

    run_id: str
    composition: Mapping[str, Any]
    n_rows: int
    row_shape: tuple[int, ...]


@attrs.frozen
class RunFinished:
    """A run has ended.

    Attributes
    ----------
    run_id : str
    seconds : float
        Wall time of the whole run.
    error : str or None
        What made it fail; ``None`` for success.
    """

    run_id: str
    seconds: float
    error: str | None = None


@attrs.frozen
class StageStarted:
    """One stage begins: its component is looked up in the store, or fitted.

    Attributes
    ----------
    run_id, key : str
        The run, and the stage's content key.
    role : {"embedder", "manifolder", "clusterer"}
    component : str
        Name of the component.
    """

    run_id: str
    key: str
    role: Role
    component: str


@attrs.frozen
class StageFinished:
    """One stage has ended.

    Attributes
    ----------
    run_id, key : str
    role : {"embedder", "manifolder", "clusterer"}
    component : str
    seconds : float
        Wall time of the stage in this run.
    cached : bool
        Whether the result came from the store.
    error : str or None
        What made it fail; ``None`` for success.
    """

    run_id: str
    key: str
    role: Role
    component: str
    seconds: float
    cached: bool = False
    error: str | None = None


@attrs.frozen
class EpochFinished:
    """A component that trains in epochs has finished one.

    Attributes
    ----------
    run_id, key : str
    role : {"embedder", "manifolder", "clusterer"}
    component : str
    epoch : int
        Counted from 1.
    epochs : int
        How many there will be at most.
    metrics : mapping of str to float
        ``loss``, ``val_loss``, ...
    """

    run_id: str
    key: str
    role: Role
    component: str
    epoch: int
    epochs: int
    metrics: Mapping[str, float]


Event: TypeAlias = RunStarted | RunFinished | StageStarted | StageFinished | EpochFinished
EventSink: TypeAlias = Callable[[Event], None]


def ignore_event(event: Event) -> None:
    """The sink that does nothing with an event."""
