"""Which cells the rules of a grid keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from n2d_framework.config.comparison_config import Grid
from n2d_framework.config.rule_checks import absent_values
from n2d_framework.config.rules import choice_fits, names_fit, placed, value_fits
from n2d_framework.errors import ConfigError
from n2d_framework.experiment.grid.variants import Variant
from n2d_framework.types import ROLES

__all__ = ["Selection", "Trio"]

Trio = tuple[Variant, Variant, Variant]


class Selection:
    """The rules of a grid, and which of them have fitted a cell.

    Parameters
    ----------
    grid : Grid
    names : sequence of str
        The datasets there are.

    Raises
    ------
    ConfigError
        If the baseline names a dataset that is not there.
    """

    def __init__(self, grid: Grid, names: Sequence[str]) -> None:
        self._include = placed(include=grid.config.include)
        self._exclude = placed(exclude=grid.config.exclude)
        self._idle = [*self._include, *self._exclude]
        self._absent = {
            place: [*grid.absent[place], *absent_values(rule.get("data", ()), "data", names)]
            for place, rule in grid.rules.items()
        }
        problems = self._absent.get("baseline")
        if problems:
            raise ConfigError(problem.under("baseline") for problem in problems)

    def keeps(self, data: str, scaler: Variant, trio: Trio, seed: int) -> bool:
        """Return whether a cell is wanted."""
        about = {
            "data": data, "scaler": scaler, "n_clusters": trio[2].n_clusters, "seed": seed,
        }  # fmt: skip
        kept = self._fitting(self._include, about, trio) or not self._include
        return not self._fitting(self._exclude, about, trio) and kept

    def _fitting(
        self, rules: Mapping[str, Mapping[str, Any]], about: Mapping[str, Any], trio: Trio
    ) -> bool:
        found = [
            place
            for place, rule in rules.items()
            if all(_fits(key, wanted, about, trio) for key, wanted in rule.items())
        ]
        if self._idle and found:
            self._idle = [place for place in self._idle if place not in found]
        return bool(found)

    def notes(self) -> list[str]:
        """Which rules have fitted no cell so far, and which name values that are not there."""
        found: list[str] = []
        for place in (*self._include, *self._exclude):
            absent = self._absent[place]
            if place in self._idle:
                idle = f"{place} fits no cell that could be run"
                found.append("; ".join([idle, *map(str, absent)]))
            else:
                found += [str(problem.under(place)) for problem in absent]
        return found


def _fits(key: str, wanted: Any, about: Mapping[str, Any], trio: Trio) -> bool:
    if key == "scaler":
        return names_fit(wanted, (*about[key].choice.names, about[key].label))
    if key not in ROLES:
        return value_fits(wanted, about[key])
    variant = trio[ROLES.index(key)]
    return choice_fits(wanted, *variant.choice.names, variant.options)
