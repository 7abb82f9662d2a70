"""Any class that looks like scikit-learn's, as a component without a plugin of its own."""

from __future__ import annotations

import inspect
import json
import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import numpy as np

from n2d_builtin.common.one_thread import one_blas_thread
from n2d_builtin.common.same_products import PRODUCT_ROWS
from n2d_framework.plugin import (
    AnyArray,
    ConfigError,
    DataError,
    FitContext,
    FloatArray,
    IntArray,
    N2DError,
    Problem,
    StageError,
    State,
    StateError,
    UnsupportedError,
    component,
    in_blocks,
    in_float32,
    learned,
    load_object,
    need,
    object_from_state,
    object_state,
    option,
    require_fitted,
    trusted_types,
)

__all__ = [
    "AdaptedClusterer",
    "AdaptedTransformer",
    "FitOnlyClusterer",
    "FitOnlyTransformer",
]

#: State version from which on the class is given rows in float64.
_IN_FLOAT64 = 3
_TABLE = 2
#: Rows of a trial fit, before anything is trained, that shows whether a class can be saved.
_TRIAL_ROWS = 60


#: Rows that the class was asked about at once, on any number of threads, up to state version 3.
_FORMERLY = 256
#: Modules of classes that stop when the rows they are given agree, all of them: each row alone.
_JOINT = frozenset({"sklearn.decomposition._nmf"})


#: Attributes with the labels of the training rows: those that cluster columns too have the second.
_LABELS = ("labels_", "row_labels_")


class _Adapted:
    """Base of adapted components of all roles."""

    factory: str
    options: Mapping[str, Any]
    estimator_: Any
    rows_: str
    at_once_: int

    def __attrs_post_init__(self) -> None:
        try:
            json.dumps(self.options, allow_nan=False)
        except (TypeError, ValueError) as error:
            text = f"must be plain values (numbers, texts, lists, mappings): {error}"
            raise ConfigError([Problem("options", text)]) from error

    def imported_code(self) -> tuple[str, ...]:
        """The code that the options name."""
        return (self.factory,)

    def _make(self, context: FitContext) -> Any:
        """The foreign object with its options, the stage's seed and the threads."""
        cls = load_object(self.factory, what="adapted component")
        accepted = inspect.signature(cls).parameters
        given = {"random_state": context.seed, "n_jobs": context.n_jobs}
        context_options = {name: value for name, value in given.items() if name in accepted}
        try:
            return cls(**(context_options | dict(self.options)))
        except TypeError as error:
            raise StageError(f"{self.factory} refuses its options: {error}") from error

    def _begin(self, context: FitContext) -> None:
        """Make the foreign object, and say how it will be asked."""
        self.estimator_, self.rows_ = self._make(context), "float64"
        modules = {cls.__module__ for cls in type(self.estimator_).__mro__}
        self.at_once_ = PRODUCT_ROWS if _JOINT.isdisjoint(modules) else 1

    def _check_metric(self, x: AnyArray) -> None:
        """Refuse what a metric makes nothing of, as components with that option do."""
        from n2d_builtin.neighbors.row_metrics import check_values, refuse_no_codes

        metric = self.options.get("metric", self.options.get("affinity"))
        if not isinstance(metric, str) or metric == "precomputed" or x.ndim != _TABLE:
            return
        check_values(x, metric, self.factory)
        if metric in ("hamming", "matching"):
            refuse_no_codes(x, self.factory)

    def _fit(self, method: str, x: AnyArray) -> Any:
        """Answer of the foreign object's method for the training rows."""
        self._check_metric(x)
        try:
            return getattr(self.estimator_, method)(self._wide(x))
        except (N2DError, MemoryError):
            raise
        except Exception as error:
            raise StageError(
                f"{self.factory} cannot be fitted on rows of shape {x.shape} alone "
                f"({type(error).__name__}: {error}); change its options or the rows, or use a "
                "class that needs no labels"
            ) from error

    def _wide(self, x: AnyArray) -> AnyArray:
        """Rows as the foreign object takes them: in float64, for its moments and products."""
        return x.astype(self.rows_)

    def _call(self, method: str, x: AnyArray) -> Any:
        found = getattr(require_fitted(self.estimator_, self.factory), method, None)
        if found is None:
            raise UnsupportedError(f"{self.factory} has no {method}")
        try:
            with nullcontext() if self.at_once_ == _FORMERLY else one_blas_thread():
                return in_blocks(
                    lambda rows: np.asarray(found(self._wide(rows))),
                    x,
                    block=self.at_once_,
                    least=self.at_once_,
                )
        except ValueError as error:
            raise DataError(f"{self.factory} refuses rows of shape {x.shape}: {error}") from error

    def check_saving(self, n_features: int | None) -> list[str]:
        """Why the fitted object could not be saved, found out on a few random rows.

        Parameters
        ----------
        n_features : int or None
            Width of a row, where it is known.

        Returns
        -------
        list of str
            Empty if it can be saved; or if the class cannot be fitted on these rows, from which
            nothing follows for others.
        """
        trial: Any = type(self)(factory=self.factory, options=self.options)  # type: ignore[call-arg]
        rows = np.random.default_rng(0).random((_TRIAL_ROWS, n_features or 4), dtype=np.float32)
        before = np.random.get_state()  # noqa: NPY002  # of classes that draw from it
        try:
            trial._check_metric(rows)  # noqa: SLF001
        except DataError:
            rows = np.rint(rows)  # it takes codes
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                trial.fit(rows, context=FitContext(seed=0, n_jobs=1))
        except Exception:  # noqa: BLE001  # too few rows, for example: the real fit shows
            return []
        finally:
            np.random.set_state(before)  # noqa: NPY002
        try:
            trial.get_state()
        except StateError as error:
            return [str(error)]
        return []

    def get_state(self) -> State:
        """The fitted object in the format of skops, which is not a pickle."""
        fitted = require_fitted(self.estimator_, self.factory)
        return {
            **object_state(fitted, what=self.factory),
            "rows": self.rows_,
            "at_once": self.at_once_,
        }

    def set_state(self, state: State) -> None:
        """Put back the fitted object, if every type in it is scikit-learn's own or trusted."""
        rows = need(state, "rows", str)
        if rows not in ("float32", "float64"):
            raise StateError(f"{self.factory}: state 'rows' is {rows!r}")
        at_once = need(state, "at_once", int)
        if at_once not in (1, PRODUCT_ROWS, _FORMERLY):
            raise StateError(f"{self.factory}: state 'at_once' is {at_once}")
        self.estimator_ = object_from_state(state, trusted_types(), what=self.factory)
        self.rows_, self.at_once_ = rows, at_once

    @classmethod
    def upgrade_state(cls, state: State, version: int) -> State:
        """Read version 1, without parts beside the object, 2, given rows in float32, and 3."""
        before = {"at_once": _FORMERLY} | ({"rows": "float32"} if version < _IN_FLOAT64 else {})
        return {**({"parts": []} if version == 1 else {}), **state, **before}


@component
class AdaptedTransformer(_Adapted):
    """An embedder or manifolder made from a scikit-learn-like class.

    Notes
    -----
    Whether a row's coordinates depend on the other rows is up to the class. The class is
    imported when the component is fitted, never when a bundle is loaded. It is given the rows in
    float64: scikit-learn's classes compute in the type of the rows, and products of float32 rows
    that are not centred lose the digits in which rows differ.
    """

    factory: str = option(help='The class, as "package.module:Class".')
    options: Mapping[str, Any] = option({}, help="Arguments of the class; plain values.")
    estimator_: Any = learned()
    rows_: Any = learned()
    at_once_: Any = learned()

    def _narrow(self, found: Any, *, fitting: bool) -> FloatArray:
        """Return coordinates in float32, unless it would make rows equal or cannot hold them."""
        if hasattr(found, "toarray"):
            raise StageError(
                f"{self.factory} gives a sparse matrix, not an array; set its option for that "
                "(sparse_output: false, encode: onehot-dense), or use another class"
            )
        wide = np.asarray(found, dtype=np.float64)
        # What is not finite is the framework's to refuse, in its own words.
        if not np.isfinite(wide).all():
            return wide.astype(np.float32)
        try:
            return in_float32(wide, fitting=fitting, computed=True)
        except DataError as error:
            reason = str(error).partition(";")[0]
            raise StageError(
                f"{self.factory} gives coordinates that are too close or too large for their "
                f"type: {reason}; scale the data, or change its options"
            ) from error

    def fit(self, x: AnyArray, *, context: FitContext) -> AdaptedTransformer:
        """Fit the foreign object."""
        self.fit_transform(x, context=context)
        return self

    def fit_transform(self, x: AnyArray, *, context: FitContext) -> FloatArray:
        """Fit the foreign object, and return its coordinates of the training rows."""
        self._begin(context)
        if hasattr(self.estimator_, "fit_transform"):
            found = self._fit("fit_transform", x)
        else:
            found = self._fit("fit", x).transform(self._wide(x))
        return self._narrow(found, fitting=True)

    def transform(self, x: AnyArray) -> FloatArray:
        """Coordinates of new rows."""
        return self._narrow(self._call("transform", x), fitting=False)


@component
class FitOnlyTransformer(AdaptedTransformer):
    """An adapted class that cannot place new rows."""


@component
class AdaptedClusterer(_Adapted):
    """A clusterer made from a scikit-learn-like class.

    Notes
    -----
    The class is imported when the component is fitted, never when a bundle is loaded. It is
    given the rows in float64.
    """

    factory: str = option(help='The class, as "package.module:Class".')
    options: Mapping[str, Any] = option({}, help="Arguments of the class; plain values.")
    estimator_: Any = learned()
    rows_: Any = learned()
    at_once_: Any = learned()
    labels_: IntArray = learned()

    def fit(self, m: AnyArray, *, context: FitContext) -> AdaptedClusterer:
        """Fit the foreign object."""
        self._begin(context)
        self.estimator_ = self._fit("fit", m)
        names = [name for name in _LABELS if hasattr(self.estimator_, name)]
        labels = getattr(self.estimator_, names[0]) if names else self._call("predict", m)
        self.labels_ = np.asarray(labels, dtype=np.int64)
        if self.labels_.shape != m.shape[:1]:
            raise StageError(
                f"{self.factory} gives labels of shape {self.labels_.shape} for {len(m)} rows; "
                "if it does not cluster rows, use another class"
            )
        return self

    def predict(self, m: AnyArray) -> IntArray:
        """Labels of new rows."""
        return np.asarray(self._call("predict", m), dtype=np.int64)

    def predict_proba(self, m: AnyArray) -> FloatArray:
        """Soft assignment, where the class has one."""
        return np.asarray(self._call("predict_proba", m), dtype=np.float64)


@component
class FitOnlyClusterer(AdaptedClusterer):
    """An adapted class that cannot label new rows."""
