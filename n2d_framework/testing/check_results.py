"""Results of the checks of one entry."""

from __future__ import annotations

from typing import Literal

import attrs

__all__ = ["Outcome", "Report"]


@attrs.frozen
class Outcome:
    """Result of one check.

    Attributes
    ----------
    check : str
        Name of the check.
    promise : str
        What is promised.
    status : {"passed", "failed", "skipped"}
    detail : str
        Why it failed, or which declared ability is missing.
    seconds : float
    """

    check: str
    promise: str
    status: Literal["passed", "failed", "skipped"]
    detail: str = ""
    seconds: float = 0.0


@attrs.frozen
class Report:
    """Results of all checks of one entry.

    Attributes
    ----------
    entry : str
        ``role/name``.
    distribution, version : str
        What it came with.
    outcomes : tuple of Outcome
        One for each check, in the order of the kit.
    """

    entry: str
    distribution: str
    version: str
    outcomes: tuple[Outcome, ...]

    @property
    def ok(self) -> bool:
        """Return whether no check failed."""
        return not self.failures

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """Failed cells."""
        return tuple(outcome for outcome in self.outcomes if outcome.status == "failed")

    def count(self, status: str) -> int:
        """Number of checks that came to `status`."""
        return sum(outcome.status == status for outcome in self.outcomes)
