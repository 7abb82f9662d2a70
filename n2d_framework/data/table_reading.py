"""From the columns of a table to rows: which of them are features, and of which kinds."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np

from n2d_framework.core.dataset import Dataset
from n2d_framework.core.rows import Field, Rows, Schema, listed, positions
from n2d_framework.core.rows.columns import missing_in
from n2d_framework.core.rows.frames import NotDenseError
from n2d_framework.core.rows.written_names import id_texts
from n2d_framework.data.chosen_columns import Columns
from n2d_framework.data.collect import about_classes, collect, joined_labels, remark_on_ids
from n2d_framework.data.faults import keys_or_flags, point_out
from n2d_framework.data.kinds.column_kinds import (
    ColumnFacts,
    convert_column,
    counts_rows,
    infer_column,
    unread_column,
)
from n2d_framework.data.kinds.oddities import rounded, stand_in
from n2d_framework.data.kinds.string_column import Where
from n2d_framework.data.kinds.written_values import is_marker
from n2d_framework.data.reference import Reference
from n2d_framework.data.source import Block, RowSource
from n2d_framework.errors import DataError
from n2d_framework.types import AnyArray

__all__ = [
    "TableReading",
    "UsedColumn",
    "blocks_of_kinds",
    "examine_table",
    "read_table",
    "reads_kinds",
]

_BLOCK = 8192
_TEXTS = "holds texts"


@attrs.frozen(eq=False)
class UsedColumn:
    """A column of a table, and what it is used for.

    Attributes
    ----------
    facts : ColumnFacts
    use : {"feature", "id", "label", ""}
        Empty for a column that is left out.
    why : str
        Why it is left out, or taken for the ids; empty where the user chose.
    problem : str
        Why the table cannot be read with this column; see :func:`examine_table`.
    """

    facts: ColumnFacts
    use: str = "feature"
    why: str = ""
    problem: str = ""

    @property
    def name(self) -> str:
        """Name of the column."""
        return self.facts.field.name

    @property
    def remarks(self) -> tuple[str, ...]:
        """Remarks for its user; none, if the user chose to leave it out."""
        return self.facts.remarks if self.use == "feature" or self.why else ()


@attrs.frozen(eq=False)
class TableReading:
    """A table as it is written, with the kinds of its columns.

    Attributes
    ----------
    name : str
    columns : tuple of UsedColumn
        In the order of the table.
    schema : Schema
        The features, and where labels and ids are.
    y, ids : array of shape (n,) or None
    """

    name: str
    columns: tuple[UsedColumn, ...]
    schema: Schema
    y: AnyArray | None
    ids: AnyArray | None

    @property
    def features(self) -> list[ColumnFacts]:
        """The columns that are features."""
        return [column.facts for column in self.columns if column.use == "feature"]

    @property
    def plain(self) -> bool:
        """Return whether all features are numbers, and none is missing."""
        return all(facts.plain for facts in self.features)

    def dataset(self) -> Dataset:
        """The rows: an array where they are plain, else Rows."""
        features = self.features
        if self.plain:
            arrays = [facts.values for facts in features]
            dtype = np.result_type(*arrays)
            x: AnyArray | Rows = np.stack(
                arrays, axis=1, dtype=np.float64 if dtype.kind == "b" else dtype
            )
        else:
            x = Rows({facts.field.name: facts.values for facts in features}, self.schema)
        return Dataset(name=self.name, x=x, y=self.y, schema=self.schema, ids=self.ids)


def read_table(source: RowSource) -> Dataset:
    """Read a table whole.

    Parameters
    ----------
    source : RowSource
        Of a table; it was opened without the columns of a model.

    Returns
    -------
    Dataset
        Its ``x`` is an array if all features are numbers and none is missing, else Rows.

    Raises
    ------
    DataError
        If no column is left as a feature, or whatever reading raises.
    """
    if source.plain:
        try:
            data = collect(source)
        except NotDenseError:
            pass  # further down are gaps or values that are not numbers
        else:
            _point_out_numbers(source, data)
            return data
    found = examine_table(source)
    if not found.features:
        reasons = "; ".join(f"{column.name!r} {column.why}" for column in found.columns[:20])
        raise DataError(
            f"{source.table}: no column is left as a feature: {reasons}. Choose some: "
            f"{keys_or_flags(x=['NAMES'])}, and texts by {keys_or_flags(text='NAME')}"
        )
    if found.ids is not None:
        remark_on_ids(found.ids, source.name)
    _point_out_uses(source, found)
    return found.dataset()


def examine_table(source: RowSource, *, tolerant: bool = False) -> TableReading:
    """Read the columns of a table as they are written, and decide what each is used for.

    Parameters
    ----------
    source : RowSource
        Of a table.
    tolerant : bool, default False
        Whether columns that cannot be read become a problem of theirs instead of an error.

    Raises
    ------
    DataError
        If values of a column cannot be of one kind, or the table cannot be read.
    """
    import pyarrow as pa

    where, chosen = str(source.table), source.columns
    assert chosen is not None
    batches, labels, ids = [], list[AnyArray](), list[AnyArray]()
    for raw in source.raw_blocks(_BLOCK):
        batches.append(pa.Table.from_batches([raw.batch]))
        labels += [] if raw.y is None else [raw.y]
        ids += [] if raw.ids is None else [raw.ids]
    table = pa.concat_tables(batches, promote_options="permissive")
    columns = list[UsedColumn]()
    for name in chosen.features:
        place, kind = Where(where, name), chosen.kinds.get(name, "")
        try:
            columns.append(UsedColumn(infer_column(table.column(name), place, kind)))
        except DataError as error:
            if not tolerant:
                raise
            columns.append(UsedColumn(unread_column(table.column(name), place), problem=str(error)))
    columns = _uses(columns, chosen)
    row_ids = np.concatenate(ids) if ids else None
    taken = next((column.name for column in columns if column.use == "id"), None)
    if chosen.id is None and taken is not None:
        row_ids = id_texts(table.column(taken).to_pylist(), f"{where}: column {taken!r}")
    schema = attrs.evolve(
        source.schema or Schema(),
        fields=tuple(column.facts.field for column in columns if column.use == "feature"),
        id=chosen.id or taken,
    )
    y = joined_labels(labels) if labels else None
    return TableReading(source.name, tuple(columns), schema, y, row_ids)


def _uses(columns: list[UsedColumn], chosen: Columns) -> list[UsedColumn]:
    """Columns with their use: not features, unless their user says so, are ids, texts, blanks."""
    found = []
    has_ids = chosen.id is not None
    beside = {chosen.label: "label", chosen.id: "id"} | dict.fromkeys(chosen.others, "")
    numbers = all(column.facts.plain for column in columns if column.name not in beside)
    for column in columns:
        use, why = beside.get(column.name, "feature"), ""
        if use != "feature" or column.name in chosen.settled:
            pass
        elif column.facts.empty:
            use, why = "", "has no values"
        elif column.facts.identifies and numbers:
            pass  # among numbers alone, one that counts the rows is used as it is
        elif column.facts.identifies:
            use, why = ("" if has_ids else "id"), column.facts.identifies
            has_ids = True
        elif column.facts.free_text:
            use, why = "", _TEXTS
        problem = column.problem if use else ""
        found.append(attrs.evolve(column, use=use, why=why, problem=problem))
    texts = [n for n, column in enumerate(found) if column.why == _TEXTS]
    if len(texts) == 1 and not any(column.use == "feature" for column in found):
        facts = found[texts[0]].facts
        field = attrs.evolve(facts.field, kind="text", categories=())
        found[texts[0]] = UsedColumn(attrs.evolve(facts, field=field))
    return found


def _point_out_uses(source: RowSource, found: TableReading) -> None:
    """Say in one line each which columns are not features, and how that is changed."""
    assert source.table is not None
    ids = [column for column in found.columns if column.why and column.facts.identifies]
    for column in ids:
        taken = "taken for the ids of the rows" if column.use else "left out"
        kind = column.facts.field.kind
        point_out(
            source.table,
            f"column {column.name!r} is {taken}: {column.why}; if it is a feature, say so: "
            f"kinds: {{{column.name}: {kind}}}, or --kind {column.name}={kind}",
        )
    texts = [column.name for column in found.columns if column.why == _TEXTS]
    if texts:
        point_out(
            source.table,
            f"column {listed(texts)} holds texts and is left out; to cluster them, say "
            f"text: {texts[0]}, or --text {texts[0]}",
        )
    empty = [column.name for column in found.columns if column.why == "has no values"]
    if empty:
        point_out(source.table, f"column {listed(empty)} has no values and is left out")
    for column in found.columns:
        for remark in column.remarks:
            point_out(source.table, f"column {column.name!r}: {remark}")
    _point_out_classes(source, found.y)


def _point_out_numbers(source: RowSource, data: Dataset) -> None:
    """Say of a table of numbers which columns may be ids, or lose digits."""
    assert source.table is not None
    names = data.schema.names if data.schema is not None else ()
    names = names or positions(data.x.shape[1])
    counters = [name for name, column in zip(names, data.x.T, strict=True) if counts_rows(column)]
    if counters:
        point_out(
            source.table,
            f"column {listed(counters)} counts the rows and is used as a feature; if it is their "
            f"id, say so: {keys_or_flags(id=counters[0])}",
        )
    extremes = zip(data.x.min(axis=0).tolist(), data.x.max(axis=0).tolist(), strict=True)
    for name, column, (low, high) in zip(names, data.x.T, extremes, strict=True):
        for remark in stand_in(column, low, high):
            point_out(source.table, f"column {name!r}: {remark}")
    coarse = [names[position] for position in rounded(data.x)]
    if coarse:
        point_out(
            source.table,
            f"column {listed(coarse)} has numbers of more than 16 digits, which become equal as "
            "float64 where they differ in the last; subtract what they have in common, leave it "
            f"out, or if it is the id, say so: {keys_or_flags(id=coarse[0])}",
        )
    _point_out_classes(source, data.y)


def _point_out_classes(source: RowSource, y: AnyArray | None) -> None:
    """Say which classes are called as missing values are, and where most rows have their own."""
    assert source.table is not None
    if found := about_classes(y):
        point_out(source.table, found)
    if y is None or y.dtype.kind != "U":
        return
    marks = [text for text in np.unique(y).tolist() if is_marker(text)]
    if marks:
        point_out(
            source.table,
            f"{int(np.isin(y, marks).sum())} rows are of the class {listed(marks)}; if that says "
            "that the class is missing, leave those rows out",
        )


def reads_kinds(source: RowSource, ref: Reference) -> bool:
    """Return whether new rows are read by the kinds of the columns that a model was fitted on."""
    return ref.like is not None and (ref.by_kind or not source.plain)


def blocks_of_kinds(
    source: RowSource, ref: Reference, size: int, *, labels: bool
) -> Iterator[Block]:
    """Rows of a table with the kinds that a model was fitted on.

    Parameters
    ----------
    source : RowSource
        Of a table, opened with the columns of the model.
    ref : Reference
        With those columns.
    size : int
    labels : bool

    Yields
    ------
    Block
        With Rows of columns; with arrays if the model takes numbers without gaps.

    Raises
    ------
    DataError
        If a column is of another kind now.
    """
    start, chosen, like = 0, source.columns, ref.like
    assert chosen is not None
    assert like is not None
    fields = like.fields or tuple(map(Field, chosen.features))  # the model may know no names
    for raw in source.raw_blocks(size, labels=labels):
        values = dict[str, AnyArray]()
        for name, field in zip(chosen.features, fields, strict=True):
            place = Where(str(source.table), name, start)
            found = convert_column(raw.batch.column(name), place, field)
            if not ref.by_kind and missing_in(found).any():
                raise place.no_value(int(np.argmax(missing_in(found))))
            values[field.name] = found
        x: AnyArray | Rows = (
            Rows(values, Schema(fields))
            if ref.by_kind
            else np.stack(list(values.values()), axis=1, dtype=np.float64)
        )
        yield Block(x, raw.y, raw.ids)
        start += raw.batch.num_rows
