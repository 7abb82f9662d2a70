"""Return whether runs are tracked: never unasked."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["VARIABLE", "autolog", "is_muted", "muted", "wanted"]

#: Environment variable that switches tracking on or off.
VARIABLE = "N2D_MLFLOW"
_ON = frozenset(("1", "true", "yes", "on"))
_OFF = frozenset(("0", "false", "no", "off"))
_muted: ContextVar[bool] = ContextVar("n2d_mlflow_muted", default=False)


def autolog(*, disable: bool = False) -> None:
    """Track every run and comparison from here on, in this process and those it starts.

    Parameters
    ----------
    disable : bool, default False
        Track none from here on, whatever else asks for it.

    Notes
    -----
    The same as setting the environment variable ``N2D_MLFLOW`` to 1, or to 0. Where it is not
    set, runs are tracked if MLflow is in use: if ``MLFLOW_TRACKING_URI`` is set (also by
    ``mlflow.set_tracking_uri``), or a run of MLflow is active in this thread.
    """
    os.environ[VARIABLE] = "0" if disable else "1"


def wanted() -> bool:
    """Return whether a run that begins now is to be tracked; imports nothing.

    Raises
    ------
    ValueError
        If the variable says neither yes nor no.
    """
    said = os.environ.get(VARIABLE, "").strip().lower()
    if said in _ON:
        return True
    if said in _OFF:
        return False
    if said:
        raise ValueError(f"{VARIABLE} must be 1 or 0, got {said!r}")
    return bool(os.environ.get("MLFLOW_TRACKING_URI")) or _active_run()


def _active_run() -> bool:
    mlflow = sys.modules.get("mlflow")
    return mlflow is not None and mlflow.active_run() is not None


@contextmanager
def muted() -> Iterator[None]:
    """Within it, files that are written are not tracked: MLflow itself asked for them."""
    token = _muted.set(True)
    try:
        yield
    finally:
        _muted.reset(token)


def is_muted() -> bool:
    """Return whether files that are written are not to be tracked."""
    return _muted.get()
