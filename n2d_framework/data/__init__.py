"""Rows from datasets, files and folders, whole or in a stream.

:func:`load` returns a :class:`~n2d_framework.core.dataset.Dataset`; :func:`open_rows` gives
the same rows piece by piece, in memory that does not grow with their number; :func:`fetch`
makes sure that the files of a known dataset are on this machine.
"""

from __future__ import annotations

from n2d_framework.data.load_data import SUFFIXES, inspect_table, load, open_rows
from n2d_framework.data.reference import Reference
from n2d_framework.data.sets import fetch
from n2d_framework.data.source import Block, RowSource

__all__ = [
    "SUFFIXES",
    "Block",
    "Reference",
    "RowSource",
    "fetch",
    "inspect_table",
    "load",
    "open_rows",
]
