"""Scores of each method of a study, from a comparison."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from n2d_framework.analysis.intervals import bootstrap_interval
from n2d_framework.config.rules import choice_fits
from n2d_framework.experiment.grid.variants import make_variants
from n2d_framework.reproduce.study import Method
from n2d_framework.types import ROLES

if TYPE_CHECKING:
    import pandas as pd

    from n2d_framework.experiment import Comparison
    from n2d_framework.experiment.run_comparison import Planned

__all__ = ["Measured", "Ran", "Score", "measure", "versions_of"]

#: A method as the tables of a comparison name it: one label per role.
Labels = tuple[str, ...]


@attrs.frozen
class Score:
    """A score over seeds.

    Attributes
    ----------
    mean, low, high : float
        The ends of the 95 % interval are ``nan`` with one seed.
    seeds : int
    """

    mean: float
    low: float
    high: float
    seeds: int

    @classmethod
    def of(cls, values: Any) -> Score | None:
        """From one value per seed; ``None`` if there are none."""
        sample = np.asarray(values, dtype=np.float64)
        sample = sample[~np.isnan(sample)]
        if not len(sample):
            return None
        return cls(float(sample.mean()), *bootstrap_interval(sample), len(sample))


@attrs.frozen
class Measured:
    """Scores of a method on a dataset.

    Attributes
    ----------
    scores : dict of str to Score
        By column of the comparison's table.
    failed : int
        Seeds without a result.
    reason : str
        Why there is nothing, or less than there should be.
    """

    scores: Mapping[str, Score]
    failed: int = 0
    reason: str = ""


@attrs.frozen
class Ran:
    """A dataset that was run.

    Attributes
    ----------
    n_rows : int
    expected_rows : int
        Rows of the published dataset.
    folder : Path
        Of its comparison.
    measured : dict of str to Measured
        By id of the method.
    versions : dict of str to str
        Of the libraries.
    warnings : list of str
        What the number of seeds allows no one to claim.
    """

    n_rows: int
    expected_rows: int
    folder: Path
    measured: Mapping[str, Measured]
    versions: Mapping[str, str]
    warnings: Sequence[str] = ()


def measure(method: Method, planned: Planned, comparison: Comparison) -> Measured:
    """Scores of a method over the seeds of a comparison of one dataset.

    Parameters
    ----------
    method : Method
        One that was run.
    planned : Planned
        The comparison's plan.
    comparison : Comparison
        Its results.
    """
    labels = _labels(method, planned)
    table = comparison.table
    for role, label in zip(ROLES, labels, strict=True):
        table = table[table[role] == label]
    if table.empty:
        return Measured({}, reason=f"it cannot be run: {_illegal(labels, comparison)}")
    found = {name: Score.of(table[name]) for name in comparison.metrics}
    ended = table["status"] == "done"
    reason = "" if ended.all() else _failure(table[~ended])
    scores = {name: score for name, score in found.items() if score is not None}
    return Measured(scores, int((~ended).sum()), reason)


def _labels(method: Method, planned: Planned) -> Labels:
    """The one variant of each role that the method's rule means."""
    variants, _ = make_variants(planned.grid)
    labels = []
    for role in ROLES:
        fitting = [
            variant.label
            for variant in variants[role]
            if choice_fits(
                method.trio[role],
                *variant.choice.names,
                variant.options,
            )
        ]
        assert len(fitting) == 1, f"{method.id}: its {role} fits {fitting}"
        labels += fitting
    return tuple(labels)


def _illegal(labels: Labels, comparison: Comparison) -> str:
    reasons = [
        str(item["reason"])
        for item in comparison.illegal
        if tuple(item[role] for role in ROLES) == labels
    ]
    return "; ".join(reasons)


def _failure(cells: pd.DataFrame) -> str:
    first = cells.iloc[0]
    error = first["error"] if isinstance(first["error"], str) else f"still {first['status']}"
    return f"{len(cells)} of its seeds failed: {error} (--retry-failed tries them again)"


def versions_of(table: pd.DataFrame) -> dict[str, str]:
    """Versions of the libraries with which the cells of a comparison were fitted."""
    found: dict[str, str] = {}
    for text in table["versions"].dropna():
        found |= json.loads(text)
    return dict(sorted(found.items()))
