"""An output folder that appears when there are labels in it, or not at all."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import attrs

from n2d_framework.cli.terminal.console import size_text
from n2d_framework.errors import ConfigError, OutputError, Problem
from n2d_framework.storage.unfinished import (
    abandoned,
    hidden_name,
    in_use,
    is_hidden,
    remove,
    unfinished,
)

__all__ = ["MARK", "Output", "output_folder", "require_space"]

#: The file by which the output of an earlier run is known.
MARK = "run.json"


@attrs.define(eq=False)
class Output:
    """An output folder while it is being filled.

    Attributes
    ----------
    path : Path
        Where to write: a temporary folder.
    target : Path
        The folder that was asked for.
    has_labels : bool
        Set when there is something worth keeping: from then on a failure leaves the folder.
    complete : bool
        Whether everything has been made. What is incomplete replaces nothing.
    within : bool
        Whether `target` is a folder that stays, and gets the content of `path` in the end.
    """

    path: Path
    target: Path
    has_labels: bool = False
    complete: bool = False
    within: bool = False

    @property
    def place(self) -> Path:
        """Where the output will be: `target`; or, if incomplete, beside an earlier one there."""
        if self.complete or not _content(self.target):
            return self.target
        name = f"{self.target.name}-incomplete"
        names = itertools.chain((name,), (f"{name}-{number}" for number in itertools.count(2)))
        beside = _inside(self.target) if self.within else self.target
        return next(p for p in map(beside.with_name, names) if not os.path.lexists(p))


@contextmanager
def output_folder(target: Path, *, overwrite: bool, least: int = 0) -> Iterator[Output]:
    """Give a temporary folder beside `target`, which takes its name in the end.

    A `target` that exists and cannot be renamed (a mount point, a folder in one that the user
    cannot write) stays: the temporary folder is in it, and its content is moved up in the end.

    Parameters
    ----------
    target : Path
        The folder to be.
    overwrite : bool
        Whether the output of an earlier run may be replaced; nothing else ever is.
    least : int, default 0
        Bytes that must be free there.

    Yields
    ------
    Output
        Its folder is removed with all its content if the block fails before there are labels;
        later it is kept. When it replaces an earlier one, only this user can look into it until
        then, and it and its files get no more permissions than those of the same names had.

    Raises
    ------
    ConfigError
        At once, if `target` exists and may not be replaced.
    OutputError
        At once if it cannot be written; in the end if it cannot be put into place. What was
        there before is then unchanged.
    """
    target = Path(os.path.abspath(target))  # noqa: PTH100  # a symbolic link is replaced as such
    _clear(target)
    _refuse(target, overwrite=overwrite)
    made = _missing_parents(target)
    try:
        with ExitStack() as stack:
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                _try_name(target)
                within = target.exists() and not _can_be_renamed(target)
                place = _inside(target) if within else target
                temporary = stack.enter_context(unfinished(place, "part", Path.mkdir))
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or error
                raise OutputError(
                    f"{target}: cannot write there ({reason}); choose another folder with --out"
                ) from error
            require_space(temporary, least)
            before = stat.S_IMODE(temporary.stat().st_mode)
            if target.exists():
                temporary.chmod(0o700)  # not wider than what it replaces, whatever that is
            output = Output(temporary, target, within=within)
            try:
                yield output
            finally:
                if output.has_labels:
                    place = output.place
                    if output.complete:
                        _refuse(target, overwrite=overwrite)
                    _hand_on(target, temporary, before)
                    if within and place == target:
                        _move_up(temporary, target)
                    else:
                        _put_into_place(temporary, place)
    finally:
        _remove_empty(made)


def _inside(target: Path) -> Path:
    """Beside this name are the hidden ones in a folder that stays."""
    return target / target.name


def _content(target: Path) -> list[str]:
    """Names in a folder, without what runs have there under hidden names; of a file its own."""
    if not target.is_dir():
        return [target.name] if os.path.lexists(target) else []
    return [path.name for path in target.iterdir() if not is_hidden(path, _inside(target))]


def _can_be_renamed(target: Path) -> bool:
    """Return whether another folder can take the place of this one, which is not changed."""
    if os.path.ismount(target) or not os.access(target.parent, os.W_OK | os.X_OK):
        return False
    aside = hidden_name(target, "old")
    with in_use(target):
        try:
            target.rename(aside)
        except OSError:
            return False
        _rename(aside, target)
    return True


def _clear(target: Path) -> None:
    """Finish what runs that were killed began: what they replaced comes back, or is removed."""
    for earlier in abandoned(target, "old"):
        _settle(earlier, target)
    for earlier in abandoned(_inside(target), "old"):
        _settle_within(earlier, target)
    for place in (target, _inside(target)):
        for left in abandoned(place, "part"):
            remove(left)


def require_space(folder: Path, least: int) -> None:
    """Refuse to start where the disk is full already.

    Raises
    ------
    OutputError
        If fewer than `least` bytes are free.
    """
    free = shutil.disk_usage(folder).free
    if free < least:
        raise OutputError(
            f"{folder}: {size_text(free)} are free there, and the output takes {size_text(least)} "
            "at least; free some space, or choose another folder with --out"
        )


def _try_name(target: Path) -> None:
    """Make and remove a folder of that name, unless there is one: not every name is allowed."""
    if not target.exists():
        target.mkdir()
        target.rmdir()


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
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
            raise _wrong(f"{target} exists and is not a directory; choose another")
        content = _content(target)
    except OSError as error:
        raise OutputError(
            f"{target}: cannot write there ({error.strerror}); choose another folder with --out"
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


def _put_into_place(temporary: Path, target: Path) -> None:
    if not target.exists():
        _rename(temporary, target)
        return
    aside = hidden_name(target, "old")
    with in_use(target):
        try:
            _rename(target, aside)
            _rename(temporary, target)
        finally:
            _settle(aside, target)


def _move_up(temporary: Path, target: Path) -> None:
    """Replace the content of a folder; what says that it is an output leaves first, comes last."""
    aside = hidden_name(_inside(target), "old")
    earlier = sorted(_content(target), key=lambda name: name != MARK)
    new = sorted((path.name for path in temporary.iterdir()), key=lambda name: name == MARK)
    try:
        aside.mkdir(0o700)
    except OSError as error:
        raise OutputError(f"{target}: cannot be put into place ({error.strerror})") from error
    with in_use(aside):
        try:
            for name in earlier:
                _rename(target / name, aside / name)
            for name in new:
                _rename(temporary / name, target / name)
        finally:
            _settle_within(aside, target)


def _settle_within(aside: Path, target: Path) -> None:
    """Remove what was replaced, or put it back if what replaces it is not complete."""
    if not (target / MARK).exists():
        for path in sorted(aside.iterdir(), key=lambda path: path.name == MARK):
            remove(target / path.name)
            _rename(path, target / path.name)
    remove(aside)


def _settle(aside: Path, target: Path) -> None:
    """Remove what was replaced, or put it back if nothing has taken its place."""
    if os.path.lexists(target):
        remove(aside)
    elif os.path.lexists(aside):
        _rename(aside, target)


def _rename(source: Path, target: Path) -> None:
    try:
        source.rename(target)
    except OSError as error:
        raise OutputError(f"{target}: cannot be put into place ({error.strerror})") from error
