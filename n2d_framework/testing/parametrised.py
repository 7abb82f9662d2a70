"""A pytest test of one entry or of a whole distribution, parametrised over its checks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from n2d_framework.errors import UnknownComponentError, did_you_mean
from n2d_framework.testing.check import Check, OptionNeededError
from n2d_framework.testing.kit import checks_for, entries_of, kind_of
from n2d_framework.types import AnyArray

if TYPE_CHECKING:
    import pytest

__all__ = ["Marks", "conformance"]

#: Marks of entries, by ``role/name``.
Marks: TypeAlias = Mapping[str, "pytest.MarkDecorator | Collection[pytest.MarkDecorator]"]


def conformance(
    which: str,
    *,
    rows: AnyArray | None = None,
    marks: Marks | None = None,
    options: Mapping[str, Any] | None = None,
) -> Callable[..., None]:
    """Make a test of one entry, or of all that a distribution brings.

    Parameters
    ----------
    which : str
        A distribution, such as ``"n2d-pacmap"``: all that it announces is examined, also what
        is added later. Or one entry, as ``role/name``: ``"manifolder/pacmap"``,
        ``"dataset/penguins"``, ``"metric/purity"``, ``"tracker/ENTRY_POINT"``.
    rows : array of shape (n, ...), optional
        Rows for components that need their own kind: three quarters are fitted.
    marks : mapping of str to marks, optional
        Of a distribution: what pytest is to know of single entries, by ``role/name``, such as
        ``{"embedder/dec": pytest.mark.slow}``.
    options : mapping, optional
        Small options of one entry, besides those that its spec announces: what only you know,
        such as ``{"model": folder}``. Of a distribution, such mappings by ``role/name``.

    Returns
    -------
    callable
        A test with one case per check. What several checks look at is computed once in a
        session; a check is skipped only by a declared ability, or for want of an option.

    Raises
    ------
    UnknownComponentError
        If `which`, or what is marked or has options, is not installed.
    PluginError
        If a plugin of the distribution cannot be used.

    Examples
    --------
    >>> from n2d_framework.testing import conformance
    >>> test_conformance = conformance("manifolder/identity")
    """
    import pytest

    names, alone = _names(which), "/" in which
    marked = dict(marks or {})
    given = {"": dict(options or {})} if alone else dict(options or {})
    for what, named in (("marks", marked), ("options", {} if alone else given)):
        for name in named:
            if name not in names.values():
                hint = did_you_mean(name, list(names.values()), noun="entry")
                raise UnknownComponentError(f"{what}: {which} brings no {name!r}; {hint}")
    cases = [
        pytest.param(full, check, given.get(name) or {}, marks=marked.get(name, ()),
                     id=f"{name}-{check.name}" if name else check.name)
        for full, name in names.items()
        for check in checks_for(full)
    ]  # fmt: skip

    @pytest.mark.parametrize(("which", "check", "options"), cases)
    def test_conformance(
        which: str, check: Check, options: Mapping[str, Any], n2d_examine: Callable[..., Any]
    ) -> None:
        exam = n2d_examine(which, rows, options)
        reason = check.skipped(exam.entry.spec)
        if reason:
            pytest.skip(f"the spec says: {reason}")
        try:
            check.run(exam)
        except OptionNeededError as error:
            pytest.skip(str(error))

    test: Callable[..., None] = test_conformance
    return test


def _names(which: str) -> dict[str, str]:
    """Subject of an examination, unambiguous, with the name it has in ids and for marks."""
    if "/" in which:
        return {which: ""}
    return {
        f"{kind_of(entry)}/{entry.qualified_name}": f"{kind_of(entry)}/{entry.spec.name}"
        for entry in entries_of(which)
    }
