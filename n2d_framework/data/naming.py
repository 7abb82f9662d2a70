"""Which of a file's arrays are the rows, and which are their labels."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from n2d_framework.core.rows import listed
from n2d_framework.data.faults import keys_or_flags, no_such_name, point_out
from n2d_framework.data.reference import Reference
from n2d_framework.errors import DataError

__all__ = [
    "CLASS_NAMES",
    "COLUMN_NAMES",
    "LABEL_NAMES",
    "Pair",
    "array_pairs",
    "label_column",
    "point_out_unused",
]

#: Names under which labels are looked for, in any case of letters.
LABEL_NAMES = ("y", "label", "labels", "target", "targets", "class")
#: Arrays that hold the names of columns.
COLUMN_NAMES = ("feature_names", "columns")
#: Arrays of strings that name the classes.
CLASS_NAMES = ("class_names", "target_names", "label_names", "names")

#: Parts of a dataset that is kept in several arrays, ``x_train`` and so on, in their order.
_PARTS = ("train", "val", "valid", "validation", "dev", "test")

Pair = tuple[str, str | None]


def array_pairs(ref: Reference, names: Sequence[str]) -> list[Pair]:
    """Names of the arrays with rows, each with that of its labels.

    Parameters
    ----------
    ref : Reference
    names : sequence of str
        All arrays of the file.

    Returns
    -------
    list of (str, str or None)
        One pair; or several, for ``x_train, y_train, x_val, y_val, x_test, y_test``, to be
        joined in that order.

    Raises
    ------
    DataError
        If there is no such array, or no way to know.
    """
    if not names:
        raise DataError(f"{ref.path}: it holds no array; write one named 'x'")
    for chosen in (ref.array, ref.y):
        if isinstance(chosen, str) and chosen not in names:
            raise no_such_name(ref.path, "array", chosen, list(names))
    lower = {name.lower(): name for name in names}
    parts = [part for part in _PARTS if f"x_{part}" in lower]
    if ref.array is None and parts and "x" not in lower:
        return _joined_pairs(ref, lower, parts)
    x = ref.array or _rows_name(ref, names)
    return [(x, _labels_of(ref, names, x))]


def _joined_pairs(ref: Reference, lower: Mapping[str, str], parts: Sequence[str]) -> list[Pair]:
    if isinstance(ref.y, str):
        raise DataError(f"{ref.path}: y={ref.y!r} is given without x; name the array of rows too")
    rows = [lower[f"x_{part}"] for part in parts]
    labels = [lower.get(f"y_{part}") for part in parts]
    missing = [x for x, y in zip(rows, labels, strict=True) if y is None]
    if ref.y is False or len(missing) == len(parts):
        return [(x, None) for x in rows]
    if missing:
        with_labels = next(x for x, y in zip(rows, labels, strict=True) if y is not None)
        point_out(
            ref.path,
            f"no labels are used, since there are none for {missing[0]!r}; for rows with labels, "
            f"name them: {keys_or_flags(x=with_labels)}",
        )
        return [(x, None) for x in rows]
    return list(zip(rows, labels, strict=True))


def point_out_unused(ref: Reference, names: Sequence[str], used: Iterable[str | None]) -> None:
    """Say in one line which arrays of a file are not used, unless the user chose some.

    Parameters
    ----------
    ref : Reference
    names : sequence of str
        All arrays.
    used : iterable of str or None
        Those that are.
    """
    if ref.x is not None or ref.like is not None:
        return
    known = {*used, *ref.drop}
    labels = {*LABEL_NAMES, *(f"y_{part}" for part in _PARTS)}
    others = [
        name
        for name in names
        if name not in known and not (ref.y is False and name.lower() in labels)
    ]
    if others:
        point_out(ref.path, f"arrays that are not used: {listed(others)}")


def _rows_name(ref: Reference, names: Sequence[str]) -> str:
    found = _find(names, ("x",))
    if found is not None:
        return found
    others = [name for name in names if name.lower() not in LABEL_NAMES and name != ref.y]
    if len(others) == 1:
        return others[0]
    raise DataError(
        f"{ref.path}: no array is named 'x' and it has {', '.join(names[:20])}; "
        f"say which one holds the rows: {keys_or_flags(x='NAME')}"
    )


def _labels_of(ref: Reference, names: Sequence[str], x: str) -> str | None:
    if ref.y is False:
        return None
    if isinstance(ref.y, str):
        return ref.y
    if x.lower().startswith("x_"):
        own = _find(names, ("y_" + x[2:].lower(),))
        if own is not None:
            return own
    # Of train and test arrays the labels of one never belong to the other.
    return _find([name for name in names if name != x], LABEL_NAMES)


def _find(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    by_lower = {name.lower(): name for name in reversed(names)}
    return next((by_lower[name] for name in wanted if name in by_lower), None)


def label_column(ref: Reference, columns: Sequence[str], named: Collection[str] = ()) -> str | None:
    """The column of a table that holds labels; not one of those `named` for something else.

    Beside a column named ``x``, one named ``y`` is taken for a coordinate.

    Raises
    ------
    DataError
        If the column named by the user does not exist, or several could be meant.
    """
    if ref.y is False:
        return None
    if isinstance(ref.y, str):
        if ref.y not in columns:
            raise no_such_name(ref.path, "column", ref.y, list(columns))
        return ref.y
    coordinates = any(name.lower() == "x" for name in columns)
    known = [name for name in LABEL_NAMES if not (name == "y" and coordinates)]
    found = [name for name in columns if name.lower() in known and name not in named]
    if len(found) > 1:
        raise DataError(
            f"{ref.path}: the labels may be in {' or '.join(map(repr, found))}; "
            f"say which: {keys_or_flags(y='NAME')}"
        )
    return found[0] if found else None
