"""Labels of a saved model over HTTP: ``n2d serve BUNDLE``."""

from __future__ import annotations

from n2d_serve.app import make_app
from n2d_serve.limits import Limits

__all__ = ["Limits", "make_app"]
