"""Optimization of a UMAP layout that is parallel, repeatable and the same with any threads.

umap-learn moves both ends of one edge after the other, on one thread if a seed is given.
Here the rows are dealt at random into blocks. An epoch is a tournament of the blocks: in each
round they meet in pairs, and each pair is a task that samples the edges between its two
blocks (in the first round, within each block) one after the other, as umap-learn does. Tasks of one
round share no row, so that threads cannot disturb each other; blocks, rounds and random
numbers do not depend on the threads. The rows that repel the head of an edge are drawn from
the block of its tail, the tail itself excepted: blocks are random, so that over all edges of a
row each other row is drawn as often as from all rows at once. (With the tail among them, a row
would repel its own neighbours many times too often, and clusters would come out a tenth wider.)
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError
from typing import Any, Protocol

import attrs
import numpy as np
from numpy.typing import NDArray

from n2d_builtin.umap.umap_forces import Forces, widened
from n2d_builtin.umap.umap_layout_kernel import advance
from n2d_framework.plugin import AnyArray, IntArray

__all__ = ["Followed", "lay_out"]

#: Rows of a block: enough to draw repelling rows from, and so few that two blocks fit into
#: the nearest caches of a processor.
_LEAST_ROWS, _MOST_ROWS = 256, 4096
#: Blocks, where their size allows it; half as many threads can work.
_BLOCKS = 32


class Followed(Protocol):
    """Local radii that a layout shall follow."""

    def over(
        self,
        graph: Any,
        order: IntArray,
        forces: Forces,
        rows: NDArray[np.float32],
        lanes: tuple[int, ...],
    ) -> Any:
        """Follow the radii of a layout that moves; has the methods `act` and `terms`."""


def lay_out(
    start: AnyArray,
    graph: Any,
    forces: Forces,
    *,
    n_epochs: int,
    seed: int,
    n_jobs: int,
    check: Callable[[], None] = lambda: None,
    density: Followed | None = None,
) -> NDArray[np.float32]:
    """Optimize the places of rows.

    Parameters
    ----------
    start : float32 array of shape (n, m)
    graph : scipy sparse array of shape (n, n), in coordinate format
        Strengths of the edges; symmetric.
    forces : Forces
    n_epochs : int
    seed : int
    n_jobs : int
        Threads; the result is the same for any number of them.
    check : callable, optional
        Called before each epoch; an error that it raises ends the work.
    density : Followed, optional
        Local radii that the layout shall follow in its last epochs.

    Returns
    -------
    float32 array of shape (n, m)
    """
    n, m = start.shape
    order = np.random.default_rng(seed).permutation(n)
    rows, lanes = widened(start[order])
    plan = _Plan.of(graph, order)
    pulls, pushes = forces.tables()
    radii = None if density is None else density.over(graph, order, forces, rows, lanes)

    def epochs(worker: int, workers: int, wait: Callable[[], Any]) -> None:
        due = plan.due
        for epoch in range(1, n_epochs + 1):
            if worker == 0:
                check()
            alpha = np.float32(forces.learning_rate * (1.0 - (epoch - 1) / n_epochs))
            terms = None
            if radii is not None and radii.act(epoch, n_epochs):
                terms = radii.terms(worker, workers, wait)
            for first, stop in plan.rounds:
                advance(
                    rows, lanes, plan.heads, plan.tails, plan.periods, due, plan.starts,
                    plan.pairs, plan.bounds, first + worker, stop, workers,
                    epoch, seed, alpha, forces.negatives, pulls, pushes, terms,
                )  # fmt: skip
                wait()

    _in_step(epochs, max(1, min(n_jobs, len(plan.bounds) // 2)))
    placed = np.empty((n, m), dtype=np.float32)
    placed[order] = rows[:, :m]
    return placed


@attrs.frozen
class _Plan:
    """Edges by tasks, tasks by rounds; attributes as in the kernel."""

    heads: NDArray[np.int32]
    tails: NDArray[np.int32]
    periods: NDArray[np.float32]
    due: NDArray[np.float32]
    starts: IntArray
    pairs: IntArray
    bounds: IntArray
    rounds: list[tuple[int, int]]

    @classmethod
    def of(cls, graph: Any, order: IntArray) -> _Plan:
        n = len(order)
        place = np.empty(n, dtype=np.int32)
        place[order] = np.arange(n, dtype=np.int32)
        heads, tails = place[graph.row], place[graph.col]
        blocks = _n_blocks(n)
        bounds = np.linspace(0, n, blocks + 1).astype(np.int64)
        rounds, pairs = _tournament(blocks)
        task_of = np.empty((blocks, blocks), dtype=np.int32)
        one, other = pairs.T
        task_of[one, other] = task_of[other, one] = np.arange(len(pairs))
        block_of = np.repeat(np.arange(blocks), np.diff(bounds))
        tasks = task_of[block_of[heads], block_of[tails]]
        by_task = np.lexsort((heads, tasks))
        periods = (graph.data.max(initial=0.0) / graph.data[by_task]).astype(np.float32)
        return cls(
            heads=heads[by_task],
            tails=tails[by_task],
            periods=periods,
            due=periods.copy(),
            starts=np.searchsorted(tasks[by_task], np.arange(len(pairs) + 1)),
            pairs=pairs,
            bounds=bounds,
            rounds=rounds,
        )


def _n_blocks(n: int) -> int:
    """A power of two, so that blocks meet in pairs."""
    wanted = max(min(n // _LEAST_ROWS, _BLOCKS), n // _MOST_ROWS, 1)
    return 1 << (wanted.bit_length() - 1)


def _tournament(blocks: int) -> tuple[list[tuple[int, int]], IntArray]:
    """First and last task of each round, and the two blocks of each task.

    Each block meets itself in the first round and each other one once later.
    """
    pairs = [(block, block) for block in range(blocks)]
    rounds = [(0, blocks)]
    circle = list(range(blocks))
    for _ in range(blocks - 1):
        meetings = zip(circle[: blocks // 2], reversed(circle), strict=False)
        rounds.append((len(pairs), len(pairs) + blocks // 2))
        pairs.extend(meetings)
        circle = [circle[0], circle[-1], *circle[1:-1]]
    return rounds, np.array(pairs, dtype=np.int64)


def _in_step(work: Callable[[int, int, Callable[[], Any]], None], workers: int) -> None:
    """Call ``work(worker, workers, wait)`` on so many threads, which wait for each other."""
    if workers == 1:
        work(0, 1, lambda: None)
        return
    barrier = Barrier(workers)

    def guarded(worker: int) -> None:
        try:
            work(worker, workers, barrier.wait)
        except BaseException:
            barrier.abort()
            raise

    with ThreadPoolExecutor(workers - 1) as pool:
        others = [pool.submit(guarded, worker) for worker in range(1, workers)]
        try:
            guarded(0)
        except BrokenBarrierError:
            for failed in [other.exception() for other in others]:
                if failed is not None and not isinstance(failed, BrokenBarrierError):
                    raise failed from None
            raise
        for other in others:
            other.result()
