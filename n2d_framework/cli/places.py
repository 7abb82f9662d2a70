"""Where the command line keeps things."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from n2d_framework.cli.console import say_warning

__all__ = ["STORE_VARIABLE", "default_store", "usable_default_store"]

#: Environment variable that names the stage store of ``n2d run``.
STORE_VARIABLE = "N2D_STORE"


def default_store() -> Path:
    """Folder of the stage store: ``$N2D_STORE``, or one in the user's cache."""
    import platformdirs

    chosen = os.environ.get(STORE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    return platformdirs.user_cache_path("n2d_framework") / "stages"


def usable_default_store() -> Path | None:
    """The default store; ``None``, with a warning, if it cannot be written."""
    store = default_store()
    try:
        store.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=store):
            return store
    except OSError as error:
        say_warning(
            f"no stage store: {store} cannot be written ({error.strerror}); nothing is reused. "
            f"Name another with --store or {STORE_VARIABLE}"
        )
        return None
