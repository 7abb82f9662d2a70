"""``n2d inspect-data``: what is in data, and what a run would make of each column."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from n2d_framework.cli.flags import Json, selecting
from n2d_framework.cli.terminal.console import bare_table, out, print_json, shape_text, styled
from n2d_framework.core.dataset import class_names
from n2d_framework.errors import DataError

if TYPE_CHECKING:
    from rich.console import Console

    from n2d_framework.core.dataset import Dataset
    from n2d_framework.data.kinds.column_kinds import ColumnFacts
    from n2d_framework.data.table_reading import TableReading, UsedColumn
    from n2d_framework.types import AnyArray

__all__ = ["inspect_data"]

_TO_FILL = (
    "a run refuses them; fill them, or give a table (.csv, .parquet), of which gaps are filled"
)
#: Columns that are listed; of more, those that are noteworthy come first.
_LISTED = 60
#: Narrower terminals get some lines for each column instead of a table.
_NARROW = 80
#: Sample skewness from which numbers are called skewed, and share of values that are farther
#: from the quartiles than three times their distance from which tails are called heavy.
_SKEWED, _HEAVY = 2.0, 0.01
#: Most distinct integers that may be codes of categories.
_CODES = 10
_USES = {
    "feature": "", "id": "ids of the rows", "label": "true classes", "": "left out",
    "thumbnails": "pictures in the report",
}  # fmt: skip


@selecting
def inspect_data(
    data: Annotated[str, typer.Argument(help="A file, a folder of images or a dataset.")],
    select: Callable[[Any], Any] = lambda data: data,
    every: Annotated[
        bool, typer.Option("--all", help=f"List all columns, even if more than {_LISTED}.")
    ] = False,
    json: Json = False,
) -> None:
    """Show kinds, gaps and oddities of columns, and what n2d run would do with each."""
    from n2d_framework.data import inspect_table, load, open_rows

    reference = select(data)
    table = inspect_table(reference)
    record = _of_dataset(load(reference)) if table is None else _of_table(table)
    if table is None:
        with open_rows(reference) as source:
            record["arrays"] = list(source.arrays)
    pictures = reference.get("thumbnails") if isinstance(reference, Mapping) else None
    for column in record["columns"]:
        if column["name"] == pictures:
            column.update(use="thumbnails", why="", identifies="")
    if json:
        print_json(record)
        return
    console = out()
    console.print(styled((record["name"], "bold"), f": {_headline(record)}"))
    if len(record.get("arrays", ())) > 1:
        console.print(f"arrays for --x, --y and --id: {_some(record['arrays'], 20)}")
    if record.get("not_finite"):
        console.print(f"missing or infinite values: {record['not_finite']:,}; {_TO_FILL}")
    if record["classes"]:
        console.print(_of_many("classes", record["classes"]))
    if record["about_classes"]:
        console.print(f"- {record['about_classes']}", soft_wrap=True)
    if table is not None:
        console.print()
        _print_columns(console, record["columns"], every=every)
        _print_advice(console, record)


def _of_dataset(data: Dataset) -> dict[str, Any]:
    """Facts on rows that are not a table of columns of their own."""
    from n2d_framework.core.rows import Rows
    from n2d_framework.data.collect import about_classes

    try:
        rows = Rows.of(data)
    except DataError as error:
        raise DataError(f"{data.name}: {error}") from error
    about = {"name": data.name, "rows": len(rows), "storage": rows.storage, "kind": rows.kind}
    if rows.storage == "sparse":
        about["stored"] = int(rows.values.nnz)
    return about | {
        "row_shape": list(rows.row_shape), "dtype": str(getattr(data.x, "dtype", "")),
        "not_finite": _not_finite(data.x), "classes": _counts(data.y, data.names),
        "about_classes": about_classes(data.y), "columns": [],
    }  # fmt: skip


def _not_finite(x: Any) -> int:
    """Number of values that are missing or infinite."""
    import numpy as np

    values = getattr(x, "data", x) if not isinstance(x, np.ndarray) else x
    if not isinstance(values, np.ndarray) or values.dtype.kind != "f":
        return 0
    return int(values.size - np.isfinite(values).sum())


def _of_table(table: TableReading) -> dict[str, Any]:
    from n2d_framework.data.collect import about_classes, about_ids

    columns = [_of_column(column) for column in table.columns]
    return {
        "name": table.name, "rows": len(table.columns[0].facts.values),
        "storage": "dense" if table.plain else "columns", "id": table.schema.id,
        "ids": "" if table.ids is None else about_ids(table.ids),
        "y": table.schema.y, "classes": _counts(table.y),
        "about_classes": about_classes(table.y), "columns": columns,
    }  # fmt: skip


def _counts(y: AnyArray | None, names: Sequence[str] = ()) -> dict[str, int]:
    """Rows of each class, by its name where it has one."""
    if y is None:
        return {}
    counts = Counter(y.tolist())
    known = class_names(sorted(counts), names)
    return {known.get(value, str(value)): n for value, n in counts.most_common()}


def _of_column(column: UsedColumn) -> dict[str, Any]:
    """One column as plain values."""
    facts = column.facts
    about: dict[str, Any] = {
        "name": column.name, "kind": "text" if facts.free_text else facts.field.kind,
        "dtype": facts.field.dtype, "gaps": facts.gaps, "gap_words": list(facts.gap_words),
        "distinct": facts.distinct,
        "constant": facts.distinct == 1, "use": column.use, "why": column.why,
        "problem": column.problem, "remarks": list(column.remarks),
        "identifies": facts.identifies,
    }  # fmt: skip
    return about | {"values": _values(facts)}


def _values(facts: ColumnFacts) -> dict[str, Any]:
    """Values of a column in brief."""
    import numpy as np

    from n2d_framework.core.rows.columns import missing_in
    from n2d_framework.data.kinds.oddities import far_dates

    present = facts.values[~missing_in(facts.values)]
    if not len(present):
        return {}
    if present.dtype.kind == "b":
        return {"most": {"true": int(present.sum()), "false": int((~present).sum())}}
    if facts.field.kind == "number":
        return _spread(present.astype(np.float64))
    if facts.field.kind == "date":
        first, last = (str(at.astype("datetime64[s]")) for at in (present.min(), present.max()))
        spread = _spread(present.astype("datetime64[s]").astype(np.float64))
        far = [str(day) for day in far_dates(present).astype("datetime64[D]")]
        return {"first": first.removesuffix("T00:00:00"), "last": last.removesuffix("T00:00:00"),
                "skewness": spread["skewness"], "heavy_tails": spread["heavy_tails"],
                "far": len(far), "far_example": far[0] if far else None}  # fmt: skip
    if facts.field.kind == "text" or facts.free_text:
        words = [len(text.split()) for text in present]
        return {"words": float(np.median(words)), "most_words": max(words),
                "longest": max(map(len, present))}  # fmt: skip
    return {"most": dict(Counter(present.tolist()).most_common(3))}


def _spread(values: AnyArray) -> dict[str, Any]:
    import numpy as np

    low, first, median, third, high = np.quantile(values, [0, 0.25, 0.5, 0.75, 1])
    centred = values - values.mean()
    spread = np.sqrt(np.mean(centred**2))
    skewness = float(np.mean((centred / spread) ** 3)) if spread > 0 else 0.0
    far = 3 * (third - first)
    tails = np.mean((values < first - far) | (values > third + far)) if far > 0 else 0.0
    return {
        "min": low, "median": median, "max": high, "skewness": skewness,
        "heavy_tails": float(tails), "integers": bool((values == np.round(values)).all()),
    }  # fmt: skip


def _headline(record: Mapping[str, Any]) -> str:
    rows = f"{record['rows']:,} rows"
    if not record["columns"]:
        shape, kind = shape_text(record["row_shape"]), record["kind"]
        if "stored" in record:
            kind = f"sparse, {record['stored']:,} values are not 0"
        parts = [rows, shape and f"of {shape}", record["dtype"], kind and f"({kind})"]
        return " ".join(filter(None, parts))
    features = [column for column in record["columns"] if column["use"] == "feature"]
    kinds = Counter(column["kind"] or "mixed" for column in features)
    shown = ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())
    return f"{rows}, {len(record['columns'])} columns; features: {shown or 'none'}"


def _of_many(title: str, counts: Mapping[str, int]) -> str:
    shown = ", ".join(f"{name} ({n})" for name, n in list(counts.items())[:6])
    return f"{len(counts)} {title}: {shown}" + (", ..." if len(counts) > 6 else "")


def _print_columns(console: Console, columns: Sequence[Mapping[str, Any]], *, every: bool) -> None:
    listed = list(columns)
    if len(listed) > _LISTED and not every:
        order = sorted(range(len(columns)), key=lambda at: not _noteworthy(columns[at]))
        listed = [columns[at] for at in sorted(order[:_LISTED])]
    if console.width < _NARROW:
        for column in listed:
            kind, use = column["kind"] or "mixed", _use(column)
            facts = ", ".join(filter(None, [kind, _gaps(column), "" if use == "feature" else use]))
            console.print(styled((column["name"], "bold"), f"  {facts}"))
            console.print(styled("    ", _described(column)))
    else:
        table = bare_table("column", "kind", "gaps", "distinct", "values", "used as")
        table.columns[3].justify = "right"
        for column in listed:
            table.add_row(
                column["name"],
                column["kind"] or "mixed",
                _gaps(column, short=True),
                str(column["distinct"]) if column["kind"] != "text" else "",
                _described(column),
                _use(column),
            )
        console.print(table)
    if len(listed) < len(columns):
        console.print(f"... and {len(columns) - len(listed)} further columns; --all lists them")


def _noteworthy(column: Mapping[str, Any]) -> bool:
    shape = column["values"]
    return bool(
        column["gaps"] or column["constant"] or column["use"] != "feature" or column["problem"]
        or column["remarks"] or column["kind"] != "number" or column["identifies"]
        or _oddity(shape)
    )  # fmt: skip


def _oddity(values: Mapping[str, Any]) -> str:
    """Oddities of the spread of numbers."""
    skewed = abs(values.get("skewness", 0.0)) > _SKEWED
    heavy = values.get("heavy_tails", 0.0) > _HEAVY
    return "skewed" if skewed else "heavy tails" if heavy else ""


def _gaps(column: Mapping[str, Any], *, short: bool = False) -> str:
    if not column["gaps"]:
        return ""
    words = f" ({', '.join(column['gap_words'][:3])})" if column["gap_words"] else ""
    return f"{column['gaps']}{words}" if short else f"{column['gaps']} gaps{words}"


def _described(column: Mapping[str, Any]) -> str:
    values = column["values"]
    if "median" in values:
        form = "{:.0f}" if values["integers"] and abs(values["max"]) < 1e15 else "{:.4g}"
        low, middle, high = (form.format(values[key]) for key in ("min", "median", "max"))
        if column["constant"]:
            return f"always {low}"
        return ", ".join(filter(None, [f"{low} to {high}, median {middle}", _oddity(values)]))
    if "first" in values:
        return ", ".join(filter(None, [f"{values['first']} to {values['last']}", _oddity(values)]))
    if "words" in values:
        return f"texts of {values['words']:.0f} words, at most {values['most_words']:,}"
    if column["constant"]:
        return f"always {next(iter(values['most']), '')}"
    return ", ".join(values.get("most", ())) + (", ..." if column["distinct"] > 3 else "")


def _use(column: Mapping[str, Any]) -> str:
    if column["problem"]:
        return "refused"
    use = _USES[column["use"]]
    if column["use"] == "feature" and column["constant"]:
        return "feature, though constant"
    return f"{use}: {column['why']}" if column["why"] else use or "feature"


def _print_advice(console: Console, record: Mapping[str, Any]) -> None:
    """Say what should be looked at, and the flags that change what is guessed."""
    advice = list(_advice(record))
    if advice:
        console.print()
    for line in advice:
        console.print(styled("- ", line))
    console.print(
        "\nFlags of run, predict and compare that change this: --x, --drop, --id, --y, --text, "
        "--kind COLUMN=number|category|date|text"
    )


def _advice(record: Mapping[str, Any]) -> Iterator[str]:
    columns = record["columns"]
    features = [column for column in columns if column["use"] == "feature"]
    for column in columns:
        name, flag = column["name"], shlex.quote(column["name"])
        if column["problem"]:
            yield column["problem"]
        yield from (f"{name}: {remark}" for remark in column["remarks"])
        if far := column["values"].get("far"):
            example = column["values"]["far_example"]
            dates = f"the date {example} is" if far == 1 else f"{far} dates such as {example} are"
            yield f"{name}: {dates} far from the others; if that stands for none, leave it empty"
        if column["identifies"] and column["why"]:
            yield f"{name}: {column['why']}; if it is a feature: --kind {flag}={column['kind']}"
        elif column["identifies"] and column["use"] == "feature" and record["storage"] == "dense":
            yield f"{name}: {column['identifies']}; if it is an id: --id {flag}"
        if name == record["id"] and record["ids"]:
            yield f"{name}: {record['ids']}"
        if column["kind"] == "text" and not column["use"]:
            yield f"{name}: texts; to cluster them: --text {flag}"
    skewed = [column["name"] for column in features if _oddity(column["values"])]
    if skewed:
        yield f"skewed or with heavy tails: {_some(skewed)}"
    codes = [column["name"] for column in features if _may_be_codes(column, record["rows"])]
    if codes:
        kind = f"--kind {shlex.quote(codes[0])}=category"
        yield f"few integers: {_some(codes)}; if they are codes: {kind}"


def _may_be_codes(column: Mapping[str, Any], rows: int) -> bool:
    """Return whether numbers are few integers, in enough rows to say so."""
    return (
        bool(column["values"].get("integers"))
        and 2 < column["distinct"] <= _CODES
        and rows >= 5 * _CODES
    )


def _some(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
