"""Value that a user may write for `data`: the name of a dataset, a path, or a mapping."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from n2d_framework.core.rows import Schema
from n2d_framework.core.rows.columns import COLUMN_KINDS
from n2d_framework.errors import DataError, did_you_mean

__all__ = ["Reference", "is_pattern", "is_regex", "parse_reference"]

#: Greatest length of series that are read from a long table.
MOST_STEPS = 1_000_000
IMAGE_MODES = ("grey", "rgb", "rgba")
_KEYS = (
    "path", "x", "drop", "id", "y", "text", "kinds", "header", "time", "steps", "resize", "mode",
    "on_error", "thumbnails",
)  # fmt: skip


@attrs.frozen
class Reference:
    """A file or folder, and what in it is to be used.

    Attributes
    ----------
    path : Path
    x : str, tuple of str or None
        Array or dataset with the rows; or the columns of a table that are features, by names or
        patterns. ``None`` finds it out.
    y : str, False or None
        Array, dataset or column with the labels; ``False`` says that there are none; ``None``
        finds it out.
    header : bool or None
        Whether the first line of a text table names the columns; ``None`` finds it out.
    drop : tuple of str
        Columns of a table that are not features, by names or patterns.
    id : str or None
        Array, dataset or column with the ids of rows; ``None`` finds an index that pandas wrote.
    text : tuple of str
        Columns of a table that are texts, by names or patterns; without `x`, they are the rows.
    kinds : tuple of (str, str)
        Names or patterns of columns of a table, each with the kind that its columns have.
    time : str or None
        Column of the times of a long table, in which `id` names the column that says which series
        a row belongs to.
    steps : int or None
        Number of evenly spaced times at which series are interpolated; ``None`` leaves series of
        equal times as they are, and is the median length, at most 256, for others.
    resize : (int, int), "auto", "none" or None
        Height and width that images of a folder get. ``auto`` is their median, scaled down to at
        most 64 pixels a side, ``none`` keeps theirs; ``None`` keeps them where they are all of one
        size of at most 256 pixels a side, and is ``auto`` otherwise.
    mode : {"grey", "rgb", "rgba"} or None
        Mode that images of a folder get; ``None`` keeps the one that all have, and is grey where
        all are grey, else rgb.
    on_error : {"raise", "skip"}
        Whether an image that cannot be read ends the reading, or is left out.
    thumbnails : str or None
        Column with paths of pictures, or array of images, that a report shows beside the rows; not
        a feature.
    like : Schema or None
        The columns that are wanted, in their order: those of a fitted model.
    n_features : int
        Number of features of that model.
    by_kind : bool
        Whether that model takes rows of columns.
    every : bool
        Whether all columns of a table are read as features, to be examined.
    """

    path: Path
    x: str | tuple[str, ...] | None = None
    y: str | bool | None = None
    header: bool | None = None
    drop: tuple[str, ...] = ()
    id: str | None = None
    text: tuple[str, ...] = ()
    kinds: tuple[tuple[str, str], ...] = ()
    time: str | None = None
    steps: int | None = None
    resize: tuple[int, int] | str | None = None
    mode: str | None = None
    on_error: str = "raise"
    thumbnails: str | None = None
    like: Schema | None = None
    n_features: int = 0
    by_kind: bool = False
    every: bool = False

    @property
    def for_images(self) -> list[str]:
        """The keys given that only folders of images understand."""
        defaults: dict[str, str | None] = {"resize": None, "mode": None}
        defaults |= {} if self.thumbnails else {"on_error": "raise"}
        return [key for key, usual in defaults.items() if getattr(self, key) != usual]

    @property
    def for_tables(self) -> list[str]:
        """The keys given that only tables understand."""
        return [key for key in ("text", "kinds", "time", "steps") if getattr(self, key)]

    @property
    def given(self) -> list[str]:
        """All keys given beside `path`."""
        usual = Reference(self.path)
        return [key for key in _KEYS[1:] if getattr(self, key) != getattr(usual, key)]

    @property
    def array(self) -> str | None:
        """The array named by `x`, for files that hold arrays.

        Raises
        ------
        DataError
            If `x` is a list, which only tables understand.
        """
        if isinstance(self.x, tuple):
            raise DataError(f"{self.path}: x must name one array here, got a list of names")
        return self.x


def is_regex(text: str) -> bool:
    """Return whether a string is a regular expression between slashes."""
    return len(text) > 2 and text.startswith("/") and text.endswith("/")


def is_pattern(text: str) -> bool:
    """Return whether a string may match several names: a glob, or a regular expression."""
    return is_regex(text) or any(mark in text for mark in "*?[")


def parse_reference(ref: Any, known: Sequence[str] = ()) -> Reference | str:
    """Read what a user wrote for `data`.

    Parameters
    ----------
    ref : str, path-like, mapping or Reference
        A name out of `known`, a path, or a mapping with
        ``path`` and the fields of :class:`Reference` down to `thumbnails`.
    known : sequence of str
        Names of datasets. A name wins over a file of the same name; write ``./name`` for
        the file.

    Returns
    -------
    Reference or str
        The name, if it is one.

    Raises
    ------
    DataError
        If it is neither a known name nor something that exists.
    """
    if isinstance(ref, Reference):
        return ref
    if isinstance(ref, str) and ref in known:
        return ref
    if isinstance(ref, (str, os.PathLike)):
        return Reference(_existing(ref, known))
    if isinstance(ref, Mapping):
        return _from_mapping(ref, known)
    raise DataError(
        f"data must be the name of a dataset, a path, or a mapping with path, x and y; got "
        f"{type(ref).__name__}"
    )


def _existing(ref: str | os.PathLike[str], known: Sequence[str]) -> Path:
    try:
        path = Path(ref).expanduser()
        exists = path.exists()
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError(f"{ref!r} is not a usable path: {error}") from error
    if exists:
        return path
    text = str(ref)
    looks_like_path = path.suffix != "" or os.sep in text or not known
    if looks_like_path:
        raise DataError(f"{text}: there is no such file or folder; check the path")
    # Each dataset is known by two names, plain and qualified; one of them is reported.
    names = [name for name in dict.fromkeys(known) if (":" in name) == (":" in text)]
    hint = did_you_mean(text, names, noun="dataset")
    raise DataError(f"{text!r} is neither a known dataset nor a file or folder; {hint}")


def _from_mapping(ref: Mapping[str, Any], known: Sequence[str]) -> Reference | str:
    for key in ref:
        if key not in _KEYS:
            hint = did_you_mean(str(key), _KEYS, noun="key")
            raise DataError(f"data.{key}: unknown key; {hint}")
    if not isinstance(ref.get("path"), (str, os.PathLike)):
        raise DataError("data.path: is required and must be the path of a file or folder")
    if ref["path"] in known:
        given = [key for key in _KEYS[1:] if ref.get(key) is not None]
        if given:
            raise DataError(
                f"data: {ref['path']!r} is a known dataset; drop x, y and whatever else is beside "
                f"path ({', '.join(given)})"
            )
        return str(ref["path"])
    y, header, row_id = ref.get("y"), ref.get("header"), ref.get("id")
    if not (row_id is None or isinstance(row_id, str)):
        raise DataError("data.id: must be a name")
    if not (y is None or y is False or isinstance(y, str)):
        raise DataError("data.y: must be a name, or false for data without labels")
    if not (header is None or isinstance(header, bool)):
        raise DataError("data.header: must be true or false")
    x = _names("x", ref.get("x"))
    drop, text = (_listed(key, ref.get(key)) for key in ("drop", "text"))
    kinds = _kinds(ref.get("kinds"))
    time, steps = _long_table(ref)
    resize, mode = _resize(ref.get("resize")), _one_of("mode", ref.get("mode"), IMAGE_MODES)
    on_error = _one_of("on_error", ref.get("on_error"), ("raise", "skip")) or "raise"
    thumbnails = ref.get("thumbnails")
    if not (thumbnails is None or isinstance(thumbnails, str)):
        raise DataError("data.thumbnails: must be the name of a column or array")
    path = _existing(ref["path"], known)
    return Reference(
        path, x, y, header, drop, row_id, text, kinds, time, steps, resize, mode, on_error,
        thumbnails,
    )  # fmt: skip


def _long_table(ref: Mapping[str, Any]) -> tuple[str | None, int | None]:
    time, steps = ref.get("time"), ref.get("steps")
    if not (time is None or isinstance(time, str)):
        raise DataError("data.time: must be the name of a column")
    if not (steps is None or (type(steps) is int and 2 <= steps <= MOST_STEPS)):
        raise DataError(f"data.steps: must be an integer from 2 to {MOST_STEPS:,}")
    if steps is not None and time is None:
        raise DataError("data.steps: is for series of long tables; name the column of times: time")
    if time is not None and ref.get("id") in (None, time):
        raise DataError(
            "data.time: a long table needs id as well, the column that says which series a row "
            "belongs to"
        )
    return time, steps


def _resize(value: Any) -> tuple[int, int] | str | None:
    if value is None or value in ("auto", "none"):
        return None if value is None else str(value)
    sides = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else ()
    if len(sides) == 2 and all(type(side) is int and 0 < side <= 10_000 for side in sides):
        return sides[0], sides[1]
    raise DataError(
        "data.resize: must be [height, width] in pixels, each from 1 to 10,000, or auto or none; "
        f"got {value!r}"
    )


def _one_of(key: str, value: Any, known: Sequence[str]) -> str | None:
    if value is None or value in known:
        return None if value is None else str(value)
    raise DataError(f"data.{key}: must be one of {', '.join(known)}; got {value!r}")


def _listed(key: str, value: Any) -> tuple[str, ...]:
    names = _names(key, value)
    return (names,) if isinstance(names, str) else names or ()


def _kinds(value: Any) -> tuple[tuple[str, str], ...]:
    if value is None:
        return ()
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise DataError("data.kinds: must map names of columns to kinds, as in {age: category}")
    for name, kind in value.items():
        if kind not in COLUMN_KINDS:
            hint = did_you_mean(str(kind), COLUMN_KINDS, noun="kind")
            raise DataError(f"data.kinds.{name}: {kind!r} is not a kind of column; {hint}")
    return tuple(value.items())


def _names(key: str, value: Any) -> str | tuple[str, ...] | None:
    if value is None or isinstance(value, str):
        return value
    names = tuple(value) if isinstance(value, Sequence) else ()
    if not names or not all(isinstance(name, str) for name in names):
        raise DataError(f"data.{key}: must be a name or a list of names")
    return names
