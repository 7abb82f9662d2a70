"""A pytest test of one entry, parametrised over its checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from n2d_framework.testing.check import Check
from n2d_framework.testing.kit import checks_for
from n2d_framework.types import AnyArray

__all__ = ["conformance"]


def conformance(which: str, *, rows: AnyArray | None = None) -> Callable[..., None]:
    """Make a test of an installed component, data set, metric or tracker.

    Parameters
    ----------
    which : str
        ``role/name``, for example ``"manifolder/pacmap"``, ``"dataset/penguins"``,
        ``"metric/purity"``; for a tracker ``"tracker/ENTRY_POINT"``.
    rows : array of shape (n, ...), optional
        Rows for components that need their own kind: three quarters are fitted.

    Returns
    -------
    callable
        A test with one case per check. What several checks look at is computed once in a
        session; a check is skipped only by a declared ability.

    Examples
    --------
    >>> from n2d_framework.testing import conformance
    >>> test_conformance = conformance("manifolder/identity")
    """
    import pytest

    cases = pytest.mark.parametrize("check", checks_for(which), ids=lambda check: check.name)

    def test_conformance(check: Check, n2d_examine: Callable[..., Any]) -> None:
        exam = n2d_examine(which, rows)
        reason = check.skipped(exam.entry.spec)
        if reason:
            pytest.skip(f"the spec says: {reason}")
        check.run(exam)

    test: Callable[..., None] = cases(test_conformance)
    return test
