"""Which trio is tried next: asked of Optuna."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from n2d_framework.experiment.search.rungs import Trio

__all__ = ["Sampler"]

_AXES = ("scaler", "embedder", "manifolder", "clusterer", "n_clusters")
#: Suggestions that were tried before or cannot be run, before one is drawn instead.
_MOST_ASKED = 20


class Sampler:
    """Proposes trios, each once, and learns from what came of them.

    Parameters
    ----------
    trios : iterable of Trio
        Those that can be run.
    seed : int
        Same seed and same values, same proposals.
    """

    def __init__(self, trios: Iterable[Trio], seed: int) -> None:
        import optuna

        self._left = dict.fromkeys(trios)
        self._known = frozenset(self._left)
        self._values = {
            name: list(dict.fromkeys(trio[place] for trio in self._left))
            for place, name in enumerate(_AXES)
        }
        self._rng = np.random.default_rng(seed)
        self._open: dict[Trio, Any] = {}
        with _quiet():
            sampler = optuna.samplers.TPESampler(seed=seed)
            self._study = optuna.create_study(direction="maximize", sampler=sampler)

    @property
    def left(self) -> int:
        """Number of trios that have not been proposed."""
        return len(self._left)

    def propose(self) -> Trio:
        """The next trio; there has to be one left."""
        from optuna.trial import TrialState

        with _quiet():
            for _ in range(_MOST_ASKED):
                trial = self._study.ask()
                trio = self._asked(trial)
                if trio in self._left:
                    return self._proposed(trio, trial)
                # What was tried says nothing new; what cannot be run is as bad as can be.
                again = trio in self._known
                self._end(trial, state=TrialState.FAIL if again else TrialState.PRUNED)
            trio = list(self._left)[int(self._rng.integers(len(self._left)))]
            values = dict(zip(_AXES, trio, strict=True))
            self._study.enqueue_trial(
                {name: values[name] for name in _AXES if len(self._values[name]) > 1}
            )
            trial = self._study.ask()
            self._asked(trial)
            return self._proposed(trio, trial)

    def learn(self, trio: Trio, values: Sequence[float], *, ended: bool) -> None:
        """Report what came of a trio.

        Parameters
        ----------
        trio : Trio
            One that was proposed, and of which nothing was reported yet.
        values : sequence of float
            By rung, more is better; ``nan`` where it failed.
        ended : bool
            Whether it has been fitted on all rows.
        """
        from optuna.trial import TrialState

        trial = self._open.pop(trio)
        known = [value for value in values if math.isfinite(value)]
        with _quiet():
            for rung, value in enumerate(known):
                trial.report(value, rung)
            if ended and known:
                self._end(trial, values=known[-1])
            else:
                self._end(trial, state=TrialState.PRUNED)

    def _end(self, trial: Any, **result: Any) -> None:
        self._study.tell(trial, **result)  # codespell:ignore tell

    def _asked(self, trial: Any) -> Trio:
        found: list[Any] = []
        for name in _AXES:
            values = self._values[name]
            single = len(values) == 1
            found.append(values[0] if single else trial.suggest_categorical(name, values))
        scaler, embedder, manifolder, clusterer, n_clusters = found
        return (scaler, embedder, manifolder, clusterer, n_clusters)

    def _proposed(self, trio: Trio, trial: Any) -> Trio:
        del self._left[trio]
        self._open[trio] = trial
        return trio


@contextmanager
def _quiet() -> Any:
    """Keep Optuna's own account of each trial off the terminal."""
    logger = logging.getLogger("optuna")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)
