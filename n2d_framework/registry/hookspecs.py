"""The hooks a plugin may implement: signatures, and when each is called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import pluggy

from n2d_framework.core.announcements.extensions import KindSpec, PanelSpec, PlotSpec
from n2d_framework.core.announcements.metric import MetricSpec
from n2d_framework.core.announcements.preset import PresetSpec
from n2d_framework.core.dataset import DatasetSpec
from n2d_framework.core.events import HOOKS
from n2d_framework.core.origin.markers import PROJECT
from n2d_framework.core.spec import ComponentSpec

hookspec = pluggy.HookspecMarker(PROJECT)


@hookspec
def n2d_components() -> Iterable[ComponentSpec]:  # type: ignore[empty-body]
    """Announce components.

    Called once, when the catalogue is first used. Must not import anything heavy.
    """


@hookspec
def n2d_datasets() -> Iterable[DatasetSpec]:  # type: ignore[empty-body]
    """Announce datasets. Called once, when the catalogue is first used."""


@hookspec
def n2d_metrics() -> Iterable[MetricSpec]:  # type: ignore[empty-body]
    """Announce metrics. Called once, when the catalogue is first used."""


@hookspec
def n2d_kinds() -> Iterable[KindSpec]:  # type: ignore[empty-body]
    """Announce kinds of rows, each with its adapter.

    Called once, when the catalogue is first used. A kind that two plugins announce is not used.
    """


@hookspec
def n2d_plots() -> Iterable[PlotSpec]:  # type: ignore[empty-body]
    """Announce pictures of fitted models. Called once, when the catalogue is first used."""


@hookspec
def n2d_panels() -> Iterable[PanelSpec]:  # type: ignore[empty-body]
    """Announce panels of the report of a comparison. Called once, as the others are."""


@hookspec
def n2d_presets() -> Iterable[PresetSpec]:  # type: ignore[empty-body]
    """Announce compositions with a name. Called once, as the others are."""


def _of_event(kind: type[Any], name: str) -> Callable[..., None]:
    """The hook that an event is delivered to, as its class describes it."""

    def hook(event: Any) -> None: ...

    described = inspect.cleandoc(kind.__doc__ or "").split("\n\nAttributes\n")[0]
    hook.__doc__ = f"Called with :class:`{kind.__name__}`. {described}"
    hook.__name__ = hook.__qualname__ = name
    hook.__annotations__ = {"event": kind, "return": None}
    return hookspec(hook)


for _kind, _name in HOOKS.items():
    globals()[_name] = _of_event(_kind, _name)
