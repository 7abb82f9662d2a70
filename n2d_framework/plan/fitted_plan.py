"""A fitted trio: scaler and three components, applied to rows in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

from n2d_framework.config import Composition
from n2d_framework.errors import DataError, StageError, StateError, UnsupportedError
from n2d_framework.plan.compatibility import component_shape
from n2d_framework.plan.scaling import Scaler
from n2d_framework.types import ROLES, AnyArray, Role

__all__ = ["FittedTrio"]

_CHUNK = 8192


@attrs.frozen(eq=False)
class FittedTrio:
    """Scaler and three fitted components.

    Attributes
    ----------
    composition : Composition
    scaler : Scaler
    embedder, manifolder, clusterer : object
        Fitted components.
    row_shape : tuple of int
        Shape of a row, as it was at fit.
    n_clusters : int
        Number of clusters found (noise not counted).
    """

    composition: Composition
    scaler: Scaler
    embedder: Any
    manifolder: Any
    clusterer: Any
    row_shape: tuple[int, ...]
    n_clusters: int

    def __attrs_post_init__(self) -> None:
        if self.scaler.shift_.shape not in ((), self.row_shape):
            raise StateError(
                f"scaler: its state is for rows of shape {self.scaler.shift_.shape}, "
                f"the model's have {self.row_shape}"
            )

    def check_rows(self, rows: AnyArray) -> None:
        """Refuse rows of another shape than those of the fit.

        Raises
        ------
        DataError
        """
        shape = rows.shape[1:]
        if shape == self.row_shape:
            return
        if len(shape) == len(self.row_shape) == 1:
            raise DataError(
                f"X has {shape[0]} features, the model was fitted on {self.row_shape[0]}"
            )
        raise DataError(
            f"rows have the shape {shape}, the model was fitted on rows of shape {self.row_shape}"
        )

    def embed(self, x: AnyArray) -> AnyArray:
        """Latent coordinates of checked rows: (n, d) float32."""
        self._need_inductive("embedder")
        return _chunked(self._embed, x)

    def transform(self, x: AnyArray) -> AnyArray:
        """Manifold coordinates of checked rows: (n, m) float32."""
        self._need_inductive("embedder", "manifolder")
        return _chunked(self._transform, x)

    def predict(self, x: AnyArray) -> AnyArray:
        """Labels of checked rows: (n,) int64."""
        self._need_inductive(*ROLES)
        return _chunked(self._predict, x)

    def predict_proba(self, x: AnyArray) -> AnyArray:
        """Soft assignment of checked rows: (n, n_clusters [+ 1 for noise]) float64."""
        self._need_inductive(*ROLES)
        self._need_method("clusterer", "predict_proba", "predict_proba")
        return _chunked(lambda rows: self.clusterer.predict_proba(self._transform(rows)), x)

    def strengths(self, x: AnyArray) -> AnyArray:
        """Strength of membership of each checked row: (n,) float64 in [0, 1]."""
        self._need_inductive(*ROLES)
        self._need_method("clusterer", "strengths", "strengths")
        return _chunked(lambda rows: self.clusterer.strengths(self._transform(rows)), x)

    def reconstruct(self, x: AnyArray) -> AnyArray:
        """Checked rows after a passage through the embedder and back, in input units."""
        self._need_inductive("embedder")
        self._need_method("embedder", "reconstruct", "reconstruct")

        def back(rows: AnyArray) -> AnyArray:
            decoded = self._finite("embedder", self.embedder.reconstruct(self._embed(rows)))
            shape = (len(rows), *self.row_shape)
            return self.scaler.inverse_transform(decoded.reshape(shape))

        return _chunked(back, x)

    def embedder_input(self, x: AnyArray) -> AnyArray:
        """Scaled rows in the shape that the embedder takes."""
        kind = self.composition.embedder.spec.input
        return self.scaler.transform(x).reshape(len(x), *component_shape(kind, self.row_shape))

    def _embed(self, rows: AnyArray) -> AnyArray:
        latent = self.embedder.transform(self.embedder_input(rows))
        return self._finite("embedder", latent)

    def _transform(self, rows: AnyArray) -> AnyArray:
        return self._finite("manifolder", self.manifolder.transform(self._embed(rows)))

    def _predict(self, rows: AnyArray) -> AnyArray:
        return np.asarray(self.clusterer.predict(self._transform(rows)), dtype=np.int64)

    def _finite(self, role: Role, coordinates: Any) -> AnyArray:
        """Coordinates as float32, for the next stage must not be given NaN or infinity."""
        with np.errstate(over="ignore"):
            found = np.asarray(coordinates, dtype=np.float32)
        if not np.isfinite(found).all():
            name = self.composition.choice(role).spec.name
            count = int((~np.isfinite(found)).any(axis=tuple(range(1, found.ndim))).sum())
            raise StageError(
                f"{role} {name!r} gave coordinates that are not finite for {count} of "
                f"{len(found)} rows; their values are too far from those of the fit"
            )
        return found

    def _need_inductive(self, *roles: Role) -> None:
        for role in roles:
            spec = self.composition.choice(role).spec
            if not spec.inductive:
                raise UnsupportedError(f"{role} {spec.name!r} cannot place new rows")

    def _need_method(self, role: Role, method: str, wanted: str) -> None:
        if not hasattr(getattr(self, role), method):
            name = self.composition.choice(role).spec.name
            raise UnsupportedError(f"{wanted}: {role} {name!r} has no such ability")


def _chunked(function: Callable[[AnyArray], AnyArray], x: AnyArray) -> AnyArray:
    parts = [function(x[start : start + _CHUNK]) for start in range(0, len(x), _CHUNK)]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
