"""From a file to checked values; every error names the file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from n2d_framework.bundle.manifest import check_manifest, check_parts
from n2d_framework.errors import BundleError
from n2d_framework.storage import DEFAULT_MAX_BYTES, Opened, open_image, read_image

__all__ = ["named", "open_bundle"]

_LONGEST_MESSAGE = 2000


@contextmanager
def named(path: str | os.PathLike[str]) -> Iterator[None]:
    """Put the file's name in front of what is wrong with its content.

    Messages of components may quote what the file holds, so they are cut to a readable length.
    """
    try:
        yield
    except BundleError as error:
        text, name = str(error), os.fspath(path)
        if len(text) > _LONGEST_MESSAGE:
            text = f"{text[:_LONGEST_MESSAGE]} ... (cut)"
        if name not in text:
            text = f"{name}: {text}"
        raise BundleError(text) from error


def open_bundle(path: str | os.PathLike[str], max_bytes: int | None = None) -> Opened:
    """Read and check a bundle; no state is read yet.

    Parameters
    ----------
    path : path-like
    max_bytes : int, optional
        Limit on the size of the file and of its arrays; 8 GiB by default.

    Returns
    -------
    Opened

    Raises
    ------
    BundleError
    """
    limit = DEFAULT_MAX_BYTES if max_bytes is None else max_bytes
    with named(path):
        opened = open_image(read_image(path, max_bytes=limit), max_bytes=limit)
        check_manifest(opened.manifest)
        check_parts(opened.manifest, opened.parts)
    return opened
