"""Seconds that parts of a work take."""

from __future__ import annotations

import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager

import attrs

__all__ = ["StepTime", "timed"]


@attrs.frozen
class StepTime:
    """Time that a step of a fit took, in this fit.

    Attributes
    ----------
    label : str
        Name of the step: ``manifolder``, or ``manifolder_0`` of several; ``predict again`` where
        some training rows are predicted, to see whether they keep their labels.
    component : str
        Empty where there is none.
    seconds : float
        Of fitting, or of reading what is stored.
    cached : bool
        Whether it was stored, or known from the fit before.
    """

    label: str
    component: str
    seconds: float
    cached: bool = False


@contextmanager
def timed(what: str, seconds: MutableMapping[str, float]) -> Iterator[None]:
    """Note how long something took, where it ends well.

    Parameters
    ----------
    what : str
    seconds : mapping
        Gets the duration under `what`.
    """
    start = time.perf_counter()
    yield
    seconds[what] = time.perf_counter() - start
