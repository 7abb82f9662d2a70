"""The columns of a table of rows: their names, and how columns of new rows are matched."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import attrs
import numpy as np

from n2d_framework.core.kinds import Kind
from n2d_framework.core.rows.column_parts import column_parts, of_column_parts
from n2d_framework.core.rows.packing import packed, unpacked_strings
from n2d_framework.core.rows.step_times import StepNames, StepTimes
from n2d_framework.core.rows.written_names import refuse_nul
from n2d_framework.core.state import State
from n2d_framework.errors import DataError, did_you_mean

__all__ = [
    "Field",
    "ImageForm",
    "Matched",
    "Schema",
    "SeriesForm",
    "left_out",
    "listed",
    "positions",
    "unique_names",
    "value_names",
    "written_by_pandas",
]

_LISTED = 20


@attrs.frozen
class Field:
    """One column of a table.

    Attributes
    ----------
    name : str
    kind : str
        What its values are: ``"number"``, ``"category"``, ``"text"``, ``"date"``, or a kind that
        a plugin announces.
    dtype : str
        Type of the values in the table that the model was fitted on, such as ``"float64"``;
        for information, since any type of real numbers is taken later. Empty if not known.
    categories : tuple of str
        Of a category, the values it has, sorted or in the order of its source; not in
        :meth:`Schema.as_json`, for they are values of rows.
    """

    name: str
    kind: Kind = "number"
    dtype: str = ""
    categories: tuple[str, ...] = ()


@attrs.frozen
class Matched:
    """Match of the columns of a table with a schema.

    Attributes
    ----------
    order : tuple of int
        For each field of the schema the position of its column in the table.
    others : tuple of str
        Names of the columns that no field asks for, in the order of the table.
    """

    order: tuple[int, ...]
    others: tuple[str, ...]


@attrs.frozen
class ImageForm:
    """Size and mode that images of a folder are brought to while they are read.

    Attributes
    ----------
    size : tuple of int or None
        Height and width in pixels; ``None`` if they stay as they are.
    mode : str
        One of Pillow's names of modes: ``"L"`` (grey), ``"I;16"`` (grey of 16 bits), ``"RGB"``,
        ``"RGBA"``, ``"I"`` or ``"F"`` (32 bits).
    """

    size: tuple[int, int] | None
    mode: str

    def as_json(self) -> dict[str, Any]:
        """Plain values, as a bundle stores them."""
        return {"size": None if self.size is None else list(self.size), "mode": self.mode}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The form of what :meth:`as_json` gave."""
        return cls(None if data["size"] is None else tuple(data["size"]), data["mode"])

    def __str__(self) -> str:
        size = "" if self.size is None else f"sized {self.size[0]} x {self.size[1]} pixels, "
        return f"{size}mode {self.mode}"


@attrs.frozen
class SeriesForm:
    """Where series of a long table come from, and what they are brought to.

    Attributes
    ----------
    time : str
        Column of the times.
    values : tuple of str
        Columns of the values.
    steps : int
        Length of each series.
    interpolated : bool
        Whether series are interpolated at evenly spaced times, or taken as they are.
    times : StepTimes or None
        Of the steps, where series were taken as they are.
    """

    time: str
    values: tuple[str, ...]
    steps: int
    interpolated: bool
    times: StepTimes | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain values, as a bundle stores them."""
        found = {name: getattr(self, name) for name in ("time", "steps", "interpolated")}
        found["values"] = list(self.values)
        return found if self.times is None else found | {"times": self.times.as_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The form of what :meth:`as_json` gave."""
        times = data.get("times")
        return cls(
            data["time"],
            tuple(data["values"]),
            data["steps"],
            data["interpolated"],
            None if times is None else StepTimes.from_json(times),
        )

    def step_names(self) -> StepNames:
        """The steps as people read them."""
        if self.interpolated:
            return StepNames.of_shares(self.steps)
        if self.times is None:
            return StepNames.counted(self.steps)
        return StepNames.of_times(self.times, self.time, self.steps)


@attrs.frozen
class Schema:
    """Columns of the rows that a model was fitted on, and which others lay beside them.

    Attributes
    ----------
    fields : tuple of Field
        The features, in the order in which the model takes them; empty for rows without names.
    x : str or None
        Name of the array with the rows, where the user chose it in a file of arrays.
    y : str or None
        Name of the column or array with the labels.
    id : str or None
        Name of the column or array with the ids of rows.
    width : int or None
        Number of all columns of the table, further ones included; ``None`` where there was none.
    images : ImageForm or None
        What images of a folder were brought to; ``None`` where they were read as stored.
    series : SeriesForm or None
        Where series came from, if that was a long table; `id` is then that of the series.
    """

    fields: tuple[Field, ...] = ()
    x: str | None = None
    y: str | None = None
    id: str | None = None
    width: int | None = None
    images: ImageForm | None = None
    series: SeriesForm | None = None

    @classmethod
    def of(
        cls, names: Iterable[str], dtypes: Iterable[str] = (), *, where: str = "X", **beside: Any
    ) -> Self:
        """Make a schema of columns of numbers.

        Parameters
        ----------
        names : iterable of str
            Names of the columns.
        dtypes : iterable of str, default ()
            Their types; may be left out altogether.
        where : str, default "X"
            What has the columns, for messages.
        **beside : str or None
            ``x``, ``y``, ``id`` and ``width``.

        Raises
        ------
        DataError
            If two columns have the same name, or one has a name that cannot be stored.
        """
        names = tuple(names)
        _refuse_repeated(names, set(names), where)
        refuse_nul(names, where, counted="column")
        for name in names:
            try:
                name.encode("utf-8")
            except UnicodeEncodeError as error:
                raise DataError(
                    f"{where}: the name of column {name!r} is not valid Unicode; rename it"
                ) from error
        types = tuple(dtypes) or ("",) * len(names)
        fields = tuple(Field(name, dtype=dtype) for name, dtype in zip(names, types, strict=True))
        return cls(fields, **beside)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features."""
        return tuple(field.name for field in self.fields)

    def packed_categories(self) -> dict[str, Any]:
        """Categories of the fields as a part of a bundle; empty if there are none."""
        return column_parts({
            number: packed(field.categories)
            for number, field in enumerate(self.fields)
            if field.categories
        })  # fmt: skip

    def with_categories(self, state: State) -> Self:
        """The schema with what :meth:`packed_categories` gave, perhaps from a file.

        Raises
        ------
        StateError
            If they are not strings.
        """
        fields = list(self.fields)
        parts = of_column_parts(state)
        for number, field in enumerate(fields):
            if number in parts:
                arrays = parts[number]
                fields[number] = attrs.evolve(field, categories=tuple(unpacked_strings(arrays)))
        return attrs.evolve(self, fields=tuple(fields))

    @property
    def kinds(self) -> frozenset[Kind]:
        """Kinds of the features."""
        return frozenset(field.kind for field in self.fields)

    @property
    def named(self) -> bool:
        """Return whether the features have names that say more than their positions."""
        return bool(self.fields) and self.names != positions(len(self.fields))

    def as_json(self) -> dict[str, Any]:
        """Plain values, as a bundle stores them."""
        return {
            "fields": [
                {"name": field.name, "kind": field.kind, "dtype": field.dtype}
                for field in self.fields
            ],
            "x": self.x,
            "y": self.y,
            "id": self.id,
            "width": self.width,
            **({} if self.images is None else {"images": self.images.as_json()}),
            **({} if self.series is None else {"series": self.series.as_json()}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The schema of what :meth:`as_json` gave; unknown keys are passed over."""
        fields = tuple(
            Field(field["name"], field.get("kind", "number"), field.get("dtype", ""))
            for field in data.get("fields", ())
        )
        beside = {name: data.get(name) for name in ("x", "y", "id", "width")}
        if data.get("images") is not None:
            beside["images"] = ImageForm.from_json(data["images"])
        if data.get("series") is not None:
            beside["series"] = SeriesForm.from_json(data["series"])
        return cls(fields, **beside)

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Self:
        """The schema in the section `data` of a bundle's manifest; older ones list names only."""
        if data.get("schema") is not None:
            return cls.from_json(data["schema"])
        return cls(tuple(Field(name) for name in data.get("feature_names") or ()))

    def match(self, columns: Sequence[str], n: int, where: str = "X") -> Matched | None:
        """Find the column of each field by its name.

        Parameters
        ----------
        columns : sequence of str
            Names of all columns of a table; ``("0", "1", ...)`` for a table without names.
        n : int
            Number of features, for rows that had no names at fit.
        where : str, default "X"
            What has the columns, for messages.

        Returns
        -------
        Matched or None
            ``None`` if rows can only be taken by position, because they or those of the fit
            have no names; there must then be `n` columns.

        Raises
        ------
        DataError
            If a column is missing or there twice; with the names.
        """
        names = self.names or positions(n)
        bare = tuple(columns) == positions(len(columns))
        found = set(names) <= set(columns)
        if (bare and not (found and len(columns) == self.width)) or not (found or self.named):
            return None
        place = {name: position for position, name in reversed(list(enumerate(columns)))}
        missing = [name for name in names if name not in place]
        if missing:
            raise DataError(
                f"{where} lacks {len(missing)} of the {len(names)} columns that the model was "
                f"fitted on: {_missing(missing, columns, names)}"
            )
        wanted = set(names)
        _refuse_repeated(columns, wanted, where)
        others = tuple(name for name in columns if name not in wanted)
        return Matched(tuple(place[name] for name in names), others)


def positions(n: int) -> tuple[str, ...]:
    """The names that stand for no names: ``("0", "1", ...)``, as pandas numbers columns."""
    return tuple(map(str, range(n)))


def unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names of which the second and further of each get ``-1``, ``-2`` and so on, as in anndata."""
    taken, times_so_far = set(names), Counter[str]()
    found = []
    for name in names:
        unique, number = name, times_so_far[name]
        while number and (unique := f"{name}-{number}") in taken:
            number += 1
        times_so_far[name] = number + 1
        taken.add(unique)
        found.append(unique)
    return tuple(found)


def value_names(schema: Schema, row_shape: tuple[int, ...]) -> tuple[str, ...]:
    """A name for each value of a row: of its column, or of its place (``"3, 0"``)."""
    if schema.named and row_shape == (len(schema.fields),):
        return schema.names
    return tuple(", ".join(map(str, place)) for place in np.ndindex(*row_shape))


def written_by_pandas(columns: Sequence[str]) -> list[str]:
    """Columns that were the index of a frame: ``Unnamed: 0`` in front, ``__index_level_0__``."""
    known = [name for name in columns if re.fullmatch(r"__index_level_\d+__", name)]
    return [*columns[:1], *known] if columns[:1] in (["Unnamed: 0"], ("Unnamed: 0",)) else known


def left_out(names: Sequence[str]) -> str:
    """The one line that names further columns."""
    return f"columns that the model was not fitted on are left out: {listed(names)}"


def listed(names: Sequence[str]) -> str:
    """Names in quotes for a message; of many, the first 20 and how many more there are."""
    shown = ", ".join(map(repr, names[:_LISTED]))
    more = len(names) - _LISTED
    return f"{shown} and {more} more" if more > 0 else shown


def _refuse_repeated(columns: Sequence[str], wanted: set[str], where: str) -> None:
    if len(set(columns)) == len(columns):
        return
    repeated = [name for name, times in Counter(columns).items() if times > 1 and name in wanted]
    if repeated:
        raise DataError(f"{where}: several columns are named {listed(repeated)}; rename them")


def _missing(missing: Sequence[str], columns: Sequence[str], names: Sequence[str]) -> str:
    """Each missing name, with the column that was probably meant."""
    known = set(names)
    free = [name for name in columns if name not in known]
    alike = {_folded(name): name for name in reversed(free)}
    reported = []
    for name in missing[:_LISTED]:
        same = alike.get(_folded(name))
        if same is not None:
            reported.append(f"{name!r} (did you mean {_shown_apart(same, name)}?)")
        else:
            hint = did_you_mean(name, free, noun="column") if len(free) <= 1000 else ""
            reported.append(f"{name!r} ({hint})" if hint.startswith("did you mean") else repr(name))
    more = len(missing) - _LISTED
    return (
        ", ".join(reported)
        + (f" and {more} more" if more > 0 else "")
        + "; add them or rename columns"
        + (f" (other columns there: {listed(free)})" if free else "")
    )


def _folded(name: str) -> str:
    """A name without what people overlook: case, spaces, Unicode form."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _shown_apart(name: str, other: str) -> str:
    """A name in quotes, in escapes if it looks like the other one on a screen."""
    same = unicodedata.normalize("NFC", name) == unicodedata.normalize("NFC", other)
    return f"{name!a}, which has another Unicode form" if same else repr(name)
