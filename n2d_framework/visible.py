"""Strings from files, shown so that what they hold can be seen and nothing in them acts.

On a terminal, in pages and pictures, and in a spreadsheet.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

__all__ = ["hidden_to_json", "one_line", "spreadsheet_cell", "visible"]

#: Characters that change how others are shown, or are not seen: controls, marks of direction,
#: blanks without width, fillers, separators of lines, tags, halves of characters, private ones.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\ufffb\ufffe\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U0010ffff]"
)
#: They join letters of some scripts, and signs of emoji: between such they are part of the text.
_JOINERS = "\u200c\u200d"
_VARIANTS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_LATIN = 0x300
#: What spreadsheets take for a formula, also of full width, and what we have marked so.
_FORMULA = re.compile("'*(?:\\s*[=+@\uff0b\uff0d\uff1d\uff20-]|[\t\r\n])")


def visible(text: str) -> str:
    r"""A string in which each character that acts on a terminal or is not seen is an escape.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        Escapes are those of Python: ``\x1b``, ``\u202e``. Line feeds and tabs stay, as do letters
        of all scripts, with the joiners that some of them need, and emoji.
    """
    return _replaced(text, _escape)


def one_line(text: str) -> str:
    r"""As :func:`visible`, with line feeds and tabs as ``\n`` and ``\t``."""
    return visible(text).replace("\n", r"\n").replace("\t", r"\t")


def hidden_to_json(text: str) -> str:
    """JSON in which the same characters are escapes of JSON; it stands for the same values."""
    return _replaced(text, _json_escape)


def spreadsheet_cell(text: str) -> str:
    """A cell of a text table that no spreadsheet takes for a formula.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        With an apostrophe in front of what begins like a formula and is not a number: ``'=A1``. A
        text that begins with apostrophes and then like a formula gets one more, so that the text is
        restored by leaving out the first apostrophe of such cells.
    """
    if not _FORMULA.match(text) or _is_number(text):
        return text
    return f"'{text}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _replaced(text: str, escape: Callable[[str], str]) -> str:
    if text.isascii() and text.isprintable():
        return text

    def replace(match: re.Match[str]) -> str:
        return match[0] if _belongs(text, match.start()) else escape(match[0])

    return _HIDDEN.sub(replace, text)


def _escape(letter: str) -> str:
    code = ord(letter)
    if code < 0x100:
        return rf"\x{code:02x}"
    return rf"\u{code:04x}" if code < 0x10000 else rf"\U{code:08x}"


def _json_escape(letter: str) -> str:
    units = letter.encode("utf-16-be", "surrogatepass")
    return "".join(rf"\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _belongs(text: str, place: int) -> bool:
    """Return whether a hidden character is one that the text beside it needs."""
    letter = text[place]
    before = text[place - 1 : place]
    if _VARIANTS.match(letter):  # the form of an emoji or of a Chinese character
        return bool(before) and not before.isspace() and not _HIDDEN.match(before)
    return letter in _JOINERS and _joins(before) and _joins(text[place + 1 : place + 2])


def _joins(letter: str) -> bool:
    """Return whether a character is a sign, or a letter or mark of a script with joiners."""
    if not letter or ord(letter) < _LATIN:
        return False
    kind = unicodedata.category(letter)
    return kind[0] in "LM" or kind in ("So", "Sk")
