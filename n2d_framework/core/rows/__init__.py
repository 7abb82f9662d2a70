"""Rows: the one handle of data, with the names and kinds of its columns."""

from n2d_framework.core.rows.fields import (
    Field,
    Matched,
    Schema,
    left_out,
    listed,
    positions,
    value_names,
    written_by_pandas,
)
from n2d_framework.core.rows.packing import fingerprint, packed, unpacked
from n2d_framework.core.rows.rows import Rows

__all__ = [
    "Field",
    "Matched",
    "Rows",
    "Schema",
    "fingerprint",
    "left_out",
    "listed",
    "packed",
    "positions",
    "unpacked",
    "value_names",
    "written_by_pandas",
]
