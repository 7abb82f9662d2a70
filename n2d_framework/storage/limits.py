"""Limits of the format: what no writer exceeds and no reader accepts."""

from __future__ import annotations

from n2d_framework.core.state import MAX_DEPTH

__all__ = [
    "DECLARED_RATIO",
    "DECLARED_SLACK",
    "DEFAULT_MAX_BYTES",
    "MAX_CHUNK_BYTES",
    "MAX_DEPTH",
    "MAX_JSON_NAME",
    "MAX_NODES",
    "MAX_RANK",
    "MAX_TEXT_BYTES",
    "MiB",
    "declared_limit",
]

MiB = 1 << 20

#: Groups and datasets in one file.
MAX_NODES = 1 << 14
#: Dimensions of an array (HDF5's own limit).
MAX_RANK = 32
#: All JSON texts of a file together, in bytes.
MAX_TEXT_BYTES = 16 * MiB
#: Characters of a name in a JSON text.
MAX_JSON_NAME = 1024
#: Bytes that all datasets together may declare beyond ``DECLARED_RATIO`` times the file.
DECLARED_SLACK = 64 * MiB
#: How many times its stored size a file may grow when it is read.
DECLARED_RATIO = 32
#: Arrays from this size on are stored without compression (HDF5's chunks end at 4 GiB).
MAX_CHUNK_BYTES = 1 << 31
#: Bytes of memory that a reader spends on a file unless set otherwise.
DEFAULT_MAX_BYTES = 8 << 30


def declared_limit(file_size: int, max_bytes: int) -> int:
    """Bytes that the datasets of a file of that size may declare together."""
    return min(DECLARED_SLACK + DECLARED_RATIO * file_size, max_bytes)
