"""The stage store: what fitted steps gave, by content key."""

from n2d_framework.plan.store.stage_store import (
    PROTOCOLS,
    OptionalStore,
    StageStore,
    StoredFile,
)

__all__ = ["PROTOCOLS", "OptionalStore", "StageStore", "StoredFile"]
