"""Delivery of events, and the tracker that writes them down for TensorBoard."""

from __future__ import annotations

from n2d_framework.core.events import HOOKS
from n2d_framework.events.bus import EventBus, call_hook
from n2d_framework.events.tensorboard import TensorBoard

__all__ = ["HOOKS", "EventBus", "TensorBoard", "call_hook"]
