"""Owner, group, access list and permissions that a file takes from the one it replaces."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

__all__ = ["hand_on"]

#: The attribute in which Linux keeps a file's access control list, if it has one.
_ACL = "system.posix_acl_access"
#: What is answered where there is no list, or none can be.
_NO_LIST = frozenset((errno.ENODATA, errno.ENOTSUP, errno.EINVAL, errno.EPERM))


def hand_on(place: Path, old: os.stat_result, temporary: Path) -> None:
    """Give a file what another one has of owner, group, list and permissions, never more."""
    mode = old.st_mode & 0o777
    same_group = _hand_on_group(old, temporary)
    if not same_group:
        # What the group may was meant for another group, whose members now are among the others.
        both = (mode >> 3) & mode & 0o007
        mode = mode & 0o700 | both << 3 | both
    if not _hand_on_list(place, temporary, wanted=same_group):
        mode &= 0o700
    temporary.chmod(mode)


def _hand_on_group(old: os.stat_result, temporary: Path) -> bool:
    """Hand on the group, and as root the owner; false if that is not possible."""
    if not hasattr(os, "chown"):
        return True
    now = temporary.stat()
    with contextlib.suppress(OSError):
        if os.geteuid() == 0 and now.st_uid != old.st_uid:
            os.chown(temporary, old.st_uid, old.st_gid)
    with contextlib.suppress(OSError):
        if now.st_gid != old.st_gid:
            os.chown(temporary, -1, old.st_gid)
    return temporary.stat().st_gid == old.st_gid


def _hand_on_list(place: Path, temporary: Path, *, wanted: bool) -> bool:
    """Hand on the access control list, or remove the one that the directory gave."""
    if not hasattr(os, "getxattr"):
        return True
    try:
        entries = os.getxattr(place, _ACL)
    except OSError:  # it has none, or the file system knows none
        entries = None
    try:
        if entries is not None and wanted:
            os.setxattr(temporary, _ACL, entries)
        else:
            os.removexattr(temporary, _ACL)
    except OSError as error:
        return entries is None and error.errno in _NO_LIST
    return entries is None or wanted
