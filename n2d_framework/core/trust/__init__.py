"""Foreign objects in states: how they are stored, and which types may be made from them."""

from __future__ import annotations

from n2d_framework.core.trust.foreign import PLAIN_TYPES, object_from_state, object_state
from n2d_framework.core.trust.permission import trusted_types, trusting

__all__ = ["PLAIN_TYPES", "object_from_state", "object_state", "trusted_types", "trusting"]
