"""Latent rows of several embedders of texts, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import attrs
import numpy as np

from n2d_framework.plugin import (
    AnyArray,
    FitContext,
    FloatArray,
    StateError,
    component,
    derive_seed,
    held_state,
    learned,
    option,
    require_fitted,
    resolve,
)
from n2d_text.word_counts import checked_texts, unit_rows

__all__ = ["FeatureUnion"]

_NAME = "feature_union"


def _held(parts: Sequence[Any]) -> list[Any]:
    return [held_state("embedder", part) for part in parts]


def _restored(owner: FeatureUnion, stored: Any) -> tuple[Any, ...]:
    if not isinstance(stored, Sequence) or len(stored) != len(owner.embedders):
        raise StateError(f"state 'parts' must be a list of {len(owner.embedders)} states")
    pairs = zip(owner.embedders, stored, strict=True)
    return tuple(resolve("embedder", spec, state=state) for spec, state in pairs)


@component
class FeatureUnion:
    """Latent rows of several embedders of texts, side by side, each brought to length 1.

    Counts of words say what texts of the collection share, vectors of words what words mean:
    together they find more than either. Coordinates are rounded to half precision, that of the
    usual vectors of words, which halves what a manifolder keeps of rows in a bundle.

    Attributes
    ----------
    parts_ : tuple of embedders
        Fitted.
    """

    embedders: tuple[Any, ...] = option(
        ("tfidf_svd", "static_words"),
        holds="embedder",
        min_len=1,
        help="Embedders of texts, by name or as mappings with name and options.",
    )
    parts_: tuple[Any, ...] | None = learned(name="parts", write=_held, read=_restored)

    def check_input(self, n_rows: int, row_shape: tuple[int, ...]) -> list[str]:
        """Reasons why so many texts cannot be fitted."""
        parts = [resolve("embedder", spec) for spec in self.embedders]
        return [reason for part in parts for reason in part.check_input(n_rows, row_shape)]

    def fit(self, x: AnyArray, *, context: FitContext) -> Self:
        """Fit each embedder on texts.

        Parameters
        ----------
        x : array of str, shape (n,)
        context : FitContext
        """
        self.fit_transform(x, context=context)
        return self

    def fit_transform(self, x: AnyArray, *, context: FitContext) -> FloatArray:
        """Fit, and return latent rows of the training texts."""
        checked_texts(x, _NAME)
        parts = [resolve("embedder", spec) for spec in self.embedders]
        rows = []
        for place, part in enumerate(parts):
            inner = attrs.evolve(context, seed=derive_seed(context.seed, str(place)))
            fit: Callable[..., AnyArray] | None = getattr(part, "fit_transform", None)
            rows.append(
                part.fit(x, context=inner).transform(x) if fit is None else fit(x, context=inner)
            )
        self.parts_ = tuple(parts)
        return _joined(rows)

    def transform(self, x: AnyArray) -> FloatArray:
        """Latent rows of texts.

        Parameters
        ----------
        x : array of str, shape (n,)

        Returns
        -------
        float32 array of shape (n, d)
            As wide as those of all embedders together.
        """
        return _joined([part.transform(x) for part in require_fitted(self.parts_, _NAME)])


def _joined(rows: Sequence[AnyArray]) -> FloatArray:
    found = np.hstack([unit_rows(part) for part in rows])
    return found.astype(np.float16).astype(np.float32)
