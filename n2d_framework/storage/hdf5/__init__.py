"""A strict profile of HDF5, written and read without the HDF5 library.

Any HDF5 tool (1.10 to 2.x) opens what is written here. What is read here is only the
profile that docs/bundle-format.md states: a file from an untrusted source never reaches a C parser.
"""

from __future__ import annotations

from n2d_framework.storage.hdf5.reader import read_tree
from n2d_framework.storage.hdf5.writer import write_tree

__all__ = ["read_tree", "write_tree"]
