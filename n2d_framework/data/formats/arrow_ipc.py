"""Rows from files of Arrow record batches: .arrow, and .feather of version 2."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from n2d_framework.data.chosen_columns import Columns, choose_columns
from n2d_framework.data.faults import reading
from n2d_framework.data.formats.parquet import index_columns, number_type
from n2d_framework.data.reference import Reference
from n2d_framework.data.table_rows import TableSource, arrow_file
from n2d_framework.errors import DataError

__all__ = ["ArrowSource"]

_OF_A_FILE, _OF_VERSION_1 = b"ARROW1", b"FEA1"


class ArrowSource(TableSource):
    """Rows of an Arrow file or stream, one record batch at a time.

    The values get the common type of the feature columns. An index that pandas stored is left
    out. Every batch is validated before it is used.

    Parameters
    ----------
    ref : Reference
    """

    kind = "an Arrow file (.arrow, .feather)"
    n_rows = None

    def __init__(self, ref: Reference) -> None:
        self.ref = ref
        self.name = ref.path.stem
        if ref.path.stat().st_size == 0:
            raise DataError(f"{ref.path}: the file is empty; write it again")
        with reading(ref.path, self.kind), self._opened() as reader:
            schema = reader.schema
            names = list(schema.names)
            index = index_columns(schema.pandas_metadata)
        self.columns = choose_columns(ref, names, index)
        types = [number_type(schema, name) for name in self.columns.features]
        self._set_types(types)
        self._describe(names, ["" if found is None else found.name for found in types])

    def batches(self, size: int, columns: Columns, *, raw: bool = False) -> Iterator[Any]:
        """Record batches with the wanted columns."""
        del size, raw  # batches are as long as they were written, and are cut afterwards
        with self._opened() as reader:
            for number in range(getattr(reader, "num_record_batches", 0)):
                yield _checked(reader.get_batch(number), columns)
            if not hasattr(reader, "num_record_batches"):
                yield from (_checked(batch, columns) for batch in reader)

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        import pyarrow as pa

        with arrow_file(self.ref.path) as file:
            start = file.read(6)
            if start[:4] == _OF_VERSION_1:
                raise DataError(
                    f"{self.ref.path}: it is a Feather file of version 1; read it with pandas and "
                    "write it again (to_feather)"
                )
            file.seek(0)
            # Compressed buffers are unpacked on this thread, within its limits.
            options = pa.ipc.IpcReadOptions(use_threads=False)
            make = pa.ipc.open_file if start == _OF_A_FILE else pa.ipc.open_stream
            with make(file, options=options) as reader:
                yield reader


def _checked(batch: Any, columns: Columns) -> Any:
    batch.validate(full=True)
    return batch.select(columns.used)
