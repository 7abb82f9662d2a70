"""Resources that a fit may use, and its deadline."""

from __future__ import annotations

import time
from collections.abc import Callable

import attrs

from n2d_framework.core.budget.memory_sizes import memory_text, own_memory
from n2d_framework.core.budget.scratch import Scratch
from n2d_framework.errors import DeadlineError, StageError, StoppedError

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
        Memory of the process in GiB; beyond it, the fit is ended. ``None`` where nothing is
        limited. Out of core, pages of files do not count.
    deadline : float or None
        When the fit has to be done, as :func:`time.monotonic` counts; ``None`` for no deadline.
    stop : callable
        Returns whether someone has asked the fit to stop.
    scratch : Scratch or None
        Where arrays of all rows are, when the fit is out of core: the rows that components are
        given are then parts of files, and only blocks of them may be copied into memory.
    """

    threads: int = 1
    memory: float | None = None
    deadline: float | None = None
    stop: Callable[[], bool] = attrs.field(default=_never, repr=False)
    scratch: Scratch | None = None

    def check(self) -> None:
        """End the fit here if it was asked to stop, or is past its deadline.

        The framework calls it between steps and at the end of each epoch that is reported by
        ``context.epoch_finished``; components that take long without epochs call it themselves,
        as often as every second or so. What was done of the step is not kept.

        Raises
        ------
        StoppedError, DeadlineError
        StageError
            If a fit out of core has taken more memory than it may.
        """
        if self.stop():
            raise StoppedError("the fit was asked to stop; nothing of this step is kept")
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise DeadlineError("the fit took longer than it may; nothing of this step is kept")
        if self.scratch is not None and self.memory is not None and own_memory() > self.memory:
            raise StageError(
                f"the fit has taken more than its memory of {memory_text(self.memory)}; give it "
                "more, or lower max_landmarks; nothing of this step is kept"
            )
