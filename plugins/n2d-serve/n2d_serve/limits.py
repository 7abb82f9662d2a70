"""Bounds on what a server takes of its clients."""

from __future__ import annotations

import attrs

__all__ = ["Limits", "Refusal"]


@attrs.frozen
class Limits:
    """Bounds on requests, so that none of them takes the server down.

    Attributes
    ----------
    body : int, default 16 MiB
        Bytes of a request.
    rows : int, default 10000
        Rows of a request.
    waiting : int, default 100000
        Rows of all requests that wait; further ones are refused with status 503.
    seconds : float, default 30
        Time in which a request must have arrived.
    batch : int, default 8192
        Rows that are labelled at once.
    """

    body: int = 16 << 20
    rows: int = 10_000
    waiting: int = 100_000
    seconds: float = 30.0
    batch: int = 8192


class Refusal(Exception):  # noqa: N818  # an answer to a client, not a failure
    """A request that is not answered with labels.

    Parameters
    ----------
    status : int
        Of HTTP.
    reason : str
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason
