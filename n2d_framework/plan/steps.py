"""Steps: a composition resolved once, as components in the order in which rows pass them."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, Self

from n2d_framework.config import Composition
from n2d_framework.config.held import held_code
from n2d_framework.core.options import options_dict
from n2d_framework.core.origin.code import code_of
from n2d_framework.core.roles import FITTED_ROLES, role_info
from n2d_framework.core.spec import ComponentSpec
from n2d_framework.core.structure import structure
from n2d_framework.plan.keys import stage_key
from n2d_framework.registry import Entry, default_catalogue
from n2d_framework.seeding import derive_seed
from n2d_framework.types import Role

__all__ = ["Plan", "Step"]


class Step:
    """One component of a plan, with all its options.

    Parameters
    ----------
    entry : Entry
        The component in the catalogue.
    component : object
        Unfitted, with all its options. It is never fitted itself, but copied.
    index : int
        Its place among the steps of its role, from 0.
    label : str
        Its name in the plan, under which a bundle has its part: ``manifolder``; or
        ``manifolder_0``, ``manifolder_1`` where several follow each other.
    last : bool, default True
        Whether it is the last of its role: the last step that prepares rows gives float32.

    Notes
    -----
    In another process (a worker, a subprocess) it is recognized in the catalogue there, when it
    is first needed; only its names and its options, which are plain values, are sent.
    """

    def __init__(
        self,
        entry: Entry[ComponentSpec],
        component: Any,
        index: int = 0,
        label: str = "",
        *,
        last: bool = True,
    ) -> None:
        self.role: Role = entry.spec.role
        self.name = entry.qualified_name
        self.options: Mapping[str, Any] = options_dict(component)
        self.index = index
        self.label = label or self.role
        self.last = last
        self.__dict__ |= {"entry": entry, "prototype": component}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.label}: {self.name})"

    def __getstate__(self) -> dict[str, Any]:
        sent = ("role", "name", "options", "index", "label", "last")
        return {key: vars(self)[key] for key in sent}

    @cached_property
    def entry(self) -> Entry[ComponentSpec]:
        """The component in the catalogue of this process."""
        return default_catalogue().get(self.role, self.name)

    @cached_property
    def prototype(self) -> Any:
        """The unfitted component, which is never fitted itself."""
        return structure(self.spec.load(), self.options)

    @cached_property
    def code(self) -> Mapping[str, str]:
        """Identity of its code beyond the version of its distribution, and of what it holds."""
        return code_of(self.spec, self.prototype) | held_code(self.prototype)

    @property
    def spec(self) -> ComponentSpec:
        """Announcements of the plugin."""
        return self.entry.spec

    @property
    def title(self) -> str:
        """Name in messages: its role and its name."""
        return f"{self.role} {self.spec.name!r}"

    @cached_property
    def prepares(self) -> bool:
        """Return whether rows come out: such steps have no events and no entry in the store."""
        return role_info(self.role).gives == "rows"

    def fresh(self) -> Any:
        """An unfitted component to be fitted."""
        return copy.deepcopy(self.prototype)

    def seed(self, random_state: int) -> int:
        """Its seed, derived from that of the composition."""
        return derive_seed(random_state, f"{self.role}_{self.index}" if self.index else self.role)

    def key(self, upstream: str, seed: int) -> str:
        """Its content key.

        Parameters
        ----------
        upstream : str
            Key of the step before, or fingerprint of the rows.
        seed : int
            The step's seed.
        """
        return stage_key(upstream, self.entry, self.options, seed, self.code)


class Plan:
    """The steps of one composition, made once and run by every executor.

    Parameters
    ----------
    steps : iterable of Step
        In the order in which rows pass them.
    """

    def __init__(self, steps: Iterable[Step]) -> None:
        self.steps = tuple(steps)

    @classmethod
    def of(cls, composition: Composition) -> Self:
        """The plan of a composition that was checked."""
        fitted = (choice for role in FITTED_ROLES for choice in composition.choices(role))
        return cls.made((choice.entry, choice.component) for choice in fitted)

    @classmethod
    def made(cls, components: Iterable[tuple[Entry[ComponentSpec], Any]]) -> Self:
        """A plan of unfitted components, each with its entry, in order."""
        pairs = list(components)
        several = Counter(entry.spec.role for entry, _ in pairs)
        found: Counter[Role] = Counter()
        steps = []
        for entry, component in pairs:
            role = entry.spec.role
            label = role if several[role] == 1 else f"{role}_{found[role]}"
            last = found[role] + 1 == several[role]
            steps.append(Step(entry, component, found[role], label, last=last))
            found[role] += 1
        return cls(steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def specs(self) -> list[ComponentSpec]:
        """Specs of the steps, as plugins announced them."""
        return [step.spec for step in self.steps]

    @property
    def inductive(self) -> bool:
        """Return whether every step can place rows it was not fitted on."""
        return all(spec.inductive for spec in self.specs)

    def of_role(self, role: Role) -> tuple[Step, ...]:
        """The steps of a role."""
        return tuple(step for step in self.steps if step.role == role)

    def last(self, role: Role) -> Step:
        """The last step of a role, whose output is the role's."""
        return self.of_role(role)[-1]

    @property
    def labels(self) -> Role:
        """The role whose last step gives the labels of the model."""
        return [step.role for step in self.steps if role_info(step.role).gives_labels][-1]

    def until(self, role: Role) -> tuple[Step, ...]:
        """The steps up to the last of a role."""
        return self.steps[: self.steps.index(self.last(role)) + 1]

    def keys(self, fingerprint: str, random_state: int) -> dict[str, str]:
        """Content key of each step, by label.

        Parameters
        ----------
        fingerprint : str
            Of the rows.
        random_state : int
            The composition's seed.
        """
        found: dict[str, str] = {}
        upstream = fingerprint
        for step in self.steps:
            upstream = found[step.label] = step.key(upstream, step.seed(random_state))
        return found
