"""Tasks for the workers of a cluster, such as blocks of rows; few are on their way at any time."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from n2d_framework.errors import ConfigError, N2DError, Problem, StageError
from n2d_framework.pipeline.mapped.shipped_model import ShippedModel
from n2d_framework.plan.fitted_plan import FittedPlan

__all__ = ["map_blocks", "map_tasks", "sent_once"]

#: Blocks on their way for each thread of a worker: one that it works on, one that waits.
_AHEAD = 2
#: Seconds after which workers are looked for where nothing has come back.
_PATIENCE = 5.0
#: How often in a row workers may be missing.
_ABSENCES = 12
#: How often a block is given out again of which all workers have crashed.
_AGAIN = 2


def map_blocks(
    client: Any,
    shipped: ShippedModel,
    make: Callable[[FittedPlan], Callable[[Any], Any]],
    blocks: Iterable[tuple[int, Any]],
) -> Iterator[tuple[int, Any]]:
    """Yield what a model says of each block, as soon as a worker has said it.

    Parameters
    ----------
    client : distributed.Client
    shipped : ShippedModel
    make : callable
        Given the model, returns what is called with a block; it can be pickled.
    blocks : iterable of (int, object)
        Numbered; one is taken when there is a worker for it.

    Yields
    ------
    (int, object)
        In any order: the number of a block, and the answer for it. Blocks of a worker that dies
        are given to others.

    Raises
    ------
    ConfigError
        If no worker is left, the scheduler is gone, or a worker cannot answer as this process
        would.
    StageError
        If workers die of a block again and again.
    N2DError
        Whatever the model refuses a block with; which one is in its ``block``.
    """
    model = sent_once(client, shipped, f"n2d-model-{shipped.digest[:16]}")
    yield from map_tasks(
        client, lambda block: client.submit(_answer, model, make, block, pure=False), blocks
    )


def sent_once(client: Any, value: Any, key: str) -> Any:
    """Send what many tasks need, for as long as what is returned is referred to.

    Parameters
    ----------
    client : distributed.Client
    value : object
    key : str
        Its name there.

    Returns
    -------
    distributed.Future
    """
    with _large():
        return client.submit(_itself, value, key=key)


def map_tasks(
    client: Any, send: Callable[[Any], Any], given: Iterable[tuple[int, Any]], what: str = "block"
) -> Iterator[tuple[int, Any]]:
    """Yield the answer of each task, as soon as a worker has it.

    Parameters
    ----------
    client : distributed.Client
    send : callable
        Submits what a task is given; returns its future.
    given : iterable of (int, object)
        Numbered; one is taken when there is a worker for it.
    what : str, default "block"
        What messages call a task.

    Yields
    ------
    (int, object)
        In any order. Tasks of a worker that dies are given to others.

    Raises
    ------
    ConfigError, StageError, N2DError
        As by :func:`map_blocks`.
    """
    given = iter(given)
    with _large():
        pending: dict[Any, tuple[int, Any, int]] = {}

        def submit(number: int, task: Any, tries: int) -> None:
            pending[send(task)] = number, task, tries

        try:
            room = _room(client)
            while True:
                while len(pending) < room and (item := next(given, None)) is not None:
                    submit(*item, 0)
                if not pending:
                    return
                for future in _ended(client, pending):
                    number, task, tries = pending.pop(future)
                    found = _taken(future, number, tries, what)
                    if found is None:
                        submit(number, task, tries + 1)
                    else:
                        yield number, found[0]
                room = _room(client)
        finally:
            if pending and client.status == "running":
                client.cancel(list(pending))


def _large() -> Any:
    """Turn off the warning of large tasks: they outlive a worker since they hold their data."""
    import dask

    return dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GiB"})


def _itself(value: Any) -> Any:
    return value


def _answer(shipped: ShippedModel, make: Any, block: Any) -> Any:
    with warnings.catch_warnings():
        # What is to be said of the columns of all blocks was said by who has opened the data.
        warnings.simplefilter("ignore")
        return shipped.answer(make, block)


def _room(client: Any) -> int:
    """The number of blocks that may be on their way."""
    return max(2, _AHEAD * sum(_asked(client).values()))


def _asked(client: Any) -> dict[str, int]:
    """Threads of each worker, as the scheduler knows them."""
    try:
        found: dict[str, int] = client.nthreads()
    except (OSError, TimeoutError, ValueError) as error:
        raise _gone() from error
    return found


def _gone() -> ConfigError:
    text = "the scheduler is gone; what it had done is kept: start again to resume"
    return ConfigError([Problem("scheduler", text)])


def _ended(client: Any, pending: Iterable[Any]) -> list[Any]:
    """Wait until a block or more have come back."""
    from distributed import wait

    absences = 0
    while True:
        try:
            return list(wait(list(pending), timeout=_PATIENCE, return_when="FIRST_COMPLETED").done)
        except TimeoutError:
            absences = 0 if _asked(client) else absences + 1
            if absences >= _ABSENCES:
                text = (
                    f"for {_PATIENCE * _ABSENCES:.0f} s it has had no worker; start some with "
                    "'dask worker ADDRESS'; what they had done is kept: start again to resume"
                )
                raise ConfigError([Problem("scheduler", text)]) from None
        except Exception as error:  # the client raises what it has, when a scheduler disappears
            if client.status == "running":
                raise
            raise _gone() from error


def _taken(future: Any, number: int, tries: int, what: str) -> tuple[Any] | None:
    """The answer of a future that has ended; ``None`` if its workers have crashed."""
    from distributed import KilledWorker

    if future.status in ("cancelled", "lost"):
        raise _gone()
    try:
        return (future.result(),)
    except KilledWorker as error:
        if tries < _AGAIN:
            return None
        raise StageError(
            f"workers die whenever they are given {what} {number} ({error}); give them more memory"
            + (", or smaller blocks" if what == "block" else "")
        ) from error
    except N2DError as error:
        error.block = number  # type: ignore[attr-defined]
        raise
    except ImportError as error:
        text = f"a worker lacks what is installed here ({error}); install the same there"
        raise ConfigError([Problem("scheduler", text)]) from error
