"""The catalogue: everything that installed plugins announce, by role and name."""

from __future__ import annotations

import importlib.metadata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Generic, TypeVar

import attrs
import pluggy

from n2d_framework.core.announcements.extensions import KindSpec, PanelSpec, PlotSpec
from n2d_framework.core.announcements.metric import MetricSpec
from n2d_framework.core.announcements.preset import PresetSpec
from n2d_framework.core.dataset import DatasetSpec
from n2d_framework.core.kinds import KINDS, SPARSE
from n2d_framework.core.origin.code import normalized
from n2d_framework.core.roles import ROLE_NAMES
from n2d_framework.core.spec import ComponentSpec
from n2d_framework.errors import (
    DuplicateComponentError,
    PluginError,
    UnknownComponentError,
    did_you_mean,
    warn_renamed,
)
from n2d_framework.registry.entry_points import (
    ANNOUNCING,
    LoadedPlugin,
    PluginFailure,
    call_plugin,
    installed_entry_points,
    load_plugins,
)
from n2d_framework.types import Role

__all__ = [
    "Catalogue",
    "Entry",
    "Rejection",
    "components",
    "default_catalogue",
    "refuse_duplicates",
]

S = TypeVar("S", ComponentSpec, DatasetSpec, MetricSpec, KindSpec, PlotSpec, PanelSpec, PresetSpec)

_HOOKS: tuple[tuple[str, type[Any]], ...] = tuple(zip(ANNOUNCING, S.__constraints__, strict=True))
#: What an entry is called in messages, where its class has no role.
_NOUNS: dict[type[Any], str] = {
    KindSpec: "kind", PlotSpec: "plot", PanelSpec: "panel", PresetSpec: "preset",
}  # fmt: skip


@attrs.frozen
class Entry(Generic[S]):
    """One announcement, with the distribution it came from.

    Attributes
    ----------
    spec : ComponentSpec, DatasetSpec or MetricSpec
    distribution, version : str
    package : str
        Top-level package or module of the plugin that announced it.
    shared : bool
        Whether another one of its kind and role has the same name.
    """

    spec: S
    distribution: str
    version: str
    package: str = ""
    shared: bool = False

    @property
    def written_name(self) -> str:
        """The name to be written down: qualified where it would not be enough to find it again."""
        return self.qualified_name if self.shared else self.spec.name

    @property
    def former_names(self) -> frozenset[str]:
        """Names under which a component was known, alone and qualified."""
        names: tuple[str, ...] = getattr(self.spec, "aliases", ())
        bare: list[str] = [name for name in names if ":" not in name]
        return frozenset((*names, *(f"{self.distribution}:{name}" for name in bare)))

    @property
    def qualified_name(self) -> str:
        """``distribution:name``, which is never ambiguous."""
        return f"{self.distribution}:{self.spec.name}"


@attrs.frozen
class Rejection:
    """One entry of a plugin that is not used, and why; the plugin's other entries are.

    Attributes
    ----------
    what : str
        Such as ``kind graph``.
    name, distribution, version : str
    reason : str
        With what to do about it.
    """

    what: str
    name: str
    distribution: str
    version: str
    reason: str


@attrs.frozen(eq=False)
class Catalogue:
    """Installed components, datasets and metrics. Built once; nothing in it is overwritten.

    Attributes
    ----------
    plugins : tuple of LoadedPlugin
    failures : tuple of PluginFailure
        Plugins that could not be used. They cost nothing until one of their names is asked
        for.
    rejections : tuple of Rejection
        Single entries that are not used: kinds, plots and panels that two plugins announce, and
        components for a kind that no plugin announces.
    manager : pluggy.PluginManager
        Delivers the events of a run to the plugins.
    """

    plugins: tuple[LoadedPlugin, ...]
    failures: tuple[PluginFailure, ...]
    manager: pluggy.PluginManager = attrs.field(repr=False)
    _components: tuple[Entry[ComponentSpec], ...] = attrs.field(repr=False)
    _datasets: tuple[Entry[DatasetSpec], ...] = attrs.field(repr=False)
    _metrics: tuple[Entry[MetricSpec], ...] = attrs.field(repr=False)
    _kinds: tuple[Entry[KindSpec], ...] = attrs.field(default=(), repr=False)
    _plots: tuple[Entry[PlotSpec], ...] = attrs.field(default=(), repr=False)
    _panels: tuple[Entry[PanelSpec], ...] = attrs.field(default=(), repr=False)
    _presets: tuple[Entry[PresetSpec], ...] = attrs.field(default=(), repr=False)
    rejections: tuple[Rejection, ...] = ()

    @classmethod
    def from_entry_points(cls, entry_points: Iterable[importlib.metadata.EntryPoint]) -> Catalogue:
        """Load plugins and collect what they announce.

        Parameters
        ----------
        entry_points : iterable of importlib.metadata.EntryPoint
        """
        manager, plugins, failures = load_plugins(entry_points)
        working: list[LoadedPlugin] = []
        entries: dict[str, list[Entry[Any]]] = {hook: [] for hook, _ in _HOOKS}
        for plugin in plugins:
            try:
                announced = {
                    hook: [
                        Entry(spec, plugin.distribution, plugin.version, plugin.package)
                        for spec in call_plugin(manager, plugin, hook, kind)
                    ]
                    for hook, kind in _HOOKS
                }
                _refuse_aliases(announced["n2d_components"])
            except (Exception, SystemExit) as error:  # noqa: BLE001  # a plugin may raise anything
                manager.unregister(name=plugin.name)
                failures.append(PluginFailure.of(plugin, "announcing failed", error))
                continue
            working.append(plugin)
            for hook, found in announced.items():
                entries[hook].extend(found)
        rejections: list[Rejection] = []
        for hook in ("n2d_kinds", "n2d_plots", "n2d_panels"):
            entries[hook], clashing = _without_clashes(entries[hook])
            rejections += clashing
        entries["n2d_components"], homeless = _of_known_kinds(
            entries["n2d_components"], [entry.spec.name for entry in entries["n2d_kinds"]]
        )
        rejections += homeless
        marked = (
            tuple(sorted(_marked(entries[hook]), key=lambda entry: entry.qualified_name))
            for hook, _ in _HOOKS
        )
        kept: list[Any] = [tuple(working), tuple(failures), manager, *marked, tuple(rejections)]
        return cls(*kept)

    def components(self, role: Role | None = None) -> list[Entry[ComponentSpec]]:
        """All components, sorted by role (in the order of the data), name and distribution.

        Parameters
        ----------
        role : str, optional
            Only those of this role.
        """
        chosen = [entry for entry in self._components if role in (None, entry.spec.role)]
        return sorted(
            chosen,
            key=lambda entry: (
                ROLE_NAMES.index(entry.spec.role),
                entry.spec.name,
                entry.distribution,
            ),
        )

    def datasets(self) -> list[Entry[DatasetSpec]]:
        """All datasets, sorted by name."""
        return sorted(self._datasets, key=lambda entry: (entry.spec.name, entry.distribution))

    def metrics(self) -> list[Entry[MetricSpec]]:
        """All metrics of plugins, sorted by name."""
        return sorted(self._metrics, key=lambda entry: (entry.spec.name, entry.distribution))

    def kinds(self) -> list[Entry[KindSpec]]:
        """All kinds of rows of plugins, sorted by name."""
        return list(self._kinds)

    def plots(self) -> list[Entry[PlotSpec]]:
        """All plots of plugins, sorted by name."""
        return list(self._plots)

    def panels(self) -> list[Entry[PanelSpec]]:
        """All panels of plugins, sorted by name."""
        return list(self._panels)

    def presets(self) -> list[Entry[PresetSpec]]:
        """All presets, sorted by name."""
        return sorted(self._presets, key=lambda entry: (entry.spec.name, entry.distribution))

    def preset(self, name: str) -> Entry[PresetSpec]:
        """Find a preset by ``name`` or ``distribution:name``; raises as :meth:`get` does."""
        return _found("preset", name, self._presets)

    def get(self, role: Role, name: str) -> Entry[ComponentSpec]:
        """Find a component.

        Parameters
        ----------
        role : str
        name : str
            ``name``, or ``distribution:name``.

        Returns
        -------
        Entry

        Raises
        ------
        UnknownComponentError
            If there is none, with a did-you-mean and the plugins that failed to load.
        DuplicateComponentError
            If two distributions offer it.
        """
        candidates = self.components(role)
        found = [entry for entry in candidates if name in (entry.spec.name, entry.qualified_name)]
        if not found:
            found = [entry for entry in candidates if name in entry.former_names]
            if len(found) == 1:
                warn_renamed(f"{role} {name!r}", repr(found[0].written_name))
        if not found:
            raise UnknownComponentError(self._unknown(role, name, candidates))
        refuse_duplicates(f"{role} {name!r}", found)
        return found[0]

    def name_of_written(self, role: Role, distribution: str, name: str) -> str | None:
        """By which name :meth:`get` finds the component that a file names.

        Parameters
        ----------
        role : str
        distribution, name : str
            As they were when the file was written.

        Returns
        -------
        str or None
            ``distribution:name``, present or former; ``None`` if that component is not installed.
            One of the same name from another distribution is another component.
        """
        for entry in self.components(role):
            for known in (entry.qualified_name, *sorted(entry.former_names)):
                from_, colon, its_name = known.rpartition(":")
                if colon and its_name == name and normalized(from_) == normalized(distribution):
                    return known
        return None

    def dataset(self, name: str) -> Entry[DatasetSpec]:
        """Find a dataset by ``name`` or ``distribution:name``; raises as :meth:`get` does."""
        return _found("dataset", name, self._datasets)

    def entry_of(self, role: Role, cls: type[Any]) -> Entry[ComponentSpec] | None:
        """The entry whose factory names `cls`, if any; imports nothing."""
        factory = f"{cls.__module__}:{cls.__qualname__}"
        matches = (entry for entry in self.components(role) if entry.spec.factory == factory)
        return next(matches, None)

    def _unknown(self, role: Role, name: str, candidates: Sequence[Entry[ComponentSpec]]) -> str:
        text = f"unknown {role} {name!r}; "
        others = [e.spec.role for e in self._components if e.spec.name == name]
        if others:
            text += f"there is a {' and a '.join(others)} of that name; "
        text += did_you_mean(name, [entry.spec.name for entry in candidates], noun=role)
        for rejection in self.rejections:
            if rejection.what == role and rejection.name == name:
                text += (
                    f"\n{rejection.distribution} {rejection.version} has one: {rejection.reason}"
                )
        for failure in self.failures:
            text += (
                f"\nplugin {failure.entry_point!r} of {failure.distribution} "
                f"{failure.version} is installed but unusable: {failure.error}"
            )
        return text


def _found(noun: str, name: str, entries: Sequence[Entry[S]]) -> Entry[S]:
    """The only entry of that name, alone or qualified."""
    found = [entry for entry in entries if name in (entry.spec.name, entry.qualified_name)]
    if not found:
        known = list(dict.fromkeys(entry.spec.name for entry in entries))
        raise UnknownComponentError(
            f"unknown {noun} {name!r}; {did_you_mean(name, known, noun=noun)}"
        )
    refuse_duplicates(f"{noun} {name!r}", found)
    return found[0]


def _refuse_aliases(entries: Sequence[Entry[ComponentSpec]]) -> None:
    """Refuse a former name that would mean two components of a plugin.

    Raises
    ------
    PluginError
    """
    for entry in entries:
        others = [e for e in entries if e is not entry and e.spec.role == entry.spec.role]
        taken = {name: e for e in others for name in (e.spec.name, *e.spec.aliases)}
        for name in entry.spec.aliases:
            if name in taken:
                raise PluginError(
                    f"{entry.spec.role} {entry.spec.name!r}: the alias {name!r} is a name of "
                    f"{taken[name].spec.name!r} as well; give it to one of them"
                )


def _without_clashes(
    entries: Sequence[Entry[Any]],
) -> tuple[list[Entry[Any]], list[Rejection]]:
    """The entries whose name is theirs alone, and the others as rejections."""
    times = Counter(entry.spec.name for entry in entries)
    offering = {
        name: " and ".join(sorted({e.distribution for e in entries if e.spec.name == name}))
        for name, count in times.items()
        if count > 1
    }
    kept = [entry for entry in entries if entry.spec.name not in offering]
    return kept, [
        _rejection(
            entry,
            f"{offering[entry.spec.name]} announce it more than once, so that none is used; "
            "leave one out (N2D_BLOCK_PLUGINS), or ask an author to rename it",
        )
        for entry in entries
        if entry.spec.name in offering
    ]


def _of_known_kinds(
    entries: Sequence[Entry[ComponentSpec]], announced: Sequence[str]
) -> tuple[list[Entry[ComponentSpec]], list[Rejection]]:
    """The components whose kinds are known, and the others as rejections."""
    known = [*KINDS, *announced]
    kept: list[Entry[ComponentSpec]] = []
    rejections: list[Rejection] = []
    for entry in entries:
        output = [] if entry.spec.output in ("", SPARSE) else [entry.spec.output]
        strange = [kind for kind in (*entry.spec.input_kinds, *output) if kind not in known]
        if strange:
            hint = did_you_mean(strange[0], known, noun="kind")
            reason = f"it is for the kind {strange[0]!r}, which no installed plugin announces"
            rejections.append(_rejection(entry, f"{reason}; {hint}"))
        else:
            kept.append(entry)
    return kept, rejections


def _rejection(entry: Entry[Any], reason: str) -> Rejection:
    what = _NOUNS.get(type(entry.spec)) or entry.spec.role
    return Rejection(what, entry.spec.name, entry.distribution, entry.version, reason)


def _marked(entries: Sequence[Entry[Any]]) -> list[Entry[Any]]:
    """The same, each knowing whether its name is another's as well."""
    names = Counter((getattr(entry.spec, "role", ""), entry.spec.name) for entry in entries)
    shared = {name for name, count in names.items() if count > 1}
    return [
        attrs.evolve(e, shared=(getattr(e.spec, "role", ""), e.spec.name) in shared)
        for e in entries
    ]


def refuse_duplicates(what: str, found: Sequence[Entry[Any]]) -> None:
    """Refuse a name that several plugins offer.

    Parameters
    ----------
    what : str
        What was asked for, for the message.
    found : sequence of Entry
        All that have the name.

    Raises
    ------
    DuplicateComponentError
        If there are several: who offers it, and what can be done.
    """
    if len(found) < 2:
        return
    times = Counter((entry.distribution, entry.version, entry.qualified_name) for entry in found)
    names = " and ".join(f"{distribution} {version}" for distribution, version, _ in times)
    advice = [
        f"{distribution} announces it more than once: its author must rename one"
        for (distribution, *_), count in times.items()
        if count > 1
    ]
    choices = [repr(qualified) for (*_, qualified), count in times.items() if count == 1]
    if choices:
        advice.append(f"write {' or '.join(choices)}")
    raise DuplicateComponentError("; ".join([f"{what} is offered by {names}", *advice]))


@cache
def default_catalogue() -> Catalogue:
    """The catalogue of what is installed; built at the first call, then kept."""
    return Catalogue.from_entry_points(installed_entry_points())


def components(role: Role | None = None) -> list[ComponentSpec]:
    """List the installed components, importing none of them.

    Parameters
    ----------
    role : str, optional
        Only those of this role.

    Returns
    -------
    list of ComponentSpec
        Sorted by role, in the order of the data, and name.
    """
    return [entry.spec for entry in default_catalogue().components(role)]
