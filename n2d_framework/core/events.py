"""Events of a run: typed, frozen, delivered to listeners and to plugins' hooks.

The hook of an event follows from its class: its name, its argument and its documentation, which is
that of the class up to its attributes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, get_args

import attrs

from n2d_framework.types import Role

__all__ = [
    "HOOKS",
    "CellFinished",
    "ComparisonFinished",
    "ComparisonStarted",
    "EpochFinished",
    "Event",
    "EventSink",
    "FilesWritten",
    "RunAssessed",
    "RunFinished",
    "RunStarted",
    "StageFinished",
    "StageStarted",
    "ignore_event",
]


@attrs.frozen
class RunStarted:
    """A composition begins to be fitted, after all checks have passed.

    Attributes
    ----------
    run_id : str
        Identifies the run in all its events.
    composition : mapping
        The resolved composition: scaler, and three components with all their options.
    n_rows : int
        Rows of the training data.
    row_shape : tuple of int
        Shape of one row.
    random_state : int or None
        The seed of the composition.
    """

    run_id: str
    composition: Mapping[str, Any]
    n_rows: int
    row_shape: tuple[int, ...]
    random_state: int | None = None


@attrs.frozen
class RunFinished:
    """A run has ended, also when it failed or was interrupted.

    Attributes
    ----------
    run_id : str
    seconds : float
        Wall time of the whole run.
    error : str or None
        What made it fail; ``None`` for success.
    n_clusters : int or None
        Number of clusters found, without noise; ``None`` where the run failed.
    """

    run_id: str
    seconds: float
    error: str | None = None
    n_clusters: int | None = None


@attrs.frozen
class RunAssessed:
    """The labels of a run have been compared with true classes, or judged without them.

    Attributes
    ----------
    run_id : str
        The run that fitted the model. It may have finished long ago.
    scores : mapping of str to float
        What :meth:`n2d_framework.N2D.assess` returned.
    training : bool
        Whether the training labels were assessed, not those of other rows.
    """

    run_id: str
    scores: Mapping[str, float]
    training: bool = True


@attrs.frozen
class FilesWritten:
    """A model has been saved, or a run or a comparison has written its files.

    Attributes
    ----------
    run_id : str
        The run, or the comparison, that they belong to.
    files : mapping of str to tuple of str
        Paths by kind: ``bundle``, ``labels``, ``config``, ``figures``, ``run``, ``table``,
        ``report``. They exist while the event is delivered; ``n2d run`` moves its folder
        afterwards.
    """

    run_id: str
    files: Mapping[str, tuple[str, ...]]


@attrs.frozen
class StageStarted:
    """One stage begins, before its component is looked up in the store or fitted.

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
    """One stage has ended: fitted, taken from the store, or failed.

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


@attrs.frozen
class ComparisonStarted:
    """A comparison begins or resumes, unless all its cells are done already.

    All its events are delivered in the process that was asked for it, never in a worker. Stages
    and epochs have events of their own, with the comparison's ``run_id``: those of one stage are
    delivered together, when it has ended. Several cells may share a stage.

    Attributes
    ----------
    run_id : str
        Identifies this session of the comparison in all its events.
    folder : str
        Where the results are kept; the same for all sessions of a comparison.
    n_cells : int
        Cells in all.
    n_waiting : int
        Cells that this session has to do.
    """

    run_id: str
    folder: str
    n_cells: int
    n_waiting: int


@attrs.frozen
class CellFinished:
    """One cell of a comparison was scored, failed or was lost: a trio on a dataset with a seed.

    Attributes
    ----------
    run_id : str
        The comparison.
    cell : str
        Identifies the cell by its content.
    data : str
        Name of the dataset.
    method : str
        The trio in words, with the options that the configuration gave:
        ``pca / umap(n_neighbors=10) / gmm``.
    composition : mapping
        As in :class:`RunStarted`.
    random_state : int
    stages : mapping of role to str
        Content keys of the cell's stages, as in the events of stages.
    status : {"done", "failed", "lost"}
        Lost cells went down with their worker.
    scores : mapping of str to float
        Empty where the cell failed.
    seconds : mapping of role to float
        What fitting each stage took, whenever that was.
    error : str or None
    """

    run_id: str
    cell: str
    data: str
    method: str
    composition: Mapping[str, Any]
    random_state: int
    stages: Mapping[str, str]
    status: str
    scores: Mapping[str, float]
    seconds: Mapping[str, float]
    error: str | None = None


@attrs.frozen
class ComparisonFinished:
    """A session of a comparison has ended, also when it failed or was interrupted.

    Attributes
    ----------
    run_id : str
    seconds : float
        Wall time of the session.
    error : str or None
        What stopped it; ``None`` if every cell was tried. Cells that failed are reported by
        :class:`CellFinished`.
    """

    run_id: str
    seconds: float
    error: str | None = None


Event: TypeAlias = (
    RunStarted
    | RunFinished
    | RunAssessed
    | FilesWritten
    | StageStarted
    | StageFinished
    | EpochFinished
    | ComparisonStarted
    | CellFinished
    | ComparisonFinished
)
EventSink: TypeAlias = Callable[[Event], None]
#: The hook each event is delivered to.
HOOKS: Final[dict[type[Any], str]] = {
    kind: "n2d" + re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", kind.__name__)
    for kind in get_args(Event)
}


def ignore_event(event: Event) -> None:
    """The sink that does nothing with an event."""
