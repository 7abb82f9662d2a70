"""Entry points, loaded one by one: a broken plugin costs only itself."""

from __future__ import annotations

import importlib.metadata
import inspect
import logging
import os
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import attrs
import pluggy

from n2d_framework.core.origin.distributions import distribution_of
from n2d_framework.core.origin.markers import PROJECT
from n2d_framework.errors import PluginError, raised_at
from n2d_framework.registry import hookspecs

__all__ = [
    "ANNOUNCING", "BLOCK_VARIABLE", "LoadedPlugin", "PluginFailure", "announcing_packages",
    "call_plugin", "load_plugins",
]  # fmt: skip

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: The hooks by which plugins announce something; all others deliver events.
ANNOUNCING = (
    "n2d_components", "n2d_datasets", "n2d_metrics", "n2d_kinds", "n2d_plots", "n2d_panels",
    "n2d_presets",
)  # fmt: skip
#: Comma-separated names of entry points or distributions that are not to be loaded.
BLOCK_VARIABLE = "N2D_BLOCK_PLUGINS"


@attrs.frozen
class LoadedPlugin:
    """A plugin that was loaded.

    Attributes
    ----------
    entry_point : str
        Name of its entry point.
    distribution, version : str
        The distribution it came with.
    plugin : object
        The module or object with the hook implementations.
    seconds : float
        How long importing it took.
    package : str
        Top-level package or module that its entry point names.
    """

    entry_point: str
    distribution: str
    version: str
    plugin: Any = attrs.field(repr=False)
    seconds: float = 0.0
    package: str = ""

    @property
    def name(self) -> str:
        """Unique name: distribution and entry point."""
        return f"{self.distribution}:{self.entry_point}"


@attrs.frozen
class PluginFailure:
    """A plugin that could not be used, and why.

    Attributes
    ----------
    entry_point, distribution, version : str
    error : str
        Type and message of what went wrong, at which step, and by which statement
        (``/path/file.py:12``) where one is known.
    traceback : str
        The whole traceback.
    """

    entry_point: str
    distribution: str
    version: str
    error: str
    traceback: str = attrs.field(default="", repr=False)

    @classmethod
    def of(cls, plugin: LoadedPlugin, step: str, error: BaseException) -> PluginFailure:
        """Describe `error`, raised by `plugin` at `step`; log its traceback for debugging."""
        logger.debug("plugin %s: %s", plugin.name, step, exc_info=error)
        where = raised_at(error, plugin.package)
        return cls(
            plugin.entry_point,
            plugin.distribution,
            plugin.version,
            f"{step}: {type(error).__name__}: {error}" + (f" ({where})" if where else ""),
            "".join(traceback.format_exception(error)),
        )


def installed_entry_points() -> list[importlib.metadata.EntryPoint]:
    """The entry points of every installed distribution, in a fixed order."""
    found = importlib.metadata.entry_points(group=PROJECT)
    return sorted(found, key=lambda point: (distribution_of(point)[0].lower(), point.name))


def announcing_packages() -> list[str]:
    """Top-level packages of all entry points, by name; nothing of them is imported."""
    points = importlib.metadata.entry_points(group=PROJECT)
    return sorted({_package(point) for point in points} - {"", PROJECT})


def _package(point: importlib.metadata.EntryPoint) -> str:
    return point.value.partition(":")[0].partition(".")[0]


def _imported(point: importlib.metadata.EntryPoint) -> Any:
    if point.pattern.match(point.value) is None:
        raise PluginError(f"its entry point is {point.value!r}, not module or module:object")
    return point.load()


def load_plugins(
    entry_points: Iterable[importlib.metadata.EntryPoint],
) -> tuple[pluggy.PluginManager, list[LoadedPlugin], list[PluginFailure]]:
    """Import and register plugins; what fails is put aside with its reason.

    Parameters
    ----------
    entry_points : iterable of importlib.metadata.EntryPoint
        What to load. Those named in the environment variable :data:`BLOCK_VARIABLE` are
        left out.

    Returns
    -------
    manager : pluggy.PluginManager
        With all working plugins registered.
    plugins : list of LoadedPlugin
    failures : list of PluginFailure
    """
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    blocked = {name.strip() for name in os.environ.get(BLOCK_VARIABLE, "").split(",")}
    plugins: list[LoadedPlugin] = []
    failures: list[PluginFailure] = []
    seen: set[tuple[str, str]] = set()
    for point in entry_points:
        distribution, version = distribution_of(point)
        if {point.name, distribution} & blocked or (distribution, point.name) in seen:
            continue
        seen.add((distribution, point.name))
        start = time.perf_counter()
        about = LoadedPlugin(point.name, distribution, version, None, package=_package(point))
        try:
            about = attrs.evolve(about, plugin=_imported(point))
        except (Exception, SystemExit) as error:  # noqa: BLE001  # a plugin may raise anything
            failures.append(PluginFailure.of(about, "import failed", error))
            continue
        failure = _register(manager, about)
        if failure:
            failures.append(failure)
        else:
            plugins.append(attrs.evolve(about, seconds=time.perf_counter() - start))
    return manager, plugins, failures


def _register(manager: pluggy.PluginManager, about: LoadedPlugin) -> PluginFailure | None:
    """Register one plugin; one whose hooks cannot be called as it means them is taken out again."""
    try:
        manager.register(about.plugin, name=about.name)
        _refuse_hooks(manager, about)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # a plugin may raise anything
        if manager.has_plugin(about.name):
            manager.unregister(name=about.name)
        return PluginFailure.of(about, "hooks refused", error)
    return None


def _refuse_hooks(manager: pluggy.PluginManager, about: LoadedPlugin) -> None:
    """Refuse hooks that would never be called, or called to no effect.

    Raises
    ------
    PluginError
        With every one of them.
    """
    wrong: list[str] = []
    unknown: list[str] = []
    for hook in manager.get_hookcallers(about.plugin) or []:
        own = [item for item in hook.get_hookimpls() if item.plugin_name == about.name]
        if not hook.has_spec():
            unknown += [hook.name] if not all(item.optionalhook for item in own) else []
            continue
        for item in own:
            reason = _reason_against(hook.name, item)
            wrong += [f"{hook.name} ({_defined(item.function)}) {reason}"] if reason else []
    if unknown:
        wrong.append(f"unknown hooks: {', '.join(sorted(unknown))}")
    if wrong:
        raise PluginError("; ".join(wrong))


def _reason_against(hook: str, implementation: pluggy.HookImpl) -> str:
    function = inspect.unwrap(implementation.function)
    wraps = implementation.wrapper or implementation.hookwrapper
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        return "is asynchronous, and would never be awaited; write a plain function"
    if wraps and hook in ANNOUNCING:
        return (
            "is a wrapper, which would change what other plugins announce; announce your own with "
            "a plain @hookimpl"
        )
    if not wraps and hook not in ANNOUNCING and inspect.isgeneratorfunction(function):
        return (
            "has a yield, so that calling it does nothing; remove the yield, or write "
            "@hookimpl(wrapper=True) to run code before and after the other plugins"
        )
    return ""


def _defined(function: Callable[..., Any]) -> str:
    """Where a function is defined."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else repr(function)


def call_plugin(
    manager: pluggy.PluginManager, plugin: LoadedPlugin, hook: str, kind: type[T]
) -> Iterator[T]:
    """Call one hook of one plugin and check what it returns.

    Raises
    ------
    PluginError
        If something returned is not a `kind`.
    Exception
        Whatever the plugin raises.
    """
    for implementation in getattr(manager.hook, hook).get_hookimpls():
        if implementation.plugin_name != plugin.name:
            continue
        function: Callable[[], Iterable[Any]] = implementation.function
        found = function()
        place = _defined(function)
        if isinstance(found, kind):
            text = f"{hook} returned one {kind.__name__}; yield it, or return a list ({place})"
            raise PluginError(text)
        for item in found or ():
            if not isinstance(item, kind):
                text = f"{hook} returned a {type(item).__name__}, not a {kind.__name__} ({place})"
                raise PluginError(text)
            yield item
