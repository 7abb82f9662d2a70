"""Resources that a fit may use, and its deadline."""

from __future__ import annotations

import time
from collections.abc import Callable

import attrs

from n2d_framework.errors import DeadlineError, StoppedError

__all__ = ["Resources"]


def _never() -> bool:
    return False


@attrs.frozen
class Resources:
    """Resources that a component may use while it is fitted.

    Attributes
    ----------
    threads : int, default 1
        Threads, at least 1.
    memory : float or None
        Resident memory of the process in GiB; beyond it, the process is ended. ``None`` where
        nothing is limited.
    deadline : float or None
        When the fit has to be done, as :func:`time.monotonic` counts; ``None`` for no deadline.
    stop : callable
        Returns whether someone has asked the fit to stop.
    """

    threads: int = 1
    memory: float | None = None
    deadline: float | None = None
    stop: Callable[[], bool] = attrs.field(default=_never, repr=False)

    def check(self) -> None:
        """End the fit here if it was asked to stop, or is past its deadline.

        The framework calls it between steps and at the end of each epoch that is reported by
        ``context.epoch_finished``; components that take long without epochs call it themselves,
        as often as every second or so. What was done of the step is not kept.

        Raises
        ------
        StoppedError, DeadlineError
        """
        if self.stop():
            raise StoppedError("the fit was asked to stop; nothing of this step is kept")
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise DeadlineError("the fit took longer than it may; nothing of this step is kept")
