"""Any class that looks like scikit-learn's, as a component without a plugin of its own."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from n2d_framework.plugin import (
    AnyArray,
    ConfigError,
    DataError,
    FitContext,
    FloatArray,
    IntArray,
    Problem,
    StageError,
    State,
    StateError,
    UnsupportedError,
    component,
    learned,
    load_object,
    need,
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


class _Adapted:
    """What adapted components of all roles share."""

    factory: str
    options: Mapping[str, Any]
    estimator_: Any

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

    def _call(self, method: str, x: AnyArray) -> Any:
        found = getattr(require_fitted(self.estimator_, self.factory), method, None)
        if found is None:
            raise UnsupportedError(f"{self.factory} has no {method}")
        try:
            return found(x)
        except ValueError as error:
            raise DataError(f"{self.factory} refuses rows of shape {x.shape}: {error}") from error

    def get_state(self) -> State:
        """The fitted object in the format of skops, which is no pickle."""
        from skops.io import dumps

        require_fitted(self.estimator_, self.factory)
        try:
            return {"skops": np.frombuffer(dumps(self.estimator_), dtype=np.uint8)}
        except Exception as error:
            raise StateError(f"{self.factory}: skops cannot store it: {error}") from error

    def set_state(self, state: State) -> None:
        """Put back the fitted object, if the user trusts every type in it."""
        from skops.io import get_untrusted_types, loads

        data = need(state, "skops", np.ndarray).tobytes()
        try:
            missing = sorted(set(get_untrusted_types(data=data)) - set(trusted_types()))
            if not missing:
                self.estimator_ = loads(data, trusted=list(trusted_types()))
                return
        except Exception as error:
            raise StateError(f"{self.factory}: its state cannot be read: {error}") from error
        raise StateError(
            f"{self.factory}: its state holds objects of types that are not trusted yet; if you "
            f"trust whoever made this file, load it with trusted={missing!r}"
        )


@component
class AdaptedTransformer(_Adapted):
    """An embedder or manifolder made from a scikit-learn-like class.

    Notes
    -----
    Whether a row's coordinates depend on the other rows is up to the class. The class is
    imported when the component is fitted, never when a bundle is loaded.
    """

    factory: str = option(help='The class, as "package.module:Class".')
    options: Mapping[str, Any] = option({}, help="Arguments of the class; plain values.")
    estimator_: Any = learned()

    def fit(self, x: AnyArray, *, context: FitContext) -> AdaptedTransformer:
        """Fit the foreign object."""
        self.fit_transform(x, context=context)
        return self

    def fit_transform(self, x: AnyArray, *, context: FitContext) -> FloatArray:
        """Fit the foreign object, and return its coordinates of the training rows."""
        self.estimator_ = self._make(context)
        if hasattr(self.estimator_, "fit_transform"):
            found = self.estimator_.fit_transform(x)
        else:
            found = self.estimator_.fit(x).transform(x)
        return np.asarray(found, dtype=np.float32)

    def transform(self, x: AnyArray) -> FloatArray:
        """Coordinates of new rows."""
        return np.asarray(self._call("transform", x), dtype=np.float32)


@component
class FitOnlyTransformer(AdaptedTransformer):
    """An adapted class that cannot place new rows."""


@component
class AdaptedClusterer(_Adapted):
    """A clusterer made from a scikit-learn-like class.

    Notes
    -----
    The class is imported when the component is fitted, never when a bundle is loaded.
    """

    factory: str = option(help='The class, as "package.module:Class".')
    options: Mapping[str, Any] = option({}, help="Arguments of the class; plain values.")
    estimator_: Any = learned()
    labels_: IntArray = learned()

    def fit(self, m: AnyArray, *, context: FitContext) -> AdaptedClusterer:
        """Fit the foreign object."""
        self.estimator_ = self._make(context).fit(m)
        found = getattr(self.estimator_, "labels_", None)
        labels = self.estimator_.predict(m) if found is None else found
        self.labels_ = np.asarray(labels, dtype=np.int64)
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
