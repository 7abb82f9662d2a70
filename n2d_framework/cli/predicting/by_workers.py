"""Labels by the workers of a cluster, or by processes of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np

from n2d_framework.cli.predicting.label_parts import LabelParts
from n2d_framework.cli.predicting.rows_at_fault import in_rows
from n2d_framework.core.libraries import require_extra
from n2d_framework.core.rows import count_rows
from n2d_framework.errors import DataError
from n2d_framework.pipeline.fitting import usable_threads
from n2d_framework.pipeline.mapped import ShippedModel, map_blocks
from n2d_framework.plan.executors.dask_cluster import connected, local_workers
from n2d_framework.plan.labelling import ColumnsOf, Labelling
from n2d_framework.types import AnyArray

if TYPE_CHECKING:
    from n2d_framework.data import RowSource

__all__ = ["cluster_of", "label_by_workers"]


def cluster_of(scheduler: str | None, workers: int) -> AbstractContextManager[Any]:
    """Connect to a scheduler, or start processes on this machine.

    Parameters
    ----------
    scheduler : str or None
        Its address.
    workers : int
        Processes on this machine, where there is no address.

    Returns
    -------
    context manager
        Of a ``distributed.Client``.

    Raises
    ------
    MissingLibraryError
        If Dask is not installed.
    ConfigError
        If no scheduler answers, or processes cannot be started.
    """
    require_extra("distributed", "labelling by workers")
    if scheduler is not None:
        return connected(scheduler)
    return local_workers(workers, max(1, usable_threads(None) // workers))


def label_by_workers(
    client: Any,
    shipped: ShippedModel,
    asked: Labelling,
    source: RowSource,
    chunk: int,
    parts: LabelParts,
    shown: str,
    labelled: Callable[[int], None],
) -> None:
    """Label all rows that have no part yet.

    Parameters
    ----------
    client : distributed.Client
    shipped : ShippedModel
    asked : Labelling
    source : RowSource
        Read here, block by block: workers need no access to the data.
    chunk : int
        Rows of a block.
    parts : LabelParts
    shown : str
        What to call the data.
    labelled : callable
        Called with the number of rows that have labels.

    Raises
    ------
    DataError
        If the rows do not fit the model, with those at fault; or if there are parts of other
        blocks than the data have.
    ConfigError, StageError
        If the cluster cannot do it; parts that are there stay.
    """
    places: dict[int, tuple[int, int, AnyArray | None]] = {}
    number = done = 0

    def given() -> Iterator[tuple[int, Any]]:
        nonlocal number, done
        start = 0
        for block in source.blocks(chunk, labels=False):
            count = count_rows(block.x)
            if number in parts.done:
                done += count
            else:
                places[number] = start, count, block.ids
                yield number, block.x
            start += count
            number += 1

    try:
        for at, columns in map_blocks(client, shipped, ColumnsOf(asked), given()):
            start, count, ids = places.pop(at)
            beside = {"row": np.arange(start, start + count)} | ({} if ids is None else {"id": ids})
            parts.write(at, beside | columns)
            done += count
            labelled(done)
    except DataError as error:
        wrong = getattr(error, "block", None)
        if wrong is None:
            raise
        start, count, _ = places[wrong]
        raise in_rows(error, start, start + count, shown) from error
    if parts.done != set(range(number)):
        raise DataError(
            f"{parts.folder}: it has labels of other rows than there are now; the data have "
            "changed: remove the folder and start again"
        )
