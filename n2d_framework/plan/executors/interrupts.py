"""Ends of comparisons by workers that are not logged as errors.

Loaded by worker processes on this machine, which end with their driver.
"""

from __future__ import annotations

import logging
import signal

from distributed.comm.core import CommClosedError

__all__ = ["dask_setup", "leave_out_lost_cancellations"]


def dask_setup(_worker: object) -> None:
    """Ignore Ctrl-C, which a terminal sends to the workers too, and the driver's going away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("distributed.worker").addFilter(_is_not_of_a_lost_driver)


def leave_out_lost_cancellations() -> None:
    """Do not log what ``distributed`` fails with if Ctrl-C comes before a call has started.

    Its ``sync`` then cancels a future that is not there yet; the interrupt is raised all the same.
    """
    logging.getLogger("tornado.application").addFilter(_is_not_of_a_lost_cancellation)


def _is_not_of_a_lost_cancellation(record: logging.LogRecord) -> bool:
    """Filter of messages: all but those of a callback of ``distributed.utils.sync``."""
    kind, _, trace = record.exc_info or (None, None, None)
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or kind is not NameError:
        return True
    frame = trace.tb_frame
    return (frame.f_globals.get("__name__"), frame.f_code.co_name) != (
        "distributed.utils",
        "cancel",
    )


def _is_not_of_a_lost_driver(record: logging.LogRecord) -> bool:
    """Filter of messages: all but those of a connection that its other end closed."""
    # The scheduler is a thread of the driver: a heartbeat that finds it closed says only that the
    # driver is about to end this process.
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, (CommClosedError, ConnectionError))
