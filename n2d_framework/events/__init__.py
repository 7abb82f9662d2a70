"""Floor 2: delivery of events."""

from __future__ import annotations

from n2d_framework.events.bus import EventBus

__all__ = ["EventBus"]
