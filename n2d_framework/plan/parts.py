"""Parts of a stage that outlive a change of the stage's other options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from n2d_framework.core.spec import ComponentSpec
from n2d_framework.core.state import State, check_state, need
from n2d_framework.errors import BundleError, StateError
from n2d_framework.plan.keys import part_key
from n2d_framework.plan.store import StageStore
from n2d_framework.plan.store.entries import warn_of_damage
from n2d_framework.registry import Entry

__all__ = ["Parts"]


@attrs.frozen(eq=False)
class Parts:
    """Remembers parts of one stage's work.

    Attributes
    ----------
    store : StageStore or None
        Where parts are kept; ``None`` keeps nothing.
    entry : Entry
        The component that is fitted.
    upstream : str
        Key of the stage before, or fingerprint of the data.
    seed : int
        The stage's seed.
    code : mapping
        What identifies the component's code beyond the version.
    """

    store: StageStore | None
    entry: Entry[ComponentSpec]
    upstream: str
    seed: int
    code: Mapping[str, str] = attrs.field(factory=dict)

    def remember(
        self, name: str, depends_on: Mapping[str, Any], compute: Callable[[], State]
    ) -> State:
        """Interface of :attr:`n2d_framework.plugin.FitContext.remember`.

        Parameters
        ----------
        name : str
            What the component calls the part.
        depends_on : mapping
            Options that the part depends on: plain values.
        compute : callable
            Returns the part, as a state.

        Returns
        -------
        State

        Raises
        ------
        StateError
            If `compute` returns something else than a state.
        OutputError
            If the store cannot be read or written.

        Warns
        -----
        StoreWarning
            If the part was kept, but is damaged; it is computed again.
        """
        if self.store is None:
            return compute()
        key = part_key(self.upstream, self.entry, name, depends_on, self.seed, self.code)
        found = self._known(self.store, key)
        if found is not None:
            return found
        state = compute()
        check_state(state)
        manifest = {
            "role": self.entry.spec.role,
            "component": self.entry.qualified_name,
            "version": self.entry.version,
            "part": name,
            "options": dict(depends_on),
            "seed": self.seed,
        }
        self.store.write(key, manifest, {"part": state})
        return state

    def _known(self, store: StageStore, key: str) -> State | None:
        try:
            found = store.read(key)
            return None if found is None else need(found[1], "part", dict)
        except (BundleError, StateError) as error:
            warn_of_damage(store, key, error, stacklevel=4)
            return None
