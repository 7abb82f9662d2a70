"""Where the command line keeps things."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from n2d_framework.cli.console import say_warning
from n2d_framework.errors import OutputError

__all__ = ["STORE_VARIABLE", "default_store", "usable_store"]

#: Environment variable that names the stage store of ``n2d run``.
STORE_VARIABLE = "N2D_STORE"


def default_store() -> Path:
    """Folder of the stage store: ``$N2D_STORE``, or one in the user's cache."""
    import platformdirs

    chosen = os.environ.get(STORE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    return platformdirs.user_cache_path("n2d_framework") / "stages"


def usable_store(chosen: Path | None) -> Path | None:
    """The store that was chosen, or the default one; ``None``, with a warning, if it is unusable.

    Raises
    ------
    OutputError
        If a store was chosen that cannot be written.
    """
    store = default_store() if chosen is None else chosen
    try:
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
