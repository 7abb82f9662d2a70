"""Files read in a process of their own, within limits, where libraries of C may break on them."""

from __future__ import annotations

from n2d_framework.data.apart.recorded import MOST_COLUMNS, recorded_rows
from n2d_framework.data.apart.source_apart import SourceApart

__all__ = ["MOST_COLUMNS", "SourceApart", "recorded_rows"]
