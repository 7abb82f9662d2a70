"""Selection of the columns of a table: names, globs and regular expressions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

import attrs

from n2d_framework.core.rows import written_by_pandas
from n2d_framework.data.faults import no_such_name
from n2d_framework.data.naming import label_column
from n2d_framework.data.reference import Reference, is_pattern, is_regex
from n2d_framework.errors import DataError

__all__ = ["Columns", "choose_columns"]


@attrs.frozen
class Columns:
    """Which columns are used, and for what.

    Attributes
    ----------
    features : tuple of str
    label : str or None
    id : str or None
    others : tuple of str
        Columns that are not used.
    kinds : mapping of str to str
        Features whose kind the user gave.
    settled : frozenset of str
        Features that the user chose; others may turn out to be ids or texts and be left out.
    """

    features: tuple[str, ...]
    label: str | None
    id: str | None = None
    others: tuple[str, ...] = ()
    kinds: Mapping[str, str] = attrs.field(factory=dict)
    settled: frozenset[str] = frozenset()

    @property
    def used(self) -> list[str]:
        """All that have to be read, each once."""
        beside = [name for name in (self.label, self.id) if name is not None]
        return list(dict.fromkeys([*self.features, *beside]))


def choose_columns(ref: Reference, columns: Sequence[str], index: Sequence[str] = ()) -> Columns:
    """Choose features, label and ids among the columns of a table.

    Parameters
    ----------
    ref : Reference
        Its `x`, `drop`, `text` and `kinds` name columns, or match them: ``price_*`` is a glob
        (``*``, ``?``, ``[ab]``), ``/^price_/`` a regular expression that is found anywhere in a
        name. A column that is called like a pattern is meant by it.
    columns : sequence of str
        All columns.
    index : sequence of str
        Those that hold row names: the first is taken for the ids unless another is named, and
        none is a feature unless named. A first column ``Unnamed: 0`` and one
        ``__index_level_0__`` count among them, since pandas writes its index so.

    Returns
    -------
    Columns
        The features in the order of ``ref.like``, if it is given and the columns have names.

    Raises
    ------
    DataError
        If a named column does not exist, a pattern matches none, names repeat, or no feature is
        left.
    """
    known = set(columns)
    if ref.id is not None and ref.id not in known:
        raise no_such_name(ref.path, "column", ref.id, list(columns))
    if ref.time is not None and ref.time not in known:
        raise no_such_name(ref.path, "column", ref.time, list(columns))
    select = _Selector(ref, columns)
    patterns = (ref.x,) if isinstance(ref.x, str) else ref.x or ()
    chosen, dropped, texts = (
        select(key, found)
        for key, found in (("x", patterns), ("drop", ref.drop), ("text", ref.text))
    )
    kinds = {name: kind for pattern, kind in ref.kinds for name in select("kinds", [pattern])}
    kinds |= dict.fromkeys(texts, "text")
    wanted = [*chosen, *(name for name in texts if name not in chosen)]
    wanted += [ref.time] if wanted and ref.time is not None and ref.time not in wanted else []
    index = [*index, *(name for name in written_by_pandas(columns) if name not in index)]
    if ref.like is not None:
        given = wanted or [name for name in columns if name not in dropped]
        matched = ref.like.match(given, ref.n_features, str(ref.path))
        if matched is not None:
            features = tuple(given[position] for position in matched.order)
            found = _id_column(ref, columns, index, features)
            taken = {*features, *dropped, found}
            left = [name for name in columns if name not in taken]
            others = tuple(name for name in left if name not in index)
            return Columns(features, _label_beside(ref, columns, features), found, others)
    repeated = sorted(name for name, times in Counter(columns).items() if times > 1)
    if repeated:
        raise DataError(f"{ref.path}: several columns are named {repeated[0]!r}; rename them")
    named = known.intersection([*patterns, *ref.text])
    label = label_column(ref, columns, named.union(dropped))
    for name, what in ((label, "label"), (ref.id, "id")):
        if name is not None and name in named:
            raise DataError(f"{ref.path}: column {name!r} cannot be feature and {what} at once")
    for name in ref.drop:
        if name in named:
            raise DataError(f"{ref.path}: column {name!r} is in x and in drop; name it in one")
    out = {label, ref.id, *dropped}
    features = tuple(
        name
        for name in wanted or (name for name in columns if name not in index)
        if name not in out
    )
    if not features:
        raise DataError(f"{ref.path}: no column is left as a feature; give at least one")
    row_ids = _id_column(ref, columns, index, features)
    used = {*features, *index, label, row_ids}
    return Columns(
        tuple(name for name in columns if name not in index) if ref.every else features,
        label,
        row_ids,
        tuple(name for name in columns if name not in used),
        kinds={name: kind for name, kind in kinds.items() if name in features},
        settled=frozenset([*wanted, *kinds, *filter(None, [ref.time])]),
    )


class _Selector:
    """Columns that names and patterns mean, in the order of the patterns and of the table."""

    def __init__(self, ref: Reference, columns: Sequence[str]) -> None:
        self._path, self._columns, self._known = ref.path, columns, set(columns)

    def __call__(self, key: str, patterns: Iterable[str]) -> dict[str, None]:
        found = dict[str, None]()
        for pattern in patterns:
            names = [pattern] if pattern in self._known else self._matched(key, pattern)
            found |= dict.fromkeys(names)
        return found

    def _matched(self, key: str, pattern: str) -> list[str]:
        if is_regex(pattern):
            try:
                search = re.compile(pattern[1:-1]).search
            except re.error as error:
                raise DataError(
                    f"{self._path}: {key}: {pattern!r} is not a regular expression: {error}"
                ) from error
            names = [name for name in self._columns if search(name)]
        elif is_pattern(pattern):
            names = [name for name in self._columns if fnmatchcase(name, pattern)]
        else:
            raise no_such_name(self._path, "column", pattern, list(self._columns))
        if not names:
            raise DataError(
                f"{self._path}: {key}: no column matches {pattern!r}; it has "
                + ", ".join(self._columns[:20])
                + (", ..." if len(self._columns) > 20 else "")
            )
        return names


def _id_column(
    ref: Reference, columns: Sequence[str], index: Sequence[str], features: Sequence[str]
) -> str | None:
    """The column named by the user, else that of the fit, else an index."""
    if ref.id is not None:
        return ref.id
    fitted = ref.like.id if ref.like is not None else None
    candidates = [name for name in (fitted, *index) if name in columns and name not in features]
    return candidates[0] if candidates else None


def _label_beside(ref: Reference, columns: Sequence[str], features: Sequence[str]) -> str | None:
    """The label of a table whose features are known."""
    if isinstance(ref.y, str) or ref.y is False or ref.like is None:
        return label_column(ref, columns)
    fitted = ref.like.y
    return fitted if fitted in columns and fitted not in features else None
