"""Where the command line keeps things."""

from __future__ import annotations

import errno
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from n2d_framework.cli.terminal.console import say_warning
from n2d_framework.errors import OutputError
from n2d_framework.storage.unfinished import unfinished

__all__ = [
    "STORE_VARIABLE",
    "cache_places",
    "default_store",
    "private_caches",
    "temporary_files",
    "usable_store",
]

logger = logging.getLogger(__name__)
#: Environment variable that names the stage store of ``n2d run``.
STORE_VARIABLE = "N2D_STORE"


def default_store() -> Path:
    """Folder of the stage store: ``$N2D_STORE``, or one in the user's cache."""
    import platformdirs

    chosen = os.environ.get(STORE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    try:
        return platformdirs.user_cache_path("n2d_framework") / "stages"
    except RuntimeError:  # the user has no home
        return Path("~", ".cache", "n2d_framework", "stages")


def _can_be_made(folder: Path) -> bool:
    """Return whether a folder is writable, or can be made where it is missing."""
    if not folder.is_absolute():  # "~" of a user who has no home
        return False
    try:
        place = next(path for path in (folder, *folder.parents) if path.exists())
    except OSError:
        return False
    return place.is_dir() and os.access(place, os.W_OK | os.X_OK)


def cache_places() -> dict[str, Path]:
    """Where libraries keep files of their own between runs, by what they keep."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111  # Path.home() raises where there is none
    cache = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    found = {name: Path(os.environ.get(name) or default) for name, default in (
        ("NUMBA_CACHE_DIR", cache / "numba"),
        ("MPLCONFIGDIR", config / "matplotlib"),
        ("KERAS_HOME", home / ".keras"),
    )}  # fmt: skip
    return found | {STORE_VARIABLE: default_store()}


@contextmanager
def temporary_files(output: Path | None) -> Iterator[None]:
    """Within the block, there is a folder for temporary files, also of processes that are started.

    Parameters
    ----------
    output : Path or None
        What the command writes. Where none of the system's folders can be written, a hidden one in
        or beside this one is used, whose name is passed over as that of an unfinished output, and
        removed in the end.
    """
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        pass
    else:
        yield
        return
    places = [] if output is None else [output.absolute().parent, output.absolute()]
    folder = next((place for place in map(_nearest, places) if place and _can_be_made(place)), None)
    if folder is None:  # whoever needs one says what is missing
        yield
        return
    with unfinished(folder / folder.name, "part", Path.mkdir) as temporary:
        before = os.environ.get("TMPDIR")
        os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
        try:
            yield
        finally:
            tempfile.tempdir = None
            _restore("TMPDIR", before)


def _nearest(path: Path) -> Path | None:
    """The innermost folder on a path that exists."""
    try:
        return next(folder for folder in (path, *path.parents) if folder.is_dir())
    except OSError:
        return None


def _restore(variable: str, value: str | None) -> None:
    if value is None:
        del os.environ[variable]
    else:
        os.environ[variable] = value


@contextmanager
def private_caches() -> Iterator[None]:
    """Within the block, libraries can keep their files, also where the user has no home.

    What the user cannot write is a temporary folder meanwhile, which is removed in the end; a
    library that finds no place at all may refuse to be imported. Said once.
    """
    missing = [
        name
        for name, folder in cache_places().items()
        if name != STORE_VARIABLE and not _can_be_made(folder)
    ]
    if not missing:
        yield
        return
    try:
        temporary = tempfile.TemporaryDirectory(prefix="n2d-caches-", ignore_cleanup_errors=True)
    except OSError:  # not even that: libraries say what they lack
        yield
        return
    before = {name: os.environ.get(name) for name in missing}
    with temporary as folder:
        for name in missing:
            os.environ[name] = str(Path(folder) / name.lower())
            Path(os.environ[name]).mkdir()
        logger.warning(
            "no home to keep caches in: %s lead to a temporary folder that is removed in the end; "
            "set HOME, or these variables, to keep compiled code",
            ", ".join(missing),
        )
        try:
            yield
        finally:
            for name, value in before.items():
                _restore(name, value)


def usable_store(chosen: Path | None) -> Path | None:
    """The store that was chosen, or the default one; ``None``, with a warning, if it is unusable.

    Raises
    ------
    OutputError
        If a store was chosen that cannot be written.
    """
    store = default_store() if chosen is None else chosen
    try:
        if not _can_be_made(store.absolute() if chosen is not None else store):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        store.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=store):
            return store
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        text = f"stage store {store}: cannot be written ({reason})"
    if chosen is not None:
        raise OutputError(f"{text}; choose another folder, or go without (--no-store)")
    say_warning(f"{text}; nothing is reused. Name another with --store or {STORE_VARIABLE}")
    return None
