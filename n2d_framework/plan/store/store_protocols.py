"""Where a stage store may be: a folder, or a URL of a protocol on a list."""

from __future__ import annotations

import os
from typing import Any

from n2d_framework.errors import ConfigError, Problem, did_you_mean

__all__ = ["PROTOCOLS", "opened_location"]

#: Protocols that a URL of a store may have. fsspec knows many more, among them some that open
#: archives, evaluate templates, start programs or ask other hosts for what to open next.
PROTOCOLS = (
    "abfs", "abfss", "adl", "az", "file", "gcs", "gs", "hdfs", "memory", "s3", "s3a", "sftp", "smb",
    "ssh", "webhdfs",
)  # fmt: skip


def opened_location(location: str) -> tuple[Any, str]:
    """A file system, and the place within it."""
    from fsspec.core import url_to_fs
    from fsspec.implementations.local import LocalFileSystem

    protocol, mark, _ = location.partition("://")
    if not mark:  # whatever fsspec would read into the name of a folder
        files = LocalFileSystem(use_listings_cache=False)
        return files, files._strip_protocol(os.path.expanduser(location))  # noqa: PTH111, SLF001
    if protocol not in PROTOCOLS:
        hint = did_you_mean(protocol, PROTOCOLS, noun="protocol")
        text = f"{location}: a store cannot be opened by {protocol!r}; {hint}"
        raise ConfigError([Problem("store", text)])
    if "::" in location:
        text = f"{location}: URLs that are chained with '::' are not taken; name one place"
        raise ConfigError([Problem("store", text)])
    try:
        # A listing that is kept would hide what other machines write.
        found: tuple[Any, str] = url_to_fs(location, use_listings_cache=False)
    except (ImportError, ValueError, OSError) as error:
        raise ConfigError([Problem("store", f"{location}: cannot be opened ({error})")]) from error
    return found
