"""Storage: states and a manifest in one file that anybody can open safely, years later.

The format is stated in docs/bundle-format.md.
"""

from __future__ import annotations

from n2d_framework.storage.container import Opened, decode, encode, open_image, read_manifest
from n2d_framework.storage.files import (
    check_target,
    read_file,
    read_image,
    replacing,
    write_atomic,
)
from n2d_framework.storage.header import FORMAT_VERSION
from n2d_framework.storage.limits import DEFAULT_MAX_BYTES
from n2d_framework.storage.state_tree import Branch, Leaf, Node

__all__ = [
    "DEFAULT_MAX_BYTES",
    "FORMAT_VERSION",
    "Branch",
    "Leaf",
    "Node",
    "Opened",
    "check_target",
    "decode",
    "encode",
    "open_image",
    "read_file",
    "read_image",
    "read_manifest",
    "replacing",
    "write_atomic",
]
