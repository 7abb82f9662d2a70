"""``n2d warm-up``: compile ahead of time what components compile on first use."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from n2d_framework.cli.flags import Quiet
from n2d_framework.cli.terminal.console import say_warning
from n2d_framework.cli.terminal.run_progress import RunProgress
from n2d_framework.core.libraries import lack_of
from n2d_framework.errors import MissingLibraryError, N2DError, UnknownComponentError, did_you_mean

if TYPE_CHECKING:
    from n2d_framework.core.spec import ComponentSpec
    from n2d_framework.registry import Entry
    from n2d_framework.types import Role

__all__ = ["warm_up"]

#: Rows and features of the data that are fitted: few, but more than one leaf or block of rows.
_ROWS, _FEATURES, _CLUSTERS = 400, 8, 3
_ROLES: tuple[Role, ...] = ("manifolder", "clusterer")


def warm_up(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Manifolders and clusterers; by default all that are installed."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Compile what manifolders and clusterers compile on first use, for an image or a new machine.

    The machine code is kept where numba keeps it: beside the installed files, or in the folder
    that NUMBA_CACHE_DIR names.
    """
    with RunProgress(quiet=quiet) as progress:
        for entry in _chosen(names or []):
            name, started = f"{entry.spec.role} {entry.spec.name}", time.perf_counter()
            lack = lack_of(entry.spec.fit_libraries, entry.spec.extra)
            if lack and names:
                raise MissingLibraryError(f"{name}: to be fitted, it {lack}")
            if lack:
                say_warning(f"{name} is left out: to be fitted, it {lack}")
                continue
            progress.begin(name)
            try:
                _use(entry)
            except N2DError as error:  # some take what another component learns
                if names:
                    raise
                say_warning(f"{name} is left out: {error}")
                continue
            progress.end(name, time.perf_counter() - started)


def _chosen(names: list[str]) -> list[Entry[ComponentSpec]]:
    from n2d_framework.registry import default_catalogue

    catalogue = default_catalogue()
    able = [
        entry
        for role in _ROLES
        for entry in catalogue.components(role)
        if not entry.spec.imports_code
    ]
    known = [entry.spec.name for entry in able]
    named = {entry: {entry.spec.name, entry.qualified_name, *entry.former_names} for entry in able}
    for name in names:
        if not any(name in its_names for its_names in named.values()):
            raise UnknownComponentError(
                f"unknown manifolder or clusterer {name!r}; {did_you_mean(name, known)}"
            )
    return [entry for entry in able if not names or not named[entry].isdisjoint(names)]


def _use(entry: Entry[ComponentSpec]) -> None:
    """Fit the component on a few rows, and ask it about others."""
    import numpy as np

    from n2d_framework.config import Choice
    from n2d_framework.plugin import FitContext

    rng = np.random.default_rng(0)
    rows = rng.normal(size=(_ROWS, _FEATURES)).astype(np.float32)
    rows[: _ROWS // 2] += 4
    component = Choice.of(entry, entry.spec.small_options).filled(_CLUSTERS).component
    fitted, new = rows[::2].copy(), rows[1::2].copy()
    component.fit(fitted, context=FitContext(seed=0))
    if entry.spec.inductive:
        (component.predict if entry.spec.role == "clusterer" else component.transform)(new)
