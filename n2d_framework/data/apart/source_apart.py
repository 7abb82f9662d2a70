"""Rows from files that are read in another process, within limits."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from n2d_framework.core.rows import Schema
from n2d_framework.data.apart.limited import LimitedReader, Part, stored_bytes
from n2d_framework.data.chosen_columns import Columns
from n2d_framework.data.faults import reading
from n2d_framework.data.reference import Reference
from n2d_framework.data.source import Block, RawBlock, RowSource
from n2d_framework.data.table_reading import blocks_of_kinds, reads_kinds
from n2d_framework.types import AnyArray

__all__ = ["SourceApart"]


class SourceApart(RowSource):
    """Rows that a source of another process reads: see :mod:`n2d_framework.data.apart.limited`.

    Parameters
    ----------
    make : callable
        The class of the source.
    ref : Reference
    """

    def __init__(self, make: Callable[[Reference], RowSource], ref: Reference) -> None:
        with reading(ref.path, "a file of rows"):
            stored = _stored(ref.path)
        self._reader = LimitedReader(ref.path, stored, _Served, make, ref)
        found = self._reader.about
        self.name, self.n_rows, self.modality = found["name"], found["n_rows"], found["modality"]
        self.row_shape, self.dtype = tuple(found["row_shape"]), np.dtype(found["dtype"])
        self.names, self.others = tuple(found["names"]), tuple(found["others"])
        self.schema = None if found["schema"] is None else Schema.from_json(found["schema"])
        self.table = ref.path if found["is_table"] else None
        self.sparse, self.n_stored = found["sparse"], found["n_stored"]
        self.plain, self.arrays = found["plain"], tuple(found["arrays"])
        if found["columns"] is not None:
            features, label, row_ids, others, kinds, settled = found["columns"]
            self.columns = Columns(
                tuple(features), label, row_ids, tuple(others), kinds, frozenset(settled)
            )
        self._ref = ref

    def blocks(self, size: int, *, labels: bool = True) -> Iterator[Block]:
        """The blocks of the source in the other process."""
        if self.columns is not None and reads_kinds(self, self._ref):
            yield from blocks_of_kinds(self, self._ref, size, labels=labels)
            return
        for x, y, ids in self._parts(size, labels, raw=False):
            yield Block(x, y, ids)

    def raw_blocks(self, size: int, *, labels: bool = True) -> Iterator[RawBlock]:
        """The raw blocks of the source in the other process, which sends them as Arrow's stream."""
        import pyarrow as pa

        for content, y, ids in self._parts(size, labels, raw=True):
            with pa.ipc.open_stream(pa.py_buffer(content)) as reader:
                yield RawBlock(reader.read_next_batch(), y, ids)

    def _parts(
        self, size: int, labels: bool, *, raw: bool
    ) -> Iterator[tuple[AnyArray, AnyArray | None, AnyArray | None]]:
        rows = size if self.n_rows is None else min(size, self.n_rows)
        values = self.n_stored if self.sparse else rows * math.prod(self.row_shape)
        part_size = values * self.dtype.itemsize + (8 * values if self.sparse else 0)
        for ids, (*parts, x, y) in self._reader.parts(size, labels, raw, size=part_size):
            found = None
            if ids is not None:
                found = np.empty(len(ids), dtype=object)
                found[:] = ids
            if self.sparse:
                from scipy.sparse import csr_array

                x = csr_array((x, *parts), shape=(len(parts[1]) - 1, *self.row_shape))
            yield x, y if len(y) else None, found

    def close(self) -> None:
        """Close the files."""
        self._reader.close()


def _stored(path: Path) -> int:
    if not path.is_dir():
        return stored_bytes(path)
    return sum(stored_bytes(Path(place, name)) for place, _, names in os.walk(path)
               for name in names)  # fmt: skip


class _Served:
    """A source, as the other process offers it."""

    def __init__(self, make: Callable[[Reference], RowSource], ref: Reference) -> None:
        self.source = make(ref)

    def about(self) -> dict[str, Any]:
        source, chosen = self.source, self.source.columns
        return {
            "name": source.name, "n_rows": source.n_rows, "row_shape": source.row_shape,
            "dtype": source.dtype.str, "names": source.names, "others": source.others,
            "schema": None if source.schema is None else source.schema.as_json(),
            "modality": source.modality, "is_table": source.table is not None,
            "sparse": source.sparse, "n_stored": source.n_stored,
            "plain": source.plain, "arrays": source.arrays,
            "columns": chosen and [*attrs.astuple(chosen, recurse=False)[:-1], [*chosen.settled]],
        }  # fmt: skip

    def parts(self, size: int, labels: bool, raw: bool) -> Iterator[Part]:
        read = self.source.raw_blocks if raw else self.source.blocks
        for block in read(size, labels=labels):
            ids = None if block.ids is None else block.ids.tolist()
            y = np.empty(0) if block.y is None else block.y
            if isinstance(block, RawBlock):
                parts = [_streamed(block.batch)]
            elif self.source.sparse:
                parts = [block.x.indices, block.x.indptr, block.x.data]
            else:
                parts = [block.x]
            yield ids, [*parts, y]

    def close(self) -> None:
        self.source.close()


def _streamed(batch: Any) -> AnyArray:
    """A record batch as the bytes of a stream of Arrow."""
    import pyarrow as pa

    content = pa.BufferOutputStream()
    with pa.ipc.new_stream(content, batch.schema) as writer:
        writer.write_batch(batch)
    return np.frombuffer(content.getvalue(), dtype=np.uint8)
