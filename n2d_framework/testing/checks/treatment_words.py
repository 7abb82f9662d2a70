"""Checks of what a prepare component says that it did to the data."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from n2d_framework.core.rows import is_sparse
from n2d_framework.testing.check import Checks, demand
from n2d_framework.testing.examination import ComponentExamination, kept_state, same
from n2d_framework.testing.sample_rows import copied, rows_of, take, varied

__all__ = ["CHECKS"]

CHECKS = Checks()
#: A number in a text. One of fewer digits than this may be a count, or like a row's by chance.
_NUMBER, _DIGITS = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"), 5
#: Letters from which on a text of a row is not in a sentence by chance.
_LETTERS = 4


@CHECKS.add("what it says that it did to the data is plain text, repeats, and names no single row",
            roles=("prepare",))  # fmt: skip
def treatments(exam: ComponentExamination) -> None:
    """Ask for treatments of rows several times, where it has some."""
    if not hasattr(exam.fitted.component, "treatments"):
        return
    # The kit's images have few values, that many rows share.
    rows = varied(exam.rows, exam.n_rows) if exam.given is None else exam.rows
    component = exam.fit(exam.fresh(), rows).component
    before, given = kept_state(component), copied(rows)
    said = _asked(component, given)
    demand(
        rows_of(given).fingerprint() == rows_of(rows).fingerprint(),
        "treatments changes the rows that it is given",
    )
    again = _asked(component, copied(rows))
    demand(said == again, f"treatments says something else when asked again{_change(said, again)}")
    turned = _asked(component, take(rows, slice(None, None, -1)))
    demand(
        said == turned,
        f"treatments depends on the order of the rows{_change(said, turned)}; reports without rows "
        "show it: say nothing of single ones",
    )
    now = component.get_state()
    changed = [key for key in {**before, **now} if not same(before.get(key), now.get(key))]
    demand(not changed, f"treatments changes the state: {', '.join(changed)}")
    for value, text in _of_one_row(rows, [part for pair in said for part in pair]):
        demand(
            False,
            f"treatments names the value {value} of one row, in {text!r}; reports without rows "
            "show it: say how, not which values",
        )


def _asked(component: Any, x: Any) -> list[tuple[str, str]]:
    """Pairs of texts that a component gives."""
    found = component.treatments(x)
    demand(
        isinstance(found, (list, tuple)),
        f"treatments returns a {type(found).__name__}, expected a list of pairs of strings",
    )
    for pair in found:
        demand(
            isinstance(pair, (list, tuple)) and len(pair) == 2,
            f"treatments returns {pair!r} in its list, expected a pair: what, and how",
        )
        for part in pair:
            demand(
                isinstance(part, str) and part.strip(),
                f"treatments returns {part!r} in {pair!r}, expected a text that says something",
            )
    return [(pair[0], pair[1]) for pair in found]


def _change(one: list[tuple[str, str]], other: list[tuple[str, str]]) -> str:
    for left, right in zip(one, other, strict=False):
        if left != right:
            return f": {left!r}, then {right!r}"
    return f": {len(one)} pairs, then {len(other)}"


def _of_one_row(x: Any, texts: list[str]) -> Iterator[tuple[str, str]]:
    """Values that exactly one row has and that a text names, each with the text."""
    numbers, strings = _values(x)
    for text in texts:
        for found in _NUMBER.findall(text):
            digits = sum(letter.isdigit() for letter in re.split("[eE]", found)[0].lstrip("-+0."))
            if digits >= _DIGITS and _rows_with(numbers, float(found), digits) == 1:
                yield found, text
        for value in strings:
            if value in text:
                yield repr(value), text


def _rows_with(numbers: list[Any], value: float, digits: int) -> int:
    """Number of values that are that one, to so many digits."""
    step = 10.0 ** (np.floor(np.log10(abs(value))) - digits + 1) if value else 0.0
    return sum(int((np.abs(column - value) <= 0.5 * step).sum()) for column in numbers)


def _values(x: Any) -> tuple[list[Any], list[str]]:
    """Numbers of rows, by columns, and texts that only one row has."""
    if isinstance(x, np.ndarray) and x.dtype != object:
        return [x.astype(np.float64).ravel()], []
    rows = rows_of(x)
    if is_sparse(rows.values):
        return [rows.values.data.astype(np.float64)], []
    numbers, strings = list[Any](), list[str]()
    for field in rows.schema.fields:
        column = rows.column(field.name)
        if column.dtype.kind == "f":
            numbers.append(column[~np.isnan(column)].astype(np.float64))
        elif column.dtype.kind == "M":
            known = column[~np.isnat(column)]
            counts = Counter(np.datetime_as_string(known, unit="D").tolist())
            strings += [day for day, times in counts.items() if times == 1]
        else:
            counts = Counter(value for value in column.tolist() if isinstance(value, str))
            strings += [
                value for value, times in counts.items() if times == 1 and len(value) >= _LETTERS
            ]
    return numbers, strings
