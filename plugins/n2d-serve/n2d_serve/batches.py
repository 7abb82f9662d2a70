"""Requests that wait are labelled together: a row's label does not depend on its company."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import numpy as np

from n2d_serve.limits import Limits, Refusal
from n2d_serve.requests import Rows, joined

__all__ = ["Batches", "Columns"]

Columns = dict[str, np.ndarray[Any, Any]]


@attrs.frozen(eq=False)
class _Waiting:
    rows: Rows
    count: int
    answer: asyncio.Future[Columns]


class Batches:
    """One thread that labels, and what waits for it.

    Parameters
    ----------
    label : callable
        Called with rows; gives columns of as many values. It raises what is said to the client.
    limits : Limits
    labelled : callable
        Called with the number of rows of each batch.
    """

    def __init__(
        self, label: Callable[[Rows], Columns], limits: Limits, labelled: Callable[[int], None]
    ) -> None:
        self._label, self._limits, self._labelled = label, limits, labelled
        self._queue: deque[_Waiting] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="n2d-serve")
        self._running: asyncio.Task[None] | None = None
        self.waiting = 0

    async def ask(self, rows: Rows, count: int) -> Columns:
        """Columns for the rows of a request.

        Raises
        ------
        Refusal
            With status 503 if too many rows wait.
        Exception
            What labelling these rows raises.
        """
        if self.waiting + count > self._limits.waiting:
            raise Refusal(503, f"{self.waiting} rows wait already; try again in a moment")
        item = _Waiting(rows, count, asyncio.get_running_loop().create_future())
        self._queue.append(item)
        self.waiting += count
        if self._running is None:
            self._running = asyncio.create_task(self._work())
        return await item.answer

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._queue:
                batch = self._next()
                answers = await loop.run_in_executor(self._thread, self._answers, batch)
                for item, answer in zip(batch, answers, strict=True):
                    self.waiting -= item.count
                    if item.answer.cancelled():  # its client has gone
                        continue
                    if isinstance(answer, Exception):
                        item.answer.set_exception(answer)
                    else:
                        item.answer.set_result(answer)
        finally:
            self._running = None

    def _next(self) -> list[_Waiting]:
        batch = [self._queue.popleft()]
        count = batch[0].count
        while self._queue and count + self._queue[0].count <= self._limits.batch:
            batch.append(self._queue.popleft())
            count += batch[-1].count
        return batch

    def _answers(self, batch: list[_Waiting]) -> list[Columns | Exception]:
        """The answer of each request; one that is wrong costs only itself."""
        try:
            found = self._label(joined([item.rows for item in batch]))
        except Exception as error:  # noqa: BLE001  # raised where the request is answered
            if len(batch) == 1:
                return [error]
            return [self._answers([item])[0] for item in batch]
        self._labelled(sum(item.count for item in batch))
        ends = np.cumsum([item.count for item in batch])
        return [
            {name: column[end - item.count : end] for name, column in found.items()}
            for item, end in zip(batch, ends, strict=True)
        ]

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)
