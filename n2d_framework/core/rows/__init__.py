"""Rows: the one handle of data, with the names and kinds of its columns."""

from n2d_framework.core.rows.columns import COLUMN_KINDS
from n2d_framework.core.rows.fields import (
    Field,
    ImageForm,
    Matched,
    Schema,
    SeriesForm,
    left_out,
    listed,
    positions,
    value_names,
    written_by_pandas,
)
from n2d_framework.core.rows.input_checks import refuse_equal_rows
from n2d_framework.core.rows.narrow_rows import MOST_NUMBERS, NARROW, is_narrow
from n2d_framework.core.rows.packing import fingerprint, packed, unpacked, unpacked_strings
from n2d_framework.core.rows.row_states import (
    joined,
    packed_rows,
    rows_of_state,
    state_of_rows,
    unpacked_rows,
)
from n2d_framework.core.rows.rows import PLAIN_STORAGES, STORAGES, Rows, Storage
from n2d_framework.core.rows.sparse import count_rows, is_sparse

__all__ = [
    "COLUMN_KINDS",
    "MOST_NUMBERS",
    "NARROW",
    "PLAIN_STORAGES",
    "STORAGES",
    "Field",
    "ImageForm",
    "Matched",
    "Rows",
    "Schema",
    "SeriesForm",
    "Storage",
    "count_rows",
    "fingerprint",
    "is_narrow",
    "is_sparse",
    "joined",
    "left_out",
    "listed",
    "packed",
    "packed_rows",
    "positions",
    "refuse_equal_rows",
    "rows_of_state",
    "state_of_rows",
    "unpacked",
    "unpacked_rows",
    "unpacked_strings",
    "value_names",
    "written_by_pandas",
]
