"""Base of the trackers of runs and of comparisons."""

from __future__ import annotations

from typing import Protocol

from n2d_framework.plugin import Event

__all__ = ["Tracker"]


class Tracker(Protocol):
    """Hears the events of one run, or of one comparison."""

    def hear(self, event: Event) -> None:
        """Write down an event; raises whatever MLflow raises."""
        ...
