"""Latent rows of several embedders of texts, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import attrs
import numpy as np

from n2d_framework.plugin import (
    AnyArray,
    ConfigError,
    FitContext,
    FloatArray,
    Problem,
    StateError,
    component,
    derive_seed,
    held_state,
    learned,
    option,
    require_fitted,
    resolve,
)
from n2d_text.word_counts import checked_texts

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
    """What several embedders make of a text, weighted and put side by side.

    Word counts tell what texts of a collection have in common, word vectors what their words mean:
    together they find more than either (measured in the documentation).

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
    weights: tuple[float, ...] | None = option(
        None, gt=0, help="What the rows of each are multiplied by; null is 1 for all."
    )
    parts_: tuple[Any, ...] | None = learned(name="parts", write=_held, read=_restored)

    def __attrs_post_init__(self) -> None:
        if self.weights is not None and len(self.weights) != len(self.embedders):
            text = f"must be one for each of {len(self.embedders)} embedders"
            raise ConfigError([Problem("weights", f"{text}, got {len(self.weights)}")])

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
        parts, rows = [], []
        for place, spec in enumerate(self.embedders):
            part = resolve("embedder", spec)
            inner = attrs.evolve(context, seed=derive_seed(context.seed, str(place)))
            if hasattr(part, "fit_transform"):
                rows.append(part.fit_transform(x, context=inner))
            else:
                rows.append(part.fit(x, context=inner).transform(x))
            parts.append(part)
        self.parts_ = tuple(parts)
        return self._joined(rows)

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
        return self._joined([part.transform(x) for part in require_fitted(self.parts_, _NAME)])

    def _joined(self, rows: list[FloatArray]) -> FloatArray:
        weights = self.weights or (1.0,) * len(rows)
        return np.hstack([np.float32(w) * part for w, part in zip(weights, rows, strict=True)])
