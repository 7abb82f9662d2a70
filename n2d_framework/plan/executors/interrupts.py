"""Loaded by worker processes on this machine: an interrupt is for the driver, which ends them."""

from __future__ import annotations

import signal

__all__ = ["dask_setup"]


def dask_setup(_worker: object) -> None:
    """Ignore Ctrl-C, which a terminal sends to the workers too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
