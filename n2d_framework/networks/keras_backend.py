"""Imports Keras without noise and without touching its global settings."""

from __future__ import annotations

import os
from typing import Any

__all__ = ["load_keras"]


def load_keras() -> Any:
    """Import Keras when it is needed.

    TensorFlow's start-up messages are silenced through ``TF_CPP_MIN_LOG_LEVEL``, unless the
    user has set it. The backend is the user's choice (``KERAS_BACKEND``).

    Returns
    -------
    module
        ``keras``.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras

    return keras
