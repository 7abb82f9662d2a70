"""An output folder that appears whole or not at all."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from n2d_framework.errors import ConfigError, OutputError, Problem

__all__ = ["MARK", "output_folder"]

#: The file by which the output of an earlier run is known.
MARK = "run.json"


@contextmanager
def output_folder(target: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give a temporary folder beside `target`, which takes its name when all went well.

    Parameters
    ----------
    target : Path
        The folder to be.
    overwrite : bool
        Whether the output of an earlier run may be replaced; nothing else ever is.

    Yields
    ------
    Path
        The temporary folder; removed with all its content if the block fails. When it replaces
        an earlier one, only this user can look into it until then, and it and its files get
        no more permissions than those of the same names had.

    Raises
    ------
    ConfigError
        At once, if `target` exists and may not be replaced.
    OutputError
        At once if it cannot be written; in the end if it cannot be put into place. What was
        there before is then unchanged.
    """
    target = Path(os.path.abspath(target))  # noqa: PTH100  # a symbolic link is replaced as such
    _refuse(target, overwrite=overwrite)
    mark = secrets.token_hex(4)
    made = _missing_parents(target)
    temporary = target.with_name(f".{target.name}.{mark}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
    except OSError as error:
        raise OutputError(
            f"{target}: cannot write there ({error.strerror}); choose another folder with --out"
        ) from error
    try:
        before = stat.S_IMODE(temporary.stat().st_mode)
        if target.exists():
            temporary.chmod(0o700)  # not wider than what it replaces, whatever that is
        yield temporary
        _refuse(target, overwrite=overwrite)
        _hand_on(target, temporary, before)
        _put_into_place(temporary, target, target.with_name(f".{target.name}.{mark}.old"))
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        for folder in made:
            with contextlib.suppress(OSError):  # it has content by now, and stays
                folder.rmdir()


def _hand_on(target: Path, temporary: Path, fresh: int) -> None:
    """Give the new folder and its files the permissions of those that they replace."""
    if not target.exists():
        temporary.chmod(fresh)
        return
    for old in target.rglob("*"):
        new = temporary / old.relative_to(target)
        if new.exists() and not old.is_symlink():
            new.chmod(new.stat().st_mode & old.stat().st_mode & 0o777)
    temporary.chmod(target.stat().st_mode & 0o777)


def _missing_parents(target: Path) -> list[Path]:
    """Folders above `target` that are not there yet, the innermost first."""
    return list(itertools.takewhile(lambda folder: not folder.exists(), target.parents))


def _refuse(target: Path, *, overwrite: bool) -> None:
    try:
        if not target.exists() and not target.is_symlink():
            return
        if target.is_symlink() or not target.is_dir():
            raise _wrong(f"{target} exists and is no folder; choose another")
        content = [path.name for path in target.iterdir()]
    except PermissionError as error:
        raise OutputError(
            f"{target}: may not be looked into; choose another folder with --out"
        ) from error
    if content and MARK not in content:
        raise _wrong(
            f"{target} exists and holds no {MARK}, so it is not the output of a run and is left "
            "alone; choose another folder"
        )
    if content and not overwrite:
        raise _wrong(
            f"{target} has the output of an earlier run; add --overwrite to replace it, or "
            "choose another folder"
        )


def _wrong(text: str) -> ConfigError:
    return ConfigError([Problem("--out", text)])


def _put_into_place(temporary: Path, target: Path, aside: Path) -> None:
    moved = False
    try:
        if target.exists():
            target.rename(aside)
            moved = True
        temporary.rename(target)
    except OSError as error:
        if moved:
            aside.rename(target)
        raise OutputError(f"{target}: cannot be put into place ({error.strerror})") from error
    if moved:
        shutil.rmtree(aside, ignore_errors=True)
