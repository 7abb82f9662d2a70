"""Replay the golden rows: does each stage still give what it gave at fit?"""

from __future__ import annotations

import importlib.metadata
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from n2d_framework.core.roles import COORDINATE_ROLES, LABEL_ROLE
from n2d_framework.core.rows import Rows, unpacked_rows
from n2d_framework.core.state import KEY_PATTERN, State, need
from n2d_framework.errors import BundleError, N2DError
from n2d_framework.types import AnyArray

if TYPE_CHECKING:
    from n2d_framework.pipeline import N2D

__all__ = [
    "TOLERANCE", "StageReplay", "VerifyReport", "environment_changes", "replay", "span_moved",
]  # fmt: skip

#: Coordinates may move by this share of their span; labels must not change.
TOLERANCE = 1e-5
#: Rows are replayed among so many copies of them: components may answer a few rows in another way
#: than many, for which they load or compile more.
_COPIES = 20


@attrs.frozen
class StageReplay:
    """One stage, given its own stored input.

    Attributes
    ----------
    role : str
    rows : int
        How many golden rows were replayed.
    identical : bool
        Whether every bit is the same.
    moved : float
        Largest change: for coordinates as a share of their span (``inf`` if not comparable),
        for labels as the share of rows whose label changed.
    limit : float
        Largest `moved` that is accepted.
    """

    role: str
    rows: int
    identical: bool
    moved: float
    limit: float

    @property
    def ok(self) -> bool:
        """Return whether the stage is accepted as unchanged."""
        return self.moved <= self.limit

    def __str__(self) -> str:
        if self.identical:
            return f"{self.role}: identical on {self.rows} rows"
        if self.role == LABEL_ROLE:
            return f"{self.role}: {self.moved:.1%} of {self.rows} rows have another label"
        word = "unchanged" if self.ok else "moved"
        return f"{self.role}: {word} (by {self.moved:.2g} of its span, on {self.rows} rows)"


@attrs.frozen
class VerifyReport:
    """Result of replaying the golden rows of a bundle. True if no stage moved.

    Attributes
    ----------
    path : str
    stages : tuple of StageReplay
        Empty if the bundle has no golden rows (a component cannot place new rows).
    changed : mapping of str to (str, str)
        Libraries whose version differs: then and now (empty text: not installed).
    """

    path: str
    stages: tuple[StageReplay, ...]
    changed: Mapping[str, tuple[str, str]]

    @property
    def ok(self) -> bool:
        """Return whether no stage moved."""
        return all(stage.ok for stage in self.stages)

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        lines = [str(stage) for stage in self.stages] or ["no golden rows to replay"]
        if not self.ok and self.changed:
            libraries = ", ".join(
                f"{name} {then} -> {now or 'not installed'}"
                for name, (then, now) in sorted(self.changed.items())
            )
            lines.append(f"versions that differ: {libraries}; install the earlier ones, or refit")
        return f"{self.path}: " + "; ".join(lines)


def replay(model: N2D, golden: State) -> tuple[StageReplay, ...]:
    """Give each stage its stored input and compare with its stored output.

    Parameters
    ----------
    model : N2D
        As loaded.
    golden : State
        ``x`` as :meth:`~n2d_framework.plugin.Rows.packed` gives rows, ``latent``, ``manifold``,
        ``labels``; or empty, or of no rows.

    Returns
    -------
    tuple of StageReplay

    Raises
    ------
    BundleError
        If a stage fails, or the golden rows are damaged.
    """
    if not golden or "x" not in golden:
        return ()
    try:
        x = unpacked_rows(golden["x"], model.schema_)
        latent, manifold, labels = (
            need(golden, name, np.ndarray) for name in ("latent", "manifold", "labels")
        )
    except N2DError as error:
        raise BundleError(f"/golden: {error}") from error
    first, last = COORDINATE_ROLES
    return (
        _stage(first, lambda: _embed(model, x), latent, span_moved, TOLERANCE),
        _stage(last, lambda: _among_many(model, latent), manifold, span_moved, TOLERANCE),
        _stage(LABEL_ROLE, lambda: _labelled(model, manifold, latent), labels, _share_moved, 0.0),
    )


def _among_many(model: N2D, latent: AnyArray) -> AnyArray:
    return _unfold(model, np.concatenate([latent] * _COPIES))[: len(latent)]


def _labelled(model: N2D, manifold: AnyArray, latent: AnyArray) -> AnyArray:
    many = (np.concatenate([rows] * _COPIES) for rows in (manifold, latent))
    return model.labels_of(*many)[: len(latent)]


def _unfold(model: N2D, latent: AnyArray) -> AnyArray:
    for manifolder in model.manifolders_:
        latent = manifolder.transform(latent)
    return latent


def _embed(model: N2D, x: Rows) -> AnyArray:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        return model.embed(x)


def _stage(
    role: str,
    run: Callable[[], Any],
    stored: AnyArray,
    measure: Callable[[AnyArray, AnyArray], float],
    limit: float,
) -> StageReplay:
    try:
        found = np.asarray(run())
    except Exception as error:  # a component may raise anything, with what is installed now
        raise BundleError(
            f"{role}: replaying the golden rows failed: {type(error).__name__}: {error}"
        ) from error
    if found.shape != stored.shape:
        return StageReplay(role, len(stored), False, float("inf"), limit)
    identical = found.dtype == stored.dtype and found.tobytes() == stored.tobytes()
    moved = 0.0 if identical else measure(found, stored)
    return StageReplay(role, len(stored), identical, moved, limit)


def span_moved(found: AnyArray, stored: AnyArray) -> float:
    """Largest change of coordinates, as a share of their span; infinite if not comparable."""
    wide, reference = found.astype(np.float64), stored.astype(np.float64)
    if not (np.isfinite(wide).all() and np.isfinite(reference).all()) or not reference.size:
        return float("inf")
    span = float(np.ptp(reference)) or float(np.abs(reference).max()) or 1.0
    return float(np.abs(wide - reference).max()) / span


def _share_moved(found: AnyArray, stored: AnyArray) -> float:
    return float(np.mean(found != stored)) if stored.size else 0.0


def environment_changes(environment: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Libraries of the manifest's environment whose installed version is another one."""
    libraries = environment.get("libraries")
    if not isinstance(libraries, Mapping):
        return {}
    changed = {}
    for name, then in libraries.items():
        if KEY_PATTERN.fullmatch(name) and isinstance(then, str):
            now = _installed(name)
            if now != then:
                changed[name] = (then, now)
    return changed


def _installed(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""
