"""The head of a text table: its delimiter, and whether its first line names the columns."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import attrs
import numpy as np

from n2d_framework.data.faults import point_out
from n2d_framework.data.kinds.written_values import has_comma, is_dated, is_marker, is_number
from n2d_framework.data.naming import LABEL_NAMES
from n2d_framework.data.reference import Reference, is_pattern
from n2d_framework.errors import DataError

__all__ = ["LONGEST_LINE", "Heading", "decoded_line", "find_heading", "physical_lines"]

_DELIMITERS = ",;\t|"
#: How much is looked at: at least three lines, and further ones up to these limits.
_HEAD_LINES, _HEAD_BYTES = 1000, 1 << 20
LONGEST_LINE: Final = 1 << 26
#: Rows of which the kinds of columns are guessed before the table is read.
_LOOKED_AT = 20

#: Byte order marks of other encodings; that of UTF-16 begins that of UTF-32.
_OTHER_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_GZIP = b"\x1f\x8b"

#: The limit on fields belongs to the process.
_LIMIT = threading.Lock()
_HINT = "say {path: ..., header: true} or false to settle it"


@attrs.frozen
class Heading:
    """Findings from the first lines of a text table.

    Attributes
    ----------
    names : tuple of str
        Names of the columns; ``"0", "1", ...`` if the table does not name them.
    offset : int
        Where the first row of data begins, in bytes.
    delimiter : str
    longest : int
        Bytes of the longest of these lines.
    remarks : tuple of str
        What the user should know of how the first line was taken.
    others : frozenset of int
        Positions of columns that hold something else than numbers in the first rows.
    """

    names: tuple[str, ...]
    offset: int
    delimiter: str
    longest: int
    remarks: tuple[str, ...] = ()
    others: frozenset[int] = frozenset()


@attrs.frozen
class _Lines:
    texts: list[str]
    ends: list[int]
    complete: bool


def find_heading(ref: Reference, file: IO[bytes]) -> Heading:
    """Look at the first lines of a table.

    The first line that is neither blank nor a comment names the columns if its fields explain
    those below: one of them is not a number where all below are; or it has the names of a fitted
    model, those that the user gave, or that of a label which no row has as its class. A line
    that counts 0, 1, 2, ... as pandas writes for columns without names is a header as well. A
    comment right above the rows, with as many fields as they have, names their columns if no
    line does.

    Parameters
    ----------
    ref : Reference
    file : binary file

    Returns
    -------
    Heading

    Raises
    ------
    DataError
        If there are no rows, or what is there is not UTF-8.
    """
    lines = _read_lines(ref.path, file)
    first, declared = _first_line(lines)
    if first == len(lines.texts):
        raise DataError(f"{ref.path}: it has no rows; give at least one")
    delimiter = declared or _delimiter(ref.path, lines, first)
    try:
        records, ends = _records(lines, first, delimiter)
    except DataError as error:
        raise DataError(f"{ref.path}: {error}") from error
    top = [field.strip() for field in records[0]]
    comment = _commented_names(ref, lines, first, delimiter, len(top))
    header, remarks = _judge(ref, records)
    if ref.header is not None:
        # Where a comment has names as well, the line below it has them only if it explains rows.
        header, remarks = ref.header and (header or comment is None), ()
    given = _given(ref)
    if comment is not None and given and given <= set(comment) and not given <= set(top):
        header, remarks = False, ()
    named = not header and comment is not None and ref.header is not False
    if not named and _as_wide(lines, first, delimiter, len(top)):
        point_out(
            ref.path,
            f"its line {first} begins with # and is passed over as a comment, though it has as "
            "many fields as the rows",
        )
    longest = max(len(text) for text in lines.texts) * 4
    others = _not_numbers(records[header : header + _LOOKED_AT])
    start = lines.ends[first - 1] if first else lines.ends[0] - _size(lines, 0)
    if header:
        if len(records) < 2:
            raise DataError(f"{ref.path}: {_why_no_rows(lines, first, delimiter)}")
        return Heading(tuple(top), ends[0], delimiter, longest, remarks, others)
    if comment is not None and ref.header is not False:
        return Heading(comment, start, delimiter, longest, others=others)
    settled = remarks or ref.x or ref.y is not None or ref.header is not None
    if not settled and _like_decimals(delimiter, records):
        text = f"its lines, such as {delimiter.join(records[0])}, are taken for two columns"
        remarks = (f"{text}; if their commas are decimal, write decimal points",)
    positions = tuple(str(position) for position in range(len(top)))
    return Heading(positions, start, delimiter, longest, remarks, others)


def _not_numbers(records: Sequence[Sequence[str]]) -> frozenset[int]:
    return frozenset(
        position
        for record in records
        for position, field in enumerate(record)
        if not is_number(field.strip())
    )


def _read_lines(path: Path, file: IO[bytes]) -> _Lines:
    texts, ends = list[str](), list[int]()
    content = file.readline(LONGEST_LINE)
    offset = 0
    while content.startswith(codecs.BOM_UTF8):
        content = content[len(codecs.BOM_UTF8) :]
        offset += len(codecs.BOM_UTF8)
    while content and (len(texts) < 3 or (len(texts) < _HEAD_LINES and offset < _HEAD_BYTES)):
        text = decoded_line(path, content, len(texts) + 1)
        for line in physical_lines(text):
            offset += len(line.encode("utf-8"))
            texts.append(line)
            ends.append(offset)
        content = file.readline(LONGEST_LINE)
    return _Lines(texts, ends, not content)


def decoded_line(path: Path, content: bytes, number: int) -> str:
    """Text of one line of a file.

    Parameters
    ----------
    path : Path
    content : bytes
        The line, as far as :data:`LONGEST_LINE` bytes.
    number : int
        Its number, from 1.

    Raises
    ------
    DataError
        If it is longer, or not UTF-8; with the line.
    """
    if len(content) >= LONGEST_LINE:
        raise DataError(
            f"{path}: line {number} is longer than {LONGEST_LINE} bytes; it may not be a table of "
            "text"
        )
    if number == 1:
        other = next((name for mark, name in _OTHER_MARKS if content.startswith(mark)), None)
        if other is not None:
            raise DataError(f"{path}: it is {other}, not UTF-8; save it as UTF-8")
        if content.startswith(_GZIP):
            raise DataError(
                f"{path}: it is compressed with gzip; give it the suffix .gz behind its own"
            )
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: line {number} has bytes that are not UTF-8 ({error.reason} at byte "
            f"{error.start + 1}); save it as UTF-8, unless it is another kind of file with a "
            "wrong suffix"
        ) from error


def physical_lines(text: str) -> Iterator[str]:
    """Lines that end with a line feed, a carriage return, or both."""
    return io.StringIO(text, newline="") if "\r" in text else iter([text])


def _size(lines: _Lines, index: int) -> int:
    return len(lines.texts[index].encode("utf-8"))


def _first_line(lines: _Lines) -> tuple[int, str | None]:
    """Index of the first line that belongs to the table, and the delimiter Excel declares."""
    declared = None
    for index, text in enumerate(lines.texts):
        found = re.fullmatch(r"sep=(.)", text.strip("\r\n"))
        if found and declared is None:
            declared = found[1]
        elif text.strip() and not text.startswith("#"):
            return index, declared
    return len(lines.texts), declared


def _delimiter(path: Path, lines: _Lines, first: int) -> str:
    """The mark that gives the first records equally many fields, more than one."""
    if Path(path.name.lower().removesuffix(".gz")).suffix == ".tsv":
        return "\t"
    counts = dict[str, int]()
    for mark in _DELIMITERS:
        records, _ = _records(lines, first, mark, most=5)
        if len(records[0]) > 1 and len({len(record) for record in records}) == 1:
            counts[mark] = len(records)
    if counts:  # a wrong mark may open a quote that takes in the lines below
        return max(
            counts, key=lambda mark: (counts[mark], mark == ";" and _has_commas(lines, first))
        )
    return next((mark for mark in _DELIMITERS if mark in lines.texts[first]), ",")


def _has_commas(lines: _Lines, first: int) -> bool:
    """Return whether between semicolons are numbers with a decimal comma, and only numbers."""
    records, _ = _records(lines, first, ";", most=5)
    fields = [field for record in records[1:] or records for field in record]
    return any(map(has_comma, fields)) and all(is_number(f) or has_comma(f) for f in fields)


@contextmanager
def _fields_of_any_length() -> Iterator[None]:
    """Lift the limit of the module csv: a line is one field by marks that do not separate it."""
    with _LIMIT:
        before = csv.field_size_limit(LONGEST_LINE)
        try:
            yield
        finally:
            csv.field_size_limit(before)


def _records(
    lines: _Lines, first: int, delimiter: str, most: int = _HEAD_LINES
) -> tuple[list[list[str]], list[int]]:
    """Records from a line on, without blank ones, and the offset behind each."""
    reader = csv.reader(lines.texts[first:], delimiter=delimiter)
    records, ends = list[list[str]](), list[int]()
    try:
        with _fields_of_any_length():
            for record in itertools.islice(reader, most):
                if record:
                    records.append(record)
                    ends.append(lines.ends[first + reader.line_num - 1])
    except csv.Error as error:
        if not records:
            raise DataError(
                f"line {first + 1} cannot be split into fields ({error}); a quote may not be closed"
            ) from error
    if len(records) > 2 and not lines.complete and ends[-1] == lines.ends[-1]:
        records.pop()  # the sample may end within it
        ends.pop()
    return records, ends


def _why_no_rows(lines: _Lines, first: int, delimiter: str) -> str:
    """Reason why nothing but a header was found: its quote may take in all rows."""
    try:
        with _fields_of_any_length():
            for _ in csv.reader(lines.texts[first:], delimiter=delimiter, strict=True):
                pass
    except csv.Error as error:
        if "end" in str(error):
            return f"line {first + 1} has a quote that is not closed; close it, or leave it out"
    return "it has no rows; give at least one"


def _as_wide(lines: _Lines, first: int, delimiter: str, width: int) -> bool:
    """Return whether the line right above the table is a comment with a field for each column."""
    if not first or width < 2 or not lines.texts[first - 1].startswith("#"):
        return False
    return len(next(csv.reader([lines.texts[first - 1]], delimiter=delimiter))) == width


def _commented_names(
    ref: Reference, lines: _Lines, first: int, delimiter: str, width: int
) -> tuple[str, ...] | None:
    """Names out of the comment right above the table, if it has one for each column.

    Numbers may be among them if the user says that there is a header, or if names that the user
    gave or that a model was fitted on are.
    """
    if not _as_wide(lines, first, delimiter, width):
        return None
    fields = next(csv.reader([lines.texts[first - 1]], delimiter=delimiter))
    names = [fields[0].lstrip("# ").strip() or fields[0].strip(), *map(str.strip, fields[1:])]
    if not all(names):
        return None
    wanted = _given(ref)
    if fields[0].strip() in wanted:
        names[0] = fields[0].strip()
    if ref.like is not None and ref.like.named:
        wanted |= set(ref.like.names)
    sure = ref.header is True or (bool(wanted) and wanted <= set(names))
    return tuple(names) if sure or not any(map(is_number, names)) else None


def _judge(ref: Reference, records: Sequence[Sequence[str]]) -> tuple[bool, tuple[str, ...]]:
    """Return whether the first record is a header, and what should be said of it."""
    top, below = [field.strip() for field in records[0]], records[1:]
    if ref.like is not None and ref.like.named and _of_the_fit(ref.like.names, top, below):
        return True, ()
    if _given(ref) and _given(ref) <= set(top):
        return True, ()
    counted = top[1:] if top[0] == "" else top
    if len(counted) > 1 and counted == [str(position) for position in range(len(counted))]:
        text = f"its first line counts 0 to {len(counted) - 1} and is taken for names of columns"
        return True, (f"{text}; {_HINT}",)
    numbers = [name for name in top if is_number(name)]
    if not below:
        return not numbers, ()
    header = _explains(top, below)
    if not header and not any(is_number(field.strip()) for record in records for field in record):
        text = f"its first line ({_some(top)}) is taken for a row, not for names"
        return False, (f"{text}; {_HINT}",)
    if header and numbers:
        text = f"its first line is taken for names of columns, among them {_some(numbers)}"
        return True, (f"{text}; {_HINT}",)
    if not header and len(numbers) == len(top) and _like_a_scale(top, below):
        text = f"its first line increases from column to column ({_some(top)})"
        return False, (f"{text} and is taken for a row, not for names; {_HINT}",)
    return header, ()


def _of_the_fit(names: Sequence[str], top: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Return whether a line has a fitted model's names, or other numbers in place of numbers."""
    known = set(names) & set(top)
    words = [name for name in known if not is_number(name)]
    if len(known) == len(names) or 2 * len(words) >= len(names):
        return True
    numbers = all(map(is_number, [*names, *top])) and len(set(top)) == len(top)
    return numbers and (2 * len(known) >= len(names) or _like_a_scale(top, below))


def _given(ref: Reference) -> set[str]:
    """Names that the user gave and that are not positions of columns without names."""
    x = (ref.x,) if isinstance(ref.x, str) else ref.x or ()
    kinds = (name for name, _ in ref.kinds)
    given = (ref.y, ref.id, *ref.drop, *x, *ref.text, *kinds)
    names = {name for name in given if isinstance(name, str) and not name.isdecimal()}
    return {name for name in names if not is_pattern(name)}


def _explains(top: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Return whether the fields of the first record are other things than those below them."""
    columns = [
        [record[position].strip() for record in below if position < len(record)]
        for position in range(len(top))
    ]
    numeric = [
        2 * sum(is_number(field) or has_comma(field) or is_dated(field) for field in column)
        > len(column)
        for column in columns
    ]
    if any(
        of_numbers
        and name
        and not (is_number(name) or has_comma(name) or is_dated(name) or is_marker(name))
        for name, of_numbers in zip(top, numeric, strict=True)
    ):
        return True
    named = {position for position, name in enumerate(top) if name.lower() in LABEL_NAMES}
    found = any(name and name in column for name, column in zip(top, columns, strict=True))
    if found or len(set(top)) < len(top):
        return False
    if not any(numeric) and not any(map(is_marker, top)):
        # Values of categories come again further down, names do not; and texts are longer.
        return any(
            2 * len(set(column)) <= len(column) or (len(name.split()) == 1 and _of_texts(column))
            for name, column in zip(top, columns, strict=True)
        )
    return bool(named) and not _of_answers(columns, named)


def _of_texts(column: Sequence[str]) -> bool:
    """Return whether nine of ten fields that are not empty have more than two words."""
    lengths = [len(field.split()) for field in column if field]
    return 10 * sum(length > 2 for length in lengths) > 9 * len(lengths)


def _of_answers(columns: Sequence[Sequence[str]], named: set[int]) -> bool:
    """Return whether what looks like the name of a label is a class: y beside n."""
    answers = {"y", "n", "yes", "no", "t", "f", "true", "false", "p", "e", "1", "0", "?", ""}
    return all({field.lower() for field in columns[position]} <= answers for position in named)


def _like_a_scale(top: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Return whether the numbers of the first record increase as a scale does, and no others do."""
    scale = np.array(list(map(float, top)))
    steps = np.diff(scale)
    if len(scale) < 3 or not np.isfinite(scale).all() or not (steps > 0).all():
        return False
    even = np.allclose(steps, steps[0], rtol=1e-6)
    return (even or len(scale) >= 5) and not any(map(_increases, below))


def _like_decimals(delimiter: str, records: Sequence[Sequence[str]]) -> bool:
    """Return whether two integers on each line look like a number with a decimal comma."""
    if delimiter != "," or any(len(record) != 2 for record in records):
        return False
    integers = all(
        first.lstrip("+-").isdecimal() and second.isdecimal() for first, second in records
    )
    return integers and any(len(second) > 1 and second[0] == "0" for _, second in records)


def _increases(record: Sequence[str]) -> bool:
    values = [float(field) for field in record if is_number(field.strip())]
    return len(values) > 2 and all(a < b for a, b in itertools.pairwise(values))


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:3]))
    return shown if len(names) <= 3 else f"{shown}, ..."
