"""Imports Keras without noise and without touching its global settings; knows its backend."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from n2d_framework.core.libraries import lack_of
from n2d_framework.errors import MissingLibraryError

__all__ = ["chosen_backend", "load_keras", "network_libraries"]

#: Backends that extras of the distribution bring, together with Keras.
_EXTRAS = ("tensorflow", "jax")


def chosen_backend() -> tuple[str, str]:
    """The backend that Keras would use, and what says so; Keras is not imported."""
    name, said = os.environ.get("KERAS_BACKEND", ""), "KERAS_BACKEND"
    if not name:
        home = Path(os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras"))  # noqa: PTH111
        name, said = _configured(home / "keras.json"), str(home / "keras.json")
    return (name, said) if name else ("tensorflow", "default")


def _configured(path: Path) -> str:
    try:
        return str(json.loads(path.read_text(encoding="utf-8")).get("backend", ""))
    except (OSError, ValueError, AttributeError):
        return ""


def network_libraries() -> dict[str, Any]:
    """Fields of the ``ComponentSpec`` of a component that trains a network.

    Returns
    -------
    dict
        ``fit_libraries``, Keras and its backend, and ``extra``, which brings both.
    """
    name = chosen_backend()[0]
    extra = f"n2d_framework[{name}]" if name in _EXTRAS else name
    return {"fit_libraries": ("keras", name), "extra": extra}


def load_keras() -> Any:
    """Import Keras when it is needed.

    TensorFlow's start-up messages are silenced through ``TF_CPP_MIN_LOG_LEVEL``, unless the
    user has set it. The backend is the user's choice (``KERAS_BACKEND``).

    Returns
    -------
    module
        ``keras``.

    Raises
    ------
    MissingLibraryError
        If it or its backend is not installed, with the command that installs them.
    """
    needed = network_libraries()
    lack = lack_of(needed["fit_libraries"], needed["extra"])
    if lack:
        raise MissingLibraryError(f"a network of Keras {lack}")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras

    return keras
