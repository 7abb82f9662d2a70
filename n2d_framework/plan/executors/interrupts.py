"""Loaded by worker processes on this machine, which end with their driver and do not log it."""

from __future__ import annotations

import logging
import signal

from distributed.comm.core import CommClosedError

__all__ = ["dask_setup"]


def dask_setup(_worker: object) -> None:
    """Ignore Ctrl-C, which a terminal sends to the workers too, and the driver's going away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("distributed.worker").addFilter(_is_not_of_a_lost_driver)


def _is_not_of_a_lost_driver(record: logging.LogRecord) -> bool:
    """Filter of messages: all but those of a connection that its other end closed."""
    # The scheduler is a thread of the driver: a heartbeat that finds it closed says only that the
    # driver is about to end this process.
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, (CommClosedError, ConnectionError))
