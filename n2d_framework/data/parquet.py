"""Rows from Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from n2d_framework.data.faults import reading
from n2d_framework.data.reference import Reference
from n2d_framework.data.tables import Columns, TableSource, choose_columns
from n2d_framework.errors import DataError

__all__ = ["ParquetSource"]


class ParquetSource(TableSource):
    """Rows of a Parquet file, one batch of a row group at a time.

    The values get the common type of the feature columns. An index that pandas stored is
    left out.

    Parameters
    ----------
    ref : Reference
    """

    kind = "a Parquet file"

    def __init__(self, ref: Reference) -> None:
        import pyarrow.parquet as pq

        if ref.path.stat().st_size == 0:
            raise DataError(f"{ref.path}: the file is empty; write it again")
        with reading(ref.path, self.kind):
            self._file = pq.ParquetFile(ref.path)
        try:
            self.ref = ref
            with reading(ref.path, self.kind):
                schema = self._file.schema_arrow
                index = _index(schema.pandas_metadata)
            self.columns = choose_columns(ref, schema.names, index)
            types = [_dtype(ref, name, schema.field(name).type) for name in self.columns.features]
            self.n_rows = self._file.metadata.num_rows
            if not self.n_rows:
                raise DataError(f"{ref.path}: it has no rows; give at least one")
        except BaseException:  # whatever stopped us, also an interrupt: the file is closed
            self._file.close()
            raise
        self.name = ref.path.stem
        self.dtype = np.result_type(*types)
        self._describe(schema.names, [found.name for found in types])

    def batches(self, size: int, columns: Columns) -> Iterator[Any]:
        """Batches of row groups, decoding only the wanted columns."""
        yield from self._file.iter_batches(batch_size=size, columns=columns.used)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _index(metadata: Mapping[str, Any] | None) -> list[str]:
    columns = (metadata or {}).get("index_columns", [])
    return [name for name in columns if isinstance(name, str)]


def _dtype(ref: Reference, name: str, kind: Any) -> np.dtype[np.generic]:
    import pyarrow as pa

    types = pa.types
    if not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)):
        raise DataError(
            f"{ref.path}: column {name!r} holds {kind}, not numbers, from row 1 on; drop it, "
            "or name the columns to use: {path: ..., x: [NAMES], y: NAME}"
        )
    found: np.dtype[np.generic] = np.dtype(kind.to_pandas_dtype())
    return found
