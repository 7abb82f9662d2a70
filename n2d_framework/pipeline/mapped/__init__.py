"""Prediction by other processes: a pure map over rows, whose answers are those of this process."""

from __future__ import annotations

from n2d_framework.pipeline.mapped.block_map import map_blocks
from n2d_framework.pipeline.mapped.dask_collections import is_collection, map_collection
from n2d_framework.pipeline.mapped.shipped_model import ShippedModel

__all__ = ["ShippedModel", "is_collection", "map_blocks", "map_collection"]
