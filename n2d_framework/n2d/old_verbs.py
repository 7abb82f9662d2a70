"""Components of the framework with the verbs that scripts for the old package use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from n2d_framework.config.choice import Choice, resolve_choice
from n2d_framework.core.protocols import FitContext
from n2d_framework.errors import ConfigError, DataError, Problem, StateError
from n2d_framework.n2d.likeness import as_in_the_library
from n2d_framework.registry import default_catalogue
from n2d_framework.seeding import resolve_random_state
from n2d_framework.types import AnyArray, Role

__all__ = ["Stage"]


class Stage:
    """A component out of the catalogue, fitted and asked like an estimator.

    What the component learned (``labels_``, ``embedding_``, ``means_``, ...) is found under
    its own names.

    Parameters
    ----------
    role : {"manifolder", "clusterer"}
    name : str
    random_state : int, RandomState, Generator or None
    written : mapping of str to str, optional
        What the caller wrote for an option of another name, for messages; also whole phrases.
    **options
        Of the component.

    Raises
    ------
    ConfigError
        If an option is wrong; its path is what the caller wrote.
    """

    def __init__(
        self,
        role: Role,
        name: str,
        random_state: Any = None,
        written: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        given = {"name": name, **options}
        self._written = dict(written or {})
        try:
            self._choice: Choice = resolve_choice(role, given, default_catalogue(), name)
        except ConfigError as error:
            raise ConfigError(map(self._as_written, error.problems)) from error
        self._seed = resolve_random_state(random_state)
        self.component = self._choice.component

    def fit(self, x: Any) -> Self:
        """Fit the component."""
        self._learn(x)
        return self

    def fit_transform(self, x: Any) -> AnyArray:
        """Fit, and return the training coordinates."""
        return np.asarray(self._learn(x), dtype=np.float32)

    def fit_predict(self, x: Any) -> AnyArray:
        """Fit, and return the training labels."""
        self._learn(x)
        return np.asarray(self.component.labels_)

    def transform(self, x: Any) -> AnyArray:
        """Coordinates of rows."""
        return np.asarray(self.component.transform(_rows(x)))

    def predict(self, x: Any) -> AnyArray:
        """Labels of rows; noise is -1."""
        return np.asarray(self.component.predict(_rows(x)))

    def predict_proba(self, x: Any) -> AnyArray:
        """Soft assignment of rows."""
        return np.asarray(self.component.predict_proba(_rows(x)))

    def check_rows(self, n_rows: int, shape: tuple[int, ...] = ()) -> None:
        """Refuse rows that it cannot be fitted on, before they are computed.

        Parameters
        ----------
        n_rows : int
        shape : tuple of int
            Shape of one row, where it is known.

        Raises
        ------
        DataError
            With all reasons.
        """
        check = getattr(self.component, "check_input", None)
        reasons = check(n_rows, shape) if check is not None else []
        if reasons:
            raise DataError(self._renamed("; ".join(reasons)))

    def state(self) -> dict[str, Any]:
        """Description from which this stage can be made again, as plain values."""
        from n2d_framework.core.options import options_dict

        return {
            "role": self._choice.role,
            "name": self._choice.spec.name,
            "options": options_dict(self.component),
            "state_version": self._choice.spec.state_version,
            "state": self.component.get_state(),
        }

    @classmethod
    def from_state(cls, state: Any) -> Self:
        """Make a stage from :meth:`state`, as it was read from a file.

        Raises
        ------
        StateError, ConfigError
            If it cannot be used.
        """
        from n2d_framework.core.state import need

        role, name = need(state, "role", str), need(state, "name", str)
        if role not in ("manifolder", "clusterer"):
            raise StateError(f"state 'role' is {role!r}")
        options = need(state, "options", dict)
        try:
            made = cls(role, name, 0, None, **options)
        except TypeError as error:
            raise StateError(f"{role} {name!r}: {error}") from error
        known, version = made._choice.spec.state_version, need(state, "state_version", int)
        if version != known:
            raise StateError(
                f"{role} {name!r}: its state has version {version}, the installed one reads {known}"
            )
        made.component.set_state(need(state, "state", dict))
        return made

    def _learn(self, x: Any) -> Any:
        from n2d_framework.pipeline.fitting import usable_threads

        rows = _rows(x, fitting=True)
        self.check_rows(len(rows), rows.shape[1:])
        context = FitContext(seed=self._seed, n_jobs=usable_threads(None))
        if self._choice.role == "manifolder":
            return self.component.fit_transform(rows, context=context)
        return self.component.fit(rows, context=context)

    def _as_written(self, problem: Problem) -> Problem:
        path = self._written.get(problem.path.partition(".")[2], problem.path)
        return Problem(path, self._renamed(problem.message))

    def _renamed(self, text: str) -> str:
        if not self._written:
            return text
        phrases = sorted(map(re.escape, self._written), key=len, reverse=True)
        pattern = rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)"
        return re.sub(pattern, lambda found: self._written[found[0]], text)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "component":
            raise AttributeError(name)
        try:
            return getattr(self.component, name)
        except AttributeError:
            spec = self._choice.spec
            return as_in_the_library(self.component, self._choice.role, spec.name, name)

    def __repr__(self) -> str:
        return repr(self.component)


def _rows(x: Any, *, fitting: bool = False) -> AnyArray:
    from n2d_framework.core.arrays.single_precision import in_float32
    from n2d_framework.core.rows.checked_arrays import as_rows

    rows = in_float32(as_rows(x, fitting=fitting), fitting=fitting)
    if rows.ndim != 2:
        raise DataError(f"rows must be flat here, got rows of shape {rows.shape[1:]}")
    return rows
