"""Files read in a process of their own, within limits, where libraries of C may break on them."""

from __future__ import annotations

from n2d_framework.data.apart.recorded import MOST_COLUMNS, recorded_rows
from n2d_framework.data.apart.source_apart import SourceApart
from n2d_framework.data.apart.whole_hdf5 import check_hdf5, check_hdf5_in_zip

__all__ = ["MOST_COLUMNS", "SourceApart", "check_hdf5", "check_hdf5_in_zip", "recorded_rows"]
